//! Networks of the containers that are asked whether they serve: without a way out, labelled with the run.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::client::{Client, QUICK, Request, path_with, segment, unless_missing};
use super::{EngineError, labels};
use crate::machine::has_interface;

/// What is being done, for errors.
const ACTION: &str = "make a network";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListedNetwork {
    id: String,
    name: String,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    id: String,
}

impl ListedNetwork {
    /// The run that made it: a label alone could be anybody's.
    fn run(&self) -> Option<&str> {
        let run = self.labels.as_ref()?.get(labels::RUN)?;
        (self.name == name_of(run)).then_some(run.as_str())
    }
}

fn name_of(run: &str) -> String {
    format!("tonnage-{run}")
}

/// Makes the network of a run: `internal`, so that nothing in it reaches the world, while the engine's host reaches it
/// through its bridge.
pub(super) async fn make(client: &Client, run: &str) -> Result<String, EngineError> {
    let name = name_of(run);
    // Names are not keys to the engine: a second one of the same name would be made, and either found by it.
    for left in of_run(client, run).await? {
        remove(client, &left).await?;
    }
    let body = json!({ "Name": name, "Internal": true, "CheckDuplicate": true, "Labels": { labels::RUN: run } });
    let made: Made = client.json(Request::post("/networks/create", ACTION).json(&body), QUICK).await?;
    // Docker names the bridge after the network. Where it is not among this program's interfaces, addresses behind it
    // are not those of the containers.
    if has_interface(&format!("br-{}", made.id.get(..12).unwrap_or_default())) {
        return Ok(name);
    }
    remove(client, &made.id).await?;
    Err(EngineError::Unsupported {
        action: "give containers a network without a way out".to_owned(),
        reason: "its bridge cannot be reached from here".to_owned(),
    })
}

/// Removes a network; a missing one is not an error.
pub(super) async fn remove(client: &Client, name: &str) -> Result<(), EngineError> {
    let request = Request::delete(format!("/networks/{}", segment(name)), format!("remove the network `{name}`"));
    unless_missing(client.bytes(request, QUICK).await).map(drop)
}

/// Ids of the networks of a run.
pub(super) async fn of_run(client: &Client, run: &str) -> Result<Vec<String>, EngineError> {
    let mut found = listed(client).await?;
    found.retain(|network| network.run() == Some(run));
    Ok(found.into_iter().map(|network| network.id).collect())
}

/// Runs that have networks.
pub(super) async fn runs(client: &Client) -> Result<Vec<String>, EngineError> {
    Ok(listed(client).await?.iter().filter_map(|network| network.run().map(str::to_owned)).collect())
}

/// Networks of any run.
async fn listed(client: &Client) -> Result<Vec<ListedNetwork>, EngineError> {
    let filters = json!({ "label": [labels::RUN] }).to_string();
    let path = path_with("/networks", &[("filters", &filters)]);
    let mut found: Vec<ListedNetwork> = client.json(Request::get(path, "list networks"), QUICK).await?;
    // Whatever an engine makes of the filter.
    found.retain(|network| network.run().is_some() && !network.id.is_empty());
    Ok(found)
}
