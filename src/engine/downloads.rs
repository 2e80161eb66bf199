//! What the RUN instructions of a build download, as the kernel counts it on the engine's bridge.
//!
//! Docker gives the containers of both builders its default bridge, and all that comes to them from elsewhere is
//! sent by that bridge's interface. Its counters are in `/proc/PID/net/dev` of a process in the engine's network
//! namespace: the one that listens at the engine's Unix socket, as the kernel names it (`SO_PEERCRED`). Nothing is
//! put between the build and the network, so the count costs no time inside the clock.
//!
//! The bridge counts for all of its containers, so a build's figure is given up where another container moved data
//! meanwhile: one whose port counted something, or one that the engine started between. What the engine itself
//! fetches (`ADD https://…`, pulls) does not cross the bridge.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde::Deserialize;

use super::client::{Client, Request, path_with};
use super::{BuildRequest, Downloads};
use crate::machine::{self, TrafficReading, unix_nanos};
use crate::record::{Builder, Step};

/// Time for the engine's answers, which it gives from memory.
const SOON: Duration = Duration::from_secs(10);
/// What the option of a network is called that names its interface.
const BRIDGE_NAME: &str = "com.docker.network.bridge.name";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DownloadCounters {
    options: Option<BTreeMap<String, String>>,
    #[serde(rename = "IPAM")]
    addresses: Addresses,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Addresses {
    config: Option<Vec<Subnet>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Subnet {
    subnet: String,
    gateway: String,
}

impl Subnet {
    /// The bridge's own address. Docker 20.10 does not name one that it chose itself: the first of the subnet.
    fn bridge_address(&self) -> Option<IpAddr> {
        if !self.gateway.is_empty() {
            return self.gateway.parse().ok();
        }
        let network: Ipv4Addr = self.subnet.split('/').next()?.parse().ok()?;
        Some(Ipv4Addr::from(u32::from(network).checked_add(1)?).into())
    }
}

#[derive(Debug, Deserialize)]
struct DownloadEvent {
    #[serde(rename = "Action")]
    action: String,
}

/// Name of the interface of the engine's default bridge, where it is one of this machine's: among our own interfaces
/// with the address that the engine gives it, or in the network namespace of the process that listens at the socket,
/// where that is another one (rootless engines). `None` elsewhere: the engine may be on another machine.
pub(super) async fn bridge(client: &Client) -> Option<String> {
    let request = Request::get("/networks/bridge", "describe its bridge");
    let mut network: DownloadCounters = client.json(request, SOON).await.ok()?;
    let name = network.options.take()?.remove(BRIDGE_NAME)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let well_formed = !name.is_empty() && name.len() < 16 && name.chars().all(plain);
    let subnets = network.addresses.config.unwrap_or_default();
    let ours =
        || machine::has_interface(&name) && subnets.iter().filter_map(Subnet::bridge_address).any(machine::has_address);
    (well_formed && (ours() || is_behind(client, &name))).then_some(name)
}

/// Whether the process that listens at the socket has a network namespace of its own with such an interface.
fn is_behind(client: &Client, bridge: &str) -> bool {
    let Some(pid) = client.endpoint().strip_prefix("unix://").and_then(machine::listener) else { return false };
    machine::is_in_another_network(pid) && TrafficReading::take(pid, bridge).is_some()
}

/// A count that was begun before a build.
#[derive(Debug)]
pub(super) struct Meter {
    pid: i32,
    bridge: String,
    before: TrafficReading,
    /// In nanoseconds since the Unix epoch.
    since: u64,
}

impl Meter {
    /// Begins to count; the error says why it cannot be.
    pub(super) fn begin(
        client: &Client,
        local: bool,
        bridge: Option<&str>,
        request: &BuildRequest,
    ) -> Result<Self, &'static str> {
        if !local {
            return Err("the engine runs on another machine");
        }
        match request.network.as_deref() {
            None | Some("" | "default" | "bridge") => {}
            Some("host") => return Err("RUN instructions use the host's network"),
            Some(_) => return Err("RUN instructions use a network of their own"),
        }
        let bridge = bridge.ok_or("the engine has no bridge whose counters could be read")?;
        let socket = client.endpoint().strip_prefix("unix://").ok_or("the engine runs on another machine")?;
        let pid = machine::listener(socket).ok_or("the engine's process cannot be seen from here")?;
        let before = TrafficReading::take(pid, bridge).ok_or("the engine's bridge cannot be seen from here")?;
        Ok(Self { pid, bridge: bridge.to_owned(), before, since: unix_nanos() })
    }

    /// Ends the count.
    pub(super) async fn end(self, client: &Client, builder: Builder, steps: &[Step]) -> Downloads {
        let unknown = |why: &str| Downloads::Unknown(why.to_owned());
        let Some(after) = TrafficReading::take(self.pid, &self.bridge) else {
            return unknown("the engine's bridge went away during the build");
        };
        let Some(bytes) = self.before.received(&after) else {
            return unknown("another container received data during the build");
        };
        // The classic builder starts a container for each RUN, BuildKit none that the engine tells of.
        let ran = |step: &&Step| !step.cached && step.instruction.starts_with("RUN");
        let own = if builder == Builder::Classic { steps.iter().filter(ran).count() } else { 0 };
        match came_and_went(client, self.since, unix_nanos()).await {
            Some((started, ended)) if started <= own && ended <= own => Downloads::Counted(bytes),
            Some(_) => unknown("another container was started or ended during the build"),
            None => unknown("the engine does not tell whether other containers were started"),
        }
    }
}

/// How many containers the engine says to have started and ended in a span.
async fn came_and_went(client: &Client, since: u64, until: u64) -> Option<(usize, usize)> {
    // The engine's clock is ours: it runs on this machine.
    let stamp = |at: u64| format!("{}.{:09}", at / 1_000_000_000, at % 1_000_000_000);
    let (since, until) = (stamp(since), stamp(until));
    let filters = r#"{"type":["container"],"event":["start","die"]}"#;
    let path = path_with("/events", &[("since", &since), ("until", &until), ("filters", filters)]);
    let answer = client.bytes(Request::get(path, "tell what it did"), SOON).await.ok()?;
    count_events(&answer)
}

/// Starts and ends in the lines of an answer; `None` where one cannot be read.
fn count_events(answer: &[u8]) -> Option<(usize, usize)> {
    let mut counts = (0, 0);
    for line in answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice::<DownloadEvent>(line).ok()?.action.as_str() {
            "start" => counts.0 += 1,
            _ => counts.1 += 1,
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bridge_has_the_address_that_the_engine_names_or_the_first_of_its_subnet() {
        let address = |json: &str| serde_json::from_str::<Subnet>(json).unwrap().bridge_address();
        let first = Some(IpAddr::from([172, 17, 0, 1]));
        assert_eq!(address(r#"{"Subnet": "172.17.0.0/16"}"#), first, "Docker 20.10");
        assert_eq!(address(r#"{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}"#), first);
        assert_eq!(address(r#"{"Subnet": "172.17.0.0/16", "Gateway": "nowhere"}"#), None);
        assert_eq!(address(r#"{"Subnet": "255.255.255.255/32"}"#), None);
        assert_eq!(address("{}"), None);
    }

    #[test]
    fn containers_that_came_and_went_are_counted() {
        let lines = b"{\"status\":\"start\",\"Action\":\"start\"}\n{\"Action\":\"die\"}\n{\"Action\":\"start\"}\n";
        assert_eq!(count_events(lines), Some((2, 1)));
        assert_eq!(count_events(b""), Some((0, 0)));
        assert_eq!(count_events(b"{\"Action\":"), None);
    }
}
