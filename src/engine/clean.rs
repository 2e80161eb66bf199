//! Clean-up that leaves an engine as it was: only what [`claims`] proves to be ours, one by one, never a prune of
//! everything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use super::claims::{self, Foreign, Images, Naming};
use super::client::{Request, SLOW, path_with};
use super::docker::DockerEngine;
use super::snapshot::{ListedContainer, ListedImage, ListedRecord};
use super::{CleanReport, EngineError, Ownership, Removal, containers, images, labels, networks, snapshot};
use crate::record::ImageStore;
use crate::text;
use crate::units::{Bytes, count};

/// Most rounds over what could not be removed yet, because something else of ours still needs it.
const ROUNDS: usize = 64;
/// Pauses for the engine to let go of what a stopped build used.
const PATIENCE: u32 = 20;
/// How long each is.
const PAUSE: Duration = Duration::from_millis(250);
/// Most times that the cache is listed.
const LISTINGS: u32 = 10_000;
/// Build-cache records that one request removes: its ids go into the query.
const BATCH: usize = 100;
/// Characters of an id that name its record in a request; whole ids are 25 letters and digits, at random. Docker
/// compiles the request's expression anew for each record that it looks at, which with whole ids can take it longer
/// than removing the records.
const BEGINNING: usize = 10;

/// Removes, or lists what it would remove.
struct Hand<'a> {
    engine: &'a DockerEngine,
    ownership: &'a Ownership,
    removal: Removal,
    report: CleanReport,
}

/// A build cache, whose records are listed and removed.
pub(super) trait BuildCache {
    /// All records.
    async fn list(&self) -> Result<Vec<ListedRecord>, EngineError>;

    /// Removes records by their ids, which are among those that were `listed`, and tells how many went.
    async fn remove(&self, ids: &[&str], listed: &[ListedRecord]) -> Result<u64, EngineError>;

    /// Whether any removal makes `BuildKit` forget under which keys other records are found (moby/buildkit#7177): they
    /// stay listed, and every rebuild misses.
    fn forgets_keys(&self) -> bool;
}

impl BuildCache for DockerEngine {
    async fn list(&self) -> Result<Vec<ListedRecord>, EngineError> {
        snapshot::cache(self).await
    }

    async fn remove(&self, ids: &[&str], listed: &[ListedRecord]) -> Result<u64, EngineError> {
        let named = beginnings(listed.iter().map(|record| record.id.as_str()));
        let mut gone = 0;
        for batch in ids.chunks(BATCH) {
            gone += prune(self, &expression(batch, &named)).await?;
        }
        Ok(gone)
    }

    fn forgets_keys(&self) -> bool {
        self.store() == ImageStore::Containerd
    }
}

/// Removes what is provably ours, or lists it, and reports what is left.
pub(super) async fn clean(
    engine: &DockerEngine,
    ownership: &Ownership,
    removal: Removal,
) -> Result<CleanReport, EngineError> {
    let mut hand = Hand { engine, ownership, removal, report: CleanReport::default() };
    let listed = snapshot::images(engine).await?;
    let ahead = engine.ahead().await?;
    let started = snapshot::containers(engine).await?;
    let (foreign, layers) = neighbours(engine, &listed, ownership).await?;
    let mut images = claims::images(&listed, &started, &foreign, &layers, ownership);
    // Before anything goes: what is nameless and new now.
    let doubtful = claims::doubtful_images(&listed, &images, ownership, &ahead);
    hand.containers(&claims::containers(&started, ownership)).await?;
    hand.networks().await?;
    hand.report.used = images.used.values().filter(|why| !why.is_empty()).count() as u64;
    let plan = claims::names(&listed, &images, ownership);
    images.leave_named(&listed, &plan);
    for (names, why) in claims::left(&listed, &images, &plan) {
        hand.report.left.push(left("image", &names.join("`, `"), why));
    }
    hand.names(plan, &listed, &images).await?;
    hand.passes(&listed, images.ours.keys().map(|id| (*id).to_owned()).collect()).await?;
    clean_records(engine, ownership, removal, &mut hand.report, (&listed, &images, &foreign), &ahead).await?;
    if doubtful > 0 {
        hand.report.left.push(format!(
            "{} without a name, which appeared while this run was building and may be another build's",
            count(doubtful, "image")
        ));
    }
    Ok(hand.report)
}

/// Runs that left something with a mark that cannot be inherited, each once.
pub(super) async fn marked_runs(engine: &DockerEngine) -> Result<Vec<String>, EngineError> {
    let mut runs: Vec<String> = snapshot::images(engine).await?.iter().filter_map(claims::marked_image).collect();
    runs.extend(snapshot::containers(engine).await?.iter().filter_map(claims::marked_container).map(str::to_owned));
    runs.extend(networks::runs(engine.client()).await?);
    // What anybody may have put into a label goes into no command that is printed.
    runs.retain(|run| run.len() <= 64 && run.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    runs.sort();
    runs.dedup();
    Ok(runs)
}

/// What came on the engine since the run began and is not its own, and the layers of what is.
async fn neighbours(
    engine: &DockerEngine,
    listed: &[ListedImage],
    ownership: &Ownership,
) -> Result<(Vec<Foreign>, BTreeMap<String, Vec<String>>), EngineError> {
    let mut foreign = Vec::new();
    for image in claims::foreign(listed, ownership) {
        let Some(info) = images::inspect(engine.client(), &image.id).await? else { continue };
        let inherits = image.label(labels::RUN) == Some(&ownership.run);
        let history = if inherits { Vec::new() } else { images::history(engine.client(), &image.id).await? };
        foreign.push(Foreign { inherits, diff_ids: info.diff_ids, history });
    }
    let mut layers = BTreeMap::new();
    if !foreign.is_empty() {
        for image in claims::made(listed, ownership).into_values().filter(|image| image.tags().next().is_some()) {
            let info = images::inspect(engine.client(), &image.id).await?;
            layers.insert(image.id.clone(), info.map(|info| info.diff_ids).unwrap_or_default());
        }
    }
    Ok((foreign, layers))
}

fn left(what: &str, name: &str, why: &str) -> String {
    format!("{what} `{}`: {}", text::for_people(name), text::for_people(why))
}

impl Hand<'_> {
    fn removes(&self) -> bool {
        self.removal == Removal::Remove
    }

    /// Changes the engine, unless what is to go is only listed.
    async fn unless_listed(&self, change: impl Future<Output = Result<(), EngineError>>) -> Result<(), EngineError> {
        if self.removes() { change.await } else { Ok(()) }
    }

    /// Notes what came of a removal: done, or refused for a reason.
    fn note(
        &mut self,
        what: &str,
        name: &str,
        removed: Result<(), EngineError>,
        counter: fn(&mut CleanReport) -> &mut u64,
    ) -> Result<(), EngineError> {
        match removed {
            Ok(()) => {
                *counter(&mut self.report) += 1;
                self.report.objects.push(format!("{what} `{}`", text::for_people(name)));
            }
            Err(EngineError::Refused { message, .. }) => self.report.left.push(left(what, name, &message)),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn containers(&mut self, ours: &[&ListedContainer]) -> Result<(), EngineError> {
        for container in ours {
            let removed = self.unless_listed(containers::remove(self.engine.client(), &container.id)).await;
            let name = container.name().unwrap_or(&container.id);
            self.note("container", name, removed, |report| &mut report.containers)?;
        }
        Ok(())
    }

    async fn networks(&mut self) -> Result<(), EngineError> {
        for network in networks::of_run(self.engine.client(), &self.ownership.run).await? {
            let removed = self.unless_listed(networks::remove(self.engine.client(), &network)).await;
            self.note("network", &network, removed, |report| &mut report.networks)?;
        }
        Ok(())
    }

    async fn names(
        &mut self,
        plan: BTreeSet<Naming>,
        listed: &[ListedImage],
        images: &Images<'_>,
    ) -> Result<(), EngineError> {
        let goes = |tag: &String| {
            listed.iter().any(|image| images.ours.contains_key(image.id.as_str()) && image.tags().any(|own| own == tag))
        };
        for naming in plan {
            match naming {
                Naming::Remove(tag) => {
                    let removed = self.unless_listed(images::remove(self.engine.client(), &tag)).await;
                    let what = if goes(&tag) { "image" } else { "the name" };
                    self.note(what, &tag, removed, |report| &mut report.images)?;
                }
                Naming::Restore { tag, image } => {
                    self.unless_listed(images::tag(self.engine.client(), &image, &tag)).await?;
                    self.note("image", &tag, Ok(()), |report| &mut report.images)?;
                }
                Naming::Foreign(_) => {}
            }
        }
        Ok(())
    }

    /// Removes nameless images, those without children first, until nothing changes.
    async fn passes(&mut self, listed: &[ListedImage], mut wanted: BTreeSet<String>) -> Result<(), EngineError> {
        if !self.removes() {
            for image in listed.iter().filter(|image| wanted.contains(&image.id) && image.tags().next().is_none()) {
                self.note("image", &image.id, Ok(()), |report| &mut report.images)?;
            }
            return Ok(());
        }
        for _ in 0..ROUNDS {
            let now = snapshot::images(self.engine).await?;
            let named: BTreeSet<&str> =
                now.iter().filter(|image| image.tags().next().is_some()).map(|image| image.id.as_str()).collect();
            let parents: BTreeSet<&str> = now.iter().map(|image| image.parent_id.as_str()).collect();
            let present = |id: &String| now.iter().any(|image| image.id == *id);
            wanted.retain(|id| present(id) && !named.contains(id.as_str()));
            let ready: Vec<String> = wanted.iter().filter(|id| !parents.contains(id.as_str())).cloned().collect();
            if ready.is_empty() {
                break;
            }
            for id in ready {
                wanted.remove(&id);
                let removed = self.remove_nameless(&id).await;
                self.note("image", &id, removed, |report| &mut report.images)?;
            }
        }
        self.report.left.extend(wanted.iter().map(|id| left("image", id, "another image is built on it")));
        Ok(())
    }

    /// Removes an image that had no name when it was listed. By its id the engine would take away a name that somebody
    /// gave it since; by a name of ours it takes no more than that.
    async fn remove_nameless(&self, id: &str) -> Result<(), EngineError> {
        let client = self.engine.client();
        let digits = id.rsplit(':').next().unwrap_or(id);
        let own = format!("{}:{}-{}", labels::REPOSITORIES[0], self.ownership.run, digits.get(..12).unwrap_or(digits));
        match images::tag(client, id, &own).await {
            Err(EngineError::Refused { status: 404, .. }) => return Ok(()),
            tagged => tagged?,
        }
        images::remove(client, &own).await
    }
}

/// Removes our records of a build cache by their ids, until no more of ours are listed.
///
/// The list is asked anew in each round: `BuildKit` shows a record under one id while it is in use and under another once
/// it is idle, and a build that was stopped a moment ago still uses its records.
///
/// Where a removal makes `BuildKit` forget the keys of other records, nothing is removed unless all is ours.
pub(super) async fn clean_records<C: BuildCache>(
    cache: &C,
    ownership: &Ownership,
    removal: Removal,
    report: &mut CleanReport,
    (images, claimed, foreign): (&[ListedImage], &Images<'_>, &[Foreign]),
    ahead: &[i128],
) -> Result<(), EngineError> {
    let removes = removal == Removal::Remove;
    let Some(before) = &ownership.before else { return Ok(()) };
    if let Some(reason) = &before.cache_unlisted {
        let reason = text::for_people(reason);
        report.left.push(format!("build-cache records: it is not known which are this run's ({reason})"));
        return Ok(());
    }
    let mut idle = 0;
    // A builder that lists the same records however often they are removed is not believed for ever.
    for _ in 0..LISTINGS {
        let listed = match cache.list().await {
            Ok(listed) => listed,
            Err(error) if error.is_lost() => return Err(error),
            Err(error) => {
                report.left.push(format!("build-cache records: {}", text::for_people(&error.to_string())));
                report.cache_unlisted = Some(error.to_string());
                break;
            }
        };
        let found = claims::records(&listed, images, claimed, foreign, ownership, ahead);
        let wanted: Vec<&str> =
            found.ours.iter().map(|record| record.id.as_str()).filter(|id| is_record_id(id)).collect();
        let harmless = !cache.forgets_keys() || wanted.len() == listed.len();
        if harmless && !wanted.is_empty() && !removes {
            report.cache_records += wanted.len() as u64;
            report.objects.push(amount(&found.ours));
        }
        let gone = if harmless && removes && !wanted.is_empty() { cache.remove(&wanted, &listed).await? } else { 0 };
        report.cache_records += gone;
        idle = if gone == 0 { idle + 1 } else { 0 };
        if wanted.is_empty() || !harmless || !removes || idle > PATIENCE {
            leave_records(&mut report.left, &found, harmless, idle > PATIENCE);
            break;
        }
        if gone == 0 {
            tokio::time::sleep(PAUSE).await;
        }
    }
    if removes && report.cache_records > 0 {
        report.objects.push(count(report.cache_records, "build-cache record"));
    }
    Ok(())
}

/// Says which records are left.
fn leave_records(left: &mut Vec<String>, found: &claims::Records<'_>, harmless: bool, stuck: bool) {
    if !harmless && !found.ours.is_empty() {
        left.push(format!(
            "{}: on the containerd image store and on BuildKit of its own, removing any record makes every other build \
             there miss its cache (moby/buildkit#7177); `docker builder prune --all` or `buildctl prune --all` removes the \
             whole build cache",
            amount(&found.ours)
        ));
    }
    if stuck {
        left.push(format!("{} that the engine still uses", amount(&found.ours)));
    }
    if !found.used.is_empty() {
        left.push(format!("{} that another client's build uses, too", amount(&found.used)));
    }
    if !found.doubtful.is_empty() {
        left.push(format!("{}, made while something else was built too", amount(&found.doubtful)));
    }
}

/// How many records there are, and their size.
fn amount(records: &[&ListedRecord]) -> String {
    let bytes: Bytes = records.iter().map(|record| Bytes(u64::try_from(record.size).unwrap_or_default())).sum();
    format!("{}, {bytes}", count(records.len(), "build-cache record"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Pruned {
    caches_deleted: Option<Vec<String>>,
}

/// Removes the records whose ids match and tells how many went. The filter takes one value.
async fn prune(engine: &DockerEngine, expression: &str) -> Result<u64, EngineError> {
    let filters = serde_json::json!({ "id": [expression] }).to_string();
    let path = path_with("/build/prune", &[("all", "1"), ("filters", &filters)]);
    let pruned: Pruned =
        engine.client().json_when_idle(Request::post(path, "remove build-cache records"), SLOW).await?;
    Ok(pruned.caches_deleted.unwrap_or_default().len() as u64)
}

/// How many of the ids have each beginning.
fn beginnings<'i>(ids: impl Iterator<Item = &'i str>) -> BTreeMap<&'i str, usize> {
    let mut found = BTreeMap::new();
    for beginning in ids.filter_map(|id| id.get(..BEGINNING)) {
        *found.entry(beginning).or_default() += 1;
    }
    found
}

/// A regular expression that matches these ids and no other that was listed: by their beginnings where no two have
/// one, else whole. That another's record appears meanwhile with such a beginning has a chance of one in 10¹².
fn expression(ids: &[&str], named: &BTreeMap<&str, usize>) -> String {
    let name = |id: &&str| match id.get(..BEGINNING) {
        Some(beginning) if named.get(beginning) == Some(&1) => beginning.to_owned(),
        _ => format!("{id}$"),
    };
    format!("^({})", ids.iter().map(name).collect::<Vec<_>>().join("|"))
}

/// Whether an id is one that a regular expression takes as it stands.
fn is_record_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_named_by_what_no_other_has() {
        let ours = ["85u8h3nrypnwcgfjvpf8gefz0", "jo37rfzedgeh196ao7n7961oq", "short"];
        let others = ["jo37rfzedgxxxxxxxxxxxxxxx", "0085u8h3nrypnwcgfjvpf8gef", "shorter", "vy1h3pt6yp9sq3ua9v5g6so8i"];
        let listed = [&ours[..], &others[..]].concat();
        let named = beginnings(listed.iter().copied());
        let expression = expression(&ours, &named);
        assert_eq!(expression, "^(85u8h3nryp|jo37rfzedgeh196ao7n7961oq$|short$)");
        let matches = regex::Regex::new(&expression).unwrap();
        let gone: Vec<&str> = listed.iter().copied().filter(|id| matches.is_match(id)).collect();
        assert_eq!(gone, ours);
    }
}
