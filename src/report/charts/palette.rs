//! The one set of colours: Okabe and Ito's, which people with any colour vision tell apart
//! (<https://jfly.uni-koeln.de/color/>), on a white card, so that a chart reads alike on light and dark pages.

/// A colour: red, green, blue.
pub(super) type Colour = (u8, u8, u8);

/// The card that everything is drawn on.
pub(super) const CARD: Colour = (0xff, 0xff, 0xff);
/// Rim of the card.
pub(super) const RIM: Colour = (0xd0, 0xd7, 0xde);
/// Text.
pub(super) const INK: Colour = (0x1f, 0x23, 0x28);
/// Text of lesser weight; 5.9:1 on the card.
pub(super) const QUIET: Colour = (0x57, 0x60, 0x6a);
/// Grid lines.
pub(super) const GRID: Colour = (0xe6, 0xe9, 0xed);
/// Axis and whiskers.
pub(super) const AXIS: Colour = (0x8c, 0x95, 0x9f);

/// What was measured.
pub(super) const BLUE: Colour = (0x00, 0x72, 0xb2);
/// Slanted lines over a colour, for what was measured on a stand-in.
pub(super) const HATCH: Colour = (0xd6, 0xe8, 0xf3);
/// What was claimed.
pub(super) const ORANGE: Colour = (0xe6, 0x9f, 0x00);
/// The same, dark enough for text on the card (4.9:1).
pub(super) const ORANGE_INK: Colour = (0x8f, 0x5c, 0x00);
/// What failed.
pub(super) const VERMILION: Colour = (0xb8, 0x44, 0x00);
/// Packages, and the best of a column.
pub(super) const GREEN: Colour = (0x00, 0x9e, 0x73);
/// Bases.
pub(super) const SKY: Colour = (0x56, 0xb4, 0xe9);
/// Everything else of one's own.
pub(super) const PURPLE: Colour = (0xcc, 0x79, 0xa7);
/// Waste.
pub(super) const RUST: Colour = (0xd5, 0x5e, 0x00);
/// A seventh colour.
pub(super) const YELLOW: Colour = (0xf0, 0xe4, 0x42);
/// What cannot be told apart further.
pub(super) const GREY: Colour = (0xb4, 0xbb, 0xc3);

/// Colours for things that have no meaning of their own, in the order they are handed out.
pub(super) const SERIES: [Colour; 7] = [BLUE, ORANGE, GREEN, PURPLE, SKY, RUST, YELLOW];
