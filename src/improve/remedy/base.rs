//! Smaller relatives of the base image, where the user permits them.

use std::collections::BTreeSet;

use super::{Change, Content, Remedy};
use crate::improve::recipe::{Conditions, Recipe};
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, same_image};

/// What the tag of an official image can end in: the system that it is built on.
const SYSTEMS: [&str; 9] =
    ["-slim", "-alpine", "-bookworm", "-bullseye", "-buster", "-trixie", "-jammy", "-noble", "-stretch"];

pub(super) fn remedies(recipe: &Recipe, conditions: &Conditions) -> Vec<Remedy> {
    let draft = Draft::read(&recipe.dockerfile);
    let base = draft.and_then(|draft| draft.facts.final_base(&conditions.args, conditions.target.as_deref()));
    let Some(base) = base else { return Vec::new() };
    let mut wanted: Vec<String> = ["slim", "alpine"].iter().filter_map(|system| sibling(&base, system)).collect();
    wanted.extend(named(conditions).map(str::to_owned));
    let mut seen = BTreeSet::new();
    wanted.retain(|image| {
        !same_image(image, &base)
            && conditions.allowed.iter().any(|(_, pattern)| pattern.is_match(image))
            && seen.insert(image.clone())
    });
    wanted.into_iter().map(|image| remedy(base.clone(), image)).collect()
}

fn remedy(base: String, image: String) -> Remedy {
    Remedy {
        name: format!("base-{}", word(&image)),
        what: format!("Use the base image `{image}` instead of `{base}`"),
        needs: "the application needs nothing that only the larger image has",
        documentation: "https://docs.docker.com/build/building/best-practices/#choose-the-right-base-image",
        goal: Goal::Size,
        content: Content::Changed,
        change: Change::Dockerfile(Box::new(move |draft, conditions, edits| {
            for (_, found, place) in draft.base_images(&conditions.args) {
                if same_image(&found, &base) {
                    edits.replace(place, image.clone());
                }
            }
            Some(())
        })),
    }
}

/// Permitted images that are named in full, so that they need no relation to the Dockerfile's.
pub(super) fn named(conditions: &Conditions) -> impl Iterator<Item = &str> {
    let patterns = conditions.allowed.iter().map(|(pattern, _)| pattern.as_str());
    patterns.filter(|pattern| !pattern.contains(['*', '?', '[', '{']))
}

/// What an image is called in a remedy's name: its tag, or the end of its name.
pub(super) fn word(image: &str) -> &str {
    image.rsplit([':', '/']).next().unwrap_or_default()
}

/// The same version on another system: `python:3.9-slim` → `python:3.9-alpine`; `None` without a tag, and for what is
/// on that system already.
pub(super) fn sibling(base: &str, system: &str) -> Option<String> {
    if base.contains('@') {
        return None;
    }
    let (name, tag) = base.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
    let version = SYSTEMS.iter().filter_map(|system| tag.find(system)).min().map_or(tag, |end| &tag[..end]);
    if tag.contains(system) || version.is_empty() {
        return None;
    }
    Some(format!("{name}:{version}-{system}"))
}
