//! What keeping all the variants costs: layers that several images have are stored once.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::Record;
use crate::units::Bytes;

/// Layers that variants share, told by diff id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharing {
    /// Variants that have layers, in the order of the record: rows and columns of `matrix`.
    pub variants: Vec<String>,
    /// Bytes of all distinct layers: what keeping all images costs.
    pub total_stored: Bytes,
    /// Sum of the images' sizes, each counted alone.
    pub sum_of_sizes: Bytes,
    /// Bytes of layers that two variants both have; on the diagonal the variant's distinct layers.
    pub matrix: Vec<Vec<Bytes>>,
    /// Per variant: bytes in layers that no other variant has.
    pub unique: Vec<Bytes>,
}

impl Sharing {
    /// What sharing saves: the sum of sizes less what is stored.
    pub fn saved(&self) -> Bytes {
        self.sum_of_sizes.saturating_sub(self.total_stored)
    }
}

/// Shared layers over all variants of a run.
pub fn sharing(record: &Record) -> Sharing {
    let variants: Vec<_> = record.variants.iter().filter(|variant| !variant.layers.is_empty()).collect();
    // Layers as small numbers: a thousand variants make half a million pairs.
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sizes: Vec<Bytes> = Vec::new();
    let mut owners: Vec<u32> = Vec::new();
    let mut sets: Vec<Vec<usize>> = Vec::new();
    let mut sum_of_sizes = Bytes::ZERO;
    for variant in &variants {
        let mut set = BTreeSet::new();
        for layer in &variant.layers {
            sum_of_sizes += layer.size_bytes;
            let number = *numbers.entry(&layer.diff_id).or_insert_with(|| {
                sizes.push(layer.size_bytes);
                owners.push(0);
                sizes.len() - 1
            });
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
    let unique = sets.iter().map(|set| set.iter().filter(|&&at| owners[at] == 1).map(|&at| sizes[at]).sum()).collect();
    Sharing {
        variants: variants.iter().map(|variant| variant.name.clone()).collect(),
        total_stored: sizes.into_iter().sum(),
        sum_of_sizes,
        matrix,
        unique,
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
