//! What a compose file builds (<https://docs.docker.com/reference/compose-file/build/>).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use tonnage_image::Platform;

use super::found::{FoundVariant, Survey, fit_name, listed};
use super::interpolate::{env_file, interpolate};
use super::places::{NAMES, extra_word};
use crate::fsx;
use crate::suite::dockerfile::Facts;
use crate::text;

/// How many services a warning names.
const MAX_NAMED: usize = 6;

/// The largest compose file that is read, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// Reads the compose files of a repository, of which compose takes one a folder without being told.
pub(super) fn read_all(root: &Path, files: &[PathBuf], survey: &mut Survey) {
    let mut folders: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for file in files {
        folders.entry(file.parent().unwrap_or(Path::new(""))).or_default().push(file);
    }
    for (folder, files) in folders {
        let main = NAMES.iter().map(|name| folder.join(name)).find(|name| files.contains(&name.as_path()));
        for file in files {
            let text = match fsx::read_text(&root.join(file)) {
                Ok(text) => text,
                Err(error) => {
                    survey.warnings.push(crate::error::chain(&error));
                    continue;
                }
            };
            match &main {
                Some(main) if main != file => {
                    if text.lines().any(|line| line.trim_start().starts_with("build:")) {
                        survey.warnings.push(format!(
                            "`{}` builds something too; only `{}` was read",
                            file.display(),
                            main.display()
                        ));
                    }
                }
                _ => read(root, file, &text, survey),
            }
        }
    }
}

/// What one compose file says.
#[cfg(feature = "testing")]
pub(crate) fn survey_of(root: &Path, file: &Path, content: &str) -> Survey {
    let mut survey = Survey::default();
    read(root, file, content, &mut survey);
    survey
}

/// Adds the services of a compose file that build something; what cannot be used becomes a warning.
fn read(root: &Path, file: &Path, content: &str, survey: &mut Survey) {
    let shown = file.display();
    if content.len() > MAX_TEXT {
        survey.warnings.push(format!("`{shown}` is too large to be a compose file"));
        return;
    }
    // The parser's own budget bounds depth and what aliases multiply. That there are many aliases for few anchors is
    // no attack here: one anchor for dozens of services is how long compose files are kept short.
    let options = serde_saphyr::options! { budget: serde_saphyr::budget! { enforce_alias_anchor_ratio: false } };
    let parsed: Value = match serde_saphyr::from_str_with_options(content, options) {
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
    let values = fsx::read_text(&root.join(folder).join(".env")).map(|text| env_file(&text)).unwrap_or_default();
    let mut place: Vec<String> = folder.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    place.extend(Some(extra_word(&name).to_owned()).filter(|word| !word.is_empty()));
    let own = parsed.get("name").and_then(Value::as_str).map(str::to_owned);
    let project = own.or_else(|| {
        let full = fs::canonicalize(root.join(folder)).ok()?;
        Some(full.file_name()?.to_string_lossy().to_lowercase())
    });
    let reader = ComposeReader { root, folder, values, place: place.join("-"), project: project.unwrap_or_default() };
    let mut warned: Vec<(String, Vec<String>)> = Vec::new();
    for (name, service) in services {
        let Some(build) = service.get("build").filter(|build| !build.is_null()) else { continue };
        let mut told = Vec::new();
        match reader.variant(name, service, build, &mut told) {
            Ok(found) => add(found, survey),
            Err(reason) => told.push(format!("is skipped: {reason}")),
        }
        for reason in told {
            match warned.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, names)) => names.push(name.clone()),
                None => warned.push((reason, vec![name.clone()])),
            }
        }
    }
    survey.warnings.extend(warned.iter().map(|(reason, names)| {
        let who = match names.as_slice() {
            [name] => format!("service {}", listed(std::slice::from_ref(name))),
            names => {
                let more = names.len().saturating_sub(MAX_NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let first = listed(&names[..names.len().min(MAX_NAMED)]);
                format!("each of the {} services {first}{more}", names.len())
            }
        };
        format!("`{shown}`: {who} {}", text::for_people(reason))
    }));
}

/// Adds a variant, or its service to the variant that is built alike: several services share an image.
fn add(found: FoundVariant, survey: &mut Survey) {
    let same = survey.variants.iter_mut().find(|known| {
        (&known.dockerfile, &known.context, &known.target) == (&found.dockerfile, &found.context, &found.target)
            && (&known.platform, &known.network, &known.args) == (&found.platform, &found.network, &found.args)
    });
    match same {
        Some(known) => {
            for name in found.services {
                if !known.services.contains(&name) {
                    known.services.push(name);
                }
            }
            known.images.extend(found.images);
            if known.check.is_none() {
                (known.check, known.environment) = (found.check, found.environment);
            }
            if known.ports.is_empty() {
                known.ports = found.ports;
            }
        }
        None => survey.variants.push(found),
    }
}

/// A compose file's surroundings.
struct ComposeReader<'a> {
    root: &'a Path,
    folder: &'a Path,
    values: BTreeMap<String, String>,
    place: String,
    /// What compose begins the names of images with that have none of their own.
    project: String,
}

impl ComposeReader<'_> {
    fn variant(
        &self,
        name: &str,
        service: &Value,
        build: &Value,
        told: &mut Vec<String>,
    ) -> Result<FoundVariant, String> {
        let word = |table: &Value, key: &str| match table.get(key) {
            Some(Value::String(text)) => self.filled_in(text).map(|text| Some(text).filter(|text| !text.is_empty())),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err(format!("its `{key}` is not text")),
        };
        if build.get("dockerfile_inline").is_some() {
            return Err("its Dockerfile is inside the compose file".into());
        }
        if build.get("additional_contexts").is_some() {
            return Err("it is built with `additional_contexts`".into());
        }
        for key in ["secrets", "ssh", "privileged", "entitlements", "extra_hosts"] {
            if build.get(key).is_some() {
                told.push(format!("is built without its `{key}`"));
            }
        }
        let context = match build {
            Value::String(text) => self.filled_in(text)?,
            _ => word(build, "context")?.unwrap_or_else(|| ".".into()),
        };
        if context.contains("://") || context.starts_with("git@") {
            return Err(format!("its context `{context}` is not in this repository"));
        }
        let context = below(self.folder, &context)?;
        let dockerfile = below(&context, word(build, "dockerfile")?.as_deref().unwrap_or("Dockerfile"))?;
        if !self.root.join(&dockerfile).is_file() {
            return Err(format!("there is no `{}`", dockerfile.display()));
        }
        let platform = word(service, "platform")?;
        if let Some(text) = &platform {
            text.parse::<Platform>().map_err(|error| error.to_string())?;
        }
        let facts = fsx::read(&self.root.join(&dockerfile))
            .ok()
            .and_then(|bytes| Facts::parse(&String::from_utf8_lossy(&bytes)).ok())
            .unwrap_or_default();
        Ok(FoundVariant {
            name: fit_name(name),
            place: self.place.clone(),
            services: vec![name.to_owned()],
            dockerfile,
            context: if context.as_os_str().is_empty() { PathBuf::from(".") } else { context },
            target: word(build, "target")?,
            platform,
            network: word(build, "network")?,
            args: build.get("args").map(|args| self.arguments(args, &facts, told)).unwrap_or_default(),
            ports: ports(service),
            check: self.health_check(service),
            environment: self.environment(service),
            images: match word(service, "image")? {
                Some(image) => vec![image],
                None => ["-", "_"].iter().map(|between| format!("{}{between}{name}", self.project)).collect(),
            },
            ..FoundVariant::default()
        })
    }

    /// Build arguments as a map or as a list of `NAME=value`. Those whose value comes from the environment are left
    /// out; `.env`, which holds secrets too, is asked for those alone that may name a base image or a version.
    fn arguments(&self, args: &Value, facts: &Facts, told: &mut Vec<String>) -> BTreeMap<String, String> {
        let none = BTreeMap::new();
        let mut known = BTreeMap::new();
        for (name, value) in assignments(args) {
            let is_public = facts.is_global_arg(&name) || name.to_ascii_uppercase().ends_with("VERSION");
            let values = if is_public { &self.values } else { &none };
            let value = match value {
                Some(value) => interpolate(&value, values).ok(),
                None => values.get(&name).cloned(),
            };
            match value {
                Some(value) => drop(known.insert(name, value)),
                None => told.push(format!("is built without the argument `{name}`, which the environment gives")),
            }
        }
        known
    }

    /// The command of a service's own health check; empty where it is off, `None` where there is none.
    fn health_check(&self, service: &Value) -> Option<String> {
        let check = service.get("healthcheck")?;
        if check.get("disable").and_then(Value::as_bool) == Some(true) {
            return Some(String::new());
        }
        let command = match check.get("test")? {
            Value::String(command) => command.clone(),
            Value::Array(words) => {
                let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                match words.split_first() {
                    Some((&"CMD" | &"CMD-SHELL", command)) => command.join(" "),
                    _ => return Some(String::new()),
                }
            }
            _ => return None,
        };
        Some(self.filled_in(&command).unwrap_or(command))
    }

    /// The variables of a service's containers whose values stand in the compose file.
    fn environment(&self, service: &Value) -> BTreeMap<String, String> {
        let given = service.get("environment").map(assignments).unwrap_or_default();
        given.into_iter().filter_map(|(name, value)| Some((name, self.filled_in(&value?).ok()?))).collect()
    }

    /// Fills in `${NAME:-default}` and what `.env` says; any other variable cannot be known here.
    fn filled_in(&self, text: &str) -> Result<String, String> {
        interpolate(text, &self.values).map_err(|name| format!("`{text}` depends on `{name}` of the environment"))
    }
}

/// Names and values of a map, or of a list of `NAME=value`; `None` for a name without a value.
fn assignments(given: &Value) -> Vec<(String, Option<String>)> {
    match given {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), scalar(value))).collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .map(|item| match item.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (item.to_owned(), None),
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The ports inside of the container that a service publishes or exposes, those of TCP that are plain numbers.
fn ports(service: &Value) -> Vec<u16> {
    let list = |key: &str| service.get(key).and_then(Value::as_array).into_iter().flatten();
    list("ports")
        .chain(list("expose"))
        .filter_map(|port| match port {
            Value::Object(table) => scalar(table.get("target")?),
            other => scalar(other),
        })
        .filter_map(|port| {
            let port = port.strip_suffix("/tcp").unwrap_or(&port);
            port.rsplit(':').next()?.parse().ok()
        })
        .filter(|port| *port != 0)
        .collect()
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
            return Err(format!("`{path}` is outside this directory"));
        }
    }
    Ok(out)
}
