//! A size as somebody printed it, and the interval of sizes that print so.

use std::fmt;
use std::str::FromStr;

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
    /// It is no size.
    #[error(transparent)]
    Size(#[from] ParseBytesError),
    /// A size of nothing claims nothing.
    #[error("`{0}` is not a size")]
    Zero(String),
}

impl ParseClaimError {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::Size(error) => error.hint(),
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
        let middle: Bytes = text.parse()?;
        if middle == Bytes::ZERO {
            return Err(ParseClaimError::Zero(text.to_owned()));
        }
        let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let decimals = digits.split_once('.').map_or(0, |(_, fraction)| fraction.replace('_', "").len());
        // One unit of the last digit: 0.1 MB for `55.8MB`.
        let last = if decimals == 0 { "1".to_owned() } else { format!("0.{}1", "0".repeat(decimals - 1)) };
        let step: Bytes = format!("{last}{unit}").parse()?;
        let low = middle.saturating_sub(Bytes(step.0 / 2));
        let high = Bytes(low.0.saturating_add(step.0.max(1)));
        Ok(Self { text: text.to_owned(), low, high })
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
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
    fn a_claim_without_a_unit_or_a_size_is_refused() {
        assert!(matches!("842".parse::<Claim>(), Err(ParseClaimError::Size(ParseBytesError::NoUnit(_)))));
        assert!(matches!("0MB".parse::<Claim>(), Err(ParseClaimError::Zero(_))));
        assert!("about 5MB".parse::<Claim>().is_err());
        assert!("0.0000000000000000000000001MB".parse::<Claim>().is_err());
    }
}
