//! A Dockerfile with other base images, all else byte for byte the same.

use std::collections::BTreeMap;
use std::ops::Range;

use parse_dockerfile::{Flag, Instruction};

use super::facts::{Facts, positions};
use super::stages::{Origin, same_image};

/// Replaces images in FROM, `COPY --from` and `RUN --mount=from=` by what `map` says is used for them.
///
/// A key stands for every way to write that image ([`same_image`]), once variables are filled in from `args` and
/// the defaults. Stages, `scratch`, and images that the map does not name stay; so does a Dockerfile that cannot
/// be parsed, whole.
pub fn rewrite_bases(text: &str, map: &BTreeMap<String, String>, args: &BTreeMap<String, String>) -> String {
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let body = &text[mark..];
    let (Ok(facts), Some(parsed)) = (Facts::parse(body), positions(body)) else { return text.to_owned() };
    let used = |image: &str| {
        map.get(image).or_else(|| map.iter().find(|(key, _)| same_image(key, image)).map(|(_, used)| used))
    };
    let mut edits: Vec<(Range<usize>, &str)> = Vec::new();
    let mut stage = 0;
    for instruction in &parsed.instructions {
        match instruction {
            Instruction::From(from) => {
                if let Ok(Origin::Image(image)) = facts.resolve(&from.image.value, stage, 0, args)
                    && let Some(used) = used(&image)
                {
                    edits.push((from.image.span.clone(), used));
                }
                stage += 1;
            }
            Instruction::Copy(copy) => {
                for flag in copy.options.iter().filter(|flag| flag.name.value == "from") {
                    edits.extend(external(&facts, body, flag_value(flag), &used));
                }
            }
            Instruction::Run(run) => {
                for flag in run.options.iter().filter(|flag| flag.name.value == "mount") {
                    let field = flag_value(flag).and_then(|span| from_field(body, span));
                    edits.extend(external(&facts, body, field, &used));
                }
            }
            _ => {}
        }
    }
    let mut out = text[..mark].to_owned();
    let mut done = 0;
    for (span, used) in edits {
        // Spans come in the text's order; one that does not is no span of ours.
        if span.start < done || body.get(done..span.start).is_none() || !body.is_char_boundary(span.end) {
            continue;
        }
        out.push_str(&body[done..span.start]);
        out.push_str(used);
        done = span.end;
    }
    out.push_str(&body[done..]);
    out
}

fn flag_value(flag: &Flag<'_>) -> Option<Range<usize>> {
    flag.value.as_ref().map(|value| value.span.clone())
}

/// Where the image of `from=IMAGE` stands among the fields of a mount.
fn from_field(text: &str, span: Range<usize>) -> Option<Range<usize>> {
    let value = text.get(span.clone())?;
    let mut start = span.start;
    for field in value.split(',') {
        if let Some(image) = field.strip_prefix("from=") {
            let at = start + "from=".len();
            return Some(at..at + image.len());
        }
        start += field.len() + 1;
    }
    None
}

fn external<'m>(
    facts: &Facts,
    text: &str,
    span: Option<Range<usize>>,
    used: &dyn Fn(&str) -> Option<&'m String>,
) -> Option<(Range<usize>, &'m str)> {
    let span = span?;
    match facts.origin_of(text.get(span.clone())?) {
        Origin::Image(image) => used(&image).map(|used| (span, used.as_str())),
        _ => None,
    }
}
