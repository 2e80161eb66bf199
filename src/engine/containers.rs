//! Containers: starting one, asking how it does, reading its log, removing it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::client::{Client, QUICK, Request, next, path_with, segment, unless_missing};
use super::snapshot::ListedContainer;
use super::{ContainerSpec, ContainerState, EngineError, Listens, Used, labels};
use crate::record::RunningContainer;
use crate::text;
use crate::units::{Bytes, Nanos};

/// Time to create, start or remove a container.
const CHANGE: Duration = Duration::from_secs(120);
/// Time between questions whether a container is gone.
const PAUSE: Duration = Duration::from_millis(50);
/// Most of a log that is kept.
const LOG: usize = 64 << 10;
/// Most processes and threads of a container.
const MOST_PROCESSES: u32 = 4096;
/// Label that remembers the port to ask, since an image may expose others.
const PORT: &str = "io.tonnage.port";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedContainer {
    state: InspectedState,
    config: Option<Config>,
    network_settings: Option<NetworkSettings>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedState {
    running: bool,
    exit_code: i64,
    #[serde(rename = "OOMKilled")]
    oom_killed: bool,
    status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkSettings {
    #[serde(rename = "IPAddress")]
    ip_address: String,
    networks: Option<BTreeMap<String, ContainerNetwork>>,
    ports: Option<BTreeMap<String, Option<Vec<Binding>>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ContainerNetwork {
    #[serde(rename = "IPAddress")]
    ip_address: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Binding {
    host_ip: String,
    host_port: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Created {
    id: String,
}

/// Name of the container with this number. Names are not inherited, as labels are, and nobody else can guess one.
pub(super) fn name_of(number: &str) -> String {
    format!("tonnage-{number}")
}

/// Creates and starts a container; one that cannot be started is removed again. A port is published on 127.0.0.1, or
/// where the engine is on another `host` on all of its addresses, so that it can be asked from here.
pub(super) async fn start(client: &Client, spec: &ContainerSpec, host: Option<&str>) -> Result<String, EngineError> {
    let number = crate::random::hex();
    let name = name_of(&number);
    let mut query = vec![("name", name.as_str())];
    query.extend(spec.platform.as_deref().map(|platform| ("platform", platform)));
    let action = format!("create a container of `{}`", spec.image);
    let request =
        Request::post(path_with("/containers/create", &query), action.clone()).json(&body(spec, &number, host));
    let created: Created = client.json(request, CHANGE).await?;
    let request = Request::post(
        format!("/containers/{}/start", segment(&created.id)),
        format!("start a container of `{}`", spec.image),
    );
    if let Err(error) = client.bytes(request, CHANGE).await {
        // The reason it did not start is the one to tell.
        drop(remove(client, &created.id).await);
        return Err(error);
    }
    Ok(created.id)
}

fn body(spec: &ContainerSpec, number: &str, engine: Option<&str>) -> Value {
    let port = format!("{}/tcp", spec.port);
    let mut labels = spec.labels.clone();
    labels.insert(PORT.to_owned(), spec.port.to_string());
    labels.insert(labels::CONTAINER.to_owned(), number.to_owned());
    let limits = &spec.limits;
    let mut host = json!({
        "Memory": limits.memory_bytes,
        "NanoCpus": limits.nano_cpus,
        "ReadonlyRootfs": limits.read_only,
        "PidsLimit": MOST_PROCESSES,
    });
    if let Some(network) = &spec.network {
        host["NetworkMode"] = json!(network);
    }
    if spec.publish && spec.port != 0 {
        host["PortBindings"] = json!({ port.clone(): [{ "HostIp": publish_at(engine), "HostPort": "" }] });
    }
    let mut body = json!({ "Image": spec.image, "Labels": labels, "Env": spec.env, "HostConfig": host });
    if spec.port != 0 {
        body["ExposedPorts"] = json!({ port: {} });
    }
    if !limits.user.is_empty() {
        body["User"] = json!(limits.user);
    }
    if !spec.command.is_empty() {
        body[if spec.bare { "Entrypoint" } else { "Cmd" }] = json!(spec.command);
    }
    body
}

fn publish_at(host: Option<&str>) -> &'static str {
    match host {
        None => "127.0.0.1",
        Some(host) if host.starts_with('[') => "::",
        Some(_) => "0.0.0.0",
    }
}

/// Address, state and exit code; ports that the engine publishes are those of `host`, or else of this one.
pub(super) async fn state(client: &Client, id: &str, host: Option<&str>) -> Result<ContainerState, EngineError> {
    let request = Request::get(format!("/containers/{}/json", segment(id)), format!("look at the container `{id}`"));
    Ok(client.json::<InspectedContainer>(request, QUICK).await?.into_state(host))
}

impl InspectedContainer {
    fn into_state(self, host: Option<&str>) -> ContainerState {
        let labels = self.config.and_then(|config| config.labels).unwrap_or_default();
        let port = labels.get(PORT).and_then(|port| port.parse::<u16>().ok()).filter(|&port| port != 0);
        let running = self.state.running;
        // A container that was created and not yet started has no exit code.
        let ended = !running && matches!(self.state.status.as_str(), "exited" | "dead" | "stopped" | "");
        let address = port.filter(|_| running).and_then(|port| self.network_settings?.address(port, host));
        ContainerState {
            running,
            exit_code: ended.then_some(self.state.exit_code),
            oom_killed: self.state.oom_killed,
            address,
        }
    }
}

impl NetworkSettings {
    /// The published port where there is one, else the container's own address.
    fn address(self, port: u16, host: Option<&str>) -> Option<String> {
        let mut bindings = self.ports.unwrap_or_default().remove(&format!("{port}/tcp")).flatten().unwrap_or_default();
        if let Some(binding) = bindings.drain(..).find(|binding| binding.host_port.parse::<u16>().is_ok()) {
            return Some(match (binding.host_ip.as_str(), host) {
                ("" | "0.0.0.0" | "::", Some(host)) => format!("{host}:{}", binding.host_port),
                ("" | "0.0.0.0" | "::", None) => authority("127.0.0.1", &binding.host_port),
                (ip, _) => authority(ip, &binding.host_port),
            });
        }
        let networks = self.networks.unwrap_or_default();
        let mut addresses = networks.into_values().map(|network| network.ip_address).chain([self.ip_address]);
        let ip = addresses.find(|ip| ip.parse::<std::net::IpAddr>().is_ok())?;
        Some(authority(&ip, &port.to_string()))
    }
}

fn authority(ip: &str, port: &str) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

/// Whether something in the container listens at a port: asked of the container itself, if its image has a `cat`.
pub(super) async fn listens(client: &Client, id: &str, port: u16) -> Result<Option<Listens>, EngineError> {
    match sockets(client, id).await {
        Ok(table) => Ok(listening(&table, port)),
        Err(error) if error.is_lost() => Err(error),
        Err(_) => Ok(None),
    }
}

/// The kernel's table of TCP sockets as the container sees it.
async fn sockets(client: &Client, id: &str) -> Result<String, EngineError> {
    let action = format!("look at the sockets of the container `{id}`");
    let command = json!({ "AttachStdout": true, "Cmd": ["cat", "/proc/net/tcp", "/proc/net/tcp6"] });
    let request = Request::post(format!("/containers/{}/exec", segment(id)), action.clone()).json(&command);
    let made: Created = client.json(request, QUICK).await?;
    let request = Request::post(format!("/exec/{}/start", segment(&made.id)), action).json(&json!({}));
    let mut frames = Frames::default();
    frames.read(client, request).await?;
    Ok(String::from_utf8_lossy(&frames.text).into_owned())
}

/// What a table in the form of `/proc/net/tcp` says of a port (proc(5)); `None` for any other text.
fn listening(table: &str, port: u16) -> Option<Listens> {
    const LISTEN: &str = "0A";
    const LOOPBACK: [&str; 3] = ["0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"];
    if !table.contains("local_address") {
        return None;
    }
    let wanted = format!("{port:04X}");
    let addresses = table.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (address, found) = fields.next()?.split_once(':')?;
        (found == wanted && fields.nth(1)? == LISTEN).then_some(address)
    });
    Some(addresses.fold(Listens::No, |known, address| match (known, LOOPBACK.contains(&address)) {
        (Listens::No | Listens::AtLoopback, true) => Listens::AtLoopback,
        _ => Listens::Yes,
    }))
}

/// Memory, without page cache where the engine tells it apart, and CPU time.
pub(super) async fn used(client: &Client, id: &str) -> Result<Used, EngineError> {
    let path = format!("/containers/{}/stats?stream=0&one-shot=1", segment(id));
    let request = Request::get(path, format!("measure the memory and CPU time of the container `{id}`"));
    Ok(used_in(&client.json(request, QUICK).await?))
}

/// Memory as the Docker CLI shows it: usage less `total_inactive_file` (cgroup 1) or `inactive_file` (cgroup 2). An engine
/// that cannot read the container's cgroup says zero.
fn used_in(stats: &Value) -> Used {
    let figure = |path: &str| stats.pointer(path).and_then(Value::as_u64);
    let memory = figure("/memory_stats/usage").filter(|&usage| usage > 0);
    let cache = figure("/memory_stats/stats/total_inactive_file").or(figure("/memory_stats/stats/inactive_file"));
    let cpu_ns = figure("/cpu_stats/cpu_usage/total_usage").filter(|&cpu_ns| cpu_ns > 0);
    Used { memory: memory.map(|usage| Bytes(usage.saturating_sub(cache.unwrap_or(0)))), cpu: cpu_ns.map(Nanos) }
}

/// The last lines of a log.
pub(super) async fn logs(client: &Client, id: &str, lines: usize) -> Result<Vec<String>, EngineError> {
    let action = format!("read the log of the container `{id}`");
    let count = lines.to_string();
    let query = [("stdout", "1"), ("stderr", "1"), ("tail", count.as_str())];
    let request = Request::get(path_with(&format!("/containers/{}/logs", segment(id)), &query), action);
    let mut frames = Frames::default();
    frames.read(client, request).await?;
    Ok(frames.last_lines(lines))
}

/// Takes a log apart that carries stdout and stderr in frames: one byte of kind, three of nothing, four of length.
#[derive(Debug, Default)]
struct Frames {
    header: Vec<u8>,
    left: usize,
    text: Vec<u8>,
}

impl Frames {
    async fn read(&mut self, client: &Client, request: Request) -> Result<(), EngineError> {
        let action = request.action.clone();
        let until = Instant::now() + QUICK;
        let mut body = client.stream(request);
        while let Some(chunk) = next(&mut body, until, QUICK, &action).await? {
            self.push(&chunk.map_err(|error| client.failure(&error, &action))?);
        }
        Ok(())
    }

    fn push(&mut self, mut chunk: &[u8]) {
        while !chunk.is_empty() {
            if self.left == 0 {
                let take = (8 - self.header.len()).min(chunk.len());
                self.header.extend_from_slice(&chunk[..take]);
                chunk = &chunk[take..];
                if let [_, _, _, _, a, b, c, d] = self.header[..] {
                    self.left = u32::from_be_bytes([a, b, c, d]) as usize;
                    self.header.clear();
                }
                continue;
            }
            let take = self.left.min(chunk.len());
            self.text.extend_from_slice(&chunk[..take]);
            self.left -= take;
            chunk = &chunk[take..];
            if self.text.len() > 2 * LOG {
                self.text.drain(..self.text.len() - LOG);
            }
        }
    }

    fn last_lines(self, lines: usize) -> Vec<String> {
        let kept = &self.text[self.text.len().saturating_sub(LOG)..];
        let shown = text::from_bytes(kept);
        let all: Vec<&str> = shown.lines().collect();
        all[all.len().saturating_sub(lines)..].iter().map(|line| text::strip_control(line)).collect()
    }
}

/// Removes a container with its anonymous volumes; a missing one is not an error. One that the engine is removing
/// already, as after a stopped build, is waited for.
pub(super) async fn remove(client: &Client, id: &str) -> Result<(), EngineError> {
    let path = format!("/containers/{}?force=1&v=1", segment(id));
    let action = format!("remove the container `{id}`");
    let until = Instant::now() + CHANGE;
    loop {
        let removed = client.bytes(Request::delete(path.clone(), action.clone()), CHANGE).await;
        let underway = matches!(&removed, Err(EngineError::Refused { status: 409, message, .. })
            if message.contains("already in progress"));
        if !underway || Instant::now() > until {
            return unless_missing(removed).map(drop);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Containers that are running.
pub(super) async fn running(client: &Client) -> Result<Vec<RunningContainer>, EngineError> {
    let listed: Vec<ListedContainer> = client.json(Request::get("/containers/json", "list containers"), QUICK).await?;
    let mut found: Vec<_> = listed
        .into_iter()
        .map(|one| RunningContainer { name: one.name().unwrap_or_default().to_owned(), image: one.image })
        .collect();
    found.sort_by(|a, b| (&a.name, &a.image).cmp(&(&b.name, &b.image)));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ServeLimits;

    #[test]
    fn the_address_is_the_published_port_or_the_container_s_own() {
        let with = |settings: &str| {
            let text = format!(
                r#"{{"State":{{"Running":true,"Status":"running"}},"Config":{{"Labels":{{"io.tonnage.port":"5000"}}}},
                "NetworkSettings":{settings}}}"#
            );
            serde_json::from_str::<InspectedContainer>(&text).unwrap().into_state(None).address
        };
        let published = r#"{"Ports":{"5000/tcp":[{"HostIp":"127.0.0.1","HostPort":"49153"}],"80/tcp":null}}"#;
        assert_eq!(with(published).as_deref(), Some("127.0.0.1:49153"));
        let direct = r#"{"IPAddress":"","Networks":{"bridge":{"IPAddress":"172.17.0.2"}},"Ports":{"5000/tcp":null}}"#;
        assert_eq!(with(direct).as_deref(), Some("172.17.0.2:5000"));
        assert_eq!(with(r#"{"Networks":{"none":{"IPAddress":""}}}"#), None);
        assert_eq!(with(r#"{"IPAddress":"not an address"}"#), None);
    }

    #[test]
    fn a_port_of_an_engine_elsewhere_is_published_to_be_asked_there() {
        let spec = ContainerSpec { port: 5000, publish: true, ..ContainerSpec::default() };
        for (host, at, address) in [
            (None, "127.0.0.1", "127.0.0.1:7"),
            (Some("docker"), "0.0.0.0", "docker:7"),
            (Some("[fd00::1]"), "::", "[fd00::1]:7"),
        ] {
            let body = body(&spec, "n", host);
            assert_eq!(body["HostConfig"]["PortBindings"]["5000/tcp"][0]["HostIp"], at);
            let text = format!(
                r#"{{"State":{{"Running":true}},"Config":{{"Labels":{{"io.tonnage.port":"5000"}}}},
                "NetworkSettings":{{"Ports":{{"5000/tcp":[{{"HostIp":"{at}","HostPort":"7"}}]}}}}}}"#
            );
            let state = serde_json::from_str::<InspectedContainer>(&text).unwrap().into_state(host);
            assert_eq!(state.address.as_deref(), Some(address));
        }
    }

    #[test]
    fn a_container_is_held_to_its_limits() {
        let limits = ServeLimits {
            memory_bytes: Bytes(64 << 20),
            nano_cpus: 200_000_000,
            read_only: true,
            user: "10001".to_owned(),
        };
        let limited = body(&ContainerSpec { limits, ..ContainerSpec::default() }, "n", None);
        let host = &limited["HostConfig"];
        assert_eq!((&host["Memory"], &host["NanoCpus"]), (&json!(67_108_864), &json!(200_000_000)));
        assert_eq!((&host["ReadonlyRootfs"], &limited["User"]), (&json!(true), &json!("10001")));
        // An empty user would be root instead of the image's own.
        assert_eq!(body(&ContainerSpec::default(), "n", None).get("User"), None);
    }

    #[test]
    fn only_a_container_that_ended_has_an_exit_code() {
        for (state, running, code) in [
            (r#"{"Running":true,"Status":"running","ExitCode":0}"#, true, None),
            (r#"{"Running":false,"Status":"created","ExitCode":0}"#, false, None),
            (r#"{"Running":false,"Status":"exited","ExitCode":137,"OOMKilled":true}"#, false, Some(137)),
            // Podman's words for one that is ending, and for one that has ended and is not cleaned up yet.
            (r#"{"Running":false,"Status":"stopping","ExitCode":0}"#, false, None),
            (r#"{"Running":false,"Status":"stopped","ExitCode":3}"#, false, Some(3)),
        ] {
            let found = serde_json::from_str::<InspectedContainer>(&format!(r#"{{"State":{state}}}"#))
                .unwrap()
                .into_state(None);
            assert_eq!((found.running, found.exit_code), (running, code), "{state}");
        }
    }

    #[test]
    fn a_container_s_own_table_of_sockets_says_whether_something_listens() {
        let table = |rows: &[&str]| {
            let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
            let rows: Vec<_> = rows.iter().map(|row| format!("   0: {row} 00000000:00000000 00:00000000\n")).collect();
            format!("{head}{}{head}", rows.concat())
        };
        let loopback = "0100007F:1388 00000000:0000 0A";
        let all_v6 = "00000000000000000000000000000000:1388 00000000000000000000000000000000:0000 0A";
        for (rows, expected) in [
            (&[][..], Listens::No),
            (&["00000000:1389 00000000:0000 0A"], Listens::No),
            (&["0200A8C0:1388 0300A8C0:D431 01"], Listens::No),
            (&[loopback], Listens::AtLoopback),
            (&["00000000000000000000000001000000:1388 00000000000000000000000000000000:0000 0A"], Listens::AtLoopback),
            (&[all_v6, loopback], Listens::Yes),
            (&[loopback, "00000000:1388 00000000:0000 0A"], Listens::Yes),
        ] {
            assert_eq!(listening(&table(rows), 5000), Some(expected), "{rows:?}");
        }
        assert_eq!(listening("exec failed: \"cat\": executable file not found in $PATH", 5000), None);
        assert_eq!(listening("", 5000), None);
    }

    #[test]
    fn memory_leaves_the_page_cache_out_where_it_is_told_and_cpu_time_is_that_of_the_cgroup() {
        for (cpu, expected) in [
            (r#"{"cpu_usage":{"total_usage":412000000,"usage_in_usermode":1}}"#, Some(Nanos(412_000_000))),
            (r#"{"cpu_usage":{"total_usage":0}}"#, None),
            ("{}", None),
            ("null", None),
        ] {
            let stats = serde_json::from_str(&format!(r#"{{"cpu_stats":{cpu}}}"#)).unwrap();
            assert_eq!(used_in(&stats).cpu, expected, "{cpu}");
        }
        for (stats, expected) in [
            (r#"{"memory_stats":{"usage":100,"stats":{"inactive_file":30,"x":1}}}"#, Some(70)),
            (r#"{"memory_stats":{"usage":100,"stats":{"total_inactive_file":40,"inactive_file":5}}}"#, Some(60)),
            (r#"{"memory_stats":{"usage":100}}"#, Some(100)),
            (r#"{"memory_stats":{}}"#, None),
            (r#"{"memory_stats":{"usage":10,"stats":{"inactive_file":30}}}"#, Some(0)),
        ] {
            let used = used_in(&serde_json::from_str(stats).unwrap());
            assert_eq!(used.memory, expected.map(Bytes), "{stats}");
        }
    }

    #[test]
    fn logs_come_out_of_their_frames_however_they_are_cut() {
        let frame = |kind: u8, text: &[u8]| {
            let mut out = vec![kind, 0, 0, 0];
            out.extend_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
            out.extend_from_slice(text);
            out
        };
        let whole = [frame(1, b"one\ntw"), frame(2, b"o\n\x1b[31mred\xff\n"), frame(9, b"")].concat();
        for size in 1..=whole.len() {
            let mut frames = Frames::default();
            whole.chunks(size).for_each(|chunk| frames.push(chunk));
            assert_eq!(frames.last_lines(2), ["two", "red\\xff"], "{size}");
        }
    }

    #[test]
    fn of_a_long_log_no_more_is_kept_than_its_end() {
        let mut frames = Frames::default();
        for _ in 0..64 {
            let mut frame = vec![1, 0, 0, 0];
            frame.extend_from_slice(&65_536_u32.to_be_bytes());
            frame.extend_from_slice(&vec![b'x'; 65_536]);
            frames.push(&frame);
            assert!(frames.text.len() <= 4 * LOG);
        }
        let lines = frames.last_lines(10);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].len(), LOG);
    }
}
