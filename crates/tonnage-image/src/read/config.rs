//! The JSON of archives: manifests, indexes and image configs, every field of them optional and untrusted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Formatter;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::text;

/// Longest instruction that is kept, in characters.
const INSTRUCTION: usize = 2000;
/// Layers that an image may have: engines stop at 127.
const MAX_LAYERS: usize = 4096;
/// Items of any other list in a document. `{}` is three bytes there and a hundred in memory.
const MAX_ITEMS: usize = 10_000;
/// Longest name of an image that is kept: engines stop at a few hundred bytes.
const MAX_TAG: usize = 4096;

/// The parts of an image's config that matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// User that it runs as; empty means root.
    pub user: String,
    /// Working directory.
    pub working_dir: String,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Arguments or command.
    pub cmd: Vec<String>,
    /// Entry point.
    pub entrypoint: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// When it was made, in the engine's words.
    pub created: String,
    /// How it was made, oldest first.
    pub history: Vec<History>,
    /// Digests of the unpacked layers, lowest first.
    pub diff_ids: Vec<String>,
}

/// One line of an image's history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The instruction, the shell and the builder's marks taken out.
    pub instruction: String,
    /// Whether it made no layer.
    pub empty_layer: bool,
}

impl ImageConfig {
    /// The instruction of each layer; empty ones where the history does not fit the layers.
    pub fn instructions(&self) -> Vec<String> {
        let made: Vec<&History> = self.history.iter().filter(|line| !line.empty_layer).collect();
        if made.len() == self.diff_ids.len() {
            made.iter().map(|line| line.instruction.clone()).collect()
        } else {
            vec![String::new(); self.diff_ids.len()]
        }
    }
}

/// Arguments in front of commands that are remembered.
const MAX_KNOWN: usize = 64;

/// The line without BuildKit's mark, and whether it begins with `RUN `.
fn bare(created_by: &str) -> (bool, &str) {
    let line = created_by.trim();
    let line = line.strip_suffix("# buildkit").map_or(line, str::trim_end);
    (line.starts_with("RUN "), line)
}

/// The build arguments in front of commands of an image, where a shell tells where they end.
fn known_arguments(history: &[RawHistory]) -> BTreeSet<&str> {
    let commands =
        history.iter().map(|line| bare(&line.created_by).1).map(|line| line.strip_prefix("RUN ").unwrap_or(line));
    commands.filter_map(text::build_args_before_shell).take(MAX_KNOWN).collect()
}

/// The instruction as a Dockerfile would have it: `/bin/sh -c #(nop)  CMD …` is `CMD …`, `/bin/sh -c x` is `RUN x`,
/// BuildKit's `# buildkit` goes, and so do what may be secret: build arguments (`|1 TOKEN=…`), credentials in URLs.
///
/// `known` are the arguments that stand in front of other commands of the image.
fn instruction(created_by: &str, known: &BTreeSet<&str>) -> String {
    let (mut run, line) = bare(created_by);
    let rest = if run { &line["RUN ".len()..] } else { line };
    let in_front = known.iter().rev().find_map(|args| rest.strip_prefix(args));
    let command = in_front.unwrap_or_else(|| text::without_build_args(rest));
    run |= command.len() < rest.len();
    let clean = match command.strip_prefix("/bin/sh -c ") {
        Some(shell) => match shell.strip_prefix("#(nop)") {
            Some(instruction) if !run => instruction.trim().to_owned(),
            _ => format!("RUN {}", shell.trim()),
        },
        None if run => format!("RUN {}", command.trim()),
        None => line.to_owned(),
    };
    text::shorten(&text::without_url_credentials(&clean), INSTRUCTION)
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

/// A list of at most `MOST` items, read no further; `null` is an empty one.
fn bounded<'de, D, T, const MOST: usize>(input: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    input.deserialize_option(Bounded::<T, MOST>(PhantomData))
}

struct Bounded<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Bounded<T, MOST> {
    type Value = Vec<T>;

    fn expecting(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        write!(out, "a list of at most {MOST} items")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = input.next_element()? {
            if items.len() == MOST {
                return Err(Error::invalid_length(MOST + 1, &self));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// One image of `manifest.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct DockerManifest {
    #[serde(rename = "Config")]
    pub config: String,
    #[serde(rename = "RepoTags", default, deserialize_with = "bounded::<_, _, MAX_ITEMS>")]
    pub tags: Vec<String>,
    #[serde(rename = "Layers", default, deserialize_with = "bounded::<_, _, MAX_LAYERS>")]
    pub layers: Vec<String>,
}

/// An OCI index or manifest: which one is told by the fields that are there.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OciDocument {
    #[serde(default, deserialize_with = "bounded::<_, _, MAX_ITEMS>")]
    pub manifests: Vec<Descriptor>,
    #[serde(default, deserialize_with = "or_default")]
    pub config: Option<Descriptor>,
    #[serde(default, deserialize_with = "bounded::<_, _, MAX_LAYERS>")]
    pub layers: Vec<Descriptor>,
}

/// What points at a blob.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Descriptor {
    #[serde(default, deserialize_with = "or_default")]
    pub digest: String,
    #[serde(rename = "mediaType", default, deserialize_with = "or_default")]
    pub media_type: String,
    /// Bytes of what it points at, as it says; signed, so that nonsense in an archive that does not need it still reads.
    #[serde(default, deserialize_with = "or_default")]
    pub size: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub platform: RawPlatform,
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
}

/// A platform.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RawPlatform {
    #[serde(default, deserialize_with = "or_default")]
    pub os: String,
    #[serde(default, deserialize_with = "or_default")]
    pub architecture: String,
    #[serde(default, deserialize_with = "or_default")]
    pub variant: String,
}

impl OciDocument {
    /// What a manifest describes, if not an image: the media type that says so. Signatures and attestations have an
    /// image's config and layers of other types; charts, caches, and artifacts have a config of their own.
    pub(crate) fn other_than_image(&self) -> Option<&str> {
        let config = self.config.as_ref()?;
        if !config.is_image_config() {
            return Some(config.media_type());
        }
        self.layers.iter().find(|layer| !layer.is_layer()).map(Descriptor::media_type)
    }
}

impl Descriptor {
    /// Whether it is a statement about an image (provenance, SBOM) and no image.
    pub(crate) fn is_attestation(&self) -> bool {
        self.annotations.contains_key("vnd.docker.reference.type")
            || (self.platform.os == "unknown" && self.platform.architecture == "unknown")
    }

    /// Whether it points at a manifest or an index: what says nothing of itself may be either.
    pub(crate) fn is_manifest(&self) -> bool {
        const KINDS: [&str; 5] = [
            "",
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.oci.image.index.v1+json",
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
        ];
        KINDS.contains(&self.media_type())
    }

    /// Whether it points at the config of an image.
    fn is_image_config(&self) -> bool {
        const KINDS: [&str; 3] =
            ["", "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
        KINDS.contains(&self.media_type()) && !self.digest.is_empty()
    }

    /// Whether it points at a layer of an image, however that is packed.
    fn is_layer(&self) -> bool {
        let kind = self.media_type();
        kind.is_empty()
            || kind.starts_with("application/vnd.oci.image.layer.")
            || kind.starts_with("application/vnd.docker.image.rootfs.")
    }

    /// Whether it is a layer that can only be read with a key.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.media_type().ends_with("+encrypted")
    }

    /// The media type without its parameters.
    pub(crate) fn media_type(&self) -> &str {
        self.media_type.split(';').next().unwrap_or_default().trim()
    }

    /// The name that it goes by.
    pub(crate) fn tag(&self) -> Option<&String> {
        self.annotations
            .get("io.containerd.image.name")
            .or_else(|| self.annotations.get("org.opencontainers.image.ref.name"))
            .filter(|tag| tag.len() <= MAX_TAG)
    }
}

#[derive(Deserialize)]
struct RawConfig {
    #[serde(default, deserialize_with = "or_default")]
    architecture: String,
    #[serde(default, deserialize_with = "or_default")]
    os: String,
    #[serde(default, deserialize_with = "or_default")]
    variant: String,
    #[serde(default, deserialize_with = "or_default")]
    created: String,
    #[serde(default, deserialize_with = "or_default")]
    config: RawSettings,
    #[serde(default, deserialize_with = "bounded::<_, _, MAX_ITEMS>")]
    history: Vec<RawHistory>,
    #[serde(default, deserialize_with = "or_default")]
    rootfs: RawRootfs,
}

#[derive(Default, Deserialize)]
struct RawSettings {
    #[serde(rename = "User", default, deserialize_with = "or_default")]
    user: String,
    #[serde(rename = "WorkingDir", default, deserialize_with = "or_default")]
    working_dir: String,
    #[serde(rename = "Env", default, deserialize_with = "bounded::<_, _, MAX_ITEMS>")]
    env: Vec<String>,
    #[serde(rename = "Cmd", default, deserialize_with = "bounded::<_, _, MAX_ITEMS>")]
    cmd: Vec<String>,
    #[serde(rename = "Entrypoint", default, deserialize_with = "bounded::<_, _, MAX_ITEMS>")]
    entrypoint: Vec<String>,
    #[serde(rename = "Labels", default, deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct RawHistory {
    #[serde(default, deserialize_with = "or_default")]
    created_by: String,
    #[serde(default, deserialize_with = "or_default")]
    empty_layer: bool,
}

#[derive(Default, Deserialize)]
struct RawRootfs {
    #[serde(default, deserialize_with = "bounded::<_, _, MAX_LAYERS>")]
    diff_ids: Vec<String>,
}

/// Reads a config: the platform as `os/arch[/variant]` and what matters of the rest.
pub(crate) fn read_config(content: &[u8]) -> Result<(String, ImageConfig), serde_json::Error> {
    let raw: RawConfig = serde_json::from_slice(content)?;
    let mut platform = format!("{}/{}", raw.os, raw.architecture);
    if !raw.variant.is_empty() {
        platform = format!("{platform}/{}", raw.variant);
    }
    let known = known_arguments(&raw.history);
    let history = raw
        .history
        .iter()
        .map(|line| History { instruction: instruction(&line.created_by, &known), empty_layer: line.empty_layer })
        .collect();
    let settings = raw.config;
    let config = ImageConfig {
        user: settings.user,
        working_dir: settings.working_dir,
        env: settings.env,
        cmd: settings.cmd,
        entrypoint: settings.entrypoint,
        labels: settings.labels,
        created: raw.created,
        history,
        diff_ids: raw.rootfs.diff_ids,
    };
    Ok((platform, config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_read_as_in_a_dockerfile() {
        for (created_by, expected) in [
            ("/bin/sh -c #(nop) ADD file:1 in / ", "ADD file:1 in /"),
            ("/bin/sh -c #(nop)  CMD [\"x\"]", "CMD [\"x\"]"),
            ("/bin/sh -c pip install x", "RUN pip install x"),
            ("RUN /bin/sh -c pip install x # buildkit", "RUN pip install x"),
            ("COPY src /app # buildkit", "COPY src /app"),
            ("|1 TOKEN=abc /bin/sh -c make", "RUN make"),
            ("/bin/sh -c curl https://u:p@x", "RUN curl https://***@x"),
            ("|2 A=b c TOKEN=abc /bin/bash -o pipefail -c make", "RUN /bin/bash -o pipefail -c make"),
            ("RUN |1 TOKEN=abc pip install x # buildkit", "RUN pip install x"),
            ("RUN |1 TOKEN=abc powershell -Command dir # buildkit", "RUN powershell -Command dir"),
            ("", ""),
        ] {
            assert_eq!(instruction(created_by, &BTreeSet::new()), expected);
        }
    }

    #[test]
    fn a_value_with_spaces_goes_from_a_command_without_shell_too() {
        let (_, config) = read_config(
            br#"{"history":[{"created_by":"RUN |2 A=1 B=two words /bin/sh -c make # buildkit"},
                {"created_by":"RUN |2 A=1 B=two words touch /x # buildkit"},{"created_by":"|1 A=1 touch /y"}]}"#,
        )
        .unwrap();
        let instructions: Vec<_> = config.history.iter().map(|line| line.instruction.as_str()).collect();
        assert_eq!(instructions, ["RUN make", "RUN touch /x", "RUN touch /y"]);
    }

    #[test]
    fn nulls_are_defaults_and_a_history_that_does_not_fit_names_no_layer() {
        let (platform, config) = read_config(
            br#"{"os":"linux","architecture":"arm","variant":"v7","config":null,
                "history":[{"created_by":"A"},{"created_by":"B","empty_layer":true}],
                "rootfs":{"diff_ids":["sha256:1","sha256:2"]}}"#,
        )
        .unwrap();
        assert_eq!(platform, "linux/arm/v7");
        assert_eq!(config.instructions(), ["", ""]);
    }
}
