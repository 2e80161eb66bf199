//! Clean-up that leaves an engine as it was: only what [`claims`] proves to be ours, one by one, never a prune of
//! everything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use super::claims::{self, Naming};
use super::client::{Request, SLOW, path_with};
use super::docker::DockerEngine;
use super::snapshot::ListedImage;
use super::{CleanReport, EngineError, Ownership, containers, images, networks, snapshot};
use crate::text;

/// Most rounds over what could not be removed yet, because something else of ours still needs it.
const ROUNDS: usize = 64;
/// Pauses for the engine to let go of what a stopped build used.
const PATIENCE: u32 = 20;
/// How long each is.
const PAUSE: Duration = Duration::from_millis(250);
/// Build-cache records that one request removes: its ids go into the query.
const BATCH: usize = 100;
/// Characters of an id that name its record in a request; whole ids are 25 letters and digits, at random. Docker
/// compiles the request's expression anew for each record that it looks at, which with whole ids can take it longer
/// than removing the records.
const BEGINNING: usize = 10;

/// Removes what is provably ours and reports what is left.
pub(super) async fn clean(engine: &DockerEngine, ownership: &Ownership) -> Result<CleanReport, EngineError> {
    let mut report = CleanReport::default();
    let listed = snapshot::images(engine).await?;
    let ours = claims::images(&listed, ownership);
    let ahead = engine.ahead().await?;
    // Before anything goes: what is nameless and new now.
    let doubtful = claims::doubtful_images(&listed, &ours, ownership, &ahead);
    for id in claims::containers(&snapshot::containers(engine).await?, &ours, ownership, &ahead) {
        containers::remove(engine.client(), id).await?;
        report.containers += 1;
    }
    for network in networks::of_run(engine.client(), &ownership.run).await? {
        match networks::remove(engine.client(), &network).await {
            Ok(()) => report.networks += 1,
            Err(EngineError::Refused { message, .. }) => report.left.push(left("network", &network, &message)),
            Err(error) => return Err(error),
        }
    }
    names(engine, claims::names(&listed, &ours, ownership), &mut report).await?;
    passes(engine, ours.keys().map(|id| (*id).to_owned()).collect(), &mut report).await?;
    records(engine, &listed, ownership, &ahead, &mut report).await?;
    if doubtful > 0 {
        report.left.push(format!(
            "{doubtful} image(s) without a name appeared while this run was building and may be another build's"
        ));
    }
    Ok(report)
}

async fn names(engine: &DockerEngine, plan: BTreeSet<Naming>, report: &mut CleanReport) -> Result<(), EngineError> {
    for naming in plan {
        match naming {
            Naming::Remove(tag) => match images::remove(engine.client(), &tag, false).await {
                Ok(()) => report.images += 1,
                Err(EngineError::Refused { message, .. }) => report.left.push(left("image", &tag, &message)),
                Err(error) => return Err(error),
            },
            Naming::Restore { tag, image } => {
                images::tag(engine.client(), &image, &tag).await?;
                report.images += 1;
            }
            Naming::Foreign(tag) => report.left.push(left("image", &tag, "this run did not give it that name")),
        }
    }
    Ok(())
}

fn left(what: &str, name: &str, why: &str) -> String {
    format!("{what} `{}`: {}", text::for_people(name), text::for_people(why))
}

/// Removes nameless images by id, those without children first, until nothing changes.
async fn passes(
    engine: &DockerEngine,
    mut wanted: BTreeSet<String>,
    report: &mut CleanReport,
) -> Result<(), EngineError> {
    for _ in 0..ROUNDS {
        let now = snapshot::images(engine).await?;
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
            match images::remove(engine.client(), &id, false).await {
                Ok(()) => report.images += 1,
                Err(EngineError::Refused { message, .. }) => report.left.push(left("image", &id, &message)),
                Err(error) => return Err(error),
            }
        }
    }
    report.left.extend(wanted.iter().map(|id| left("image", id, "another image is built on it")));
    Ok(())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Pruned {
    caches_deleted: Option<Vec<String>>,
}

/// Removes our records of the build cache by their ids, until no more of ours are listed.
///
/// The list is asked anew in each round: `BuildKit` shows a record under one id while it is in use and under
/// another once it is idle, and a build that was stopped a moment ago still uses its records.
async fn records(
    engine: &DockerEngine,
    images_before: &[ListedImage],
    ownership: &Ownership,
    ahead: &[i128],
    report: &mut CleanReport,
) -> Result<(), EngineError> {
    if claims::is_lost(ownership) {
        return Ok(());
    }
    let claimed = claims::images(images_before, ownership);
    let mut idle = 0;
    loop {
        let listed = snapshot::cache(engine).await?;
        let found = claims::records(&listed, images_before, &claimed, ownership, ahead);
        let wanted: Vec<&str> = found.ours.into_iter().filter(|id| is_record_id(id)).collect();
        let mut gone = 0;
        let named = beginnings(listed.iter().map(|record| record.id.as_str()));
        for batch in wanted.chunks(BATCH) {
            gone += prune(engine, &expression(batch, &named)).await?;
        }
        report.cache_records += gone;
        idle = if gone == 0 { idle + 1 } else { 0 };
        if wanted.is_empty() || idle > PATIENCE {
            if !wanted.is_empty() {
                report.left.push(format!("{} build-cache record(s) that the engine still uses", wanted.len()));
            }
            if !found.doubtful.is_empty() {
                let bytes: i64 = found.doubtful.iter().map(|record| record.size.max(0)).sum();
                report.left.push(format!(
                    "{} build-cache record(s), {}, made while something else was built too",
                    found.doubtful.len(),
                    crate::units::Bytes(u64::try_from(bytes).unwrap_or_default())
                ));
            }
            return Ok(());
        }
        if gone == 0 {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Removes the records whose ids match and tells how many went. The filter takes one value.
async fn prune(engine: &DockerEngine, expression: &str) -> Result<u64, EngineError> {
    let filters = serde_json::json!({ "id": [expression] }).to_string();
    let path = path_with("/build/prune", &[("all", "1"), ("filters", &filters)]);
    let pruned: Pruned = engine.client().json(Request::post(path, "remove build-cache records"), SLOW).await?;
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
