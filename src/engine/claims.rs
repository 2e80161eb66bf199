//! What on an engine is provably a run's own: the rules, without the engine.
//!
//! In: lists of images, containers and build-cache records, and the [`Ownership`]. Out: what may be removed, and
//! what could be ours but is left. Whatever was there before is never claimed. Build-cache records carry no build
//! id, so those of a run are the new ones made while it was building, and only while nothing else was: a record
//! that none of our builds can have made, made in the same span, puts all that is not plainly ours in doubt.

use std::collections::{BTreeMap, BTreeSet};

use super::snapshot::{ListedContainer, ListedImage, ListedRecord};
use super::{Ownership, labels};

/// How far a stamp may lie outside a span of building, in nanoseconds: image stamps have whole seconds.
const SLACK: i128 = 1_500_000_000;
/// Shortest beginning of an id that names an image.
const SHORT_ID: usize = 11;

/// Whether nothing is known of what was there before: then only labels prove anything.
pub(super) fn is_lost(ownership: &Ownership) -> bool {
    let before = &ownership.before;
    before.images.is_empty() && before.tags.is_empty() && before.containers.is_empty() && before.cache.is_empty()
}

/// Whether a label is this run's; a run without an id stands for all runs.
fn labelled(ownership: &Ownership, value: Option<&str>) -> bool {
    value.is_some_and(|value| ownership.run.is_empty() || value == ownership.run)
}

/// Images that are ours, by id.
pub(super) fn images<'a>(listed: &'a [ListedImage], ownership: &Ownership) -> BTreeMap<&'a str, &'a ListedImage> {
    let lost = is_lost(ownership);
    let known: Vec<&str> = ownership.images.iter().map(|id| bare(id)).filter(|id| id.len() >= SHORT_ID).collect();
    let ours = |image: &&ListedImage| {
        let new = !lost && !ownership.before.images.contains(&image.id);
        labelled(ownership, image.label(labels::RUN))
            || (new && known.iter().any(|known| bare(&image.id).starts_with(known)))
    };
    listed.iter().filter(ours).map(|image| (image.id.as_str(), image)).collect()
}

fn bare(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

/// New images without a name that were made in our time and are not claimed.
pub(super) fn doubtful_images(
    listed: &[ListedImage],
    ours: &BTreeMap<&str, &ListedImage>,
    ownership: &Ownership,
    ahead: &[i128],
) -> usize {
    let doubtful = |image: &&ListedImage| {
        !ours.contains_key(image.id.as_str())
            && !ownership.before.images.contains(&image.id)
            && image.tags().next().is_none()
            && in_a_window(ownership, i128::from(image.created) * 1_000_000_000, ahead).is_some()
    };
    if is_lost(ownership) { 0 } else { listed.iter().filter(doubtful).count() }
}

/// What is to be done with a reference of ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// Take it away.
    Remove(String),
    /// Give it back to the image that had it before.
    Restore {
        /// The reference.
        tag: String,
        /// The image that had it.
        image: String,
    },
    /// Somebody else gave it: the image stays.
    Foreign(String),
}

/// What is to be done with each reference of an image that is ours, and with references of ours on other images.
pub(super) fn names(
    listed: &[ListedImage],
    ours: &BTreeMap<&str, &ListedImage>,
    ownership: &Ownership,
) -> BTreeSet<Naming> {
    let lost = is_lost(ownership);
    let mut plan = BTreeSet::new();
    for image in listed {
        let claimed = ours.contains_key(image.id.as_str());
        for tag in image.tags() {
            let given = ownership.tags.iter().any(|own| same_reference(own, tag));
            let before = ownership.before.tags.get(tag);
            plan.extend(match before {
                Some(id) if *id == image.id => None,
                Some(id) if given && claimed && ownership.before.images.contains(id) => {
                    Some(Naming::Restore { tag: tag.clone(), image: id.clone() })
                }
                Some(_) => claimed.then(|| Naming::Foreign(tag.clone())),
                // A label proves the image; without a list of our references those on it count as ours.
                None if claimed && (given || ownership.tags.is_empty()) => Some(Naming::Remove(tag.clone())),
                None if claimed => Some(Naming::Foreign(tag.clone())),
                None if given && !lost && !ownership.before.images.contains(&image.id) => {
                    Some(Naming::Foreign(tag.clone()))
                }
                // A reference of ours on an image that was there: `tonnage` tagged it.
                None if given && !lost => Some(Naming::Remove(tag.clone())),
                None => None,
            });
        }
    }
    plan
}

/// Whether two references name the same: engines write the default tag out, Podman a host too.
fn same_reference(own: &str, listed: &str) -> bool {
    let last = own.rsplit('/').next().unwrap_or(own);
    let own = if last.contains([':', '@']) { own.to_owned() } else { format!("{own}:latest") };
    let rest = listed.strip_suffix(own.as_str());
    matches!(rest, Some("" | "localhost/" | "docker.io/" | "docker.io/library/"))
}

/// Containers that are ours: labelled ones, and those of a classic build whose engine was killed: on a nameless
/// image of ours, or running one of our instructions, made while we were building.
pub(super) fn containers<'a>(
    listed: &'a [ListedContainer],
    ours: &BTreeMap<&str, &ListedImage>,
    ownership: &Ownership,
    ahead: &[i128],
) -> Vec<&'a str> {
    let commands: Vec<String> = ownership
        .instructions
        .iter()
        .filter(|instruction| instruction.to_ascii_uppercase().starts_with("RUN "))
        .map(|instruction| command_of(instruction))
        .filter(|command| !command.is_empty())
        .collect();
    let runs_ours = |container: &ListedContainer| {
        let executed = words(&container.command);
        let executed = executed.strip_suffix('\'').unwrap_or(&executed);
        let ends_with = |command: &String| {
            executed
                .strip_suffix(command.as_str())
                .is_some_and(|shell| shell.ends_with(" -c '") || shell.ends_with(" -c "))
        };
        in_a_window(ownership, i128::from(container.created) * 1_000_000_000, ahead).is_some()
            && commands.iter().any(ends_with)
    };
    let left_by_a_build = |container: &ListedContainer| {
        let nameless = ours.get(container.image_id.as_str()).is_some_and(|image| image.tags().next().is_none());
        !is_lost(ownership) && (nameless || runs_ours(container))
    };
    let ours = |container: &&ListedContainer| {
        let label = container.labels.as_ref().and_then(|all| all.get(labels::RUN)).map(String::as_str);
        !ownership.before.containers.contains(&container.id)
            && (labelled(ownership, label) || (label.is_none() && left_by_a_build(container)))
    };
    listed.iter().filter(ours).map(|container| container.id.as_str()).collect()
}

/// Records of the build cache: ours, children before their parents, and those in doubt.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Records<'a> {
    /// Ours.
    pub(super) ours: Vec<&'a str>,
    /// Could be ours, could be somebody else's.
    pub(super) doubtful: Vec<&'a ListedRecord>,
}

/// What made a record, by its description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    /// One of our instructions.
    Ours,
    /// Any build like ours.
    AnyBuild,
    /// Never one of our builds.
    Foreign,
}

/// Which new records are ours.
pub(super) fn records<'a>(
    listed: &'a [ListedRecord],
    images: &[ListedImage],
    claimed: &BTreeMap<&str, &ListedImage>,
    ownership: &Ownership,
    ahead: &[i128],
) -> Records<'a> {
    if is_lost(ownership) {
        return Records::default();
    }
    let commands: Vec<String> = ownership.instructions.iter().map(|instruction| command_of(instruction)).collect();
    let mut found = Vec::new();
    // Spans in which something else was built.
    let mut disturbed = BTreeSet::new();
    for record in listed.iter().filter(|record| !ownership.before.cache.contains(&record.id)) {
        let Some(window) = nanoseconds(&record.created_at).and_then(|at| in_a_window(ownership, at, ahead)) else {
            continue;
        };
        let maker = maker_of(&record.description, &commands);
        if maker == Maker::Foreign {
            disturbed.insert(window);
        }
        found.push((record, maker, window));
    }
    for image in images {
        let new = !ownership.before.images.contains(&image.id) && !claimed.contains_key(image.id.as_str());
        // BuildKit's images have no parent; one that was made in our time is a sign of another build.
        if new && image.parent_id.is_empty() {
            disturbed.extend(in_a_window(ownership, i128::from(image.created) * 1_000_000_000, ahead));
        }
    }
    let mut records = Records::default();
    for (record, maker, window) in found {
        match maker {
            Maker::Ours => records.ours.push(record.id.as_str()),
            Maker::AnyBuild if !disturbed.contains(&window) => records.ours.push(record.id.as_str()),
            Maker::AnyBuild => records.doubtful.push(record),
            Maker::Foreign => {}
        }
    }
    let depth = depths(listed);
    records.ours.sort_by_key(|id| (std::cmp::Reverse(depth.get(id).copied().unwrap_or_default()), *id));
    records
}

/// Distance of each record from a root; cycles, which cannot be, end the count.
fn depths(listed: &[ListedRecord]) -> BTreeMap<&str, usize> {
    let parents: BTreeMap<&str, Vec<&str>> =
        listed.iter().map(|record| (record.id.as_str(), record.parents().collect())).collect();
    let mut depth: BTreeMap<&str, usize> = parents.keys().map(|id| (*id, 0)).collect();
    for _ in 0..parents.len() {
        let mut changed = false;
        for (id, above) in &parents {
            let deepest = above.iter().filter_map(|parent| depth.get(parent)).max().map_or(0, |deepest| deepest + 1);
            if deepest > depth[id] && deepest <= parents.len() {
                depth.insert(id, deepest);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    depth
}

/// What made a record. Docker 20.10 writes `mount / from exec /bin/sh -c make`, `fileop target`, `http url
/// http://build-context-…` (an uploaded context) and `from local `; newer ones also the name of the vertex. A
/// context that a client's session sends is `local source for context`: none of ours, which are uploaded.
fn maker_of(description: &str, commands: &[String]) -> Maker {
    let description = description.trim();
    if let Some((_, executed)) = description.split_once(" from exec ") {
        let executed = words(executed);
        let ours = commands.iter().any(|command| !command.is_empty() && ends_with_words(&executed, command));
        return if ours { Maker::Ours } else { Maker::Foreign };
    }
    if let Some((inside, instruction)) = description.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        if inside == "internal" || inside == "auth" || instruction.starts_with("FROM ") {
            return Maker::AnyBuild;
        }
        let command = command_of(instruction);
        return if commands.contains(&command) { Maker::Ours } else { Maker::Foreign };
    }
    let generic = ["fileop target", "http url http://build-context-", "from local", "pulled from ", "copy /context"];
    if generic.iter().any(|kind| description.starts_with(kind)) { Maker::AnyBuild } else { Maker::Foreign }
}

/// The command of `RUN --mount=… command`, the words of an exec form joined; other instructions as they are.
fn command_of(instruction: &str) -> String {
    let Some(mut rest) = instruction.strip_prefix("RUN ").or_else(|| instruction.strip_prefix("run ")) else {
        return words(instruction);
    };
    rest = rest.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once(char::is_whitespace).map_or("", |(_, after)| after.trim_start());
    }
    match serde_json::from_str::<Vec<String>>(rest) {
        Ok(list) => words(&list.join(" ")),
        Err(_) => words(rest),
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ends_with_words(executed: &str, command: &str) -> bool {
    executed.strip_suffix(command).is_some_and(|shell| shell.is_empty() || shell.ends_with(' '))
}

fn nanoseconds(stamp: &str) -> Option<i128> {
    stamp.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_nanosecond)
}

/// The span of building that a stamp of the engine lies in. `ahead` is what its clock is ahead of ours: more than one
/// figure where a clock was set in between.
fn in_a_window(ownership: &Ownership, at: i128, ahead: &[i128]) -> Option<usize> {
    ahead.iter().map(|ahead| at - ahead).find_map(|at| {
        let inside = |&(start, end): &(u64, u64)| at >= i128::from(start) - SLACK && at <= i128::from(end) + SLACK;
        ownership.windows.iter().position(inside)
    })
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
