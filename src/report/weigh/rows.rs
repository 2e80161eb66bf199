//! A weighing as CSV: numbers are plain integers, heads are the names of the JSON fields, which are taken from there.

use serde_json::{Value, json};

use super::{WeighSkipped, target};
use crate::record::csv::{extend, write};
use crate::record::{Remainder, StoredLayer, Variant, WireKind};

/// What a row of the CSV stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeighRows {
    /// An image.
    Targets,
    /// A layer.
    Layers,
    /// A package, or a label of what no package owns: the sizes of an image's rows add up to its `size`.
    Packages,
    /// A visible file.
    Files,
}

/// Images as CSV.
pub(crate) fn weigh_csv(targets: &[Variant], rows: WeighRows, skipped: WeighSkipped) -> String {
    let heads = match rows {
        WeighRows::Targets => {
            "target,image_id,config_digest,platform,user,size_bytes,engine_size_bytes,rootfs_bytes,reclaimable_bytes,\
             duplicate_bytes,wire_bytes,wire_kind,base_bytes,own_bytes,unique_bytes,shared_bytes,layers"
        }
        WeighRows::Layers => {
            "target,index,diff_id,size_bytes,wire_bytes,instruction,origin,entries,package_bytes,waste_bytes"
        }
        WeighRows::Packages => "target,manager,name,version,size_bytes",
        WeighRows::Files => "target,path,size_bytes,layer,package",
    };
    let of_image = |image: &Variant| {
        let rows = match rows {
            WeighRows::Targets => vec![whole(image, skipped)],
            WeighRows::Layers => match &image.manifest {
                Some(manifest) => manifest.layers.iter().map(stored_layer).collect(),
                None => values(&image.layers),
            },
            WeighRows::Packages => {
                let rest = |rest: &Remainder| json!({"name": rest.label, "size_bytes": rest.size_bytes});
                values(&image.packages).into_iter().chain(image.remainder.iter().map(rest)).collect()
            }
            WeighRows::Files => values(&image.paths),
        };
        let name = image.name.clone();
        rows.into_iter().enumerate().map(move |(index, mut row)| {
            extend(&mut row, &json!({ "target": name, "index": index }));
            row
        })
    };
    write(heads, targets.iter().flat_map(of_image))
}

fn values<T: serde::Serialize>(items: &[T]) -> Vec<Value> {
    items.iter().filter_map(|item| serde_json::to_value(item).ok()).collect()
}

fn stored_layer(layer: &StoredLayer) -> Value {
    json!({"diff_id": layer.diff_id, "wire_bytes": layer.compressed_bytes, "instruction": layer.instruction})
}

/// An image and its sizes; what was not looked at is left out.
fn whole(image: &Variant, skipped: WeighSkipped) -> Value {
    let mut row = target(image);
    extend(&mut row, &image.sizes);
    if image.sizes.as_ref().is_some_and(|sizes| sizes.wire_kind == WireKind::Unknown) {
        row["wire_bytes"] = Value::Null;
    }
    if skipped.duplicates {
        row["duplicate_bytes"] = Value::Null;
    }
    row["layers"] = json!(image.layers.len());
    if let Some(manifest) = &image.manifest {
        row["wire_bytes"] = json!(manifest.compressed_bytes);
        row["wire_kind"] = json!(WireKind::Exact);
        row["layers"] = json!(manifest.layers.len());
    }
    row
}
