//! What is asked for, and which of several images that is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str::FromStr;

use crate::engine::ConnectOptions;
use crate::error::Failure;
use crate::exit::Exit;
use crate::image::{Excess, ImageError, ImageScan, LayerCache, Options, ParsePlatformError, Platform, Way};
use crate::registry::{RegistrySettings, is_registry};
use crate::text::for_people;

/// What is asked for.
pub(crate) struct Wanted {
    /// As typed.
    pub targets: Vec<String>,
    /// Names of the targets that were given one.
    pub names: BTreeMap<String, String>,
    /// What counts as base, as typed.
    pub base: Option<String>,
    /// Address of the engine.
    pub engine: ConnectOptions,
    /// How registries are spoken to.
    pub registry: RegistrySettings,
    /// Where what was found in layers is kept, if it is.
    pub cache: Option<LayerCache>,
    /// What is read of images in a registry.
    pub extent: Extent,
    /// The only platform that is weighed.
    pub platform: Option<WantedPlatform>,
    /// How images of the engine are read.
    pub via: Way,
    /// How images are read.
    pub options: Options,
    /// Rows kept of each list.
    pub top: usize,
    /// Paths that are listed.
    pub listed: Box<dyn Fn(&str) -> bool + Send>,
    /// How images of an archive that holds several are named.
    pub naming: TargetNaming,
    /// Whether the limits were asked for.
    pub limited: bool,
}

impl Wanted {
    /// What a target is called: its own text, unless it was given a name.
    pub(super) fn name<'a>(&'a self, target: &'a str) -> &'a str {
        self.names.get(target).map_or(target, String::as_str)
    }
}

/// A platform, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedPlatform {
    platform: Platform,
    /// Whether the variant was left to the image.
    any_variant: bool,
}

impl std::fmt::Display for WantedPlatform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.platform.fmt(f)
    }
}

impl FromStr for WantedPlatform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self { platform: text.parse()?, any_variant: text.split('/').count() < 3 })
    }
}

/// What is read of an image in a registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything.
    #[default]
    Layers,
    /// Manifest and config: sizes are those of the compressed layers.
    Manifest,
}

/// How one of several images of a target is named; the only one is named as the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetNaming {
    /// `target (x:1)`.
    ByTarget,
    /// `x:1`.
    ByImage,
}

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetPlace {
    /// An archive on standard input.
    Stdin,
    /// An archive or a layout.
    Disk,
    /// An image of a registry.
    Registry,
    /// An image of the engine.
    Engine,
}

/// Files come before images of the same name; folders only where they look like a layout, for `python` may well be both.
pub(super) fn place(target: &str) -> TargetPlace {
    let path = Path::new(target);
    if target == "-" {
        return TargetPlace::Stdin;
    }
    if is_registry(target) {
        return TargetPlace::Registry;
    }
    let is_path = target.starts_with(['/', '.']) || target.ends_with('/');
    let is_layout = ["index.json", "manifest.json", "oci-layout"].iter().any(|name| path.join(name).exists());
    if is_path || is_layout || (path.exists() && !path.is_dir()) { TargetPlace::Disk } else { TargetPlace::Engine }
}

/// The images for the platform that is wanted.
pub(super) fn of_platform(target: &str, scans: Vec<ImageScan>, wanted: &Wanted) -> Result<Vec<ImageScan>, Failure> {
    let platforms: Vec<Platform> = scans.iter().map(|scan| Platform::lenient(&scan.platform)).collect();
    let fitting = fitting(&platforms, wanted.platform.as_ref());
    if let Some(platform) = wanted.platform.as_ref().filter(|_| fitting.is_empty()) {
        let platforms = scans.into_iter().map(|scan| scan.platform);
        return Err(several(target, platforms, &format!("it has no image for `{platform}`")));
    }
    Ok(fitting.into_iter().filter_map(|index| scans.get(index)).cloned().collect())
}

/// Which platforms are the wanted one; all where none is.
pub(super) fn fitting(platforms: &[Platform], wanted: Option<&WantedPlatform>) -> Vec<usize> {
    let Some(wanted) = wanted else { return (0..platforms.len()).collect() };
    let fits = |fit: &dyn Fn(&Platform) -> bool| -> Vec<usize> {
        (0..platforms.len()).filter(|index| fit(&platforms[*index])).collect()
    };
    let WantedPlatform { platform: exact, any_variant } = wanted;
    let found = fits(&|platform| platform == exact);
    if !found.is_empty() || !any_variant {
        return found;
    }
    // `linux/amd64` is any `linux/amd64/v3` as well, if nothing fits better.
    fits(&|platform| (&platform.os, &platform.architecture) == (&exact.os, &exact.architecture))
}

/// Platforms as a message lists them: each once, twenty at most.
pub(super) fn quoted(platforms: impl Iterator<Item = String>) -> Vec<String> {
    let there: BTreeSet<String> = platforms.map(|platform| format!("`{}`", for_people(&platform))).collect();
    there.into_iter().take(20).collect()
}

pub(super) fn several(target: &str, platforms: impl IntoIterator<Item = String>, what: &str) -> Failure {
    let there = quoted(platforms.into_iter());
    Failure::new(
        Exit::Unreadable,
        format!("`{}`: {what}", for_people(target)),
        format!("choose with `--platform` from what there is: {}", there.join(", ")),
    )
}

pub(super) fn neither(target: &str) -> Failure {
    Failure::new(
        Exit::Unreadable,
        format!("`{}` is neither a file nor an image", for_people(target)),
        "give the path of an archive or an OCI layout, or pull the image first; `docker images` lists what there is",
    )
}

/// The failure to read a target.
pub(super) fn about(target: &str, error: impl Into<Failure>) -> Failure {
    let failure = error.into();
    Failure { message: format!("`{}`: {}", for_people(target), for_people(&failure.message)), ..failure }
}

pub(super) fn unreadable(target: &str, error: ImageError, wanted: &Wanted) -> Failure {
    let too_large = error.excess() == Some(Excess::Memory);
    let mut failure = about(target, error);
    if too_large && wanted.limited {
        failure.hint = Some("allow more with `--max-memory`, if the archive can be trusted".to_owned());
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_fits_its_own_variants_and_no_other() {
        let fits = |platform: &str, wanted: &str| {
            let (platform, wanted) = (Platform::lenient(platform), wanted.parse().unwrap());
            !fitting(&[platform], Some(&wanted)).is_empty()
        };
        for (platform, wanted, expected) in [
            ("linux/arm64/v8", "linux/arm64", true),
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm64", "aarch64", true),
            ("linux/amd64/v3", "linux/amd64", true),
            ("linux/amd64", "linux/amd64/v3", false),
            ("linux/arm64", "linux/arm", false),
            ("linux/arm/v7", "linux/arm", true),
            ("/amd64", "x86_64", true),
        ] {
            assert_eq!(fits(platform, wanted), expected, "{platform} {wanted}");
        }
    }

    #[test]
    fn paths_are_told_from_images_without_asking_an_engine() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("a.tar"), "").unwrap();
        for (target, expected) in [
            ("-".to_owned(), TargetPlace::Stdin),
            (path("a.tar"), TargetPlace::Disk),
            ("./gone.tar".to_owned(), TargetPlace::Disk),
            ("python:3.9".to_owned(), TargetPlace::Engine),
            ("registry.example/python:3.9".to_owned(), TargetPlace::Engine),
            ("registry://registry.example/python:3.9".to_owned(), TargetPlace::Registry),
            ("docker://python".to_owned(), TargetPlace::Registry),
            // A folder of this repository without a layout.
            ("src".to_owned(), TargetPlace::Engine),
        ] {
            assert_eq!(place(&target), expected, "{target}");
        }
    }
}
