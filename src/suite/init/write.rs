//! The text of a manifest.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Found, InitError, Survey};
use crate::suite::load::from_text;
use crate::suite::{MANIFEST_NAME, SuiteError};

/// Writes the manifest of what a survey found, for the folder that was surveyed. `name` is the suite's; `None`
/// leaves it to the folder's. That [`Suite::load`](crate::suite::Suite::load) reads it is made sure of.
pub fn manifest(root: &Path, survey: &Survey, name: Option<&str>) -> Result<String, InitError> {
    let text = text(survey, name);
    from_text(root.join(MANIFEST_NAME), &text).map_err(|error: SuiteError| InitError::Unreadable(Box::new(error)))?;
    Ok(text)
}

fn text(survey: &Survey, name: Option<&str>) -> String {
    let variants = &survey.variants;
    let mut out = String::from(
        "# What tonnage builds and weighs. `src` and `deps` are guesses: the files that the scenarios of the same name\n\
         # edit, in memory, before they build again.\n\n[suite]\n",
    );
    if let Some(name) = name {
        line(&mut out, "name", name);
    }
    line(&mut out, "title", "");
    let context = shared(variants, |found| Some(&found.context));
    let src = context.and(shared(variants, |found| found.src.as_ref()));
    let deps = context.and(shared(variants, |found| found.deps.as_ref()));
    path_line(&mut out, "context", context);
    path_line(&mut out, "src", src);
    path_line(&mut out, "deps", deps);
    serve(&mut out, variants);
    for found in variants {
        out.push_str("\n[[variant]]\n");
        line(&mut out, "name", &found.name);
        path_line(&mut out, "dockerfile", Some(&found.dockerfile));
        path_line(&mut out, "context", Some(&found.context).filter(|_| context.is_none()));
        path_line(&mut out, "src", found.src.as_ref().filter(|_| src.is_none()));
        path_line(&mut out, "deps", found.deps.as_ref().filter(|_| deps.is_none()));
        for (key, value) in [("target", &found.target), ("platform", &found.platform)] {
            if let Some(value) = value {
                line(&mut out, key, value);
            }
        }
        if !found.args.is_empty() {
            let args: Vec<String> =
                found.args.iter().map(|(name, value)| format!("{} = {}", quoted(name), quoted(value))).collect();
            let _ = writeln!(out, "args = {{ {} }}", args.join(", "));
        }
    }
    out
}

/// What all variants have alike.
fn shared<'a>(variants: &'a [Found], value: impl Fn(&'a Found) -> Option<&'a PathBuf>) -> Option<&'a PathBuf> {
    let first = value(variants.first()?)?;
    variants.iter().all(|found| value(found) == Some(first)).then_some(first)
}

/// How to ask the application, commented out: a port says nothing of what it answers.
fn serve(out: &mut String, variants: &[Found]) {
    let Some(port) = variants.iter().find_map(|found| found.ports.first()) else { return };
    let _ = write!(
        out,
        "\n# Start each image and wait for its answer:\n# [serve]\n# port = {port}\n# path = \"/\"\n# expect = \"\"\n"
    );
    for found in variants {
        if let Some(other) = found.ports.first().filter(|other| *other != port) {
            let _ = writeln!(out, "# `{}` says EXPOSE {other}: `serve = {{ port = {other} }}` there", found.name);
        }
    }
}

fn line(out: &mut String, key: &str, value: &str) {
    let _ = writeln!(out, "{key} = {}", quoted(value));
}

fn path_line(out: &mut String, key: &str, path: Option<&PathBuf>) {
    if let Some(path) = path {
        line(out, key, &path.to_string_lossy());
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
