//! Images in the export format of ncdu (version 1.2, <https://dev.yorhel.nl/ncdu/jsonfmt>), to be looked into with
//! `ncdu -f FILE`: all visible files, and no hidden ones.

use serde_json::{Value, json};

use crate::json;
use crate::record::{PathSize, Variant};

/// The images; several are directories beside each other. Their lists of paths are whole.
pub(crate) fn weigh_ncdu(images: &[Variant]) -> String {
    let about = json!({ "progname": "tonnage", "progver": env!("CARGO_PKG_VERSION") });
    let tree = if let [image] = images {
        directory(image)
    } else {
        let root = json!({ "name": "images" });
        Value::Array(std::iter::once(root).chain(images.iter().map(directory)).collect())
    };
    json::line(&json!([1, 2, about, tree]))
}

/// The files of an image in their directories. A directory is an array that begins with what is known of itself.
fn directory(image: &Variant) -> Value {
    let mut paths: Vec<(Vec<&str>, &PathSize)> =
        image.paths.iter().map(|file| (file.path.split('/').filter(|part| !part.is_empty()).collect(), file)).collect();
    // Those of a directory come together, whatever its neighbours are called.
    paths.sort_by(|a, b| a.0.cmp(&b.0));
    let named = |name: &str| vec![json!({ "name": name })];
    let mut open: Vec<(&str, Vec<Value>)> = vec![("", named(&image.name))];
    for (parts, file) in paths {
        let Some((name, above)) = parts.split_last() else { continue };
        let same = open[1..].iter().zip(above).take_while(|((open, _), wanted)| open == *wanted).count();
        close(&mut open, same + 1);
        for part in &above[same..] {
            open.push((part, named(part)));
        }
        if let Some((_, entries)) = open.last_mut() {
            entries.push(json!({ "name": name, "asize": file.size_bytes, "dsize": file.size_bytes }));
        }
    }
    close(&mut open, 1);
    open.pop().map_or(Value::Null, |(_, entries)| Value::Array(entries))
}

/// Puts the innermost directories into those above, until so many are open.
fn close(open: &mut Vec<(&str, Vec<Value>)>, most: usize) {
    while open.len() > most {
        if let (Some((_, entries)), Some((_, above))) = (open.pop(), open.last_mut()) {
            above.push(Value::Array(entries));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;

    #[test]
    fn files_are_in_their_directories_and_add_up() {
        let file = |path: &str, size| PathSize {
            path: path.to_owned(),
            size_bytes: Bytes(size),
            layer: 0,
            package: String::new(),
        };
        // `a-b` is between `a` and `a/x` where whole paths are sorted.
        let paths =
            vec![file("/a/x/deep", 7), file("/a-b", 1), file("/a/x/deeper", 2), file("/a/y", 4), file("/a.c/z", 8)];
        let image = Variant { name: "app".into(), paths, ..Variant::default() };
        let value: Value = serde_json::from_str(&weigh_ncdu(std::slice::from_ref(&image))).unwrap();
        let leaf = |name: &str, size: u64| json!({ "name": name, "asize": size, "dsize": size });
        let dir = |name: &str| json!({ "name": name });
        assert_eq!(value[2]["progname"], "tonnage");
        assert_eq!(
            value[3],
            json!([
                dir("app"),
                [dir("a"), [dir("x"), leaf("deep", 7), leaf("deeper", 2)], leaf("y", 4)],
                leaf("a-b", 1),
                [dir("a.c"), leaf("z", 8)]
            ])
        );
        let two: Value = serde_json::from_str(&weigh_ncdu(&[image.clone(), image])).unwrap();
        assert_eq!((&two[3][0]["name"], two[3].as_array().unwrap().len()), (&json!("images"), 3));
    }
}
