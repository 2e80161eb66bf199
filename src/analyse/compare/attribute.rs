//! Every grown byte to its cause: base or own, instruction, package, path.

use std::collections::BTreeSet;

use serde::Serialize;

use super::align::{How, align};
use super::located::Located;
use super::versions::{self, PackageChange};
use crate::record::{Base, Layer, LayerOrigin, PackageManager, Variant, WireKind};
use crate::units::{Bytes, SignedBytes};

/// The difference of two images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Comparison {
    /// Name of the old image.
    pub old_name: String,
    /// Name of the new image.
    pub new_name: String,
    /// `size` of the old image.
    pub old_bytes: Bytes,
    /// `size` of the new image.
    pub new_bytes: Bytes,
    /// New − old; equals the sum over `groups`.
    pub delta_bytes: SignedBytes,
    /// The part of it in layers of the base, site layers included.
    pub base_delta_bytes: SignedBytes,
    /// The part of it in own layers.
    pub own_delta_bytes: SignedBytes,
    /// Where the base is another one.
    pub base_moved: Option<BaseMove>,
    /// What a node that has the old image pulls to have the new one.
    pub pull: LayerPull,
    /// Packages that came, went, or have another version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub package_changes: Vec<PackageChange>,
    /// Where the bytes went, the largest change first. Layers with the same diff id are not listed.
    pub groups: Vec<Group>,
}

/// The layers that one image has and another has not, by diff id, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct LayerPull {
    /// Unpacked, as `size` counts.
    pub bytes: Bytes,
    /// As a registry transfers them; zero where `compressed_kind` is unknown.
    pub compressed_bytes: Bytes,
    /// Whether that was measured or estimated.
    pub compressed_kind: WireKind,
}

impl LayerPull {
    fn between(old: &Variant, new: &Variant) -> Self {
        let mut known: BTreeSet<&str> = old.layers.iter().map(|layer| layer.diff_id.as_str()).collect();
        let pulled: Vec<_> = new.layers.iter().filter(|layer| known.insert(&layer.diff_id)).collect();
        Self {
            bytes: pulled.iter().map(|layer| layer.size_bytes).sum(),
            compressed_bytes: pulled.iter().map(|layer| layer.wire_bytes).sum(),
            compressed_kind: new.sizes.as_ref().map_or(WireKind::Unknown, |sizes| sizes.wire_kind),
        }
    }
}

/// A base image that is no longer the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BaseMove {
    /// Identity before: reference and digest or id.
    pub from: String,
    /// Identity now.
    pub to: String,
}

/// One aligned pair of own layers, or all changed layers of the base.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Group {
    /// Whose layers.
    pub part: LayerOwner,
    /// The instruction as it is now, or as it was where it is gone; empty for the base.
    pub instruction: String,
    /// The instruction before it was edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_instruction: Option<String>,
    /// How the layers correspond.
    pub change: &'static str,
    /// New − old; equals the sum over `causes`.
    pub delta_bytes: SignedBytes,
    /// Why, the largest change first.
    pub causes: Vec<Cause>,
}

/// Whose layers a group is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LayerOwner {
    /// The final stage's base.
    Base,
    /// What was put on the base for the build.
    Site,
    /// The variant's own.
    Own,
    /// `size` that no listed layer accounts for.
    Unlisted,
}

/// One reason for a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    /// What it is.
    #[serde(flatten)]
    pub kind: CauseKind,
    /// Its bytes, new − old.
    pub delta_bytes: SignedBytes,
}

/// What a cause is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum CauseKind {
    /// A package that a lower layer holds is in an own layer again: upgraded or copied on top of its base.
    PackageStoredTwice {
        /// Package manager.
        manager: PackageManager,
        /// Name.
        name: String,
        /// Version before; empty where unknown.
        from: String,
        /// Version now.
        to: String,
    },
    /// A package that the old image did not have.
    PackageAdded {
        /// Package manager.
        manager: PackageManager,
        /// Name.
        name: String,
        /// Version now.
        to: String,
    },
    /// A package that the new image no longer has.
    PackageRemoved {
        /// Package manager.
        manager: PackageManager,
        /// Name.
        name: String,
        /// Version before.
        from: String,
    },
    /// A package in another version.
    PackageUpgraded {
        /// Package manager.
        manager: PackageManager,
        /// Name.
        name: String,
        /// Version before.
        from: String,
        /// Version now.
        to: String,
    },
    /// A package of the same version with more or fewer bytes here.
    PackageChanged {
        /// Package manager.
        manager: PackageManager,
        /// Name.
        name: String,
        /// Version.
        to: String,
    },
    /// A file of no package that was not there.
    PathAdded {
        /// The path.
        path: String,
    },
    /// A file of no package that is gone.
    PathRemoved {
        /// The path.
        path: String,
    },
    /// A file of no package with another size.
    PathChanged {
        /// The path.
        path: String,
    },
    /// What no listed package or path accounts for.
    Rest,
}

/// What changed from `old` to `new`.
pub(crate) fn compare(old: &Variant, new: &Variant) -> Comparison {
    let (before, after) = (Located::of(old), Located::of(new));
    let both_split = has_base(old) && has_base(new);
    let mut groups = Vec::new();
    for part in [LayerOwner::Base, LayerOwner::Site, LayerOwner::Own] {
        let (a, b) = (indices(old, part, both_split), indices(new, part, both_split));
        let (x, y) = (layers(old, &a), layers(new, &b));
        let mut pooled = (Vec::new(), Vec::new());
        for pair in align(&x, &y) {
            let here = (pair.old.map(|index| a[index]), pair.new.map(|index| b[index]));
            if pair.how == How::Same && sum(old, here.0) == sum(new, here.1) {
                continue;
            }
            if part == LayerOwner::Own {
                let (a, b): (Vec<usize>, Vec<usize>) = (here.0.into_iter().collect(), here.1.into_iter().collect());
                groups.push(group(part, pair.how, (old, &before, &a), (new, &after, &b)));
            } else {
                pooled.0.extend(here.0);
                pooled.1.extend(here.1);
            }
        }
        if !pooled.0.is_empty() || !pooled.1.is_empty() {
            groups.push(group(part, How::Changed, (old, &before, &pooled.0), (new, &after, &pooled.1)));
        }
    }
    let (old_bytes, new_bytes) = (total(old), total(new));
    let difference = i128::from(new_bytes.0) - i128::from(old_bytes.0);
    let listed: i128 = groups.iter().map(|group| i128::from(group.delta_bytes.0)).sum();
    if difference != listed {
        let rest = Cause { kind: CauseKind::Rest, delta_bytes: signed(difference - listed) };
        groups.push(Group {
            part: LayerOwner::Unlisted,
            instruction: String::new(),
            old_instruction: None,
            change: "changed",
            delta_bytes: rest.delta_bytes,
            causes: vec![rest],
        });
    }
    groups.retain(|group| !group.causes.is_empty());
    groups.sort_by(|a, b| {
        (b.delta_bytes.magnitude(), a.part, &a.instruction).cmp(&(a.delta_bytes.magnitude(), b.part, &b.instruction))
    });
    let part = |wanted: &[LayerOwner]| {
        signed(groups.iter().filter(|g| wanted.contains(&g.part)).map(|g| i128::from(g.delta_bytes.0)).sum())
    };
    Comparison {
        old_name: old.name.clone(),
        new_name: new.name.clone(),
        old_bytes,
        new_bytes,
        delta_bytes: signed(difference),
        base_delta_bytes: part(&[LayerOwner::Base, LayerOwner::Site]),
        own_delta_bytes: part(&[LayerOwner::Own]),
        pull: LayerPull::between(old, new),
        base_moved: if both_split { base_moved(old, new) } else { None },
        package_changes: versions::changes(&before, &after),
        groups,
    }
}

/// One side of a group: the image, its bytes by layer and the layers that count.
type SideOf<'s, 'a> = (&'a Variant, &'s Located<'a>, &'s [usize]);

fn group(part: LayerOwner, how: How, old: SideOf<'_, '_>, new: SideOf<'_, '_>) -> Group {
    let bytes = |(image, _, layers): &SideOf<'_, '_>| -> i128 {
        layers.iter().map(|index| i128::from(image.layers[*index].size_bytes.0)).sum()
    };
    let delta = bytes(&new) - bytes(&old);
    let mut causes = packages(part, old, new);
    causes.extend(paths(old, new));
    let named: i128 = causes.iter().map(|cause| i128::from(cause.delta_bytes.0)).sum();
    if delta != named {
        causes.push(Cause { kind: CauseKind::Rest, delta_bytes: signed(delta - named) });
    }
    causes.sort_by(|a, b| b.delta_bytes.magnitude().cmp(&a.delta_bytes.magnitude()).then_with(|| a.kind.cmp(&b.kind)));
    let text = |(image, _, layers): &SideOf<'_, '_>| match (part, layers) {
        (LayerOwner::Own, [index]) => Some(image.layers[*index].instruction.clone()),
        _ => None,
    };
    let (was, is) = (text(&old), text(&new));
    Group {
        part,
        old_instruction: if how == How::Edited { was.clone() } else { None },
        instruction: is.or(was).unwrap_or_default(),
        change: match how {
            How::Same | How::Changed => "changed",
            How::Edited => "edited",
            How::Added => "added",
            How::Removed => "removed",
        },
        delta_bytes: signed(delta),
        causes,
    }
}

fn packages(part: LayerOwner, old: SideOf<'_, '_>, new: SideOf<'_, '_>) -> Vec<Cause> {
    let (was, is) = (old.1.packages(old.2), new.1.packages(new.2));
    let keys: BTreeSet<_> = was.keys().chain(is.keys()).copied().collect();
    let mut causes = Vec::new();
    for key in keys {
        let delta = is.get(&key).unwrap_or(&0) - was.get(&key).unwrap_or(&0);
        if delta == 0 {
            continue;
        }
        let (manager, name) = (key.0, key.1.to_owned());
        let here = *is.get(&key).unwrap_or(&0);
        let below =
            new.2.first().filter(|_| part == LayerOwner::Own && delta > 0).map_or(0, |at| new.1.below(key, *at));
        let kind = match (old.1.version(key), new.1.version(key)) {
            // Of the same version only a copy of most of it counts (`chown -R`); byte code beside it is none.
            (from, Some(to)) if below > 0 && (from.as_ref() != Some(&to) || here * 2 >= below) => {
                CauseKind::PackageStoredTwice { manager, name, from: from.unwrap_or_default(), to }
            }
            (Some(from), Some(to)) if from != to => CauseKind::PackageUpgraded { manager, name, from, to },
            (Some(_), Some(to)) => CauseKind::PackageChanged { manager, name, to },
            (None, to) => CauseKind::PackageAdded { manager, name, to: to.unwrap_or_default() },
            (Some(from), None) => CauseKind::PackageRemoved { manager, name, from },
        };
        causes.push(Cause { kind, delta_bytes: signed(delta) });
    }
    causes
}

fn paths(old: SideOf<'_, '_>, new: SideOf<'_, '_>) -> Vec<Cause> {
    let (was, is) = (old.1.paths(old.2), new.1.paths(new.2));
    let names: BTreeSet<&str> = was.keys().chain(is.keys()).copied().collect();
    let mut causes = Vec::new();
    for name in names {
        let path = name.to_owned();
        let (kind, delta) = match (was.get(name), is.get(name)) {
            (Some(before), Some(now)) => (CauseKind::PathChanged { path }, now - before),
            (None, Some(now)) if old.1.lacks(*now) => (CauseKind::PathAdded { path }, *now),
            (Some(before), None) if new.1.lacks(*before) => (CauseKind::PathRemoved { path }, -before),
            _ => continue,
        };
        if delta != 0 {
            causes.push(Cause { kind, delta_bytes: signed(delta) });
        }
    }
    causes
}

fn has_base(image: &Variant) -> bool {
    image.layers.iter().any(|layer| layer.origin == LayerOrigin::Base)
}

/// The layers of a part. Where one side does not know its base, all layers of both are taken as own: a split that
/// only one side has would be a change that never happened.
fn indices(image: &Variant, part: LayerOwner, both_split: bool) -> Vec<usize> {
    let wanted = |layer: &Layer| {
        part == match layer.origin {
            LayerOrigin::Base if both_split => LayerOwner::Base,
            LayerOrigin::Site if both_split => LayerOwner::Site,
            _ => LayerOwner::Own,
        }
    };
    (0..image.layers.len()).filter(|index| wanted(&image.layers[*index])).collect()
}

fn layers<'a>(image: &'a Variant, indices: &[usize]) -> Vec<&'a Layer> {
    indices.iter().map(|index| &image.layers[*index]).collect()
}

fn sum(image: &Variant, index: Option<usize>) -> Option<Bytes> {
    index.map(|index| image.layers[index].size_bytes)
}

fn total(image: &Variant) -> Bytes {
    match &image.sizes {
        Some(sizes) => sizes.size_bytes,
        None => image.layers.iter().map(|layer| layer.size_bytes).sum(),
    }
}

fn base_moved(old: &Variant, new: &Variant) -> Option<BaseMove> {
    let ids = |image: &Variant| -> Vec<String> {
        image.layers.iter().filter(|l| l.origin == LayerOrigin::Base).map(|l| l.diff_id.clone()).collect()
    };
    if ids(old) == ids(new) {
        return None;
    }
    Some(BaseMove { from: identity(old.bases.last()), to: identity(new.bases.last()) })
}

/// `python:3.9-slim sha256:0123456789ab`, from the digest where there is one, else from the id.
fn identity(base: Option<&Base>) -> String {
    let Some(base) = base else { return "unknown".to_owned() };
    let whole = if base.digest.is_empty() { &base.id } else { &base.digest };
    let (kind, hex) = whole.split_once(':').unwrap_or(("", whole));
    let short: String = hex.chars().take(12).collect();
    let id = if kind.is_empty() { short } else { format!("{kind}:{short}") };
    format!("{} {id}", base.reference).trim().to_owned()
}

/// Saturates: figures beyond 9 exabytes are a broken record's, and are refused where files are read.
fn signed(value: i128) -> SignedBytes {
    SignedBytes(i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX }))
}
