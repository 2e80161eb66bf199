//! The one font of the charts: how wide a text is, and its pixels.
//!
//! The widths are those of Liberation Sans, which are those of Arial and Helvetica, so a text measured here takes
//! the same room in a browser. plotters' own text drawing is not used for pixels: version 0.3.7 drops each glyph's
//! left side bearing and sub-pixel position, which makes small text uneven.

use ab_glyph::{Font as _, FontRef, Glyph, ScaleFont as _, point};

/// What a browser is told to use; the first that is there has the widths measured here.
pub(super) const STACK: &str = "Liberation Sans, Arial, Helvetica, sans-serif";

const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/TonnageSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../../../assets/fonts/TonnageSans-Bold.ttf");

/// Weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// For most.
    Regular,
    /// For titles and the values that matter.
    Bold,
}

/// The two weights, parsed.
pub(crate) struct Fonts {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Fonts {
    /// Reads the embedded fonts; `None` only if the program was built with broken ones.
    pub(crate) fn embedded() -> Option<Self> {
        let regular = FontRef::try_from_slice(REGULAR).ok()?;
        let bold = FontRef::try_from_slice(BOLD).ok()?;
        Some(Self { regular, bold })
    }

    fn of(&self, weight: Weight) -> &FontRef<'static> {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// Whether every sign of the text is in the font, so that a picture shows it.
    pub(crate) fn covers(&self, text: &str, weight: Weight) -> bool {
        text.chars().all(|c| self.of(weight).glyph_id(c).0 != 0)
    }

    /// Width of the text in pixels at `size` pixels to the em.
    pub(crate) fn width(&self, text: &str, size: f64, weight: Weight) -> f64 {
        let font = self.of(weight);
        let scaled = font.as_scaled(scale(font, size));
        let mut width = 0.0_f64;
        let mut previous = None;
        for c in text.chars() {
            let id = scaled.glyph_id(c);
            if let Some(previous) = previous {
                width += f64::from(scaled.kern(previous, id));
            }
            // A sign that is not in the subset is drawn by whatever font a browser finds: up to one em.
            width += if id.0 == 0 { size } else { f64::from(scaled.h_advance(id)) };
            previous = Some(id);
        }
        width
    }

    /// The text, its middle left out until it fits into `room` pixels.
    pub(crate) fn fit(&self, text: &str, size: f64, weight: Weight, room: f64) -> String {
        if self.width(text, size, weight) <= room {
            return text.to_owned();
        }
        let count = text.chars().count();
        // The width grows with the number of characters kept, near enough to search by halves.
        let (mut low, mut high) = (3, count);
        while low + 1 < high {
            let middle = usize::midpoint(low, high);
            if self.width(&crate::text::shorten(text, middle), size, weight) <= room {
                low = middle;
            } else {
                high = middle;
            }
        }
        crate::text::shorten(text, low)
    }

    /// Calls `put` with the place and the coverage (0 to 1) of each pixel of the text, which begins at `x` on the
    /// line `baseline`.
    pub(crate) fn pixels(
        &self,
        text: &str,
        (x, baseline): (f64, f64),
        size: f64,
        weight: Weight,
        mut put: impl FnMut(i32, i32, f32),
    ) {
        let font = self.of(weight);
        let scale = scale(font, size);
        let scaled = font.as_scaled(scale);
        let mut pen = x as f32;
        let mut previous = None;
        for c in text.chars() {
            let id = scaled.glyph_id(c);
            if let Some(previous) = previous {
                pen += scaled.kern(previous, id);
            }
            let glyph: Glyph = id.with_scale_and_position(scale, point(pen, baseline as f32));
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                let (left, top) = (bounds.min.x as i32, bounds.min.y as i32);
                outline.draw(|dx, dy, coverage| {
                    put(left.saturating_add_unsigned(dx), top.saturating_add_unsigned(dy), coverage.min(1.0));
                });
            }
            pen += if id.0 == 0 { size as f32 } else { scaled.h_advance(id) };
            previous = Some(id);
        }
    }
}

/// `ab_glyph` scales by the height from descender to ascender; everything else counts pixels to the em.
fn scale(font: &FontRef<'static>, size: f64) -> ab_glyph::PxScale {
    let per_em = font.units_per_em().unwrap_or(2048.0);
    ab_glyph::PxScale::from(size as f32 * font.height_unscaled() / per_em)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_arial() {
        // Arial's advance widths in 1/2048 em: digits 1139, `W` 1933, space 569.
        let fonts = Fonts::embedded().unwrap();
        assert!((fonts.width("0123456789", 20.48, Weight::Regular) - 113.9).abs() < 0.05);
        assert!((fonts.width("W", 20.48, Weight::Regular) - 19.33).abs() < 0.01);
        assert!((fonts.width("中", 12.0, Weight::Regular) - 12.0).abs() < 0.01);
        assert!(fonts.covers("Größe ≈ 5 µs", Weight::Regular) && !fonts.covers("中", Weight::Regular));
    }

    #[test]
    fn a_long_text_is_shortened_until_it_fits() {
        let fonts = Fonts::embedded().unwrap();
        let name = "a-very-long-variant-name-".repeat(20);
        let short = fonts.fit(&name, 13.0, Weight::Regular, 150.0);
        assert!(fonts.width(&short, 13.0, Weight::Regular) <= 150.0);
        assert!(short.contains('…') && short.starts_with("a-very"), "{short}");
        assert_eq!(fonts.fit("slim", 13.0, Weight::Regular, 150.0), "slim");
    }
}
