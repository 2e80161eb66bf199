//! What a compose file builds (<https://docs.docker.com/reference/compose-file/build/>).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::survey::fit_name;
use super::{Found, Survey};
use crate::suite::dockerfile::expand;
use crate::text;

/// Names that compose files have.
pub(super) const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// The largest compose file that is read, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// Adds the services of a compose file that build something; what cannot be used becomes a warning.
pub(super) fn read(root: &Path, file: &Path, content: &str, survey: &mut Survey) {
    let shown = file.display();
    if content.len() > MAX_TEXT {
        survey.warnings.push(format!("`{shown}` is too large to be a compose file"));
        return;
    }
    // The parser's own budget bounds depth and what aliases multiply.
    let parsed: Value = match serde_saphyr::from_str(content) {
        Ok(parsed) => parsed,
        Err(error) => {
            let message = error.to_string();
            let first = message.lines().next().unwrap_or_default();
            survey.warnings.push(format!("`{shown}` cannot be read: {}", text::for_people(first)));
            return;
        }
    };
    let Some(services) = parsed.get("services").and_then(Value::as_object) else { return };
    let folder = file.parent().unwrap_or(Path::new(""));
    for (name, service) in services {
        let Some(build) = service.get("build").filter(|build| !build.is_null()) else { continue };
        match variant(root, folder, name, service, build) {
            Ok(found) => survey.variants.push(found),
            Err(reason) => {
                let name = text::for_people(name);
                survey.warnings.push(format!("`{shown}`: service `{name}` is left out: {}", text::for_people(&reason)));
            }
        }
    }
}

fn variant(root: &Path, folder: &Path, name: &str, service: &Value, build: &Value) -> Result<Found, String> {
    let word = |key: &str| match build.get(key) {
        Some(Value::String(text)) => filled_in(text).map(Some),
        None | Some(Value::Null) => Ok(None),
        Some(_) => Err(format!("its `{key}` is no text")),
    };
    if build.get("dockerfile_inline").is_some() {
        return Err("its Dockerfile stands inside the compose file".into());
    }
    let context = match build {
        Value::String(text) => filled_in(text)?,
        _ => word("context")?.unwrap_or_else(|| ".".into()),
    };
    if context.contains("://") || context.starts_with("git@") {
        return Err(format!("its context `{context}` is not in this repository"));
    }
    let context = below(folder, &context)?;
    let dockerfile = below(&context, word("dockerfile")?.as_deref().unwrap_or("Dockerfile"))?;
    if !root.join(&dockerfile).is_file() {
        return Err(format!("there is no `{}`", dockerfile.display()));
    }
    let platform = match service.get("platform") {
        Some(Value::String(text)) => Some(filled_in(text)?),
        _ => None,
    };
    Ok(Found {
        name: fit_name(name),
        dockerfile,
        context: if context.as_os_str().is_empty() { PathBuf::from(".") } else { context },
        target: word("target")?,
        platform,
        args: build.get("args").map(arguments).unwrap_or_default(),
        ..Found::default()
    })
}

/// Build arguments as a map or as a list of `NAME=value`. Those whose value comes from the environment are left out.
fn arguments(args: &Value) -> BTreeMap<String, String> {
    let scalar = |value: &Value| match value {
        Value::String(text) => filled_in(text).ok(),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    match args {
        Value::Object(map) => map.iter().filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(|item| {
                let (name, value) = item.as_str()?.split_once('=')?;
                Some((name.to_owned(), filled_in(value).ok()?))
            })
            .collect(),
        _ => BTreeMap::new(),
    }
}

/// Fills in `${NAME:-default}`; a variable without a default cannot be known here.
fn filled_in(text: &str) -> Result<String, String> {
    // `$$` is a dollar sign.
    let plain = text.replace("$$", "");
    for (at, _) in plain.match_indices('$') {
        let rest = plain[at + 1..].trim_start_matches('{');
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if !rest[name.len()..].starts_with([':', '-', '+']) {
            return Err(format!("`{text}` depends on `{name}` of the environment"));
        }
    }
    // There is no escape character here; a NUL is one that no YAML holds.
    expand(&text.replace("$$", "\0$"), '\0', &|_| Ok(None)).map_err(|name| format!("`{text}` depends on `{name}`"))
}

/// A path below the surveyed folder; one that leads out of it cannot be written into a suite there.
fn below(folder: &Path, path: &str) -> Result<PathBuf, String> {
    let mut out = folder.to_owned();
    for part in Path::new(path).components() {
        let inside = match part {
            Component::Normal(part) => {
                out.push(part);
                true
            }
            Component::CurDir => true,
            Component::ParentDir => out.pop(),
            Component::RootDir | Component::Prefix(_) => false,
        };
        if !inside {
            return Err(format!("`{path}` lies outside of this folder"));
        }
    }
    Ok(out)
}
