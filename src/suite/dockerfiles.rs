//! A suite of Dockerfiles that are named on the command line: no manifest, no published figures.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::load::{fit_name, folder_name, from_text};
use super::{MANIFEST_NAME, Suite, SuiteError};

/// The suite that builds each of the Dockerfiles with the directory as context, as `docker build -f FILE DIR` does. The
/// Dockerfiles are given from the directory.
pub(crate) fn of_dockerfiles(root: &Path, files: &[PathBuf], allowed: &[PathBuf]) -> Result<Suite, SuiteError> {
    let mut text = "[suite]\ncontext = \".\"\n".to_owned();
    let mut taken = BTreeSet::new();
    for file in files {
        let wanted = name(root, file);
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let name = std::iter::once(wanted.clone()).chain(numbered).find(|name| taken.insert(name.clone()));
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let name = quoted(&name.unwrap_or(wanted));
        let _ = write!(text, "\n[[variant]]\nname = {name}\ndockerfile = {}\n", quoted(&file.to_string_lossy()));
    }
    from_text(root.join(MANIFEST_NAME), &text, allowed)
}

/// What tells a Dockerfile from others: `alpine` of `Dockerfile.alpine` and of `alpine.Dockerfile`, else its directory.
fn name(root: &Path, file: &Path) -> String {
    let own = own_name(file);
    if own.is_empty() { folder_name(root.join(file).parent().unwrap_or(root)) } else { fit_name(&own) }
}

/// The same for a Dockerfile that is elsewhere; `else_name` for one without a directory.
pub(crate) fn name_of_dockerfile(file: &Path, else_name: &str) -> String {
    let directory = file.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let names = [own_name(file), directory.unwrap_or_default(), else_name.to_owned()];
    names.iter().find(|name| !name.is_empty()).map_or_else(String::new, |name| fit_name(name))
}

fn own_name(file: &Path) -> String {
    let full = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let own = ["Dockerfile", "Containerfile"].iter().find_map(|kind| {
        let rest = full.strip_prefix(kind).or_else(|| full.strip_suffix(kind))?;
        Some(rest.trim_matches(['.', '-', '_']).to_owned())
    });
    own.unwrap_or(full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::files::directory;

    #[test]
    fn each_dockerfile_is_a_variant_with_a_name_of_its_own() {
        let files = [
            "Dockerfile.alpine",
            "slim.Dockerfile",
            "web/Dockerfile",
            "api/Dockerfile",
            "x/Dockerfile.alpine",
            "build",
        ];
        let folder = directory(&files.map(|file| (file, "FROM scratch\nCOPY web /web\n")));
        let files = files.map(PathBuf::from);
        let suite = of_dockerfiles(folder.path(), &files, &[]).unwrap();
        let names: Vec<&str> = suite.variants.iter().map(|variant| variant.name.as_str()).collect();
        assert_eq!(names, ["alpine", "slim", "web", "api", "alpine-2", "build"]);
        assert!(suite.variants.iter().all(|variant| variant.reference.is_none() && variant.serve.is_none()));
        assert!(of_dockerfiles(folder.path(), &["none".into()], &[]).is_err());
        assert!(of_dockerfiles(folder.path(), &["../outside".into()], &[]).is_err());
    }
}
