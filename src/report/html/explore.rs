//! Files and layers of each variant as nested tiles that one can search and click into.

use std::collections::{BinaryHeap, HashMap};

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use crate::record::{FileNode, PathSize, Variant};
use crate::report::facts::RunFacts;
use crate::report::words;
use crate::text::{for_people, shorten};
use crate::units::{Bytes, count};

/// Most nodes of all trees of the page, of one variant, and of one directory.
const MOST: usize = 14_000;
const MOST_OF_ONE: usize = 3_000;
const MOST_CHILDREN: usize = 60;
/// Longest name of a file, and of a layer in the legend.
const NAME: usize = 120;
const LAYER: usize = 72;

/// The explorer, its data, and what stands in for it where scripts do not run.
pub(super) fn render(facts: &RunFacts<'_>) -> Markup {
    let variants: Vec<&Variant> = facts.record.variants.iter().filter(|variant| !variant.layers.is_empty()).collect();
    of(&variants, "Variant")
}

/// The same of some images, which are called a `kind`.
pub(super) fn of(variants: &[&Variant], kind: &str) -> Markup {
    // Half of it for files, half for layers.
    let budget = (MOST / variants.len().max(1) / 2).clamp(8, MOST_OF_ONE);
    let data: Vec<Value> = variants.iter().copied().map(|variant| trees(variant, budget)).collect();
    html! {
        div.explorer #explorer {
            div.controls {
                label { (kind) select #explorer-variant { @for variant in variants {
                    option value=(for_people(&variant.name)) { (for_people(&variant.name)) }
                } } }
                label { "Show" select #explorer-view {
                    option value="files" { "visible files" }
                    option value="layers" { "layers and their packages" }
                } }
                label { "Color by" select #explorer-color {
                    option value="layer" { "layer" }
                    option value="package" { "package" }
                } }
                label { "Search" input #explorer-search type="search" placeholder="file or package" autocomplete="off"; }
            }
            ol.crumbs aria-label="Path" {}
            p.said aria-live="polite" {}
            div.map role="group" aria-label="Tiles by size" {}
            ul.legend aria-label="Colors" {}
            div.scroll {
                table { thead { tr { th { "Name" } th.number { "Size" } th.number { "Share" } } } tbody.rows {} }
            }
            p.note {
                "Click a directory to open it. With the keyboard: Enter opens, arrow keys move between directories, Escape goes "
                "up. A directory has the color of the layer or package that holds most of its bytes."
            }
        }
        script type="application/json" #tree-data { (PreEscaped(harmless(&Value::Array(data)))) }
        noscript { p.note { "The tiles need scripts. report.md has the table of layers." } }
    }
}

/// JSON that ends no script element and starts no comment, wherever it stands in a page.
fn harmless(value: &Value) -> String {
    let text = value.to_string();
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

fn trees(variant: &Variant, budget: usize) -> Value {
    let unknown = FileNode { name: "the files are unknown".to_owned(), ..FileNode::default() };
    let listed = variant.paths.iter().map(|file| (file.path.as_str(), file)).collect();
    let names: Vec<String> =
        (0..variant.layers.len()).map(|index| shorten(&for_people(&layer_name(variant, index)), LAYER)).collect();
    json!({
        "files": compact(variant.tree.as_ref().unwrap_or(&unknown), budget, &listed),
        "layers": compact(&layer_tree(variant), budget, &HashMap::new()),
        "names": names,
    })
}

/// `3 · own · RUN pip install`.
fn layer_name(variant: &Variant, index: usize) -> String {
    let layer = &variant.layers[index];
    format!("{} · {} · {}", index + 1, words::origin(layer.origin), layer.instruction)
}

/// Layers with the packages in them, and the rest of each.
fn layer_tree(variant: &Variant) -> FileNode {
    let layers = variant.layers.iter().enumerate().map(|(index, layer)| {
        let at = u32::try_from(index).ok();
        let leaf = |name: String, size_bytes: Bytes, package: &str| FileNode {
            name,
            size_bytes,
            layer: at,
            package: package.to_owned(),
            ..FileNode::default()
        };
        let mut children: Vec<FileNode> = Vec::new();
        for package in &variant.packages {
            let inside = package.layers.iter().filter(|(layer, _)| Some(*layer) == at).map(|(_, bytes)| *bytes).sum();
            if inside > Bytes::ZERO {
                let name = format!("{} {} ({})", package.name, package.version, package.manager);
                children.push(leaf(name, inside, &package.name));
            }
        }
        if !children.is_empty() {
            let known: Bytes = children.iter().map(|child| child.size_bytes).sum();
            let rest = layer.size_bytes.saturating_sub(known);
            if rest > Bytes::ZERO {
                children.push(leaf("in no package".to_owned(), rest, ""));
            }
        }
        FileNode { children, ..leaf(layer_name(variant, index), layer.size_bytes, "") }
    });
    let layers: Vec<FileNode> = layers.collect();
    let size_bytes = layers.iter().map(|layer| layer.size_bytes).sum();
    FileNode { name: "layers".to_owned(), size_bytes, children: layers, ..FileNode::default() }
}

/// Visible files that a record lists one by one, by their paths.
type ListedFiles<'a> = HashMap<&'a str, &'a PathSize>;

/// A tree as `[name, bytes, [children], layer, package]` with at most about `budget` nodes: the largest directories are opened
/// first. Records before 1.1 know layer and package of listed files only.
fn compact(root: &FileNode, budget: usize, listed: &ListedFiles<'_>) -> Value {
    // Which directories to open: by size, then by the order in which they were met, so that equal trees come out alike.
    let mut queue = BinaryHeap::from([(root.size_bytes, std::cmp::Reverse(0_usize))]);
    let mut met: Vec<&FileNode> = vec![root];
    let mut opened = std::collections::HashSet::new();
    let mut nodes = 1;
    while let Some((_, std::cmp::Reverse(index))) = queue.pop() {
        let node = met[index];
        let children = node.children.len().min(MOST_CHILDREN);
        if children == 0 || nodes + children > budget {
            continue;
        }
        nodes += children + 1;
        opened.insert(std::ptr::from_ref(node));
        for child in largest(node) {
            queue.push((child.size_bytes, std::cmp::Reverse(met.len())));
            met.push(child);
        }
    }
    value(root, "", &OpenedTree { opened: &opened, listed }, 0)
}

/// The largest children, largest first.
fn largest(node: &FileNode) -> Vec<&FileNode> {
    let mut children: Vec<&FileNode> = node.children.iter().collect();
    children.sort_by_key(|child| std::cmp::Reverse(child.size_bytes));
    children.truncate(MOST_CHILDREN);
    children
}

/// What is shown of a tree.
struct OpenedTree<'a> {
    opened: &'a std::collections::HashSet<*const FileNode>,
    listed: &'a ListedFiles<'a>,
}

fn value(node: &FileNode, above: &str, shown: &OpenedTree<'_>, depth: usize) -> Value {
    let name = shorten(&for_people(&node.name), NAME);
    let path = if depth == 0 { String::new() } else { format!("{above}/{}", node.name) };
    let listed = shown.listed.get(path.as_str()).filter(|_| node.layer.is_none());
    let layer = node.layer.or(listed.map(|file| file.layer));
    let package = shorten(&for_people(listed.map_or(&node.package, |file| &file.package)), NAME);
    let mut children = Vec::new();
    if depth <= 40 && shown.opened.contains(&std::ptr::from_ref(node)) {
        let largest = largest(node);
        let known: Bytes = largest.iter().map(|child| child.size_bytes).sum();
        children.extend(largest.into_iter().map(|child| value(child, &path, shown, depth + 1)));
        let (hidden, rest) = (node.children.len().saturating_sub(MOST_CHILDREN), node.size_bytes.saturating_sub(known));
        if hidden > 0 && rest > Bytes::ZERO {
            children.push(json!([format!("[{}]", count(hidden, "other")), rest.0]));
        }
    }
    match (layer, package.as_str()) {
        (None, "") if children.is_empty() => json!([name, node.size_bytes.0]),
        (None, "") => json!([name, node.size_bytes.0, children]),
        (_, "") => json!([name, node.size_bytes.0, children, layer]),
        _ => json!([name, node.size_bytes.0, children, layer, package]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(depth: usize, width: u64) -> FileNode {
        let children: Vec<FileNode> =
            if depth == 0 { Vec::new() } else { (0..width).map(|_| wide(depth - 1, width)).collect() };
        let size_bytes = if depth == 0 { Bytes(7) } else { children.iter().map(|child| child.size_bytes).sum() };
        FileNode { name: "x".repeat(300), size_bytes, children, ..FileNode::default() }
    }

    fn count(value: &Value) -> usize {
        1 + value[2].as_array().map_or(0, |children| children.iter().map(count).sum())
    }

    #[test]
    fn a_large_tree_is_cut_to_its_budget() {
        let tree = wide(4, 12);
        assert_eq!(count(&compact(&tree, 100_000, &ListedFiles::new())), 1 + 12 + 144 + 1728 + 20_736);
        assert!((50..=110).contains(&count(&compact(&tree, 100, &ListedFiles::new()))));
        assert!(
            count(&compact(&wide(1, 500), 100, &ListedFiles::new())) <= 62,
            "one directory shows the largest and folds the others"
        );
    }

    #[test]
    fn files_of_an_old_record_have_the_layer_and_package_that_it_lists() {
        let leaf = |name: &str| FileNode { name: name.to_owned(), size_bytes: Bytes(5), ..FileNode::default() };
        let usr = FileNode { children: vec![leaf("a.so"), leaf("b.so")], ..leaf("usr") };
        let mut tree = FileNode { children: vec![usr], ..leaf("/") };
        let file = PathSize { path: "/usr/a.so".into(), size_bytes: Bytes(5), layer: 3, package: "libc6".into() };
        let listed = ListedFiles::from([(file.path.as_str(), &file)]);
        let usr = |tree: &FileNode| compact(tree, 100, &listed)[2][0].clone();
        assert_eq!(usr(&tree), json!(["usr", 5, [["a.so", 5, [], 3, "libc6"], ["b.so", 5]]]));
        tree.children[0].children[0].layer = Some(4);
        assert_eq!(usr(&tree)[2][0], json!(["a.so", 5, [], 4]), "a node that knows is asked first");
    }

    #[test]
    fn data_cannot_end_its_element() {
        let text = harmless(&json!(["</script><script>alert(1)</script>", "<!--", "\u{2028}"]));
        assert!(!text.contains('<') && !text.contains('\u{2028}'));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()[0], "</script><script>alert(1)</script>");
    }
}
