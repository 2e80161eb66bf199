//! Finding Dockerfiles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::error::InitError;
use super::found::{FoundVariant, Survey, fit_name, listed};
use super::places::{MAX_DEPTH, SKIPPED, is_compose_file, is_dockerfile};
use super::{compose, guess};
use crate::fsx::{self, FileError};
use crate::suite::dockerfile::{Arguments, Bases, Facts, platform_args, same_image};
use crate::suite::tag_name;
use crate::text;

/// How many files and folders are looked at.
const MAX_SEEN: usize = 200_000;
/// Looks through a folder for Dockerfiles and compose files.
///
/// A Dockerfile that a compose file builds is taken as that says; any other by itself, its context guessed from
/// what it copies.
pub(crate) fn survey(root: &Path) -> Result<Survey, InitError> {
    let mut files = FoundFiles::default();
    files.collect(root)?;
    let mut survey = Survey::default();
    compose::read_all(root, &files.compose, &mut survey);
    let built: BTreeSet<PathBuf> = survey.variants.iter().map(|found| found.dockerfile.clone()).collect();
    for file in files.docker.into_iter().filter(|file| !built.contains(file)) {
        survey.variants.push(FoundVariant { name: name_of(root, &file), dockerfile: file, ..FoundVariant::default() });
    }
    let Survey { variants, warnings } = &mut survey;
    let mut bases = Vec::new();
    variants.retain_mut(|found| look_into(root, found, warnings).map(|needed| bases.push(needed)).is_some());
    warn_of_own_bases(&mut survey, &bases);
    count_equal(&mut survey.warnings);
    if survey.variants.is_empty() {
        return Err(InitError::Nothing { root: root.to_owned(), warnings: survey.warnings });
    }
    make_names_unique(&mut survey.variants);
    survey.variants.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.dockerfile.cmp(&other.dockerfile)));
    Ok(survey)
}

/// Gives each variant a name of its own: where two are called alike, with the place of its compose file, where that
/// does not help, with a number.
fn make_names_unique(variants: &mut [FoundVariant]) {
    variants.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.dockerfile.cmp(&other.dockerfile)));
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for found in &*variants {
        *counts.entry(tag_name(&found.name)).or_default() += 1;
    }
    for found in &mut *variants {
        if counts[&tag_name(&found.name)] > 1 && !found.place.is_empty() {
            found.name = fit_name(&format!("{}-{}", found.place, found.name));
        }
    }
    let mut taken = BTreeSet::new();
    let wanted: BTreeSet<String> = variants.iter().map(|found| tag_name(&found.name)).collect();
    for found in variants {
        let mut name = found.name.clone();
        let mut number = 1;
        while taken.contains(&tag_name(&name)) || (number > 1 && wanted.contains(&tag_name(&name))) {
            number += 1;
            name = format!("{}.{number}", found.name);
        }
        taken.insert(tag_name(&name));
        found.name = name;
    }
}

/// Fills in what the Dockerfile itself tells, and gives the images that it needs; `None` where it is none, which becomes a warning.
fn look_into(root: &Path, found: &mut FoundVariant, warnings: &mut Vec<String>) -> Option<Vec<String>> {
    let shown = found.dockerfile.display().to_string();
    let text = match fsx::read(&root.join(&found.dockerfile)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            warnings.push(crate::error::chain(&error));
            return None;
        }
    };
    if !text.lines().any(is_from) {
        warnings.push(format!("`{shown}` has no FROM and is skipped"));
        return None;
    }
    let facts = Facts::parse(&text).unwrap_or_else(|error| {
        warnings.push(format!("`{shown}`: {}", text::for_people(&error.to_string())));
        Facts::default()
    });
    // Without an engine the platform is a guess: this machine's.
    let automatic = platform_args(found.platform.as_deref(), &format!("linux/{}", std::env::consts::ARCH));
    let args = Arguments { given: found.args.clone(), automatic };
    let target = found.target.as_deref();
    let taken = facts.taken(&args, target);
    if found.context.as_os_str().is_empty() {
        found.context = guess::context(root, &found.dockerfile, &taken);
    }
    let files = guess::files(root, found);
    let missing = guess::missing(root, found, &taken, files.as_ref());
    let context = found.context.display();
    if !missing.absent.is_empty() {
        warnings.push(format!(
            "`{shown}` copies {}, which its context `{context}` does not hold; make it before the run, or correct `context`",
            listed(&missing.absent),
        ));
    }
    if !missing.ignored.is_empty() {
        warnings.push(format!(
            "`{shown}` copies {}, which the ignore file of its context `{context}` leaves out",
            listed(&missing.ignored),
        ));
    }
    let bases = bases(&facts, &args, target, &shown, warnings);
    let mut ports = guess::ports(&facts.exposed(&args, target));
    let environment = facts.environment(&args, target);
    let check = match &found.check {
        Some(check) => Some(check.as_str()),
        None => facts.healthcheck(&args, target),
    };
    let fill = |address: &str| environment.fill(address, &found.environment);
    if let Some((port, path)) = check.and_then(|check| guess::health(check, &fill)) {
        ports.insert(0, port);
        found.health = Some(path);
    }
    if !ports.is_empty() {
        found.ports = ports;
    }
    let (src, deps) = guess::edited_files(&facts.started_words(&args, target), &taken, files.as_ref());
    found.src = src;
    found.deps = deps;
    Some(bases)
}

/// The images that a Dockerfile needs; what stands in the way of knowing them becomes a warning.
fn bases(
    facts: &Facts,
    args: &Arguments,
    target: Option<&str>,
    shown: &str,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let unset: Vec<String> = facts.bases_without_value(args, target).into_iter().collect();
    if !unset.is_empty() {
        warnings.push(format!(
            "`{shown}`: the base image depends on the argument {}, which has no default; set it in `args`",
            listed(&unset),
        ));
    }
    // An empty Dockerfile is one that could not be read, which has been said.
    let needed = if facts.stages.is_empty() { Ok(Bases::default()) } else { facts.external_bases(args, target) };
    let needed = needed.unwrap_or_else(|error| Bases { images: Vec::new(), unknown: vec![error] });
    if unset.is_empty() {
        warnings
            .extend(needed.unknown.iter().map(|error| format!("`{shown}`: {}", text::for_people(&error.to_string()))));
    }
    needed.images
}

/// Warns of variants that are built FROM the image of a service: it is built for itself, and not before them.
fn warn_of_own_bases(survey: &mut Survey, bases: &[Vec<String>]) {
    let mut told = BTreeSet::new();
    for (found, bases) in survey.variants.iter().zip(bases) {
        for base in bases {
            let makers =
                survey.variants.iter().filter(|maker| maker.images.iter().any(|image| same_image(image, base)));
            for service in makers.filter_map(|maker| maker.services.first()) {
                told.insert(format!(
                    "`{}` is built FROM `{}`, the image of the service `{}`, which no run builds for it; build that \
                     first with `docker compose build {}`",
                    found.dockerfile.display(),
                    text::for_people(base),
                    text::for_people(service),
                    text::for_people(service),
                ));
            }
        }
    }
    survey.warnings.extend(told);
}

/// Leaves each warning once, with how often it was there.
fn count_equal(warnings: &mut Vec<String>) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for warning in &*warnings {
        *counts.entry(warning.clone()).or_default() += 1;
    }
    let mut once = BTreeSet::new();
    warnings.retain(|warning| once.insert(warning.clone()));
    for warning in warnings {
        let count = counts.get(warning).copied().unwrap_or(1);
        if count > 1 {
            *warning = format!("{warning} ({count} times)");
        }
    }
}

fn is_from(line: &str) -> bool {
    line.split_whitespace().next().is_some_and(|word| word.trim_start_matches('\u{feff}').eq_ignore_ascii_case("FROM"))
}

#[derive(Default)]
struct FoundFiles {
    docker: Vec<PathBuf>,
    compose: Vec<PathBuf>,
}

impl FoundFiles {
    fn collect(&mut self, root: &Path) -> Result<(), FileError> {
        let mut open = vec![(PathBuf::new(), 0)];
        let mut seen = 0;
        while let Some((folder, depth)) = open.pop() {
            let path = root.join(&folder);
            let items = match fs::read_dir(&path) {
                Ok(items) => items,
                Err(error) if depth == 0 => return Err(FileError::new("list", path, error)),
                // A folder that may not be read holds nothing that could be built.
                Err(_) => continue,
            };
            for item in items.filter_map(Result::ok) {
                seen += 1;
                if seen > MAX_SEEN {
                    break;
                }
                let Ok(name) = item.file_name().into_string() else { continue };
                let Ok(kind) = item.file_type() else { continue };
                if kind.is_dir() {
                    if depth + 1 < MAX_DEPTH && !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                        open.push((folder.join(name), depth + 1));
                    }
                } else if is_dockerfile(&name) && item.path().is_file() {
                    self.docker.push(folder.join(name));
                } else if is_compose_file(&name) && item.path().is_file() {
                    self.compose.push(folder.join(name));
                }
            }
        }
        self.docker.sort();
        self.compose.sort();
        Ok(())
    }
}

/// A name from the Dockerfile's place: its folders and what its own name adds, joined by `-`; the repository's name
/// where there is neither.
fn name_of(root: &Path, dockerfile: &Path) -> String {
    let mut parts: Vec<String> = dockerfile
        .parent()
        .into_iter()
        .flat_map(|folder| folder.iter().map(|part| part.to_string_lossy().into_owned()))
        .collect();
    let file = dockerfile.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let lower = file.to_ascii_lowercase();
    let word =
        ["dockerfile", "containerfile"].into_iter().find(|word| lower.starts_with(word) || lower.ends_with(word));
    if let Some(word) = word {
        // What the name has besides the word; both are ASCII, so the bytes fall together.
        let rest = if lower.starts_with(word) { &file[word.len()..] } else { &file[..file.len() - word.len()] };
        let rest = rest.trim_matches(['.', '-', '_']);
        parts.extend(Some(rest.to_owned()).filter(|rest| !rest.is_empty()));
    }
    if parts.is_empty() {
        let full = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        parts.extend(full.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    fit_name(&parts.join("-"))
}
