//! Sizes: [`Bytes`] and [`SignedBytes`], with one formatter each.
//!
//! MB is 10^6 bytes and MiB is 2^20, never confused; a bare number is refused where a unit is wanted.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A size in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// A difference of two sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct SignedBytes(pub i64);

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
        /// The part that is not a unit.
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

/// Three significant digits, trailing zeros kept, never an exponent: `0.50`, `55.8`, `999`.
pub fn significant(value: f64) -> String {
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
}
