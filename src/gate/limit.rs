//! A limit as it is written (`60 MB`, `+2 %`, `+500 kB`, `12`) and what it allows.

use std::fmt;

use crate::units::{Bytes, ParseBytesError, group_digits};

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes; a bare number is refused.
    Bytes,
    /// Things: layers, packages.
    Count,
}

/// A limit, with the words it was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    /// As written.
    pub text: String,
    /// What it means.
    pub kind: LimitKind,
}

/// What a limit means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitKind {
    /// At most this much.
    AtMost(u64),
    /// At most this much more than the baseline.
    Growth(u64),
    /// At most this share more than the baseline.
    GrowthPercent(Percent),
}

/// A percentage, exact to a millionth of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Percent(u64);

/// Why a limit could not be read: a fragment, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LimitError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

const MILLION: u128 = 1_000_000;

impl Percent {
    /// Reads `2`, `2.5`; at most six digits behind the point.
    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let fraction: u64 = format!("{fraction:0<6}").parse().ok()?;
        whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction).map(Self)
    }

    /// So many whole percent.
    pub(crate) fn whole(percent: u64) -> Self {
        Self(percent.saturating_mul(1_000_000))
    }

    /// This share of a value, rounded down, without going through a float.
    fn of(self, value: u64) -> u64 {
        u64::try_from(u128::from(value) * u128::from(self.0) / (100 * MILLION)).unwrap_or(u64::MAX)
    }
}

impl Limit {
    /// Reads a limit from text. A bare number is a count, and refused where bytes are wanted.
    pub(crate) fn parse(text: &str, unit: Unit) -> Result<Self, LimitError> {
        let trimmed = text.trim();
        let body = trimmed.strip_prefix('≤').or_else(|| trimmed.strip_prefix("<=")).unwrap_or(trimmed).trim();
        let (growth, amount) = match body.strip_prefix('+') {
            Some(rest) => (true, rest.trim()),
            None => (false, body),
        };
        let wrong = |message: String, hint: &str| LimitError { message, hint: hint.to_owned() };
        let kind = if let Some(number) = amount.strip_suffix('%') {
            let percent = Percent::parse(number.trim()).ok_or_else(|| {
                wrong(format!("`{trimmed}` is not a percentage"), "write `+2 %` or `+2.5 %`, relative to the baseline")
            })?;
            if !growth {
                return Err(wrong(
                    format!("`{trimmed}` does not say of what"),
                    &format!("write `+{}` for growth relative to the baseline", amount.trim()),
                ));
            }
            LimitKind::GrowthPercent(percent)
        } else {
            if amount.starts_with('-') {
                return Err(wrong(
                    format!("`{trimmed}` is negative"),
                    "a limit says how much is allowed: `60 MB`, `+500 kB` or `+2 %`",
                ));
            }
            let value = match unit {
                Unit::Bytes => amount.parse::<Bytes>().map_err(|error: ParseBytesError| LimitError {
                    hint: bytes_hint(&error, growth),
                    message: error.to_string(),
                })?,
                Unit::Count => Bytes(amount.parse::<u64>().map_err(|_| {
                    wrong(
                        format!("`{trimmed}` is not a count"),
                        "write a whole number: `12`, or `+2` relative to the baseline",
                    )
                })?),
            };
            if growth { LimitKind::Growth(value.0) } else { LimitKind::AtMost(value.0) }
        };
        Ok(Self { text: trimmed.to_owned(), kind })
    }

    /// Whether it needs a baseline.
    pub(crate) fn is_relative(&self) -> bool {
        !matches!(self.kind, LimitKind::AtMost(_))
    }

    /// The largest value allowed; `None` where a baseline is needed and missing. `noise` is growth that is never
    /// judged: it widens a relative limit that is narrower.
    pub(crate) fn allowed(&self, baseline: Option<u64>, noise: u64) -> Option<u64> {
        let growth = |baseline: u64, growth: u64| baseline.saturating_add(growth.max(noise));
        match self.kind {
            LimitKind::AtMost(value) => Some(value),
            LimitKind::Growth(value) => baseline.map(|old| growth(old, value)),
            LimitKind::GrowthPercent(percent) => baseline.map(|old| growth(old, percent.of(old))),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The hint of [`ParseBytesError`], with the sign that was written.
fn bytes_hint(error: &ParseBytesError, growth: bool) -> String {
    match error {
        ParseBytesError::NoUnit(number) if growth => {
            format!("write `+{number}MB` (10^6 bytes), `+{number}MiB` (2^20 bytes) or `+{number} %`")
        }
        _ => error.hint(),
    }
}

impl Unit {
    /// A value rounded for people.
    pub(crate) fn show(self, value: u64) -> String {
        match self {
            Self::Bytes => Bytes(value).to_string(),
            Self::Count => group_digits(value),
        }
    }

    /// Two values for one sentence: rounded, or with all digits where they differ and would print alike.
    pub(crate) fn show_apart(self, one: u64, other: u64) -> (String, String) {
        let (a, b) = (self.show(one), self.show(other));
        if self == Self::Bytes && a == b && one != other { (Bytes(one).exact(), Bytes(other).exact()) } else { (a, b) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Limit {
        Limit::parse(text, Unit::Bytes).unwrap()
    }

    #[test]
    fn absolute_and_relative_limits_allow_what_they_say() {
        for (text, baseline, allowed) in [
            ("60 MB", None, Some(60_000_000)),
            ("≤ 57 MiB", None, Some(59_768_832)),
            ("<= 0 B", Some(5), Some(0)),
            ("+2 %", Some(1_000), Some(1_020)),
            ("+2.5%", Some(1_000), Some(1_025)),
            ("+0.000001 %", Some(99_999_999), Some(99_999_999)),
            ("+0.000001 %", Some(100_000_000), Some(100_000_001)),
            ("+500 kB", Some(7), Some(500_007)),
            ("+2 %", Some(0), Some(0)),
            ("+2 %", None, None),
            ("+1 B", Some(u64::MAX), Some(u64::MAX)),
            ("+99999999 %", Some(u64::MAX), Some(u64::MAX)),
        ] {
            assert_eq!(bytes(text).allowed(baseline, 0), allowed, "{text} {baseline:?}");
        }
        assert_eq!(Limit::parse("+2", Unit::Count).unwrap().allowed(Some(9), 0), Some(11));
    }

    #[test]
    fn growth_below_the_noise_floor_is_allowed_by_relative_limits_only() {
        assert_eq!(bytes("+1 B").allowed(Some(100), 10), Some(110));
        assert_eq!(bytes("+50 B").allowed(Some(100), 10), Some(150));
        assert_eq!(bytes("100 B").allowed(Some(100), 10), Some(100));
    }

    #[test]
    fn what_is_no_limit_is_refused_with_what_to_write() {
        for (text, unit, message, hint) in [
            ("60", Unit::Bytes, "`60` has no unit", "60MiB"),
            ("+60", Unit::Bytes, "`60` has no unit", "`+60 %`"),
            ("60 Mb", Unit::Bytes, "unknown unit", "powers of 1000"),
            ("2 %", Unit::Bytes, "does not say of what", "`+2 %`"),
            ("+two %", Unit::Bytes, "not a percentage", "+2 %"),
            ("+1.2345678 %", Unit::Bytes, "not a percentage", "+2 %"),
            ("-5 MB", Unit::Bytes, "negative", "60 MB"),
            ("+-5 MB", Unit::Bytes, "negative", "60 MB"),
            ("5 MB", Unit::Count, "not a count", "`12`"),
            ("", Unit::Bytes, "no number", "number and a unit"),
            ("+", Unit::Count, "not a count", "`12`"),
        ] {
            let error = Limit::parse(text, unit).unwrap_err();
            assert!(error.message.contains(message), "{text}: {}", error.message);
            assert!(error.hint.contains(hint), "{text}: {}", error.hint);
        }
    }

    #[test]
    fn values_that_print_alike_are_shown_with_all_digits() {
        assert_eq!(Unit::Bytes.show_apart(60_000_001, 60_000_000), ("60,000,001 B".into(), "60,000,000 B".into()));
        assert_eq!(Unit::Bytes.show_apart(60_000_000, 60_000_000), ("60.0 MB".into(), "60.0 MB".into()));
        assert_eq!(Unit::Bytes.show_apart(61_000_000, 60_000_000), ("61.0 MB".into(), "60.0 MB".into()));
    }
}
