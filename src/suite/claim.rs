//! A figure as somebody printed it, and the interval of values that print so.

use std::str::FromStr;

use jiff::SignedDuration;

use crate::units::{Bytes, ParseBytesError};

/// A printed figure: `842MB` stands for every size from 841.5 MB up to, and not including, 842.5 MB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// As it was printed.
    pub text: String,
    /// Smallest size that prints so.
    pub low: Bytes,
    /// Smallest size that no longer prints so.
    pub high: Bytes,
}

/// Why a figure could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseClaimError {
    /// It is not a size.
    #[error(transparent)]
    Size(#[from] ParseBytesError),
    /// It is not a time.
    #[error("`{0}` is not a time")]
    Time(String),
    /// Nothing claims nothing.
    #[error("`{0}` is not a figure to compare with")]
    Zero(String),
}

impl ParseClaimError {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::Size(error) => error.hint(),
            Self::Time(_) => "write a number with one unit, such as `141.7 s`".into(),
            Self::Zero(_) => "write the figure as it was printed, such as `842MB`".into(),
        }
    }
}

impl FromStr for Claim {
    type Err = ParseClaimError;

    /// Reads a figure with its unit. The interval is half a unit of the last printed digit to either side, so
    /// `55.8MB` is [55.75, 55.85) MB and `842MB` is [841.5, 842.5) MB; a whole number of bytes is exact.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (low, high) = interval(text, |text| Ok(text.parse::<Bytes>()?.0))?;
        Ok(Self { text: text.to_owned(), low: Bytes(low), high: Bytes(high) })
    }
}

/// The interval of a published time such as `141.7 s`, in nanoseconds: [141.65, 141.75) s.
pub(super) fn time_interval(text: &str) -> Result<(u64, u64), ParseClaimError> {
    interval(text.trim(), |part| {
        // What the last digit is worth only the unit says, so there is one.
        let unit = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim();
        let one = !unit.is_empty() && unit.chars().all(char::is_alphabetic);
        let span = SignedDuration::from_str(part).ok().and_then(|span| u64::try_from(span.as_nanos()).ok());
        span.filter(|_| one).ok_or_else(|| ParseClaimError::Time(text.to_owned()))
    })
}

/// Half a unit of the last printed digit to either side of what `parse` makes of a text.
fn interval(text: &str, parse: impl Fn(&str) -> Result<u64, ParseClaimError>) -> Result<(u64, u64), ParseClaimError> {
    let middle = parse(text)?;
    if middle == 0 {
        return Err(ParseClaimError::Zero(text.to_owned()));
    }
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let decimals = digits.split_once('.').map_or(0, |(_, fraction)| fraction.replace('_', "").len());
    // One unit of the last digit: 0.1 MB for `55.8MB`.
    let last = if decimals == 0 { "1".to_owned() } else { format!("0.{}1", "0".repeat(decimals - 1)) };
    let step = parse(&format!("{last}{unit}"))?;
    let low = middle.saturating_sub(step / 2);
    Ok((low, low.saturating_add(step.max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_spans_half_a_digit_to_either_side() {
        for (text, low, high) in [
            ("842MB", 841_500_000, 842_500_000),
            ("118MB", 117_500_000, 118_500_000),
            ("55.8MB", 55_750_000, 55_850_000),
            ("48.8 MB", 48_750_000, 48_850_000),
            ("1.00GB", 995_000_000, 1_005_000_000),
            ("512 B", 512, 513),
            ("1KiB", 512, 1536),
        ] {
            let claim: Claim = text.parse().unwrap();
            assert_eq!((claim.low, claim.high), (Bytes(low), Bytes(high)), "{text}");
        }
    }

    #[test]
    fn a_time_spans_half_a_digit_to_either_side() {
        for (text, low, high) in [
            ("141.7 s", 141_650_000_000, 141_750_000_000),
            ("2s", 1_500_000_000, 2_500_000_000),
            ("822 ms", 821_500_000, 822_500_000),
            ("3 min", 150_000_000_000, 210_000_000_000),
        ] {
            assert_eq!(time_interval(text).unwrap(), (low, high), "{text}");
        }
        // What the last digit of `2 min 5 s` is worth, the first unit does not say.
        for text in ["141.7", "soon", "0 s", "-3 s", "2 min 5 s", "", "1 MB", "99999999999999999999 h"] {
            assert!(time_interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_claim_without_a_unit_or_a_size_is_refused() {
        assert!(matches!("842".parse::<Claim>(), Err(ParseClaimError::Size(ParseBytesError::NoUnit(_)))));
        assert!(matches!("0MB".parse::<Claim>(), Err(ParseClaimError::Zero(_))));
        assert!("about 5MB".parse::<Claim>().is_err());
        assert!("0.0000000000000000000000001MB".parse::<Claim>().is_err());
    }
}
