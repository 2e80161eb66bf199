//! The text of a manifest.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{FoundVariant, InitError, Survey};
use crate::suite::load::from_text;
use crate::suite::{MANIFEST_NAME, SuiteError};

/// Writes the manifest of what a survey found, for the folder that was surveyed. `name` is the suite's; `None`
/// leaves it to the folder's. That [`Suite::load_allowing`](crate::suite::Suite::load_allowing) reads it is made sure of.
pub(crate) fn manifest(root: &Path, survey: &Survey, name: Option<&str>) -> Result<String, InitError> {
    let text = text(survey, name);
    from_text(root.join(MANIFEST_NAME), &text, &[])
        .map_err(|error: SuiteError| InitError::Unreadable(Box::new(error)))?;
    Ok(text)
}

/// How many services of an image are named.
const MAX_NAMED: usize = 6;

const HEAD: &str = "\
# Written by `tonnage init`. `tonnage run` builds and measures each [[variant]].
# Check these guesses: `context` (the build context), `src` (a source file), and `deps` (the file that lists the
# dependencies), the last two relative to the context. The `src` and `deps` scenarios add a line without meaning to
# them, in memory, and rebuild.

";

fn text(survey: &Survey, name: Option<&str>) -> String {
    let variants = &survey.variants;
    let mut out = String::from(HEAD);
    out.push_str("[suite]\n");
    if let Some(name) = name {
        line(&mut out, "name", name);
    }
    out.push_str("title = \"\" # title of the report [default: the suite's name]\n");
    let context = shared(variants, |found| Some(&found.context));
    let src = context.and(shared(variants, |found| found.src.as_ref()));
    let deps = context.and(shared(variants, |found| found.deps.as_ref()));
    path_line(&mut out, "context", context);
    path_line(&mut out, "src", src);
    path_line(&mut out, "deps", deps);
    let asked_at = serve(&mut out, variants);
    out.push_str("\n# Limits for `tonnage check`:\n# [budget]\n# size = \"100 MB\"\n");
    for found in variants {
        out.push('\n');
        if found.services.len() > 1 {
            let names: Vec<String> =
                found.services.iter().take(MAX_NAMED).map(|name| crate::text::for_people(name)).collect();
            let more = found.services.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let _ = writeln!(out, "# Used by the services {}{more}.", names.join(", "));
        }
        out.push_str("[[variant]]\n");
        line(&mut out, "name", &found.name);
        path_line(&mut out, "dockerfile", Some(&found.dockerfile));
        path_line(&mut out, "context", Some(&found.context).filter(|_| context.is_none()));
        path_line(&mut out, "src", found.src.as_ref().filter(|_| src.is_none()));
        path_line(&mut out, "deps", found.deps.as_ref().filter(|_| deps.is_none()));
        let unknown: Vec<&str> = [("src", &found.src), ("deps", &found.deps)]
            .into_iter()
            .filter_map(|(key, file)| file.is_none().then_some(key))
            .collect();
        if !unknown.is_empty() {
            let _ = writeln!(out, "# No {} found among the files that it copies.", unknown.join(" and no "));
        }
        for (key, value) in [("target", &found.target), ("platform", &found.platform), ("network", &found.network)] {
            if let Some(value) = value {
                line(&mut out, key, value);
            }
        }
        if !found.args.is_empty() {
            let args: Vec<String> =
                found.args.iter().map(|(name, value)| format!("{} = {}", quoted(name), quoted(value))).collect();
            let _ = writeln!(out, "args = {{ {} }}", args.join(", "));
        }
        own_serve(&mut out, found, asked_at.as_ref());
    }
    out
}

/// What all variants have alike.
fn shared<'a>(
    variants: &'a [FoundVariant],
    value: impl Fn(&'a FoundVariant) -> Option<&'a PathBuf>,
) -> Option<&'a PathBuf> {
    let first = value(variants.first()?)?;
    variants.iter().all(|found| value(found) == Some(first)).then_some(first)
}

/// A port and a path to ask for.
type ServedAt = (u16, String);

/// The port and path that a variant can be asked at, as far as they are known.
fn asked(found: &FoundVariant) -> Option<ServedAt> {
    let path = found.health.as_ref().filter(|path| crate::suite::load::is_url_path(path));
    found.ports.first().map(|port| (*port, path.map_or("/", String::as_str).to_owned()))
}

/// How to ask the application, commented out: a port says nothing of what else it needs to answer.
fn serve(out: &mut String, variants: &[FoundVariant]) -> Option<ServedAt> {
    let (port, path) = variants.iter().find_map(asked)?;
    let _ = write!(
        out,
        "\n# Uncomment to start each image and measure how long it takes to answer:\n\
         # [serve]\n# port = {port}\n# path = {}\n# expect = \"\" # text that the answer must contain\n",
        quoted(&path)
    );
    Some((port, path))
}

/// The same for a variant that is asked otherwise.
fn own_serve(out: &mut String, found: &FoundVariant, suite: Option<&ServedAt>) {
    let Some((port, path)) = asked(found) else { return };
    if suite != Some(&(port, path.clone())) {
        let _ = writeln!(out, "# serve = {{ port = {port}, path = {} }}", quoted(&path));
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
