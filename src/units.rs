//! The units of every number: [`Bytes`], [`SignedBytes`], [`Nanos`] and [`Ratio`], with one formatter each.
//!
//! In: integers from the engine or an archive, and text from a suite file. Out: the only renderings of sizes,
//! times and ratios that any table, chart or message uses. MB is 10^6 bytes and MiB is 2^20, never confused;
//! a bare number is refused where a unit is wanted.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};
pub use tonnage_image::bytes::Bytes;
use tonnage_image::bytes::significant;
pub(crate) use tonnage_image::bytes::{ParseBytesError, SignedBytes, group_digits};

/// A number of things, in the plural unless there is one: `1 round`, `7 rounds`.
pub(crate) fn count(number: impl TryInto<u64>, noun: &str) -> String {
    match number.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {noun}"),
        number => match noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
            Some(stem) => format!("{} {stem}ies", group_digits(number)),
            None => format!("{} {noun}s", group_digits(number)),
        },
    }
}

/// A span of time in nanoseconds, from a monotonic clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Nanos(pub u64);

/// A dimensionless ratio, such as new ÷ old.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Ratio(pub f64);

impl Nanos {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// The value as float seconds, for statistics and charts only.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The nearest nanosecond to a number of seconds; negative and non-finite values become zero.
    pub fn from_seconds(seconds: f64) -> Self {
        if seconds.is_finite() && seconds > 0.0 { Self((seconds * 1e9).round() as u64) } else { Self(0) }
    }

    /// The difference, or zero where `other` is larger.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// In whole seconds: `42 s`, `3 min 20 s`, `1 h 05 min`.
    pub(crate) fn whole_seconds(self) -> String {
        let seconds = self.0.saturating_add(500_000_000) / 1_000_000_000;
        match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
            (0, 0, seconds) => format!("{seconds} s"),
            (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
            (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
        }
    }
}

impl From<std::time::Duration> for Nanos {
    fn from(span: std::time::Duration) -> Self {
        Self(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Nanos {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self(0), Add::add)
    }
}

impl fmt::Display for Nanos {
    /// Three significant digits: `412 ms`, `1.24 s`, `37.9 s`, `2 min 05 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0;
        let text = if ns < 1_000 {
            format!("{ns} ns")
        } else if ns < 999_500 {
            format!("{} µs", significant(ns as f64 / 1e3))
        } else if ns < 999_500_000 {
            format!("{} ms", significant(ns as f64 / 1e6))
        } else if ns < 99_950_000_000 {
            format!("{} s", significant(ns as f64 / 1e9))
        } else {
            let seconds = ns.saturating_add(500_000_000) / 1_000_000_000;
            format!("{} min {:02} s", seconds / 60, seconds % 60)
        };
        f.pad(&text)
    }
}

impl Ratio {
    /// `part` ÷ `whole`, or `None` where the whole is zero.
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        (whole != 0).then(|| Self(part as f64 / whole as f64))
    }

    /// As a signed change in percent: 1.104 → `+10.4 %`.
    pub fn as_change(self) -> String {
        let percent = (self.0 - 1.0) * 100.0;
        let text = if percent.abs() >= 99.95 { format!("{percent:+.0}") } else { format!("{percent:+.1}") };
        // A change that rounds to nothing has no sign.
        if text.trim_start_matches(['+', '-']).chars().all(|c| matches!(c, '0' | '.')) {
            "0.0 %".to_owned()
        } else {
            format!("{text} %")
        }
    }

    /// As a share in percent: 0.943 → `94.3 %`.
    pub fn as_percent(self) -> String {
        format!("{:.1} %", self.0 * 100.0)
    }
}

impl fmt::Display for Ratio {
    /// Three significant digits and a multiplication sign: `1.10×`, `17.2×`, `37,400×`; of a hundredth and less two:
    /// `0.0026×`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0.0 && self.0 < 0.01 {
            let decimals = (2.0 - self.0.log10().floor() - 1.0).clamp(3.0, 9.0) as usize;
            return f.pad(&format!("{:.decimals$}×", self.0));
        }
        if self.0 >= 1000.0 {
            let unit = 10_f64.powi(self.0.log10().floor() as i32 - 2);
            return f.pad(&format!("{}×", group_digits(((self.0 / unit).round() * unit) as u64)));
        }
        f.pad(&format!("{}×", significant(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_three_significant_digits() {
        for (ns, text) in [
            (412_000_000, "412 ms"),
            (4_120_000, "4.12 ms"),
            (1_240_000_000, "1.24 s"),
            (37_949_000_000, "37.9 s"),
            (125_000_000_000, "2 min 05 s"),
            (999_600_000, "1.00 s"),
        ] {
            assert_eq!(Nanos(ns).to_string(), text);
        }
        assert_eq!(Nanos::from_seconds(f64::NAN), Nanos(0));
        for (seconds, text) in [(0.2, "0 s"), (42.4, "42 s"), (200.0, "3 min 20 s"), (3_900.0, "1 h 05 min")] {
            assert_eq!(Nanos::from_seconds(seconds).whole_seconds(), text);
        }
    }

    #[test]
    fn ratios_print_as_factor_and_as_change() {
        for (ratio, text) in [(17.234, "17.2×"), (999.4, "999×"), (1_003.0, "1,000×"), (37_434.0, "37,400×")] {
            assert_eq!(Ratio(ratio).to_string(), text);
        }
        assert!(Ratio(f64::INFINITY).to_string().ends_with('×'));
        assert_eq!(Ratio(1.104).as_change(), "+10.4 %");
        assert_eq!(Ratio(0.9999).as_change(), "0.0 %");
        assert_eq!(Ratio::of(1, 0), None);
        assert_eq!(Ratio(0.943).as_percent(), "94.3 %");
    }
}
