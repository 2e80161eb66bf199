//! From what was asked for to weighed images: archives and layouts are read where they are, images of the engine in its
//! store, or in one export, so that layers which they share travel once.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;

use super::from_registry::from_registry;
use super::wanted::{
    Extent, TargetNaming, TargetPlace, Wanted, about, neither, of_platform, place, several, unreadable,
};
use crate::analyse;
use crate::engine::{EngineError, ImageHost as _, ImageInfo, connect};
use crate::error::{Failure, chain};
use crate::exit::Exit;
use crate::image::{
    self, ImageScan, ManifestScan, NotInPlace, Platform, Reading, ReportOptions, StoreError, WeighError, Weigher,
    weigh_on_engine,
};
use crate::record::{Outcome, Variant, Via};
use crate::registry::{read as read_images, read_manifests};
use crate::text::for_people;
use crate::units::Bytes;

/// What is to be told besides the result.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said<'a> {
    /// Something that may be of interest.
    Note(&'a str),
    /// Something that may be wrong.
    Warning(&'a str),
}

/// An image that was read, and what the engine says of it.
struct Read {
    name: String,
    scan: ImageScan,
    info: Option<ImageInfo>,
    via: Via,
    via_reason: String,
}

/// Weighs all targets, in their order.
pub(crate) async fn weigh(wanted: &Wanted, say: &mut dyn FnMut(Said<'_>)) -> Result<Vec<Variant>, Failure> {
    let targets = distinct(&wanted.targets, say);
    let all: Vec<&str> = targets.iter().copied().chain(wanted.base.as_deref()).collect();
    if all.iter().filter(|target| **target == "-").count() > 1 {
        return Err(Failure::new(Exit::Usage, "standard input can be read once", "give `-` once"));
    }
    let mut weigher = Weigher::new(wanted.options);
    if let Some(cache) = &wanted.cache {
        weigher.keep_layers(Arc::new(cache.clone()), None);
    }
    if wanted.extent == Extent::Manifest {
        return manifests(&targets, wanted, weigher).await;
    }
    let base_only = wanted.base.as_deref().filter(|base| !targets.contains(base));
    let on_engine: Vec<&str> = all.iter().copied().filter(|target| place(target) == TargetPlace::Engine).collect();
    let mut read_on_engine = BTreeMap::new();
    let mut base_diff_ids = None;
    if !on_engine.is_empty() {
        (read_on_engine, base_diff_ids, weigher) = from_engine(&on_engine, base_only, wanted, weigher).await?;
    }
    if let Some(base) = base_only.filter(|base| place(base) == TargetPlace::Registry) {
        let (mut read, _) = from_registry(&[base], wanted, Weigher::new(wanted.options), read_manifests).await?;
        let images = read.remove(base).unwrap_or_default().into_iter();
        let diff_ids = |scan: ManifestScan| scan.facts.layers.into_iter().map(|layer| layer.diff_id).collect();
        base_diff_ids = Some(only(base, images.map(|scan| (scan.platform.clone(), diff_ids(scan))))?);
    }
    let in_registry: Vec<&str> =
        targets.iter().copied().filter(|target| place(target) == TargetPlace::Registry).collect();
    let mut read_in_registry = BTreeMap::new();
    if !in_registry.is_empty() {
        (read_in_registry, weigher) = from_registry(&in_registry, wanted, weigher, read_images).await?;
    }
    let base = match wanted.base.as_deref() {
        None => Vec::new(),
        Some(base) if read_in_registry.contains_key(base) => base_in(base, &read_in_registry[base])?,
        Some(base) => match base_diff_ids {
            Some(diff_ids) => diff_ids,
            None => base_in(base, &read(base, wanted, &mut weigher, say)?)?,
        },
    };
    let mut images = Vec::new();
    for target in targets {
        let read = match read_on_engine.remove(target) {
            Some((info, reading)) => {
                let via_reason = reading.reason.as_ref().map(|reason| chain(reason)).unwrap_or_default();
                if let Some(NotInPlace::Store(
                    StoreError::Layer { .. } | StoreError::Unexpected { .. } | StoreError::Image(_),
                )) = reading.reason
                {
                    say(Said::Warning(&format!("`{}` was exported to weigh it: {via_reason}", for_people(target))));
                }
                let scan = one(target, &info, reading.scans, wanted)?;
                vec![Read {
                    name: wanted.name(target).to_owned(),
                    scan,
                    info: Some(info),
                    via: reading.via,
                    via_reason,
                }]
            }
            None => match read_in_registry.remove(target) {
                Some(scans) => named(target, scans, Via::Registry, wanted),
                None => named(target, read(target, wanted, &mut weigher, say)?, Via::Archive, wanted),
            },
        };
        for read in read {
            if !base.is_empty() && !read.scan.config.diff_ids.starts_with(&base) {
                say(Said::Warning(&format!(
                    "`{}` is not built on `{}`: it has not all of its layers",
                    for_people(&read.name),
                    for_people(wanted.base.as_deref().unwrap_or_default())
                )));
            }
            images.push(variant(read, &base, wanted));
        }
    }
    analyse::share_out(&mut images);
    Ok(images)
}

/// Targets, each once.
fn distinct<'a>(targets: &'a [String], say: &mut dyn FnMut(Said<'_>)) -> Vec<&'a str> {
    let mut once: Vec<&str> = Vec::new();
    for target in targets {
        if once.contains(&target.as_str()) {
            say(Said::Warning(&format!("`{}` is given twice and weighed once", for_people(target))));
        } else {
            once.push(target);
        }
    }
    once
}

/// The images of an archive or a layout for the platform that is wanted; what else is in it is counted.
fn read(
    target: &str,
    wanted: &Wanted,
    weigher: &mut Weigher,
    say: &mut dyn FnMut(Said<'_>),
) -> Result<Vec<ImageScan>, Failure> {
    let images = read_quietly(target, wanted, weigher)?;
    match weigher.skipped() {
        0 => {}
        1 => say(Said::Note(&format!("`{}`: skipped 1 entry that is not an image", for_people(target)))),
        count => say(Said::Note(&format!("`{}`: skipped {count} entries that are not images", for_people(target)))),
    }
    of_platform(target, images, wanted)
}

fn read_quietly(target: &str, wanted: &Wanted, weigher: &mut Weigher) -> Result<Vec<ImageScan>, Failure> {
    if place(target) == TargetPlace::Stdin {
        let input = io::stdin();
        if input.is_terminal() {
            return Err(Failure::new(
                Exit::Usage,
                "standard input is a terminal, not an archive",
                "pipe one in: `docker save IMAGE | tonnage weigh -`",
            ));
        }
        return weigher.read_archive(input.lock()).map_err(|error| unreadable("standard input", error, wanted));
    }
    if !Path::new(target).exists() {
        return Err(neither(target));
    }
    weigher.read_path(Path::new(target)).map_err(|error| unreadable(target, error, wanted))
}

/// The images of a target, with their names.
fn named(target: &str, scans: Vec<ImageScan>, via: Via, wanted: &Wanted) -> Vec<Read> {
    let known = |scan: &ImageScan| Identity {
        tag: scan.tags.first().cloned().unwrap_or_default(),
        platform: scan.platform.clone(),
        config_digest: scan.config_digest.clone(),
    };
    let names = names(target, &scans.iter().map(known).collect::<Vec<_>>(), wanted);
    let read = |(name, scan)| Read { name, scan, info: None, via, via_reason: String::new() };
    names.into_iter().zip(scans).map(read).collect()
}

/// What one of several images of a target can be named by.
struct Identity {
    tag: String,
    platform: String,
    config_digest: String,
}

/// The names of the images of a target.
fn names(target: &str, images: &[Identity], wanted: &Wanted) -> Vec<String> {
    if images.len() == 1 {
        return vec![wanted.name(target).to_owned()];
    }
    let by_tag: Vec<String> = images.iter().map(|image| image.tag.clone()).collect();
    let alone = |names: &[String], index: usize| {
        !names[index].is_empty() && names.iter().filter(|name| **name == names[index]).count() == 1
    };
    let by_platform: Vec<String> = images.iter().map(|image| Platform::lenient(&image.platform).to_string()).collect();
    let by_both: Vec<String> = by_tag
        .iter()
        .zip(&by_platform)
        .map(|(tag, platform)| if tag.is_empty() { String::new() } else { format!("{tag} {platform}") })
        .collect();
    let name = |index: usize| {
        let by = [&by_tag, &by_platform, &by_both].into_iter().find(|names| alone(names, index));
        let name = by.map_or(&images[index].config_digest, |names| &names[index]);
        match wanted.naming {
            TargetNaming::ByTarget => format!("{} ({name})", wanted.name(target)),
            TargetNaming::ByImage => name.clone(),
        }
    };
    (0..images.len()).map(name).collect()
}

/// What the manifests of images in registries say.
async fn manifests(targets: &[&str], wanted: &Wanted, weigher: Weigher) -> Result<Vec<Variant>, Failure> {
    if let Some(target) = targets.iter().find(|target| place(target) != TargetPlace::Registry) {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{}` is not an image in a registry", for_people(target)),
            "write `registry://HOST/NAME:TAG` or `docker://NAME`, or read the whole image without `--manifest-only`",
        ));
    }
    let (mut read, _) = from_registry(targets, wanted, weigher, read_manifests).await?;
    let mut images = Vec::new();
    for target in targets {
        let scans = read.remove(*target).unwrap_or_default();
        let known = |scan: &ManifestScan| Identity {
            tag: String::new(),
            platform: scan.platform.clone(),
            config_digest: scan.config_digest.clone(),
        };
        let names = names(target, &scans.iter().map(known).collect::<Vec<_>>(), wanted);
        images.extend(names.into_iter().zip(scans).map(|(name, scan)| Variant {
            name,
            config_digest: scan.config_digest,
            platform: scan.platform,
            outcome: Outcome::Ok,
            user: scan.user,
            via: Some(Via::Registry),
            also_stored_bytes: Some(Bytes(scan.also_stored_bytes)),
            manifest: Some(scan.facts),
            ..Variant::default()
        }));
    }
    Ok(images)
}

/// The diff ids of the only image.
fn base_in(base: &str, scans: &[ImageScan]) -> Result<Vec<String>, Failure> {
    only(base, scans.iter().map(|scan| (scan.platform.clone(), scan.config.diff_ids.clone())))
}

/// The diff ids of the only one of these platforms.
fn only(base: &str, images: impl Iterator<Item = (String, Vec<String>)>) -> Result<Vec<String>, Failure> {
    let (platforms, mut diff_ids): (Vec<String>, Vec<_>) = images.unzip();
    match diff_ids.pop() {
        Some(only) if diff_ids.is_empty() => Ok(only),
        _ => Err(several(base, platforms, "it has several images, and any of them could be the base")),
    }
}

/// An image of the engine: what the engine says of it, and how it was read.
type OnEngine = (ImageInfo, Reading);

/// Inspects all images, then reads them. An image that is only a base is not read: its diff ids are enough.
async fn from_engine(
    targets: &[&str],
    base_only: Option<&str>,
    wanted: &Wanted,
    weigher: Weigher,
) -> Result<(BTreeMap<String, OnEngine>, Option<Vec<String>>, Weigher), Failure> {
    let engine = connect(&wanted.engine).await.map_err(|error| {
        let mut failure = Failure::from(error);
        failure.message = format!(
            "`{}` is not a file, and no container engine is reachable: {}",
            for_people(targets[0]),
            failure.message
        );
        failure
    })?;
    let mut found = BTreeMap::new();
    for target in targets {
        match engine.image(target).await {
            Ok(Some(info)) => drop(found.insert((*target).to_owned(), info)),
            Ok(None) | Err(EngineError::Refused { status: 400, .. }) => return Err(neither(target)),
            Err(error) => return Err(error.into()),
        }
    }
    let base_diff_ids = wanted.base.as_ref().and_then(|base| found.get(base)).map(|info| info.diff_ids.clone());
    if let Some(base) = base_only {
        found.remove(base);
    }
    let (readings, weigher) =
        weigh_on_engine(&engine, &found, wanted.via, weigher).await.map_err(|error| match error {
            WeighError::Image(error) => {
                unreadable(&found.keys().map(String::as_str).collect::<Vec<_>>().join("`, `"), error, wanted)
            }
            other => other.into(),
        })?;
    let mut images = BTreeMap::new();
    for (target, reading) in readings {
        let reading = reading.map_err(|reason| about(&target, reason))?;
        if let Some(info) = found.remove(&target) {
            images.insert(target, (info, reading));
        }
    }
    Ok((images, base_diff_ids, weigher))
}

/// The image among those of its name: engines that keep several platforms may export them all.
fn one(target: &str, info: &ImageInfo, scans: Vec<ImageScan>, wanted: &Wanted) -> Result<ImageScan, Failure> {
    let mut scans = of_platform(target, scans, wanted)?;
    let exact = scans.iter().position(|scan| scan.config.diff_ids == info.diff_ids);
    if let Some(index) = exact.or((!scans.is_empty()).then_some(0)) {
        return Ok(scans.swap_remove(index));
    }
    Err(Failure::new(
        Exit::Unreadable,
        format!("the engine's archive does not hold the image `{}`", for_people(target)),
        "`tonnage doctor` checks the engine; `docker save` and `tonnage weigh -` show what it exports",
    ))
}

fn variant(read: Read, base: &[String], wanted: &Wanted) -> Variant {
    let options = ReportOptions { base_diff_ids: base, site_layers: 0, top: wanted.top };
    let weight = image::weigh_listed(&read.scan, &options, &|path| (wanted.listed)(path));
    let engine_size_bytes = read.info.as_ref().map(|info| Bytes(info.engine_size_bytes));
    let mut variant = Variant {
        name: read.name,
        image_id: read.info.map(|info| info.id).unwrap_or_default(),
        outcome: Outcome::Ok,
        via: Some(read.via),
        via_reason: read.via_reason,
        also_stored_bytes: read.scan.also_stored_bytes.map(Bytes),
        ..Variant::default()
    };
    image::put_weight(&mut variant, weight, engine_size_bytes);
    variant
}
