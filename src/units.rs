//! The units of every number: [`Bytes`], [`SignedBytes`], [`Nanos`] and [`Ratio`], with one formatter each.
//!
//! In: integers from the engine or an archive, and text from a suite file. Out: the only renderings of sizes,
//! times and ratios that any table, chart or message uses. MB is 10^6 bytes and MiB is 2^20, never confused;
//! a bare number is refused where a unit is wanted.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A size in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// A difference of two sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct SignedBytes(pub i64);

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

/// Why a size could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseBytesError {
    /// There is no number at the start.
    #[error("`{0}` has no number")]
    NoNumber(String),
    /// There is no unit: MB and MiB differ by 5 %, so a guess would be wrong half the time.
    #[error("`{0}` has no unit")]
    NoUnit(String),
    /// The unit is not one of those known.
    #[error("`{text}` has the unknown unit `{unit}`")]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// The part that is no unit.
        unit: String,
    },
    /// The size does not fit 64 bits.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

impl ParseBytesError {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::NoUnit(text) => format!("write `{text}MB` (10^6 bytes), `{text}MiB` (2^20 bytes) or `{text}B`"),
            _ => "write a number and a unit: B, kB, MB, GB (powers of 1000) or KiB, MiB, GiB (powers of 1024)".into(),
        }
    }
}

impl Bytes {
    /// No bytes.
    pub const ZERO: Self = Self(0);

    /// This many bytes more than `other`, as a signed difference.
    pub fn since(self, other: Self) -> SignedBytes {
        SignedBytes(i64::try_from(i128::from(self.0) - i128::from(other.0)).unwrap_or(i64::MAX))
    }

    /// The difference, or zero where `other` is larger.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The value as a float of megabytes (10^6), for charts only.
    pub fn as_mb(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// All digits with thousands separators and the unit: `55,812,345 B`.
    pub fn exact(self) -> String {
        format!("{} B", group_digits(self.0))
    }
}

impl Add for Bytes {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Bytes {
    type Output = SignedBytes;
    fn sub(self, other: Self) -> SignedBytes {
        self.since(other)
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Bytes {
    /// Three significant digits in decimal units, as `docker images` prints them, with a space: `55.8 MB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&decimal(self.0))
    }
}

impl SignedBytes {
    /// All digits with sign and thousands separators: `+1,024 B`.
    pub fn exact(self) -> String {
        format!("{}{} B", sign(self.0), group_digits(self.0.unsigned_abs()))
    }

    /// The size of the difference without its sign.
    pub fn magnitude(self) -> Bytes {
        Bytes(self.0.unsigned_abs())
    }
}

impl Add for SignedBytes {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for SignedBytes {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self(0), Add::add)
    }
}

impl fmt::Display for SignedBytes {
    /// As [`Bytes`], with a sign: `+10.4 MB`, `-512 B`, `0 B`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}", sign(self.0), decimal(self.0.unsigned_abs())))
    }
}

impl FromStr for Bytes {
    type Err = ParseBytesError;

    /// Reads `57 MiB`, `118MB`, `500 kB`, `0 B`; a bare number is refused.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let digits = number.replace('_', "");
        if digits.is_empty() {
            return Err(ParseBytesError::NoNumber(trimmed.to_owned()));
        }
        let unit = unit.trim();
        let factor = match unit {
            "" => return Err(ParseBytesError::NoUnit(trimmed.to_owned())),
            "B" => 1,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" | "kiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1_u64 << 40,
            other => {
                return Err(ParseBytesError::UnknownUnit { text: trimmed.to_owned(), unit: other.to_owned() });
            }
        };
        scaled(&digits, factor).map(Bytes).ok_or_else(|| match digits.parse::<f64>() {
            Ok(_) => ParseBytesError::TooLarge(trimmed.to_owned()),
            Err(_) => ParseBytesError::NoNumber(trimmed.to_owned()),
        })
    }
}

/// `digits` (with at most one point) times `factor`, rounded to the nearest byte without going through a float.
fn scaled(digits: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.contains('.') || fraction.len() > 18 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let power = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let factor = u128::from(factor);
    let bytes = whole.checked_mul(factor)?.checked_add((part.checked_mul(factor)? + power / 2) / power)?;
    u64::try_from(bytes).ok()
}

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
            let seconds = (ns + 500_000_000) / 1_000_000_000;
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
    /// Three significant digits and a multiplication sign: `1.10×`, `17.2×`; of a hundredth and less two: `0.0026×`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0.0 && self.0 < 0.01 {
            let decimals = (2.0 - self.0.log10().floor() - 1.0).clamp(3.0, 9.0) as usize;
            return f.pad(&format!("{:.decimals$}×", self.0));
        }
        f.pad(&format!("{}×", significant(self.0)))
    }
}

/// An integer with thousands separators: `55,812,345`.
pub fn group_digits(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn sign(value: i64) -> &'static str {
    match value {
        1.. => "+",
        0 => "",
        _ => "-",
    }
}

fn decimal(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    // 999.5 would print as 1000: step to the next unit there.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1e3;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{} {}", significant(value), UNITS[unit]) }
}

/// Three significant digits, trailing zeros kept, never an exponent.
fn significant(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "n/a".to_owned()
    } else if size >= 99.95 {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_print_three_significant_digits_in_decimal_units() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (55_812_345, "55.8 MB"),
            (999_499_999, "999 MB"),
            (999_500_000, "1.00 GB"),
            (842_000_000, "842 MB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn sizes_read_back_with_their_unit_and_never_without() {
        assert_eq!("118MB".parse(), Ok(Bytes(118_000_000)));
        assert_eq!("57 MiB".parse(), Ok(Bytes(57 * 1024 * 1024)));
        assert_eq!("0.5kB".parse(), Ok(Bytes(500)));
        assert_eq!("55.8MB".parse(), Ok(Bytes(55_800_000)));
        assert_eq!("1_000 B".parse(), Ok(Bytes(1000)));
        assert_eq!("60".parse::<Bytes>(), Err(ParseBytesError::NoUnit("60".into())));
        assert!(matches!("60 Mb".parse::<Bytes>(), Err(ParseBytesError::UnknownUnit { .. })));
        assert!(matches!("MB".parse::<Bytes>(), Err(ParseBytesError::NoNumber(_))));
        assert!(matches!("1.2.3 MB".parse::<Bytes>(), Err(ParseBytesError::NoNumber(_))));
        assert!(matches!("99999999999 TB".parse::<Bytes>(), Err(ParseBytesError::TooLarge(_))));
        assert!(ParseBytesError::NoUnit("60".into()).hint().contains("60MiB"));
    }

    #[test]
    fn differences_carry_their_sign() {
        assert_eq!((Bytes(11_400_000) - Bytes(1_000_000)).to_string(), "+10.4 MB");
        assert_eq!((Bytes(1) - Bytes(513)).to_string(), "-512 B");
        assert_eq!((Bytes(5) - Bytes(5)).to_string(), "0 B");
        assert_eq!(SignedBytes(-1_234_567).exact(), "-1,234,567 B");
    }

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
    }

    #[test]
    fn ratios_print_as_factor_and_as_change() {
        assert_eq!(Ratio(17.234).to_string(), "17.2×");
        assert_eq!(Ratio(1.104).as_change(), "+10.4 %");
        assert_eq!(Ratio(0.9999).as_change(), "0.0 %");
        assert_eq!(Ratio::of(1, 0), None);
        assert_eq!(Ratio(0.943).as_percent(), "94.3 %");
    }
}
