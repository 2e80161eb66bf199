//! The one set of colours: Okabe and Ito's, which people with any colour vision tell apart
//! (<https://jfly.uni-koeln.de/color/>), on a white card; and what each becomes on a dark one.

use std::fmt::Write as _;

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
/// Slanted lines over a colour, for what was measured on a substitute.
pub(super) const HATCH: Colour = (0xd6, 0xe8, 0xf3);
/// What was claimed.
pub(super) const ORANGE: Colour = (0xe6, 0x9f, 0x00);
/// The same, dark enough for text on the card (4.9:1).
pub(super) const ORANGE_INK: Colour = (0x8f, 0x5c, 0x00);
/// Inside of what was claimed.
pub(super) const CLAIM_INSIDE: Colour = (0xff, 0xf4, 0xdc);
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

/// Each colour and the one that takes its place on a dark card.
const DARK: [(Colour, Colour); 15] = [
    (CARD, (0x0d, 0x11, 0x17)),
    (RIM, (0x3d, 0x44, 0x4d)),
    (INK, (0xe6, 0xed, 0xf3)),
    (QUIET, (0x9d, 0xa7, 0xb3)),
    (GRID, (0x26, 0x2c, 0x36)),
    (AXIS, (0x7d, 0x86, 0x90)),
    (BLUE, (0x3f, 0x9b, 0xe0)),
    (HATCH, (0x14, 0x35, 0x50)),
    (ORANGE_INK, (0xf0, 0xb8, 0x4a)),
    (CLAIM_INSIDE, (0x3a, 0x2f, 0x12)),
    (VERMILION, (0xff, 0x9b, 0x5e)),
    (GREEN, (0x2f, 0xbf, 0x94)),
    (SKY, (0x8f, 0xd0, 0xf5)),
    (RUST, (0xe8, 0x75, 0x2a)),
    (GREY, (0x6b, 0x74, 0x7e)),
];

/// The same colour on a dark card.
pub(super) fn dark(colour: Colour) -> Colour {
    DARK.iter().find(|(light, _)| *light == colour).map_or(colour, |(_, dark)| *dark)
}

/// CSS that puts the dark colours in place of the light ones, below what the selector matches.
pub(super) fn dark_rules(below: &str) -> String {
    let hex = |(red, green, blue): Colour| format!("#{red:02X}{green:02X}{blue:02X}");
    let mut rules = "@media screen and (prefers-color-scheme: dark) {\n".to_owned();
    for (light, dark) in DARK {
        for property in ["fill", "stroke"] {
            let _ = writeln!(rules, "{below}[{property}=\"{}\"]{{{property}:{}}}", hex(light), hex(dark));
        }
    }
    rules.push_str("}\n");
    rules
}
