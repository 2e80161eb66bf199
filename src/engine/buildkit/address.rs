//! Where a builder is: `--builder`'s addresses, and the instances of buildx.
//!
//! The schemes are those of `buildctl --addr` (moby/buildkit, client/connhelper). An instance of buildx is a file
//! `instances/NAME` in its directory, JSON with the driver and the nodes (docker/buildx, store); the first node is taken.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::engine::EngineError;
use crate::engine::endpoint::{SshHost, Surroundings, authority, ssh_host};

/// Port of a builder over TCP that names none.
const PORT: u16 = 1234;
/// What the endpoint of a builder begins with: an engine may be reached at the same address.
const MARK: &str = "buildkit+";
/// Longest file of buildx that is read.
const LONGEST: u64 = 1 << 20;
/// Where the builder of buildx is in a container.
const DIAL: [&str; 2] = ["buildctl", "dial-stdio"];

/// A builder, by its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuilderAddress {
    /// As it is shown.
    pub(super) shown: String,
    pub(super) way: Transport,
}

/// How bytes get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Transport {
    /// A Unix socket.
    Unix(PathBuf),
    /// `host:port`, with TLS where there are certificates.
    Tcp(String, Option<Certificates>),
    /// `buildctl dial-stdio` on another machine.
    Ssh(SshHost),
    /// The pipes of a command.
    Command(Vec<String>),
}

/// What TLS needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Certificates {
    /// Authorities that are trusted.
    pub(super) ca: PathBuf,
    /// Own certificate and its key.
    pub(super) own: Option<(PathBuf, PathBuf)>,
    /// Name that the server must prove to have, where it is not that of the address.
    pub(super) name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Instance {
    driver: String,
    nodes: Vec<Node>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Node {
    name: String,
    endpoint: String,
    driver_opts: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Current {
    name: String,
}

/// The option that names what has this endpoint, and its value.
pub(crate) fn option_for(endpoint: &str) -> (&'static str, &str) {
    endpoint.strip_prefix(MARK).map_or(("--host", endpoint), |address| ("--builder", address))
}

fn bad(address: &str, reason: impl Into<String>) -> EngineError {
    EngineError::BadBuilder { address: address.to_owned(), reason: reason.into() }
}

/// An error of an engine's address as one of a builder's.
fn of_builder(error: EngineError) -> EngineError {
    match error {
        EngineError::BadEndpoint { endpoint: address, reason } => EngineError::BadBuilder { address, reason },
        other => other,
    }
}

impl BuilderAddress {
    /// The endpoint that ledgers keep.
    pub(super) fn endpoint(&self) -> String {
        format!("{MARK}{}", self.shown)
    }

    /// Whether a word is the address of a builder rather than the name of one of an engine's.
    pub(crate) fn is_one(text: &str) -> bool {
        text == "buildx" || text.starts_with("buildx:") || text.contains("://")
    }

    /// The builder that a text names; `certificates` is a directory for TLS.
    pub(crate) fn find(text: &str, certificates: Option<&Path>, around: &Surroundings) -> Result<Self, EngineError> {
        let text = text.trim();
        let certificates = certificates.map(|directory| of_directory(text, directory)).transpose()?;
        match text.strip_prefix("buildx").map(|rest| rest.strip_prefix(':').unwrap_or(rest)) {
            Some(name) if !text.contains("://") => {
                let (name, way) = instance(text, name, certificates, around)?;
                Ok(Self { shown: format!("buildx:{name}"), way })
            }
            _ => Ok(Self { shown: text.to_owned(), way: parse(text, certificates)? }),
        }
    }
}

/// `ca.pem`, and `cert.pem` with `key.pem` where they are there.
fn of_directory(address: &str, directory: &Path) -> Result<Certificates, EngineError> {
    let [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map(|name| directory.join(name));
    if !ca.is_file() {
        return Err(bad(address, format!("`{}` is missing", ca.display())));
    }
    let own = if cert.exists() || key.exists() { Some((cert, key)) } else { None };
    Ok(Certificates { ca, own, name: None })
}

fn parse(text: &str, certificates: Option<Certificates>) -> Result<Transport, EngineError> {
    let (scheme, rest) = text.split_once("://").ok_or_else(|| bad(text, "it has no scheme"))?;
    match scheme {
        "unix" if rest.starts_with('/') => Ok(Transport::Unix(PathBuf::from(rest))),
        "unix" => Err(bad(text, "the path of a socket begins with `/`")),
        "tcp" => Ok(Transport::Tcp(authority(text, rest, PORT).map_err(of_builder)?, certificates)),
        "ssh" => ssh_host(text, rest).map(Transport::Ssh).map_err(of_builder),
        "docker-container" => {
            let (name, [context]) = named(text, rest, ["context"])?;
            Ok(docker_exec(context.map(|context| format!("--context={context}")), name))
        }
        "kube-pod" => {
            let (name, [context, namespace, container]) = named(text, rest, ["context", "namespace", "container"])?;
            Ok(kubectl(&name, context, namespace, container))
        }
        other => Err(bad(text, format!("the scheme `{other}` is unknown"))),
    }
}

/// Reaches a builder in a container of an engine, which an option may name.
fn docker_exec(option: Option<String>, container: String) -> Transport {
    let mut command = vec!["docker".to_owned()];
    command.extend(option);
    command.extend(["exec".to_owned(), "-i".to_owned(), container]);
    command.extend(DIAL.map(str::to_owned));
    Transport::Command(command)
}

/// Reaches a builder in a pod, or in one of a deployment's (`deployment/NAME`).
fn kubectl(pod: &str, context: Option<String>, namespace: Option<String>, container: Option<String>) -> Transport {
    let mut command = vec!["kubectl".to_owned()];
    command.extend(context.map(|context| format!("--context={context}")));
    command.extend(namespace.map(|namespace| format!("--namespace={namespace}")));
    command.push("exec".to_owned());
    command.extend(container.map(|container| format!("--container={container}")));
    command.extend(["-i", pod, "--"].map(str::to_owned));
    command.extend(DIAL.map(str::to_owned));
    Transport::Command(command)
}

/// Whether a text can be the value of an option or a name of its own: never an option by itself.
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-@/:".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(fits)
}

/// `NAME?key=value&…` with these keys.
fn named<const N: usize>(
    text: &str,
    rest: &str,
    keys: [&str; N],
) -> Result<(String, [Option<String>; N]), EngineError> {
    let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut values = [const { None }; N];
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        let place = keys.iter().position(|known| *known == key);
        let place = place.ok_or_else(|| bad(text, format!("`{key}` is not one of {}", keys.join(", "))))?;
        if !is_name(&value) {
            return Err(bad(text, format!("the value of `{key}` is not a name")));
        }
        values[place] = Some(value.into_owned());
    }
    let name = name.trim_end_matches('/');
    if !is_name(name) || name.contains('/') {
        return Err(bad(text, "a name was expected after `://`"));
    }
    Ok((name.to_owned(), values))
}

/// The name of an instance of buildx, and how its first node is reached.
fn instance(
    text: &str,
    name: &str,
    certificates: Option<Certificates>,
    around: &Surroundings,
) -> Result<(String, Transport), EngineError> {
    let config = around.config_dir.as_ref().map(|directory| directory.join("buildx"));
    let directory =
        around.buildx_config.clone().or(config).ok_or_else(|| bad(text, "there is no directory `~/.docker`"))?;
    let name = match (name, &around.buildx_builder) {
        ("", Some(chosen)) => chosen.clone(),
        ("", None) => read::<Current>(text, &directory.join("current")).map(|current| current.name).unwrap_or_default(),
        (name, _) => name.to_owned(),
    };
    // `default` is the engine's own builder, of which there is no file.
    if name.is_empty() || name == "default" {
        return Err(bad(text, "no instance of buildx is chosen (BUILDX_BUILDER, `docker buildx use NAME`)"));
    }
    if !is_name(&name) || name.contains('/') || name.starts_with('.') {
        return Err(bad(text, "an instance's name holds letters, digits, and `._-` only"));
    }
    let found: Instance = read(text, &directory.join("instances").join(&name))?;
    let node = found.nodes.first().ok_or_else(|| bad(text, "the instance has no nodes"))?;
    let options = node.driver_opts.clone().unwrap_or_default();
    let option = |key: &str| options.get(key).filter(|value| !value.is_empty()).cloned();
    let way = match found.driver.as_str() {
        "remote" => {
            let of_node = option("cacert").map(|ca| Certificates {
                ca: ca.into(),
                own: option("cert").zip(option("key")).map(|(cert, key)| (cert.into(), key.into())),
                name: option("servername"),
            });
            parse(&node.endpoint, certificates.or(of_node))?
        }
        "docker-container" => {
            let name = format!("buildx_buildkit_{}", node.name);
            if !is_name(&name) || !is_name(&node.endpoint) {
                return Err(bad(text, "the name or the endpoint of its node is not one"));
            }
            let at = if node.endpoint.contains("://") { "--host" } else { "--context" };
            docker_exec(Some(format!("{at}={}", node.endpoint)), name)
        }
        "kubernetes" => {
            let namespace = option("namespace");
            if !is_name(&node.name) || namespace.as_deref().is_some_and(|namespace| !is_name(namespace)) {
                return Err(bad(text, "the name or the namespace of its node is not one"));
            }
            kubectl(&format!("deployment/{}", node.name), None, namespace, None)
        }
        "docker" => return Err(bad(text, "it is the engine's own builder; leave `--builder` out")),
        other => return Err(bad(text, format!("its driver `{}` is not supported", crate::text::for_people(other)))),
    };
    Ok((name, way))
}

fn read<T: for<'de> Deserialize<'de>>(text: &str, path: &Path) -> Result<T, EngineError> {
    let size = std::fs::metadata(path).map_err(|error| bad(text, format!("`{}`: {error}", path.display())))?.len();
    if size > LONGEST {
        return Err(bad(text, format!("`{}` is too long", path.display())));
    }
    let bytes = std::fs::read(path).map_err(|error| bad(text, format!("`{}`: {error}", path.display())))?;
    serde_json::from_slice(&bytes).map_err(|error| bad(text, format!("`{}`: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(way: &Transport) -> String {
        match way {
            Transport::Unix(path) => format!("unix {}", path.display()),
            Transport::Tcp(authority, None) => format!("tcp {authority}"),
            Transport::Tcp(authority, Some(tls)) => {
                format!("tls {authority} {} {:?} {:?}", tls.ca.display(), tls.own, tls.name)
            }
            Transport::Ssh(host) => format!("ssh {} {:?}", host.name, host.socket),
            Transport::Command(command) => command.join(" "),
        }
    }

    fn find(text: &str, around: &Surroundings) -> Result<String, String> {
        match BuilderAddress::find(text, None, around) {
            Ok(found) => Ok(words(&found.way)),
            Err(EngineError::BadBuilder { reason, .. }) => Err(reason),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn addresses_are_those_of_buildctl() {
        for (text, expected) in [
            ("unix:///run/buildkit/buildkitd.sock", "unix /run/buildkit/buildkitd.sock"),
            ("tcp://box:99", "tcp box:99"),
            ("tcp://[::1]", "tcp [::1]:1234"),
            ("ssh://u@box/run/b.sock", "ssh box Some(\"/run/b.sock\")"),
            ("docker-container://b0", "docker exec -i b0 buildctl dial-stdio"),
            ("docker-container://b0?context=lab", "docker --context=lab exec -i b0 buildctl dial-stdio"),
            ("kube-pod://p", "kubectl exec -i p -- buildctl dial-stdio"),
            (
                "kube-pod://p?namespace=n&context=u@c&container=b",
                "kubectl --context=u@c --namespace=n exec --container=b -i p -- buildctl dial-stdio",
            ),
        ] {
            assert_eq!(find(text, &Surroundings::default()).as_deref(), Ok(expected), "{text}");
            assert!(BuilderAddress::is_one(text));
        }
        assert!(!BuilderAddress::is_one("buildkit"));
        let there = BuilderAddress::find("unix:///b.sock", None, &Surroundings::default()).unwrap();
        assert_eq!(option_for(&there.endpoint()), ("--builder", "unix:///b.sock"));
        assert_eq!(option_for("unix:///b.sock"), ("--host", "unix:///b.sock"));
    }

    #[test]
    fn what_could_be_an_option_or_means_nothing_is_refused() {
        for (text, reason) in [
            ("docker-container://", "a name was expected"),
            ("docker-container://--privileged", "a name was expected"),
            ("docker-container://a b", "a name was expected"),
            ("docker-container://a?context=-x", "not a name"),
            ("docker-container://a?host=x", "is not one of context"),
            ("kube-pod://../p", "a name was expected"),
            ("unix://relative", "begins with `/`"),
            ("tcp://box:port", "not a number"),
            ("ssh://u:pw@box", "password"),
            ("ssh://-oProxyCommand=x", "a host was expected"),
            ("http://box", "`http` is unknown"),
            ("buildx:../x", "letters, digits"),
            ("buildx", "no instance of buildx is chosen"),
        ] {
            let around = Surroundings { config_dir: Some("/nowhere".into()), ..Surroundings::default() };
            let found = find(text, &around).unwrap_err();
            assert!(found.contains(reason), "{text}: {found}");
        }
    }

    #[test]
    fn an_instance_of_buildx_leads_to_its_first_node() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("instances")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        write("current", r#"{"Key":"unix:///var/run/docker.sock","Name":"c","Global":false}"#);
        write(
            "instances/r",
            r#"{"Name":"r","Driver":"remote","Nodes":[{"Name":"r0","Endpoint":"tcp://box:7",
                "DriverOpts":{"cacert":"/c/ca.pem","cert":"/c/c.pem","key":"/c/k.pem","servername":"kit"}}]}"#,
        );
        write(
            "instances/c",
            r#"{"Driver":"docker-container","Nodes":[{"Name":"c0","Endpoint":"unix:///var/run/docker.sock","DriverOpts":null}]}"#,
        );
        write("instances/x", r#"{"Driver":"docker-container","Nodes":[{"Name":"x0","Endpoint":"lab"}]}"#);
        write(
            "instances/k",
            r#"{"Driver":"kubernetes","Nodes":[{"Name":"k0","Endpoint":"kubernetes:///k","DriverOpts":{"namespace":"ci"}}]}"#,
        );
        write("instances/d", r#"{"Driver":"docker","Nodes":[{"Name":"d","Endpoint":"default"}]}"#);
        write("instances/e", r#"{"Driver":"docker-container","Nodes":[{"Name":"e0","Endpoint":"--host=x"}]}"#);
        let around = |chosen: Option<&str>| Surroundings {
            buildx_config: Some(directory.path().into()),
            buildx_builder: chosen.map(str::to_owned),
            ..Surroundings::default()
        };
        for (text, chosen, expected) in [
            ("buildx:r", None, "tls box:7 /c/ca.pem Some((\"/c/c.pem\", \"/c/k.pem\")) Some(\"kit\")"),
            (
                "buildx",
                None,
                "docker --host=unix:///var/run/docker.sock exec -i buildx_buildkit_c0 buildctl dial-stdio",
            ),
            ("buildx", Some("x"), "docker --context=lab exec -i buildx_buildkit_x0 buildctl dial-stdio"),
            ("buildx:k", Some("x"), "kubectl --namespace=ci exec -i deployment/k0 -- buildctl dial-stdio"),
        ] {
            assert_eq!(find(text, &around(chosen)).as_deref(), Ok(expected), "{text} {chosen:?}");
        }
        for (text, reason) in
            [("buildx:d", "leave `--builder` out"), ("buildx:e", "is not one"), ("buildx:no", "No such file")]
        {
            let found = find(text, &around(None)).unwrap_err();
            assert!(found.contains(reason), "{text}: {found}");
        }
        assert_eq!(BuilderAddress::find("buildx", None, &around(None)).unwrap().shown, "buildx:c");
    }
}
