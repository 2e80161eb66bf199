//! How charts are to look: what a user may choose.

use super::font::Fonts;
use crate::record::Scenario;

/// Width of a chart unless another is chosen: the text column of a README on GitHub.
const WIDTH: i32 = 830;
/// Width at which a chart is laid out for a phone.
const NARROW: i32 = 380;

/// Colours of a chart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Theme {
    /// Light, and dark where the reader prefers it (SVG).
    #[default]
    Auto,
    /// Dark on white.
    Light,
    /// Light on black.
    Dark,
    /// As `auto`, without a card behind it.
    Transparent,
}

/// What a user may choose of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appearance {
    /// Its title; `None` lets the figures say it.
    pub title: Option<String>,
    /// Pixels.
    pub width: i32,
    /// Colours.
    pub theme: Theme,
    /// Scenarios of the chart of build times; empty for the two that matter most.
    pub scenarios: Vec<Scenario>,
}

impl Default for Appearance {
    fn default() -> Self {
        Self { title: None, width: WIDTH, theme: Theme::default(), scenarios: Vec::new() }
    }
}

impl Appearance {
    /// As a phone shows it.
    pub fn narrow() -> Self {
        Self { width: NARROW, ..Self::default() }
    }
}

/// What a chart is laid out with.
#[derive(Clone, Copy)]
pub(crate) struct Sheet<'a> {
    /// For measuring text.
    pub fonts: &'a Fonts,
    /// How it is to look.
    pub look: &'a Appearance,
}
