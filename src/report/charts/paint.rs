//! Paints a laid-out chart as SVG and as PNG, through plotters' two backends. Equal marks give equal bytes.

use std::collections::HashMap;
use std::fmt::Write as _;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::{RGBColor, ShapeStyle};

use super::appearance::Theme;
use super::font::{Fonts, STACK, Weight};
use super::palette::{self, Colour};
use super::scene::{Anchor, Shape, TextSpan};

/// Pixels of the PNG to a pixel of the SVG, so that it is sharp on screens of double density.
const DENSITY: i32 = 2;

/// What a screen reader says of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caption {
    /// Its title.
    pub title: String,
    /// All that it shows, in words.
    pub description: String,
}

impl Caption {
    /// What a chart shows, in sentences.
    pub(super) fn new(title: String, sentences: impl Iterator<Item = String>) -> Self {
        Self { title, description: sentences.collect::<Vec<_>>().join(" ") }
    }
}

/// Where an SVG is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SvgPlace {
    /// In a file of its own, which says itself how it looks on a dark page.
    File,
    /// In a page, whose style says it.
    Page,
}

/// The marks as an SVG document with text as text, `<title>` and `<desc>`.
///
/// Text is written here and not by the backend, which cannot say how long a text is (plotters-svg 0.3.7): with
/// `textLength` it takes the room that was laid out for it also where none of the fonts of [`STACK`] is installed.
pub(super) fn svg(
    marks: &[Shape],
    (width, height): (i32, i32),
    name: &str,
    (fonts, caption): (&Fonts, &Caption),
    (theme, place): (Theme, SvgPlace),
) -> Result<String, String> {
    let marks = themed(marks, theme);
    let mut out = String::new();
    {
        let mut backend = SVGBackend::with_string(&mut out, (width.unsigned_abs(), height.unsigned_abs()));
        if theme != Theme::Transparent {
            card(&mut backend, (width, height), 1, [palette::RIM, palette::CARD].map(|colour| shade(colour, theme)))?;
        }
        for mark in &marks {
            shape(&mut backend, mark, 1)?;
        }
        backend.present().map_err(words)?;
    }
    // Text is never covered by what stands after it, so it can be painted last.
    let shapes = out.trim_end().strip_suffix("</svg>").ok_or("the SVG has no end")?;
    let adapts = matches!(theme, Theme::Auto | Theme::Transparent) && place == SvgPlace::File;
    let style = if adapts { format!("<style>\n{}</style>\n", palette::dark_rules("")) } else { String::new() };
    let mut out = with_caption(shapes, name, caption, &style);
    let _ = writeln!(out, "<g font-family=\"{STACK}\" xml:space=\"preserve\">");
    for mark in &marks {
        text_element(&mut out, mark, fonts);
    }
    out.push_str("</g>\n");
    for mark in &marks {
        hover_element(&mut out, mark);
    }
    out.push_str("</svg>\n");
    Ok(out)
}

fn shade(colour: Colour, theme: Theme) -> Colour {
    if theme == Theme::Dark { palette::dark(colour) } else { colour }
}

/// The marks in the colours of a theme, without patches of card where there is no card.
fn themed(marks: &[Shape], theme: Theme) -> Vec<Shape> {
    let bare = |mark: &&Shape| {
        theme == Theme::Transparent
            && matches!(mark, Shape::Box { fill, .. } | Shape::Disc { fill, .. } if *fill == palette::CARD)
    };
    let kept = marks.iter().filter(|mark| !bare(mark)).cloned();
    kept.map(|mut mark| {
        match &mut mark {
            Shape::Box { fill: colour, .. } | Shape::Disc { fill: colour, .. } | Shape::Line { colour, .. } => {
                *colour = shade(*colour, theme);
            }
            Shape::Text { spans, .. } => spans.iter_mut().for_each(|span| span.colour = shade(span.colour, theme)),
        }
        mark
    })
    .collect()
}

/// An unseen disc, larger than the one below it, that says what that one is.
fn hover_element(out: &mut String, mark: &Shape) {
    if let Shape::Disc { at: (x, y), radius, says, .. } = mark
        && !says.is_empty()
    {
        let radius = radius + 5;
        let _ = writeln!(
            out,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"none\" pointer-events=\"all\"><title>{}</title></circle>",
            escaped(says)
        );
    }
}

fn text_element(out: &mut String, mark: &Shape, fonts: &Fonts) {
    let Shape::Text { spans, at: (x, y), anchor } = mark else { return };
    let _ = write!(out, "<text x=\"{x}\" y=\"{y}\"");
    match anchor {
        Anchor::Start => {}
        Anchor::Middle => out.push_str(" text-anchor=\"middle\""),
        Anchor::End => out.push_str(" text-anchor=\"end\""),
    }
    let length = length(spans, fonts, 1.0);
    let _ = write!(out, " textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\"");
    if let [span] = spans.as_slice() {
        let _ = write!(out, "{}>{}", attributes(span), escaped(&span.text));
    } else {
        out.push('>');
        for span in spans {
            let _ = write!(out, "<tspan{}>{}</tspan>", attributes(span), escaped(&span.text));
        }
    }
    out.push_str("</text>\n");
}

fn attributes(span: &TextSpan) -> String {
    let (red, green, blue) = span.colour;
    let bold = if span.weight == Weight::Bold { " font-weight=\"bold\"" } else { "" };
    format!(" font-size=\"{}\" fill=\"#{red:02X}{green:02X}{blue:02X}\"{bold}", span.size)
}

/// Width of a line of text, so many times as large.
fn length(spans: &[TextSpan], fonts: &Fonts, scale: f64) -> f64 {
    spans.iter().map(|span| fonts.width(&span.text, f64::from(span.size) * scale, span.weight)).sum()
}

/// The marks as a PNG of double density.
pub(super) fn png(marks: &[Shape], size: (i32, i32), fonts: &Fonts, theme: Theme) -> Result<Vec<u8>, String> {
    let marks = themed(marks, theme);
    let (wide, high) = ((size.0 * DENSITY).unsigned_abs(), (size.1 * DENSITY).unsigned_abs());
    if theme == Theme::Transparent {
        // What is the same on white and on black is opaque; the further apart the two, the more shows through.
        let on = |back: u8| pixels(&marks, size, fonts, [(back, back, back); 2]);
        let (white, black) = (on(0xff)?, on(0)?);
        let pairs = white.chunks_exact(3).zip(black.chunks_exact(3));
        let mixed = pairs.flat_map(|(white, black)| {
            let apart = white.iter().zip(black).map(|(white, black)| white.saturating_sub(*black)).max().unwrap_or(0);
            let alpha = 0xff - apart;
            let ink =
                |channel: u8| (u32::from(channel) * 255).checked_div(u32::from(alpha)).unwrap_or(0).min(255) as u8;
            [ink(black[0]), ink(black[1]), ink(black[2]), alpha]
        });
        let mixed: Vec<u8> = mixed.collect();
        return encode(&mixed, (wide, high), |encoder| encoder.set_color(png::ColorType::Rgba)).map_err(words);
    }
    let card = [palette::RIM, palette::CARD].map(|colour| shade(colour, theme));
    let pixels = pixels(&marks, size, fonts, card)?;
    let mut exact: Vec<Colour> = card.to_vec();
    exact.extend(marks.iter().flat_map(Shape::colours));
    exact.sort_unstable();
    exact.dedup();
    let (palette, indices) = indexed(&pixels, &exact);
    let set_up = |encoder: &mut PngEncoder<'_>| {
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(palette);
        encoder.set_compression(png::Compression::Default);
        encoder.set_filter(png::FilterType::NoFilter);
    };
    encode(&indices, (wide, high), set_up).map_err(words)
}

fn pixels(
    marks: &[Shape],
    (width, height): (i32, i32),
    fonts: &Fonts,
    colours: [Colour; 2],
) -> Result<Vec<u8>, String> {
    let (wide, high) = ((width * DENSITY).unsigned_abs(), (height * DENSITY).unsigned_abs());
    let mut pixels = vec![0xff_u8; wide as usize * high as usize * 3];
    {
        let mut backend = BitMapBackend::with_buffer(&mut pixels, (wide, high));
        card(&mut backend, (width, height), DENSITY, colours)?;
        for mark in marks {
            shape(&mut backend, mark, DENSITY)?;
        }
        backend.present().map_err(words)?;
    }
    for mark in marks {
        write_text(&mut pixels, (wide, high), mark, fonts);
    }
    Ok(pixels)
}

type PngEncoder<'a> = png::Encoder<'static, &'a mut Vec<u8>>;

/// A PNG of eight bits per channel; `set_up` says how the bytes make pixels.
fn encode(
    bytes: &[u8],
    (width, height): (u32, u32),
    set_up: impl FnOnce(&mut PngEncoder<'_>),
) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_depth(png::BitDepth::Eight);
    set_up(&mut encoder);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(bytes)?;
    writer.finish()?;
    Ok(out)
}

fn write_text(pixels: &mut [u8], (wide, high): (u32, u32), mark: &Shape, fonts: &Fonts) {
    let Shape::Text { spans, at, anchor } = mark else { return };
    let density = f64::from(DENSITY);
    let width = length(spans, fonts, density);
    let mut x = f64::from(at.0 * DENSITY)
        - match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
    for TextSpan { text, size, weight, colour } in spans {
        let size = f64::from(*size) * density;
        fonts.pixels(text, (x, f64::from(at.1 * DENSITY)), size, *weight, |x, y, coverage| {
            let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
            if x < wide && y < high {
                let start = (y as usize * wide as usize + x as usize) * 3;
                for (pixel, ink) in pixels[start..start + 3].iter_mut().zip([colour.0, colour.1, colour.2]) {
                    *pixel = (f32::from(*pixel) * (1.0 - coverage) + f32::from(ink) * coverage).round() as u8;
                }
            }
        });
        x += fonts.width(text, size, *weight);
    }
}

/// The pixels as a palette of at most 256 colours and an index each, a fifth of the size of the file. The colours in
/// `exact` stay as they are; those between them, at the rims of letters, are rounded as coarsely as needed.
fn indexed(pixels: &[u8], exact: &[Colour]) -> (Vec<u8>, Vec<u8>) {
    for step in [17_u16, 51, 85, 255] {
        let rounded = |colour: Colour| {
            let near = |channel: u8| ((u16::from(channel) + step / 2) / step * step).min(255) as u8;
            if exact.contains(&colour) { colour } else { (near(colour.0), near(colour.1), near(colour.2)) }
        };
        let mut found: HashMap<Colour, u8> = HashMap::new();
        let mut palette: Vec<u8> = Vec::new();
        let mut indices = Vec::with_capacity(pixels.len() / 3);
        // Most pixels are like the one before.
        let mut last: Option<(Colour, u8)> = None;
        let fits = pixels.chunks_exact(3).all(|pixel| {
            let colour = (pixel[0], pixel[1], pixel[2]);
            let index = match last {
                Some((same, index)) if same == colour => index,
                _ => {
                    let rounded = rounded(colour);
                    if let Some(index) = found.get(&rounded) {
                        *index
                    } else {
                        let Ok(index) = u8::try_from(found.len()) else { return false };
                        found.insert(rounded, index);
                        palette.extend([rounded.0, rounded.1, rounded.2]);
                        index
                    }
                }
            };
            last = Some((colour, index));
            indices.push(index);
            true
        });
        if fits {
            return (palette, indices);
        }
    }
    // Not reached: the last step leaves 8 colours and the exact ones, of which a chart has a dozen.
    (vec![0xff; 3], vec![0; pixels.len() / 3])
}

fn card<B: DrawingBackend>(
    backend: &mut B,
    (width, height): (i32, i32),
    scale: i32,
    [rim, card]: [Colour; 2],
) -> Result<(), String> {
    let far = (width * scale, height * scale);
    let inner = (far.0 - scale, far.1 - scale);
    backend.draw_rect((0, 0), far, &filled(rim), true).map_err(words)?;
    backend.draw_rect((scale, scale), inner, &filled(card), true).map_err(words)
}

fn shape<B: DrawingBackend>(backend: &mut B, mark: &Shape, scale: i32) -> Result<(), String> {
    let place = |(x, y): (i32, i32)| (x * scale, y * scale);
    let drawn = match mark {
        Shape::Box { at: (x, y, width, height), fill } => {
            backend.draw_rect(place((*x, *y)), place((x + width, y + height)), &filled(*fill), true)
        }
        Shape::Line { from, to, colour, width } => {
            backend.draw_line(place(*from), place(*to), &stroked(*colour, *width, scale))
        }
        Shape::Disc { at, radius, fill, .. } => {
            backend.draw_circle(place(*at), radius * scale.unsigned_abs(), &filled(*fill), true)
        }
        Shape::Text { .. } => Ok(()),
    };
    drawn.map_err(words)
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn filled(colour: Colour) -> ShapeStyle {
    ShapeStyle::from(RGBColor(colour.0, colour.1, colour.2)).filled()
}

fn stroked(colour: Colour, width: u32, scale: i32) -> ShapeStyle {
    ShapeStyle::from(RGBColor(colour.0, colour.1, colour.2)).stroke_width(width * scale.unsigned_abs())
}

/// Puts the words for screen readers where SVG wants them: first in the root element.
fn with_caption(svg: &str, name: &str, caption: &Caption, style: &str) -> String {
    let (open, rest) = svg.split_once(">\n").unwrap_or((svg, ""));
    let Caption { title, description } = caption;
    // The name keeps the ids of several charts in one page apart.
    format!(
        "{open} role=\"img\" aria-labelledby=\"{name}-title {name}-desc\">\n<title id=\"{name}-title\">{}</title>\n<desc \
         id=\"{name}-desc\">{}</desc>\n{style}{rest}",
        escaped(title),
        escaped(description)
    )
}

fn escaped(text: &str) -> String {
    let text = crate::text::for_people(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
