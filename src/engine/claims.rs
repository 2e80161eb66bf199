//! What on an engine is provably a run's own: the rules, without the engine.
//!
//! In: lists of images, containers and build-cache records, and the [`Ownership`]. Out: what may be removed, and
//! what could be ours but is left.
//!
//! Labels prove nothing: containers and child images inherit those of an image, and a commit those of a container.
//! Proof is an id that the run's ledger holds and that was absent before the run, or a mark that is not inherited: a
//! name that only the run gives. What somebody else has named, started, or built upon since stays, whoever made it.
//! Build-cache records carry no build id, so those of a run are the new ones made while it was building, and only
//! while nothing else was: a record that none of our builds can have made, made in the same span, puts all that is not
//! plainly ours in doubt.

use std::collections::{BTreeMap, BTreeSet};

use super::containers::name_of;
use super::snapshot::{ListedContainer, ListedImage, ListedRecord};
use super::{Ownership, Snapshot, labels};

/// How far a stamp may lie outside a span of building, in nanoseconds: image stamps have whole seconds.
const SLACK: i128 = 1_500_000_000;
/// The same for the last use of a record: an engine notes it when it lets go of the record.
const USE_SLACK: i128 = 10_000_000_000;
/// Shortest beginning of an id that names an image or a container.
const SHORT_ID: usize = 11;

/// Why an image stays that has a name which the run did not give.
const FOREIGN_NAME: &str = "this run is not known to have given it that name";

/// An image of somebody else's that came since the run began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Foreign {
    /// Whether it has the run's label, which it can only have inherited from an image of the run.
    pub(super) inherits: bool,
    /// Its layers, lowest first.
    pub(super) diff_ids: Vec<String>,
    /// What made them, in the engine's words; empty where it inherits.
    pub(super) history: Vec<String>,
}

/// Images that are ours, and those that would be if nobody else used them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Images<'a> {
    /// Ours, by id.
    pub(super) ours: BTreeMap<&'a str, &'a ListedImage>,
    /// Made by us and used by somebody else: id and what for.
    pub(super) used: BTreeMap<&'a str, &'static str>,
}

impl Images<'_> {
    fn made(&self, id: &str) -> bool {
        self.ours.contains_key(id) || self.used.contains_key(id)
    }

    /// Leaves images that somebody else has named.
    pub(super) fn leave_named(&mut self, listed: &[ListedImage], plan: &BTreeSet<Naming>) {
        for image in listed.iter().filter(|image| has_foreign_name(image, plan)) {
            self.leave(&image.id, FOREIGN_NAME);
        }
    }

    /// Leaves an image, and what it stands on.
    fn leave(&mut self, id: &str, why: &'static str) {
        let (mut id, mut why) = (id, why);
        if let Some(known) = self.used.get_mut(id).filter(|known| known.is_empty()) {
            *known = why;
        }
        while let Some((key, image)) = self.ours.remove_entry(id) {
            self.used.insert(key, why);
            (id, why) = (&image.parent_id, "");
        }
    }
}

fn has_foreign_name(image: &ListedImage, plan: &BTreeSet<Naming>) -> bool {
    image.tags().any(|tag| plan.contains(&Naming::Foreign(tag.clone())))
}

fn bare(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

/// Whether one of these beginnings of ids is one of the id.
fn begins(id: &str, known: &BTreeSet<String>) -> bool {
    known.iter().map(|known| bare(known)).any(|known| known.len() >= SHORT_ID && bare(id).starts_with(known))
}

/// The run whose names an image has, and no others.
pub(super) fn marked_image(image: &ListedImage) -> Option<String> {
    let run = image.label(labels::RUN)?;
    let marked = image.tags().next().is_some() && image.tags().all(|tag| labels::is_own_name(run, tag));
    marked.then(|| run.to_owned())
}

/// The run that started a container, by its label and by a name that goes with it.
pub(super) fn marked_container(container: &ListedContainer) -> Option<&str> {
    let found = container.labels.as_ref()?;
    let name = name_of(found.get(labels::CONTAINER)?);
    let named = container.names.iter().flatten().any(|found| found.trim_start_matches('/') == name);
    found.get(labels::RUN).filter(|_| named).map(String::as_str)
}

/// Images that the run made, whether somebody else uses them now or not.
pub(super) fn made<'a>(listed: &'a [ListedImage], ownership: &Ownership) -> BTreeMap<&'a str, &'a ListedImage> {
    let ours = |image: &&ListedImage| match &ownership.before {
        None => marked_image(image).is_some_and(|run| run == ownership.run),
        Some(before) if before.images.contains(&image.id) => false,
        // A build that was cut short named its image and could not say which.
        Some(_) => {
            begins(&image.id, &ownership.images)
                || (image.label(labels::RUN) == Some(&ownership.run)
                    && image.tags().any(|tag| labels::is_own_name(&ownership.run, tag)))
        }
    };
    listed.iter().filter(ours).map(|image| (image.id.as_str(), image)).collect()
}

/// Images that came since and are not ours: each may be built upon one that is.
pub(super) fn foreign<'a>(
    listed: &'a [ListedImage],
    ownership: &'a Ownership,
) -> impl Iterator<Item = &'a ListedImage> {
    let made = made(listed, ownership);
    listed.iter().filter(move |image| {
        !made.contains_key(image.id.as_str())
            && match &ownership.before {
                Some(before) => !before.images.contains(&image.id),
                None => image.label(labels::RUN) == Some(&ownership.run),
            }
    })
}

/// Images that are ours. `layers` tells those of an image of ours, where that was asked for.
pub(super) fn images<'a>(
    listed: &'a [ListedImage],
    containers: &[ListedContainer],
    foreign: &[Foreign],
    layers: &BTreeMap<String, Vec<String>>,
    ownership: &Ownership,
) -> Images<'a> {
    let mut found = Images { ours: made(listed, ownership), used: BTreeMap::new() };
    let started: BTreeSet<&str> =
        self::containers(containers, ownership).into_iter().map(|own| own.id.as_str()).collect();
    for container in containers.iter().filter(|container| !started.contains(container.id.as_str())) {
        found.leave(&container.image_id, "another client's container uses it");
    }
    // Whatever is built on an image inherits its label; a base that was pulled has none of ours.
    let below = |id: &str, image: &ListedImage, theirs: &Foreign| {
        let related = theirs.inherits || (image.label(labels::RUN).is_none() && image.tags().next().is_some());
        related && layers.get(id).is_some_and(|own| !own.is_empty() && theirs.diff_ids.starts_with(own))
    };
    let with_child = |(id, image): &(&&str, &&ListedImage)| foreign.iter().any(|theirs| below(id, image, theirs));
    let built_upon: Vec<&str> = found.ours.iter().filter(with_child).map(|(id, _)| *id).collect();
    let parents = listed.iter().filter(|image| !found.made(&image.id)).map(|image| image.parent_id.as_str());
    for id in parents.chain(built_upon).collect::<Vec<_>>() {
        found.leave(id, "another client's image is built on it");
    }
    found
}

/// Names of images that stay, and why: each image once, by the names that it keeps or else by its id.
pub(super) fn left<'a>(
    listed: &'a [ListedImage],
    images: &Images<'_>,
    plan: &BTreeSet<Naming>,
) -> Vec<(Vec<&'a str>, &'static str)> {
    let reason = |image: &ListedImage| match images.used.get(image.id.as_str()) {
        Some(why) if !why.is_empty() => Some(*why),
        _ if has_foreign_name(image, plan) => Some(FOREIGN_NAME),
        _ => None,
    };
    let found = listed.iter().filter_map(|image| {
        let why = reason(image)?;
        let names = image.tags().filter(|tag| !plan.contains(&Naming::Remove((*tag).clone()))).map(String::as_str);
        let names: Vec<&str> = names.collect();
        Some((if names.is_empty() { vec![image.id.as_str()] } else { names }, why))
    });
    found.collect()
}

/// New images without a name that were made in our time and are not claimed.
pub(super) fn doubtful_images(
    listed: &[ListedImage],
    images: &Images<'_>,
    ownership: &Ownership,
    ahead: &[i128],
) -> usize {
    let Some(before) = &ownership.before else { return 0 };
    let doubtful = |image: &&ListedImage| {
        !images.made(&image.id)
            && !before.images.contains(&image.id)
            && image.tags().next().is_none()
            && in_a_window(ownership, i128::from(image.created) * 1_000_000_000, ahead, SLACK).is_some()
    };
    listed.iter().filter(doubtful).count()
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
pub(super) fn names(listed: &[ListedImage], images: &Images<'_>, ownership: &Ownership) -> BTreeSet<Naming> {
    let lost = Snapshot::default();
    let before = ownership.before.as_ref().unwrap_or(&lost);
    let mut plan = BTreeSet::new();
    let given = |tag: &String| {
        labels::is_own_name(&ownership.run, tag) || ownership.tags.iter().any(|own| same_reference(own, tag))
    };
    // What somebody uses under our name alone keeps it; under a name of theirs it needs ours no more.
    let keeps_ours = |image: &ListedImage| images.used.contains_key(image.id.as_str()) && image.tags().all(given);
    for image in listed.iter().filter(|image| !keeps_ours(image)) {
        let claimed = images.made(&image.id);
        let was_there = before.images.contains(&image.id);
        for tag in image.tags() {
            let given = given(tag);
            plan.extend(match before.tags.get(tag) {
                Some(id) if *id == image.id => None,
                Some(id) if given && claimed && before.images.contains(id) => {
                    Some(Naming::Restore { tag: tag.clone(), image: id.clone() })
                }
                Some(_) => claimed.then(|| Naming::Foreign(tag.clone())),
                // On an image that was there: a pull of ours found it.
                None if given && (claimed || was_there) => Some(Naming::Remove(tag.clone())),
                None if claimed || (given && ownership.before.is_some()) => Some(Naming::Foreign(tag.clone())),
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

/// Containers that are ours: those that the run started, by their names, and those of its classic builds, by the ids
/// that the builder told.
pub(super) fn containers<'a>(listed: &'a [ListedContainer], ownership: &Ownership) -> Vec<&'a ListedContainer> {
    let ours = |container: &&ListedContainer| {
        let before = ownership.before.as_ref();
        !before.is_some_and(|before| before.containers.contains(&container.id))
            && (marked_container(container) == Some(&ownership.run)
                || (before.is_some() && begins(&container.id, &ownership.containers)))
    };
    listed.iter().filter(ours).collect()
}

/// Records of the build cache: ours, children before their parents, and those that are left.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Records<'a> {
    /// Ours.
    pub(super) ours: Vec<&'a ListedRecord>,
    /// Could be ours, could be somebody else's.
    pub(super) doubtful: Vec<&'a ListedRecord>,
    /// Made by us, and used by somebody else's build since.
    pub(super) used: Vec<&'a ListedRecord>,
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
    claimed: &Images<'_>,
    foreign: &[Foreign],
    ownership: &Ownership,
    ahead: &[i128],
) -> Records<'a> {
    let Some(before) = &ownership.before else { return Records::default() };
    let commands: Vec<String> = ownership.instructions.iter().map(|instruction| command_of(instruction)).collect();
    // Commands of ours that another client's image was built with, too: its build may have found our records.
    let history: Vec<String> =
        foreign.iter().flat_map(|image| &image.history).filter_map(|text| made_by(text)).collect();
    let shared: Vec<String> = commands
        .iter()
        .filter(|command| !command.is_empty() && history.iter().any(|made| ends_with_words(made, command)))
        .cloned()
        .collect();
    let mut found = Vec::new();
    // Spans in which something else was built.
    let mut disturbed = BTreeSet::new();
    for record in listed.iter().filter(|record| !before.cache.contains(&record.id)) {
        let made = nanoseconds(&record.created_at);
        let Some(window) = made.and_then(|at| in_a_window(ownership, at, ahead, SLACK)) else { continue };
        let maker = maker_of(&record.description, &commands);
        if maker == Maker::Foreign {
            disturbed.insert(window);
        }
        found.push((record, maker, window));
    }
    for image in images {
        let new = !before.images.contains(&image.id) && !claimed.made(&image.id);
        // BuildKit's images have no parent; one that was made in our time is a sign of another build.
        if new && image.parent_id.is_empty() {
            disturbed.extend(in_a_window(ownership, i128::from(image.created) * 1_000_000_000, ahead, SLACK));
        }
    }
    let used = |record: &ListedRecord| {
        let last = record.last_used_at.as_deref().and_then(nanoseconds);
        last.is_some_and(|at| in_a_window(ownership, at, ahead, USE_SLACK).is_none())
            || maker_of(&record.description, &shared) == Maker::Ours
    };
    let mut records = Records::default();
    for (record, maker, window) in found {
        match maker {
            Maker::Foreign => {}
            _ if used(record) => records.used.push(record),
            Maker::AnyBuild if disturbed.contains(&window) => records.doubtful.push(record),
            Maker::Ours | Maker::AnyBuild => records.ours.push(record),
        }
    }
    let depth = depths(listed);
    records.ours.sort_by_key(|record| {
        let id = record.id.as_str();
        (std::cmp::Reverse(depth.get(id).copied().unwrap_or_default()), id)
    });
    records
}

/// The command of an entry of an image's history that BuildKit has written, which adds a remark; no other builder uses
/// its cache.
fn made_by(entry: &str) -> Option<String> {
    entry.trim().strip_suffix("# buildkit").map(words)
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
///
/// On the containerd image store the layers of a base appear as records without a description.
fn maker_of(description: &str, commands: &[String]) -> Maker {
    let description = description.trim();
    if description.is_empty() {
        return Maker::AnyBuild;
    }
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
    let generic = [
        "fileop target",
        "http url http://build-context-",
        "http url http://buildkit-session/",
        "from local",
        "pulled from ",
        "copy /context",
    ];
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

/// The span of building that a stamp of the engine lies in, with this slack. `ahead` is what its clock is ahead of ours:
/// more than one figure where a clock was set in between.
fn in_a_window(ownership: &Ownership, at: i128, ahead: &[i128], slack: i128) -> Option<usize> {
    ahead.iter().map(|ahead| at - ahead).find_map(|at| {
        let inside = |&(start, end): &(u64, u64)| at >= i128::from(start) - slack && at <= i128::from(end) + slack;
        ownership.windows.iter().position(inside)
    })
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
