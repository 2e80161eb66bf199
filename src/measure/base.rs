//! Base images: made present before any build, pulled outside every clock, and given a site layer where builds need
//! extra CA files to reach the network, or the run's label where a build cannot give it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes as Chunk;
use tonnage_image::Platform;

use super::cancel::Halt;
use super::error::MeasureError;
use super::event::{Event, Observer as _};
use super::journal::JournalLine;
use super::run::Run;
use super::subject::Subject;
use crate::context::pack_files;
use crate::engine::{BuildFailure, BuildRequest, EngineError, ImageBuilder, ImageHost, ImageInfo, labels};
use crate::error::Diagnose as _;
use crate::record::{Base, BaseOrigin, Builder, Pull};
use crate::units::Nanos;

/// Where a site layer puts the CA files, as one bundle.
const CA_PATH: &str = "/usr/local/share/ca-certificates/tonnage-site.crt";

/// Environment variables by which programs in a build are told of a CA bundle: pip, OpenSSL, requests, curl, git,
/// Node.js.
const CA_VARIABLES: [&str; 6] =
    ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"];

/// Where a base that moved has its changed file.
const MOVED_PATH: &str = "/usr/local/share/tonnage-moved";

/// What the bases of a run need.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// PEM certificates that builds must trust besides those that the base trusts, as one file.
    pub certificates: Vec<u8>,
    /// Environment for builds: package index and the like.
    pub env: BTreeMap<String, String>,
}

/// A base that was looked for.
#[derive(Debug, Clone)]
pub(super) enum Prepared {
    /// It is on the engine.
    Ready {
        /// What FROM is given.
        from: String,
        /// Facts for the record.
        base: Base,
        /// How many of its topmost layers are the site layer.
        site_layers: usize,
    },
    /// It could not be had.
    Missing {
        /// Facts for the record.
        base: Base,
        /// Why.
        reason: String,
    },
}

impl Prepared {
    /// Facts for the record.
    pub(super) fn base(&self) -> &Base {
        match self {
            Self::Ready { base, .. } | Self::Missing { base, .. } => base,
        }
    }
}

/// Bases that were looked for, by reference and platform.
pub(super) type KnownBases = BTreeMap<(String, Option<String>), Prepared>;

impl<E: ImageBuilder + ImageHost> Run<'_, E> {
    /// The base that `reference` names, or what `set` has in its place, pulled where it must be; each is looked for once.
    pub(super) async fn prepare_base(
        &mut self,
        reference: &str,
        platform: Option<&str>,
        set: &BTreeMap<String, String>,
        known: &mut KnownBases,
    ) -> Result<Prepared, MeasureError> {
        let key = (reference.to_owned(), platform.map(str::to_owned));
        if let Some(known) = known.get(&key) {
            return Ok(known.clone());
        }
        let used = set.get(reference).map_or(reference, String::as_str);
        let prepared = self.find_base(reference, used, platform).await?;
        known.insert(key, prepared.clone());
        Ok(prepared)
    }

    async fn find_base(
        &mut self,
        reference: &str,
        used: &str,
        platform: Option<&str>,
    ) -> Result<Prepared, MeasureError> {
        let present = self.engine.image(used).await?.filter(|image| serves_platform(image, platform));
        let mut pulled = None;
        let image = match present {
            Some(image) => image,
            None => match self.pull_base(used, platform).await? {
                Ok((image, time)) => {
                    pulled = Some(time);
                    image
                }
                Err(reason) => {
                    self.observer.event(&Event::BaseMissing { reference: used, reason: &reason });
                    let base = facts(reference, used, &ImageInfo::default());
                    return Ok(Prepared::Missing { base, reason });
                }
            },
        };
        self.observer.event(&Event::BaseReady { reference, used, pulled });
        let mut base = facts(reference, used, &image);
        if self.site.certificates.is_empty() && self.site.env.is_empty() && labels_in_builds(self.common.builder) {
            return Ok(Prepared::Ready { from: used.to_owned(), base, site_layers: 0 });
        }
        match self.add_site_layer(used, platform).await? {
            Ok((from, with_site)) => {
                let site_layers = with_site.diff_ids.len().saturating_sub(base.diff_ids.len());
                base.diff_ids = with_site.diff_ids;
                Ok(Prepared::Ready { from, base, site_layers })
            }
            Err(reason) => Ok(Prepared::Missing { base, reason }),
        }
    }

    /// Pulls, timed apart from every build; the inner error is a fact about the base.
    async fn pull_base(
        &mut self,
        used: &str,
        platform: Option<&str>,
    ) -> Result<Result<(ImageInfo, Nanos), String>, MeasureError> {
        self.diary.ledger.tag(used)?;
        let begun = Instant::now();
        let outcome = self
            .engine
            .pull(used, platform, self.options.pull_deadline, &mut |progress| {
                self.observer.event(&Event::Pulling { reference: used, progress: &progress });
            })
            .await;
        let wall_ns = Nanos::from(begun.elapsed());
        let image = match outcome {
            Ok(()) => match self.engine.image(used).await? {
                Some(image) if serves_platform(&image, platform) => Ok(image),
                Some(image) => {
                    Err(format!("the image is for {}, not {}", image.platform, platform.unwrap_or_default()))
                }
                None => Err("it was pulled, but the engine does not have it".to_owned()),
            },
            Err(error @ (EngineError::Refused { .. } | EngineError::Deadline { .. })) => Err(error.to_string()),
            Err(error @ EngineError::Denied { .. }) => {
                Err(format!("{error} (hint: {})", error.hint().unwrap_or_default()))
            }
            Err(error) => return Err(error.into()),
        };
        if let Ok(image) = &image {
            self.diary.ledger.image(&image.id)?;
        }
        let failure = image.as_ref().err().cloned().unwrap_or_default();
        self.pulled += wall_ns;
        self.diary.append(JournalLine::Pull(Pull { reference: used.to_owned(), wall_ns, failure }))?;
        Ok(image.map(|image| (image, wall_ns)))
    }

    /// Builds an image on top of the base that trusts the extra CA files, if any, and is labelled as this run's own.
    async fn add_site_layer(
        &mut self,
        used: &str,
        platform: Option<&str>,
    ) -> Result<Result<(String, ImageInfo), String>, MeasureError> {
        let tag = format!("tonnage-site:{}-{}", self.common.run, tag_part(used));
        let context = site_context(used, &self.site.certificates, &self.site.env)?;
        let request = on_a_base(self.common.builder, &self.common.run, used, &tag, platform, context);
        let begun = Instant::now();
        let built = self.diary.ledger.build(self.engine, &request, [site_copy().as_str()], &mut |_| {}).await??;
        self.diary.spent.other_builds_ns += Nanos::from(begun.elapsed());
        match built {
            Ok(_) => Ok(match self.engine.image(&tag).await? {
                Some(image) => Ok((tag, image)),
                None => Err("the site layer was built, but the engine does not have it".to_owned()),
            }),
            Err(failure) => Ok(Err(format!("failed to prepare the base for the builds: {}", failure.message))),
        }
    }

    /// Puts one more layer with fresh content on each base of a subject, outside every clock, and returns what takes the
    /// place of each image that the Dockerfile names.
    pub(super) async fn move_bases(
        &mut self,
        subject: &Subject<'_>,
        fresh: &str,
    ) -> Result<Result<BTreeMap<String, String>, BuildFailure>, Halt> {
        let platform = self.common.platform(subject.variant);
        let copy = format!("COPY moved {MOVED_PATH}");
        let mut moved = BTreeMap::new();
        let begun = Instant::now();
        for (reference, used) in &subject.bases {
            let tag = format!("tonnage-site:{}-moved-{}", self.common.run, tag_part(used));
            let dockerfile = format!("FROM {used}\n{copy}\n");
            let files = [("Dockerfile", dockerfile.as_bytes()), ("moved", fresh.as_bytes())];
            let context = pack_files(&files).map_err(MeasureError::Tar)?;
            let builder = self.common.builder;
            let request = on_a_base(builder, &self.common.run, used, &tag, platform.as_deref(), context);
            let mut unheard = |_| {};
            let building = self.diary.ledger.build(self.engine, &request, [copy.as_str()], &mut unheard);
            match self.cancel.run_until_cancelled(pin!(building)).await??? {
                Ok(_) => moved.insert(reference.clone(), tag),
                Err(failure) => return Ok(Err(failure)),
            };
        }
        self.diary.spent.other_builds_ns += Nanos::from(begun.elapsed());
        Ok(Ok(moved))
    }
}

/// The request for an image of the run's own on top of a base.
fn on_a_base(
    builder: Builder,
    run: &str,
    used: &str,
    tag: &str,
    platform: Option<&str>,
    context: Chunk,
) -> BuildRequest {
    BuildRequest {
        context,
        dockerfile: "Dockerfile".to_owned(),
        tags: vec![tag.to_owned()],
        labels: BTreeMap::from([(labels::RUN.to_owned(), run.to_owned())]),
        images: vec![used.to_owned()],
        platform: platform.map(str::to_owned),
        builder,
        deadline: Duration::from_secs(300),
        ..BuildRequest::default()
    }
}

/// Whether a build can be given the run's label and still come from cache.
///
/// Buildah gives a build's labels to every stage, and commits one that adds nothing else (`FROM x AS base`) anew each
/// time: all that stands on it misses the cache (seen on Podman 4.3.1). There the bases carry the label, and what is
/// built on them inherits it.
pub(super) fn labels_in_builds(builder: Builder) -> bool {
    builder != Builder::Buildah
}

/// Where an image comes from, as far as the engine can tell.
fn facts(reference: &str, used: &str, image: &ImageInfo) -> Base {
    let stand_in = image.labels.contains_key(labels::STAND_IN);
    let digest = image
        .repo_digests
        .iter()
        .find_map(|entry| entry.split_once('@').map(|(_, digest)| digest.to_owned()))
        .unwrap_or_default();
    Base {
        reference: reference.to_owned(),
        used: if used == reference { String::new() } else { used.to_owned() },
        id: image.id.clone(),
        origin: match (stand_in, digest.is_empty()) {
            (true, _) => BaseOrigin::StandIn,
            (false, false) => BaseOrigin::Registry,
            (false, true) => BaseOrigin::Local,
        },
        digest,
        stand_in: image.labels.get(labels::STAND_IN_HOW).cloned().unwrap_or_default(),
        size_bytes: crate::units::Bytes::ZERO,
        site_bytes: crate::units::Bytes::ZERO,
        diff_ids: image.diff_ids.clone(),
    }
}

/// Whether a local image can be used where `platform` is asked for: `linux/arm64` fits `linux/arm64/v8`.
fn serves_platform(image: &ImageInfo, platform: Option<&str>) -> bool {
    let Some(wanted) = platform else { return true };
    let short = |text: &str| {
        let Platform { os, architecture, .. } = Platform::lenient(text);
        (os, architecture)
    };
    image.platform.is_empty() || short(&image.platform) == short(wanted)
}

/// The part of a tag that tells bases apart; tags allow `[A-Za-z0-9_.-]`, at most 128 characters.
fn tag_part(reference: &str) -> String {
    let safe: String =
        reference.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' }).collect();
    let skip = safe.chars().count().saturating_sub(60);
    safe.chars().skip(skip).collect()
}

/// The instruction that puts the CA files into a site layer.
fn site_copy() -> String {
    format!("COPY ca.crt {CA_PATH}")
}

/// A context with a Dockerfile and the bundle; the same bytes for the same input.
fn site_context(from: &str, bundle: &[u8], env: &BTreeMap<String, String>) -> Result<Chunk, MeasureError> {
    let mut text = format!("FROM {from}\n");
    if !bundle.is_empty() {
        let _ = write!(text, "{}\nENV", site_copy());
        for name in CA_VARIABLES {
            let _ = write!(text, " {name}={CA_PATH}");
        }
        text.push('\n');
    }
    for (name, value) in env {
        // JSON's string escapes are those of a double-quoted Dockerfile value, but for `$`.
        let value = serde_json::Value::from(value.as_str()).to_string().replace('$', "\\$");
        let _ = writeln!(text, "ENV {name}={value}");
    }
    pack_files(&[("Dockerfile", text.as_bytes()), ("ca.crt", bundle)]).map_err(MeasureError::Tar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_stand_in_when_its_label_says_so_whatever_its_name() {
        let mut image = ImageInfo { repo_digests: vec!["r@sha256:1".into()], ..ImageInfo::default() };
        assert_eq!(facts("python:3.9", "python:3.9", &image).origin, BaseOrigin::Registry);
        assert_eq!(facts("python:3.9", "python:3.9", &image).digest, "sha256:1");
        image.labels.insert(labels::STAND_IN.into(), "python:3.9".into());
        assert_eq!(facts("python:3.9", "python:3.9", &image).origin, BaseOrigin::StandIn);
        assert_eq!(facts("python:3.9", "x", &ImageInfo::default()).origin, BaseOrigin::Local);
        assert_eq!(facts("python:3.9", "x", &ImageInfo::default()).used, "x");
    }

    #[test]
    fn a_local_image_of_another_platform_is_not_taken() {
        let image = ImageInfo { platform: "linux/arm64/v8".into(), ..ImageInfo::default() };
        assert!(serves_platform(&image, None));
        assert!(serves_platform(&image, Some("linux/arm64")));
        assert!(!serves_platform(&image, Some("linux/amd64")));
    }

    #[test]
    fn the_site_layer_sets_values_that_hold_quotes_and_dollars() {
        let env = BTreeMap::from([("A".to_owned(), "x \"y\" $z".to_owned())]);
        let tar = site_context("base", b"PEM", &env).unwrap();
        let text = String::from_utf8_lossy(&tar).into_owned();
        assert!(text.contains("ENV A=\"x \\\"y\\\" \\$z\"\n"), "{text}");
        assert!(text.contains("PIP_CERT=/usr/local/share/ca-certificates/tonnage-site.crt"));
        assert_eq!(tar, site_context("base", b"PEM", &env).unwrap());
    }

    #[test]
    fn tags_keep_to_what_engines_allow() {
        assert_eq!(tag_part("127.0.0.1:5000/library/python@sha256:ab"), "127.0.0.1-5000-library-python-sha256-ab");
        assert!(tag_part(&"x".repeat(200)).len() <= 60);
    }
}
