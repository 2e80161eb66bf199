//! A layer as it was read, as bytes that a cache may keep, so that a registry need not send it again.
//!
//! It is compressed JSON. What is read back is untrusted, too: what does not agree with itself is as if it were not there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use serde::{Deserialize, Serialize};

use super::layer::{EntryKind, LayerEntry, LayerScan, MAX_LAYER, new_names};
use super::members::Members;
use crate::packages::Composite;

/// Version of what is found in a layer: what an older one kept is read again.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "/1");
/// Longest JSON of one layer.
const LONGEST: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
struct Kept {
    version: String,
    diff_id: String,
    tar_bytes: u64,
    size_bytes: u64,
    wire_bytes: u64,
    /// Path, target of a link, size, index of the digest, mode, and kind.
    entries: Vec<(u32, u32, u64, u32, u16, EntryKind)>,
    /// Paths and targets, one behind the other, in hexadecimal digits, as are the rest.
    names: String,
    digests: String,
    databases: BTreeMap<u32, String>,
    composites: BTreeMap<u32, Composite>,
    credentials: BTreeSet<u32>,
}

/// The bytes of a layer whose compressed size is exact and of which nothing was left out.
pub(super) fn encode(layer: &LayerScan) -> Option<Vec<u8>> {
    (layer.wire_exact && layer.databases_left_out == 0).then_some(())?;
    let entries = layer.entries.iter();
    let kept = Kept {
        version: VERSION.to_owned(),
        diff_id: layer.diff_id.clone(),
        tar_bytes: layer.tar_bytes,
        size_bytes: layer.size_bytes,
        wire_bytes: layer.wire_bytes,
        entries: entries
            .map(|entry| {
                let lengths = (layer.path(entry).len() as u32, layer.link(entry).len() as u32);
                (lengths.0, lengths.1, entry.size, entry.digest, entry.mode, entry.kind)
            })
            .collect(),
        names: hex::encode(layer.entries.iter().fold(Vec::new(), |mut names, entry| {
            names.extend_from_slice(layer.path(entry));
            names.extend_from_slice(layer.link(entry));
            names
        })),
        digests: hex::encode(layer.digests.as_flattened()),
        databases: layer.databases.iter().map(|(index, content)| (*index, hex::encode(content))).collect(),
        composites: layer.composites.clone(),
        credentials: layer.credentials.clone(),
    };
    let json = serde_json::to_vec(&kept).ok().filter(|json| json.len() as u64 <= LONGEST)?;
    zstd::bulk::compress(&json, 1).ok()
}

/// The layer that bytes stand for, if it is of this version.
pub(super) fn decode(bytes: &[u8]) -> Option<LayerScan> {
    let mut json = Vec::new();
    zstd::stream::read::Decoder::with_buffer(bytes).ok()?.take(LONGEST).read_to_end(&mut json).ok()?;
    let kept: Kept = serde_json::from_slice(&json).ok().filter(|kept: &Kept| kept.version == VERSION)?;
    layer(kept)
}

/// Charges a layer that is used as if it were read; `None`, and nothing is charged, where it does not fit into what may
/// still be read.
pub(super) fn charge(layer: &LayerScan, members: &mut Members) -> Option<()> {
    let mut budget = members.budget;
    let databases: usize = layer.databases.values().map(|content| content.len()).sum();
    let composites: u64 = layer.composites.values().map(Composite::memory).sum();
    let mut before: &[u8] = &[];
    for path in layer.entries.iter().map(|entry| layer.path(entry)) {
        budget.entries = budget.entries.checked_sub(new_names(before, path))?;
        before = path;
    }
    budget.name_bytes = budget.name_bytes.checked_sub(layer.names.len() as u64)?;
    budget.database_bytes = budget.database_bytes.checked_sub(databases as u64 + composites)?;
    members.unpack_left = members.unpack_left.checked_sub(layer.tar_bytes)?;
    members.budget = budget;
    Some(())
}

fn layer(kept: Kept) -> Option<LayerScan> {
    let names = hex::decode(kept.names).ok()?;
    let digests: Vec<[u8; 32]> =
        hex::decode(kept.digests).ok()?.chunks(32).map(|digest| digest.try_into().ok()).collect::<Option<_>>()?;
    let mut at = 0_usize;
    let mut entries = Vec::with_capacity(kept.entries.len());
    let mut size_bytes = 0_u64;
    for (path_len, link_len, size, digest, mode, kind) in kept.entries {
        let path_start = u32::try_from(at).ok()?;
        let link_start = path_start.checked_add(path_len)?;
        at = link_start.checked_add(link_len)? as usize;
        size_bytes = size_bytes.checked_add(size).filter(|sum| *sum <= MAX_LAYER)?;
        entries.push(LayerEntry { path_start, path_len, link_start, link_len, size, digest, mode, kind });
    }
    let decoded = |(index, content): (u32, String)| Some((index, hex::decode(content).ok()?.into_boxed_slice()));
    let fits = at == names.len() && size_bytes == kept.size_bytes;
    fits.then_some(())?;
    Some(LayerScan {
        diff_id: kept.diff_id,
        tar_bytes: kept.tar_bytes,
        size_bytes,
        wire_bytes: kept.wire_bytes,
        wire_exact: true,
        entries,
        names,
        digests,
        databases: kept.databases.into_iter().map(decoded).collect::<Option<_>>()?,
        composites: kept.composites,
        credentials: kept.credentials,
        databases_left_out: 0,
    })
}
