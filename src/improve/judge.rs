//! What a trial measured, and whether it helps.

use crate::analyse;
use crate::record::{Figures, Goal, Outcome, Record, Scenario, TrialVerdict, Update, Variant, is_root};
use crate::units::Bytes;

/// The least difference of bytes that counts.
pub(crate) const LEAST_BYTES: Bytes = Bytes(10_000);

/// The least difference of downloads that counts: names are looked up, and packets sent again.
const LEAST_DOWNLOAD: u64 = 100_000;

/// What was measured of the variant of that name; `None` without an image.
pub(super) fn figures(record: &Record, name: &str) -> Option<Figures> {
    let variant = record.variant(name)?;
    let last = |scenario| record.samples.iter().rfind(|sample| sample.variant == name && sample.scenario == scenario);
    let (src, deps) = (last(Scenario::Src), last(Scenario::Deps));
    let pulled = |update: &Option<Update>| update.as_ref().map(|update| update.bytes);
    let ready = variant.serve.as_ref().and_then(analyse::ready);
    Some(Figures {
        size_bytes: variant.size()?,
        src_reruns: src.filter(|sample| sample.valid).map(|sample| sample.cacheable.saturating_sub(sample.cached)),
        update_src_bytes: pulled(&variant.update.src),
        update_base_bytes: pulled(&variant.update.base),
        deps_network_bytes: deps.filter(|sample| sample.valid).and_then(|sample| sample.network_bytes),
        startup_ns: ready.as_ref().map(|ready| ready.median),
        startup_low_ns: ready.as_ref().and_then(|ready| ready.low),
        startup_high_ns: ready.as_ref().and_then(|ready| ready.high),
        user: variant.user.clone(),
        entrypoint: variant.entrypoint.clone(),
    })
}

/// Why the image of a variant cannot be used, where it cannot.
pub(super) fn failure(variant: &Variant) -> Option<TrialVerdict> {
    match variant.outcome {
        Outcome::BuildFailed => Some(TrialVerdict::BuildFailed),
        Outcome::ServeFailed => Some(TrialVerdict::CheckFailed),
        Outcome::NotRun => Some(TrialVerdict::NotRun),
        Outcome::Ok => None,
    }
}

/// Whether a container starts in another way than before, and not only as the remedy has it.
pub(super) fn starts_otherwise(goal: Goal, before: &Figures, after: &Figures) -> bool {
    after.entrypoint != before.entrypoint || (goal != Goal::User && after.user != before.user)
}

/// How much a remedy helps, as bytes of the image or to pull that it saves: `None` where it does not help.
pub(super) fn gain(goal: Goal, before: &Figures, after: &Figures) -> Option<u64> {
    let saved = |before: Bytes, after: Bytes| before.saturating_sub(after).0;
    match goal {
        Goal::Size => {
            let saved = saved(before.size_bytes, after.size_bytes);
            (saved >= LEAST_BYTES.0).then_some(saved)
        }
        Goal::Rebuild => {
            let reruns = before.src_reruns.zip(after.src_reruns);
            let update = before.update_src_bytes.zip(after.update_src_bytes);
            let fewer = reruns.is_some_and(|(before, after)| after < before);
            let more = reruns.is_some_and(|(before, after)| after > before);
            let less = |pair: Option<(Bytes, Bytes)>, least: u64| {
                let less = pair.map_or(0, |(before, after)| saved(before, after));
                if less >= least { less } else { 0 }
            };
            let grown = update.is_some_and(|(before, after)| saved(after, before) >= LEAST_BYTES.0);
            let gain = [
                less(update, LEAST_BYTES.0),
                less(before.update_base_bytes.zip(after.update_base_bytes), LEAST_BYTES.0),
                less(before.deps_network_bytes.zip(after.deps_network_bytes), LEAST_DOWNLOAD),
            ]
            .into_iter()
            .max()
            .unwrap_or_default();
            ((fewer || gain > 0) && !more && !grown).then_some(gain)
        }
        Goal::Startup => {
            let faster = after.startup_high_ns.zip(before.startup_low_ns).is_some_and(|(after, before)| after < before);
            faster.then_some(0)
        }
        Goal::User => (is_root(&before.user) && !is_root(&after.user)).then_some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanos;

    #[test]
    fn only_what_its_own_figure_says_is_a_gain() {
        let of = |size: u64, reruns: u32, update: u64| Figures {
            size_bytes: Bytes(size),
            src_reruns: Some(reruns),
            update_src_bytes: Some(Bytes(update)),
            ..Figures::default()
        };
        let before = of(1_000_000, 3, 500_000);
        for (goal, after, expected) in [
            (Goal::Size, of(990_001, 3, 500_000), None),
            (Goal::Size, of(990_000, 9, 900_000), Some(10_000)),
            (Goal::Size, of(2_000_000, 0, 0), None),
            (Goal::Rebuild, of(9_000_000, 2, 500_000), Some(0)),
            (Goal::Rebuild, of(1_000_000, 3, 100_000), Some(400_000)),
            (Goal::Rebuild, of(1_000_000, 4, 100_000), None),
            (Goal::Rebuild, of(1_000_000, 2, 600_000), None),
            (Goal::Startup, of(1, 1, 1), None),
        ] {
            assert_eq!(gain(goal, &before, &after), expected, "{goal} {after:?}");
        }
        let base = |bytes| Figures { update_base_bytes: Some(Bytes(bytes)), ..Figures::default() };
        assert_eq!(gain(Goal::Rebuild, &base(500_000), &base(0)), Some(500_000));
        assert_eq!(gain(Goal::Rebuild, &base(9_999), &base(0)), None);
        let startup = |low, high| Figures {
            startup_low_ns: Some(Nanos(low)),
            startup_high_ns: Some(Nanos(high)),
            ..Figures::default()
        };
        assert_eq!(gain(Goal::Startup, &startup(10, 20), &startup(5, 9)), Some(0));
        assert_eq!(gain(Goal::Startup, &startup(10, 20), &startup(5, 10)), None);
    }

    #[test]
    fn only_a_remedy_for_the_user_may_change_the_user_and_none_the_entrypoint() {
        let of = |user: &str, entrypoint: &[&str]| Figures {
            user: user.to_owned(),
            entrypoint: entrypoint.iter().map(|&word| word.to_owned()).collect(),
            ..Figures::default()
        };
        let before = of("", &["python"]);
        for (goal, after, other, gained) in [
            (Goal::Size, of("", &["python"]), false, None),
            (Goal::Size, of("app", &["python"]), true, None),
            (Goal::User, of("10001:10001", &["python"]), false, Some(0)),
            (Goal::User, of("0:0", &["python"]), false, None),
            (Goal::User, of("10001:10001", &["sh"]), true, Some(0)),
        ] {
            assert_eq!(starts_otherwise(goal, &before, &after), other, "{goal} {after:?}");
            assert_eq!(gain(goal, &before, &after), gained, "{goal} {after:?}");
        }
        assert_eq!(gain(Goal::User, &of("app", &[]), &of("10001", &[])), None);
    }
}
