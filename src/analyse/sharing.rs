//! What keeping all the variants costs: layers that several images have are stored once.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Layer, Record, Variant, WireKind};
use crate::units::Bytes;

/// Layers that variants share, told by diff id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sharing {
    /// Variants that have layers, in the order of the record: rows and columns of `matrix`.
    pub variants: Vec<String>,
    /// Bytes of all distinct layers: what keeping all images costs.
    pub total_stored: Bytes,
    /// Sum of the images' sizes, each counted alone.
    pub sum_of_sizes: Bytes,
    /// Bytes of layers that two variants both have; on the diagonal the variant's distinct layers.
    pub matrix: Vec<Vec<Bytes>>,
    /// Per variant: its size.
    pub sizes: Vec<Bytes>,
    /// Per variant: bytes of its size in layers that no other variant has.
    pub unique: Vec<Bytes>,
    /// What a registry transfers for all distinct layers: what pulling all images costs.
    pub total_wire: Bytes,
    /// Whether that was measured or estimated.
    pub wire_kind: WireKind,
}

impl Sharing {
    /// What sharing saves: the sum of sizes less what is stored.
    pub(crate) fn saved(&self) -> Bytes {
        self.sum_of_sizes.saturating_sub(self.total_stored)
    }
}

/// Shared layers over all variants of a run.
pub(crate) fn sharing(record: &Record) -> Sharing {
    sharing_of(&record.variants)
}

/// For each of these images the bytes of its size in layers that no other of them has.
pub(crate) fn unique_bytes(variants: &[Variant]) -> Vec<Bytes> {
    let mut unique = sharing_of(variants).unique.into_iter();
    let with_layers = |variant: &Variant| if variant.layers.is_empty() { None } else { unique.next() };
    variants.iter().map(with_layers).map(Option::unwrap_or_default).collect()
}

/// Writes into the sizes of these images how many of their bytes no other of them has.
pub(crate) fn share_out(variants: &mut [Variant]) {
    let unique = unique_bytes(variants);
    for (variant, unique) in variants.iter_mut().zip(unique) {
        if let Some(sizes) = &mut variant.sizes {
            sizes.share_out(unique);
        }
    }
}

/// Shared layers over these images.
pub(crate) fn sharing_of(variants: &[Variant]) -> Sharing {
    let variants: Vec<_> = variants.iter().filter(|variant| !variant.layers.is_empty()).collect();
    // Layers as small numbers: a thousand variants make half a million pairs.
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sizes: Vec<Bytes> = Vec::new();
    let mut wires: Vec<Bytes> = Vec::new();
    let mut owners: Vec<u32> = Vec::new();
    let mut sets: Vec<Vec<usize>> = Vec::new();
    for variant in &variants {
        let mut set = BTreeSet::new();
        for layer in &variant.layers {
            let number = *numbers.entry(&layer.diff_id).or_insert_with(|| {
                sizes.push(layer.size_bytes);
                wires.push(Bytes::ZERO);
                owners.push(0);
                sizes.len() - 1
            });
            // A layer that stands twice in an image weighs nothing the second time.
            wires[number] = wires[number].max(layer.wire_bytes);
            if set.insert(number) {
                owners[number] += 1;
            }
        }
        sets.push(set.into_iter().collect());
    }
    let mut matrix = vec![vec![Bytes::ZERO; sets.len()]; sets.len()];
    for (row, a) in sets.iter().enumerate() {
        for (column, b) in sets.iter().enumerate().skip(row) {
            let both = in_both(a, b, &sizes);
            matrix[row][column] = both;
            matrix[column][row] = both;
        }
    }
    let sum = |variant: &Variant, alone: bool| -> Bytes {
        let counts = |layer: &&Layer| !alone || numbers.get(layer.diff_id.as_str()).is_some_and(|&at| owners[at] == 1);
        variant.layers.iter().filter(counts).map(|layer| layer.size_bytes).sum()
    };
    let whole: Vec<Bytes> = variants.iter().map(|variant| sum(variant, false)).collect();
    let unique = variants.iter().map(|variant| sum(variant, true)).collect();
    let is_exact = |variant: &&Variant| variant.sizes.as_ref().is_some_and(|s| s.wire_kind == WireKind::Exact);
    Sharing {
        variants: variants.iter().map(|variant| variant.name.clone()).collect(),
        total_stored: sizes.into_iter().sum(),
        sum_of_sizes: whole.iter().copied().sum(),
        matrix,
        sizes: whole,
        unique,
        total_wire: wires.into_iter().sum(),
        wire_kind: if variants.iter().all(is_exact) { WireKind::Exact } else { WireKind::Estimated },
    }
}

fn in_both(a: &[usize], b: &[usize], sizes: &[Bytes]) -> Bytes {
    let (mut left, mut right, mut total) = (0, 0, Bytes::ZERO);
    while left < a.len() && right < b.len() {
        match a[left].cmp(&b[right]) {
            std::cmp::Ordering::Less => left += 1,
            std::cmp::Ordering::Greater => right += 1,
            std::cmp::Ordering::Equal => {
                total += sizes[a[left]];
                left += 1;
                right += 1;
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn layers_that_two_images_have_are_stored_once() {
        let record = fixture::record();
        let found = sharing(&record);
        let alpine = Bytes(45_220_000);
        assert_eq!(found.matrix[2][3], alpine);
        assert_eq!(found.matrix[3][2], alpine);
        assert_eq!(found.matrix[0][1], Bytes::ZERO);
        assert_eq!(found.saved(), alpine);
        let sizes: Vec<_> = record.variants.iter().filter_map(|variant| variant.sizes.clone()).collect();
        assert_eq!(found.sum_of_sizes, sizes.iter().map(|sizes| sizes.size_bytes).sum());
        assert_eq!(found.unique, sizes.iter().map(|sizes| sizes.unique_bytes).collect::<Vec<_>>());
        for (index, sizes) in sizes.iter().enumerate() {
            assert_eq!(found.matrix[index][index], sizes.size_bytes);
            assert_eq!(found.sizes[index], sizes.size_bytes);
        }
        let wire: Bytes =
            record.variants.iter().flat_map(|variant| &variant.layers).map(|layer| layer.wire_bytes).sum();
        let shared_wire: Bytes = record.variants[3].layers[..5].iter().map(|layer| layer.wire_bytes).sum();
        assert_eq!(found.total_wire, wire.saturating_sub(shared_wire));
    }

    #[test]
    fn a_layer_that_stands_twice_in_one_image_is_stored_once_and_not_shared() {
        let mut record = fixture::record();
        record.variants.truncate(1);
        let twice = record.variants[0].layers[1].clone();
        let size = twice.size_bytes;
        record.variants[0].layers.push(twice);
        let found = sharing(&record);
        assert_eq!(found.saved(), size);
        assert_eq!(found.unique[0], found.sum_of_sizes);
        assert_eq!(unique_bytes(&record.variants), [found.sum_of_sizes]);
    }

    #[test]
    fn variants_without_layers_are_left_out() {
        let failed = fixture::with_failures();
        assert_eq!(sharing(&failed).variants.len(), 3);
        for (unique, variant) in unique_bytes(&failed.variants).into_iter().zip(&failed.variants) {
            assert_eq!(unique == Bytes::ZERO, variant.layers.is_empty(), "{}", variant.name);
        }
        let mut record = fixture::record();
        record.variants.clear();
        assert_eq!(sharing(&record).total_stored, Bytes::ZERO);
    }
}
