//! Charts as librsvg draws them, which keeps no text to its laid-out length, in fonts wider and narrower than the one of
//! the layout: no two texts touch, and none leaves the picture.
//!
//! The place of a text is that of its ink: every text of a chart is drawn alone, in a strip of its own of one tall picture.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tonnage::testing::fixture;
use tonnage::testing::record::Record;
use tonnage::testing::report::{Appearance, charts_like};

/// The widest common font, that of the layout, and one that Linux desktops have.
const FONTS: [&str; 3] = ["DejaVu Sans", "Liberation Sans", "Noto Sans"];
/// Room around a text in its strip: a text that is too long must show where it ends.
const MARGIN: i32 = 200;
const STRIP: i32 = 36;
const BASE_LINE: i32 = 26;

/// Left, top, right, bottom.
type Ink = (i32, i32, i32, i32);

/// A configuration with which programs know this font alone.
fn only(font: &str, folder: &Path) {
    let found = Command::new("fc-list").args([&format!(":family={font}"), "file"]).output().unwrap();
    let fonts = folder.join("fonts");
    std::fs::create_dir(&fonts).unwrap();
    let listed = String::from_utf8(found.stdout).unwrap();
    let files: Vec<&Path> = listed.lines().map(|line| Path::new(line.trim_end().trim_end_matches(':'))).collect();
    assert!(!files.is_empty(), "the font {font} is not here: see `need` in scripts/test.sh");
    for file in files {
        std::fs::copy(file, fonts.join(file.file_name().unwrap())).unwrap();
    }
    let (fonts, cache) = (fonts.display(), folder.join("cache"));
    let config = format!("<fontconfig><dir>{fonts}</dir><cachedir>{}</cachedir></fontconfig>", cache.display());
    std::fs::write(folder.join("fonts.conf"), config).unwrap();
}

/// The pixels of an SVG, RGBA, and their width.
fn drawn(svg: &str, folder: &Path) -> (Vec<u8>, usize) {
    let mut child = Command::new("rsvg-convert")
        .env("FONTCONFIG_FILE", folder.join("fonts.conf"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("rsvg-convert: `apt-get install librsvg2-bin`, or TONNAGE_SKIP_BROWSER=1 to go without");
    let mut stdin = child.stdin.take().unwrap();
    let svg = svg.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(svg.as_bytes()).unwrap());
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(out.status.success());
    let mut reader = png::Decoder::new(out.stdout.as_slice()).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgba, png::BitDepth::Eight));
    (pixels, info.width as usize)
}

fn attribute(line: &str, name: &str) -> i32 {
    let value = line.split_once(&format!(" {name}=\"")).unwrap().1;
    value.split_once('"').unwrap().0.parse().unwrap()
}

/// What is wrong with the texts of a chart as the font of this folder draws them.
fn problems(svg: &str, folder: &Path) -> Vec<String> {
    let (width, height) = (attribute(svg, "width"), attribute(svg, "height"));
    let texts: Vec<&str> = svg.lines().filter(|line| line.starts_with("<text ")).collect();
    let family = svg.lines().find(|line| line.starts_with("<g font-family")).unwrap();
    let strips = i32::try_from(texts.len()).unwrap();
    let mut tall = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\">{family}",
        width + 2 * MARGIN,
        strips * STRIP
    );
    for (text, at) in texts.iter().zip(0..) {
        let down = at * STRIP + BASE_LINE - attribute(text, "y");
        let _ = write!(tall, "<g transform=\"translate({MARGIN},{down})\">{text}</g>");
    }
    tall.push_str("</g></svg>");
    let (pixels, wide) = drawn(&tall, folder);
    let row = wide * 4;
    let mut found = Vec::new();
    let mut inks: Vec<(&str, Ink)> = Vec::new();
    for (text, strip) in texts.iter().zip(pixels.chunks(row * STRIP as usize)) {
        let mut ink: Option<Ink> = None;
        for (y, line) in (0..).zip(strip.chunks(row)) {
            let painted = |pixel: &[u8]| pixel[3] > 60;
            let first = line.chunks(4).position(painted);
            let last = line.chunks(4).rposition(painted);
            if let (Some(first), Some(last)) = (first, last) {
                let place = |at: usize| i32::try_from(at).unwrap() - MARGIN;
                let (left, right) = (place(first), place(last) + 1);
                let y = y + attribute(text, "y") - BASE_LINE;
                ink =
                    Some(ink.map_or((left, y, right, y + 1), |ink| (ink.0.min(left), ink.1, ink.2.max(right), y + 1)));
            }
        }
        match ink {
            None => found.push(format!("not drawn: {text}")),
            Some(ink) => {
                if ink.0 < 0 || ink.1 < 0 || ink.2 > width || ink.3 > height {
                    found.push(format!("leaves the picture, {ink:?}: {text}"));
                }
                inks.push((text, ink));
            }
        }
    }
    for (index, (one, a)) in inks.iter().enumerate() {
        for (other, b) in &inks[index + 1..] {
            if a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3 {
                found.push(format!("overlap, {a:?} and {b:?}: {one} / {other}"));
            }
        }
    }
    found
}

/// The plain record with so many variants.
pub fn of(count: usize) -> Record {
    let mut record = fixture::record();
    let variants = record.variants.clone();
    let samples = record.samples.clone();
    record.variants.clear();
    record.samples.clear();
    for index in 0..count {
        let mut variant = variants[index % variants.len()].clone();
        let name = format!("{}-{index}", variant.name);
        record.samples.extend(samples.iter().filter(|sample| sample.variant == variant.name).map(|sample| {
            let mut sample = sample.clone();
            sample.variant.clone_from(&name);
            sample
        }));
        variant.name = name;
        record.variants.push(variant);
    }
    record
}

fn skipped() -> bool {
    std::env::var_os("TONNAGE_SKIP_BROWSER").is_some_and(|value| value == "1")
}

#[test]
fn no_text_of_a_chart_touches_another_or_leaves_the_picture_in_any_font() {
    if skipped() {
        return;
    }
    for font in FONTS {
        let folder = tempfile::tempdir().unwrap();
        only(font, folder.path());
        let mut records = vec![("stand-in", fixture::stand_in()), ("failures", fixture::with_failures())];
        if font == FONTS[0] {
            // Many variants take long to draw: in the widest font only.
            records.extend([("plain", fixture::record()), ("one", of(1)), ("twelve", of(12)), ("forty", of(40))]);
        }
        for (name, record) in records {
            for look in [Appearance::default(), Appearance::narrow()] {
                for chart in charts_like(&record, &look).unwrap() {
                    let found = problems(&chart.svg, folder.path());
                    assert!(found.is_empty(), "{name}, {}, {font}, {}: {found:#?}", chart.name, look.width);
                }
            }
        }
    }
}

#[test]
fn a_text_that_is_moved_or_grows_is_found() {
    if skipped() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    only(FONTS[0], folder.path());
    let chart = charts_like(&fixture::record(), &Appearance::default()).unwrap().swap_remove(0);
    assert_eq!(problems(&chart.svg, folder.path()), Vec::<String>::new());
    // The note as a text of its own, where the font of the layout has its value end: how it was before.
    let value = "<tspan font-size=\"13\" fill=\"#1F2328\" font-weight=\"bold\">125 MB</tspan>";
    let apart = chart.svg.replace(value, &format!("{value}</text>\n<text x=\"XX\" y=\"YY\">"));
    assert_ne!(apart, chart.svg);
    let line = chart.svg.lines().find(|line| line.contains(value)).unwrap();
    let (x, y) = (attribute(line, "x"), attribute(line, "y"));
    let apart = apart.replace("XX", &(x + 40).to_string()).replace("YY", &y.to_string());
    assert!(problems(&apart, folder.path()).iter().any(|found| found.starts_with("overlap")), "apart");
    let right = chart.svg.replace("text-anchor=\"end\"", "text-anchor=\"start\"");
    assert!(problems(&right, folder.path()).iter().any(|found| found.starts_with("overlap")), "moved");
    let long = chart.svg.replace("125 MB", &"125 MB ".repeat(20));
    assert!(problems(&long, folder.path()).iter().any(|found| found.starts_with("leaves")), "long");
    let empty = chart.svg.replace("125 MB", "").replace("#1F2328", "none");
    assert!(problems(&empty, folder.path()).iter().any(|found| found.starts_with("not drawn")), "invisible");
}
