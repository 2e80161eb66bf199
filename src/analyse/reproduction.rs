//! Whether published sizes were reproduced, and why not, as far as it can be known from the record.
//!
//! A claim such as "842MB" is an interval, [841.5, 842.5) MB: three significant digits, decimal. A verdict compares
//! with the interval, never with its middle.

use tonnage_image::Platform;

use crate::record::{Base, BaseOrigin, Record, Reference, ReferenceVerdict, SizeDefinition, Variant};
use crate::units::{Bytes, SignedBytes};

/// What became of one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reproduction {
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
    /// Why not, as far as it can be known; none where it was reproduced.
    pub causes: Vec<DriftCause>,
}

/// Why a claim was not reproduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DriftCause {
    /// There is no image.
    NotBuilt,
    /// It was measured on a stand-in for this base, which was made so.
    StandIn(String, String),
    /// This base alone has this size.
    Base(String, Bytes),
    /// It was measured on the first platform, and claimed for the second.
    Platform(String, String),
    /// Another definition of size gives this, which lies in the claim.
    Definition(SizeDefinition, Bytes),
    /// What was put into the base for the build has this size.
    Site(Bytes),
    /// The tag of this base moves, and this set of bases takes what it names today.
    MovingTag(String, String),
    /// Nothing is known but the size of the variant's own layers.
    Unknown(Bytes),
}

/// One entry for each variant that has a reference figure, in the order of the record.
pub(crate) fn reproduction(record: &Record) -> Vec<Reproduction> {
    let variants = record.variants.iter();
    variants.filter_map(|variant| Some(judge(record, variant, variant.reference.as_ref()?))).collect()
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
    let size = variant.size();
    let drift = size.map_or(SignedBytes(0), |size| drift(size, reference));
    let verdict = variant.reference_verdict().unwrap_or(ReferenceVerdict::NotMeasured);
    let causes = match verdict {
        ReferenceVerdict::Reproduced => Vec::new(),
        ReferenceVerdict::NotMeasured => vec![DriftCause::NotBuilt],
        ReferenceVerdict::StandIn => stand_ins(variant),
        ReferenceVerdict::OtherDefinition | ReferenceVerdict::Drifted => causes(record, variant, reference, drift),
    };
    Reproduction {
        variant: variant.name.clone(),
        claim: reference.claim.clone(),
        low: reference.low_bytes,
        high: reference.high_bytes,
        size,
        drift,
        verdict,
        causes,
    }
}

fn stand_ins(variant: &Variant) -> Vec<DriftCause> {
    let mut causes = Vec::new();
    for base in variant.bases.iter().filter(|base| base.origin == BaseOrigin::StandIn) {
        let cause = DriftCause::StandIn(base.reference.clone(), base.stand_in.clone());
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    causes
}

fn causes(record: &Record, variant: &Variant, reference: &Reference, drift: SignedBytes) -> Vec<DriftCause> {
    let mut causes = Vec::new();
    let base = variant.bases.last();
    if let Some(base) = base.filter(|base| base.size_bytes >= reference.high_bytes) {
        causes.push(DriftCause::Base(base.reference.clone(), base.size_bytes));
    }
    if !reference.platform.is_empty()
        && !variant.platform.is_empty()
        && !Platform::same(&reference.platform, &variant.platform)
    {
        causes.push(DriftCause::Platform(variant.platform.clone(), reference.platform.clone()));
    }
    causes.extend(variant.fitting_definition().map(|(definition, size)| DriftCause::Definition(definition, size)));
    if let Some(site) = base.map(|base| base.site_bytes).filter(|site| site.0 > 0 && site.0 >= drift.magnitude().0) {
        causes.push(DriftCause::Site(site));
    }
    if let Some(base) = base.filter(|base| !is_pinned(base)) {
        causes.push(DriftCause::MovingTag(base.reference.clone(), record.settings.bases.clone()));
    }
    if causes.is_empty() {
        let own = variant.sizes.as_ref().map_or(Bytes::ZERO, |sizes| sizes.own_bytes);
        causes.push(DriftCause::Unknown(own));
    }
    causes
}

/// Whether a base is named by digest, in the Dockerfile or by the set of bases that was used.
fn is_pinned(base: &Base) -> bool {
    base.reference.contains("@sha256:") || base.used.contains("@sha256:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Sizes, WireKind};
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
                (sizes.engine_size_bytes, sizes.rootfs_bytes) = (None, Bytes(1));
            }
            let found = &reproduction(&record)[3];
            assert_eq!((found.verdict, found.drift), (verdict, SignedBytes(drift)), "{size}");
            assert_eq!(found.causes.is_empty(), verdict == ReferenceVerdict::Reproduced);
        }
    }

    #[test]
    fn a_base_that_alone_exceeds_the_claim_is_named_with_the_platform() {
        let found = &reproduction(&fixture::record())[0];
        assert_eq!(found.verdict, ReferenceVerdict::Drifted);
        assert_eq!(
            crate::report::causes(found),
            "the base image `python:3.9` alone is 886 MB, more than the published figure; other platform: measured on linux/amd64, published \
             for linux/arm64; other base version: `python:3.9` is a moving tag, and the set `default` takes what it \
             names today"
        );
    }

    #[test]
    fn a_stand_in_proves_nothing_even_inside_the_interval() {
        let found = reproduction(&fixture::stand_in());
        assert!(found.iter().all(|claim| claim.verdict == ReferenceVerdict::StandIn));
        let cause = crate::report::causes(&found[3]);
        assert!(cause.contains("substitute for `python:3.9-alpine` (Debian packages"), "{cause}");
    }

    #[test]
    fn a_figure_in_another_definition_is_recognised_as_such() {
        let inside = Bytes(118_000_000);
        let judged = |set: &dyn Fn(&mut Sizes)| {
            let mut record = fixture::record();
            let variant = &mut record.variants[1];
            variant.bases[0].used = "python:3.9-slim@sha256:00".to_owned();
            variant.reference.as_mut().unwrap().platform.clear();
            let sizes = variant.sizes.as_mut().unwrap();
            sizes.engine_size_bytes = None;
            sizes.wire_kind = WireKind::Exact;
            set(sizes);
            let found = reproduction(&record).remove(1);
            (found.verdict, found.causes)
        };
        let other =
            |definition, size| (ReferenceVerdict::OtherDefinition, vec![DriftCause::Definition(definition, size)]);
        let engine = judged(&|sizes| sizes.engine_size_bytes = Some(inside));
        assert_eq!(engine, other(SizeDefinition::Engine, inside));
        assert_eq!(judged(&|sizes| sizes.rootfs_bytes = inside), other(SizeDefinition::Rootfs, inside));
        assert_eq!(judged(&|sizes| sizes.wire_bytes = inside), other(SizeDefinition::Compressed, inside));
        assert_eq!(judged(&|sizes| sizes.base_bytes = inside), other(SizeDefinition::Base, inside));
        // An estimate is near the real size, 4 % at most.
        let estimated = |wire: u64| {
            judged(&move |sizes| (sizes.wire_bytes, sizes.wire_kind) = (Bytes(wire), WireKind::Estimated)).0
        };
        assert_eq!(estimated(114_000_000), ReferenceVerdict::OtherDefinition);
        assert_eq!(estimated(110_000_000), ReferenceVerdict::Drifted);
        let none = judged(&|_| {});
        assert_eq!(none, (ReferenceVerdict::Drifted, vec![DriftCause::Unknown(Bytes(10_486_559))]));
    }

    #[test]
    fn what_was_not_built_is_not_measured() {
        let found = &reproduction(&fixture::with_failures())[2];
        assert_eq!((found.verdict, found.size, found.drift), (ReferenceVerdict::NotMeasured, None, SignedBytes(0)));
    }
}
