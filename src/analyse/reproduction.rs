//! Whether published sizes were reproduced, and why not, as far as it can be known from the record.
//!
//! A claim such as "842MB" is an interval, [841.5, 842.5) MB: three significant digits, decimal. A verdict compares
//! with the interval, never with its middle.

use tonnage_image::Platform;

use super::summary::{is_stand_in, size_of};
use crate::record::{Base, BaseOrigin, Record, Reference, ReferenceVerdict, Variant};
use crate::units::{Bytes, SignedBytes};

/// What became of one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reproduction {
    /// The variant.
    pub variant: String,
    /// As it was printed: `842MB`.
    pub claim: String,
    /// Smallest size that prints so.
    pub low: Bytes,
    /// Smallest size that no longer prints so.
    pub high: Bytes,
    /// What was measured.
    pub size: Option<Bytes>,
    /// Distance of the size from the interval: negative below it, zero inside or without a size.
    pub drift: SignedBytes,
    /// Reproduced or not.
    pub verdict: ReferenceVerdict,
    /// Why not, as far as it can be known: sentence fragments joined by `; `; empty where it was reproduced.
    pub cause: String,
}

/// One entry for each variant that has a reference figure, in the order of the record.
pub fn reproduction(record: &Record) -> Vec<Reproduction> {
    let variants = record.variants.iter();
    variants.filter_map(|variant| Some(judge(record, variant, variant.reference.as_ref()?))).collect()
}

/// The verdict on a variant's reference, computed again from its size and bases; `None` where it has no reference.
pub(super) fn verdict(variant: &Variant) -> Option<ReferenceVerdict> {
    let reference = variant.reference.as_ref()?;
    Some(match size_of(variant) {
        None => ReferenceVerdict::NotMeasured,
        Some(_) if is_stand_in(variant) => ReferenceVerdict::StandIn,
        Some(size) if drift(size, reference) == SignedBytes(0) => ReferenceVerdict::Reproduced,
        Some(_) => ReferenceVerdict::Drifted,
    })
}

fn drift(size: Bytes, reference: &Reference) -> SignedBytes {
    if size < reference.low_bytes {
        size - reference.low_bytes
    } else if size >= reference.high_bytes {
        // The largest size that still prints as the claim is one byte below `high`.
        size - reference.high_bytes + SignedBytes(1)
    } else {
        SignedBytes(0)
    }
}

fn judge(record: &Record, variant: &Variant, reference: &Reference) -> Reproduction {
    let size = size_of(variant);
    let drift = size.map_or(SignedBytes(0), |size| drift(size, reference));
    let verdict = verdict(variant).unwrap_or(ReferenceVerdict::NotMeasured);
    let causes = match verdict {
        ReferenceVerdict::Reproduced => Vec::new(),
        ReferenceVerdict::NotMeasured => vec!["no image was built".to_owned()],
        ReferenceVerdict::StandIn => stand_ins(variant),
        ReferenceVerdict::Drifted => causes(record, variant, reference, drift),
    };
    Reproduction {
        variant: variant.name.clone(),
        claim: reference.claim.clone(),
        low: reference.low_bytes,
        high: reference.high_bytes,
        size,
        drift,
        verdict,
        cause: causes.join("; "),
    }
}

fn stand_ins(variant: &Variant) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for base in variant.bases.iter().filter(|base| base.origin == BaseOrigin::StandIn) {
        let how = if base.stand_in.is_empty() { String::new() } else { format!(" ({})", base.stand_in) };
        let cause = format!("measured on a stand-in for `{}`{how}, which proves nothing either way", base.reference);
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    causes
}

fn causes(record: &Record, variant: &Variant, reference: &Reference, drift: SignedBytes) -> Vec<String> {
    let mut causes = Vec::new();
    let base = variant.bases.last();
    if let Some(base) = base.filter(|base| base.size_bytes >= reference.high_bytes) {
        causes.push(format!("the base `{}` alone is {}, above the claim", base.reference, base.size_bytes));
    }
    if !reference.platform.is_empty()
        && !variant.platform.is_empty()
        && !Platform::same(&reference.platform, &variant.platform)
    {
        causes.push(format!("other platform: measured on {}, the claim fits {}", variant.platform, reference.platform));
    }
    if let Some(other) = other_definition(variant, reference) {
        causes.push(other);
    }
    if let Some(site) = base.map(|base| base.site_bytes).filter(|site| site.0 > 0 && site.0 >= drift.magnitude().0) {
        causes.push(format!("extra CA files put into the base weigh {site}"));
    }
    if let Some(base) = base.filter(|base| !is_pinned(base)) {
        let set = &record.settings.bases;
        causes.push(format!(
            "other base version: `{}` is a moving tag, and the set `{set}` takes what it names today",
            base.reference
        ));
    }
    if causes.is_empty() {
        let own = variant.sizes.as_ref().map_or(Bytes::ZERO, |sizes| sizes.own_bytes);
        causes.push(format!("cause unknown: the variant's own layers weigh {own}"));
    }
    causes
}

/// Whether another figure of the same image lies in the claim's interval.
fn other_definition(variant: &Variant, reference: &Reference) -> Option<String> {
    let sizes = variant.sizes.as_ref()?;
    let inside = |size: Bytes| reference.low_bytes <= size && size < reference.high_bytes;
    let named = [
        (sizes.engine_size_bytes, "what this engine calls the size"),
        (Some(sizes.rootfs_bytes), "the merged file system"),
        (Some(sizes.wire_bytes), "the compressed size"),
    ];
    let (size, name) =
        named.into_iter().find_map(|(size, name)| size.filter(|size| inside(*size)).map(|size| (size, name)))?;
    Some(format!("other definition: {name}, {size}, lies in the claim"))
}

/// Whether a base is named by digest, in the Dockerfile or by the set of bases that was used.
fn is_pinned(base: &Base) -> bool {
    base.reference.contains("@sha256:") || base.used.contains("@sha256:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn a_size_inside_the_interval_is_reproduced_and_its_upper_end_is_outside() {
        let mut record = fixture::record();
        for (size, verdict, drift) in [
            (48_750_000, ReferenceVerdict::Reproduced, 0),
            (48_849_999, ReferenceVerdict::Reproduced, 0),
            (48_850_000, ReferenceVerdict::Drifted, 1),
            (48_749_999, ReferenceVerdict::Drifted, -1),
            (50_000_000, ReferenceVerdict::Drifted, 1_150_001),
        ] {
            if let Some(sizes) = &mut record.variants[3].sizes {
                sizes.size_bytes = Bytes(size);
            }
            let found = &reproduction(&record)[3];
            assert_eq!((found.verdict, found.drift), (verdict, SignedBytes(drift)), "{size}");
            assert_eq!(found.cause.is_empty(), verdict == ReferenceVerdict::Reproduced);
        }
    }

    #[test]
    fn a_base_that_alone_exceeds_the_claim_is_named_with_the_platform() {
        let found = &reproduction(&fixture::record())[0];
        assert_eq!(found.verdict, ReferenceVerdict::Drifted);
        assert_eq!(
            found.cause,
            "the base `python:3.9` alone is 886 MB, above the claim; other platform: measured on linux/amd64, the claim \
             fits linux/arm64; other base version: `python:3.9` is a moving tag, and the set `default` takes what it \
             names today"
        );
    }

    #[test]
    fn a_stand_in_proves_nothing_even_inside_the_interval() {
        let found = reproduction(&fixture::stand_in());
        assert!(found.iter().all(|claim| claim.verdict == ReferenceVerdict::StandIn));
        assert!(found[3].cause.contains("stand-in for `python:3.9-alpine` (Debian packages"), "{}", found[3].cause);
    }

    #[test]
    fn another_definition_of_size_is_recognised() {
        let mut record = fixture::record();
        let variant = &mut record.variants[1];
        variant.bases[0].used = "python:3.9-slim@sha256:00".to_owned();
        if let Some(reference) = &mut variant.reference {
            reference.platform.clear();
        }
        if let Some(sizes) = &mut variant.sizes {
            sizes.engine_size_bytes = Some(Bytes(118_000_000));
        }
        assert_eq!(
            reproduction(&record)[1].cause,
            "other definition: what this engine calls the size, 118 MB, lies in the claim"
        );
        if let Some(sizes) = &mut record.variants[1].sizes {
            sizes.engine_size_bytes = None;
        }
        assert_eq!(reproduction(&record)[1].cause, "cause unknown: the variant's own layers weigh 10.5 MB");
    }

    #[test]
    fn what_was_not_built_is_not_measured() {
        let found = &reproduction(&fixture::with_failures())[2];
        assert_eq!((found.verdict, found.size, found.drift), (ReferenceVerdict::NotMeasured, None, SignedBytes(0)));
    }
}
