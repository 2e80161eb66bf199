//! A Dockerfile with other base images, all else byte for byte the same.

use std::collections::BTreeMap;
use std::ops::Range;

use super::arguments::Arguments;
use super::edits::Edits;
use super::facts::Facts;
use super::parse::{ParsedCommand, ParsedInstruction, parse};
use super::source::CopySource;
use super::stages::{Origin, same_image};
use super::variables::Globals;

/// Replaces images in FROM, `COPY --from` and `RUN --mount=from=` by what `map` says is used for them.
///
/// A key stands for every way to write that image ([`same_image`]), once variables are replaced by `args` and the
/// defaults. Stages, `scratch`, and images that the map does not name stay; so does a Dockerfile that cannot be
/// parsed, whole.
pub(crate) fn rewrite_bases(text: &str, map: &BTreeMap<String, String>, args: &Arguments) -> String {
    let Ok(document) = parse(text) else { return text.to_owned() };
    let Ok(facts) = Facts::of(&document) else { return text.to_owned() };
    let globals = Globals::of(&facts, args);
    let used = |image: &str| {
        map.get(image).or_else(|| map.iter().find(|(key, _)| same_image(key, image)).map(|(_, used)| used))
    };
    let mut edits = Edits::default();
    let mut stage = 0;
    for instruction in &document.instructions {
        let places = match instruction.command.keyword.as_str() {
            "FROM" => {
                let origin = facts.base_of(stage, &globals);
                stage += 1;
                let word = instruction.words().first().map(|(_, word)| instruction.joined.in_file(word));
                word.zip(origin.ok()).into_iter().collect()
            }
            _ => sources(instruction, &facts),
        };
        for (place, origin) in places {
            if let Origin::Image(image) = origin
                && let Some(used) = used(&image)
            {
                edits.replace(place, used);
            }
        }
    }
    edits.apply(text).unwrap_or_else(|| text.to_owned())
}

/// What an instruction takes files from, and where in the file that is written.
fn sources(instruction: &ParsedInstruction, facts: &Facts) -> Vec<(Range<usize>, Origin)> {
    let command: &ParsedCommand = instruction.effective();
    let mut found = Vec::new();
    for flag in &command.flags {
        let Some(value) = flag.value.as_deref() else { continue };
        let part = match (command.keyword.as_str(), flag.name.as_str()) {
            ("COPY", "from") => Some(0..value.len()),
            ("RUN", "mount") => from_field(value),
            _ => None,
        };
        let Some(part) = part else { continue };
        let name = value[part.clone()].to_owned();
        let source = if command.keyword == "COPY" { CopySource::Copy(name) } else { CopySource::Mount(name) };
        if let (Some(place), Ok(origin)) =
            (flag.in_file(&part, &instruction.joined), facts.origin_of(&source, instruction.line))
        {
            found.push((place, origin));
        }
    }
    found
}

/// Where the image of `from=IMAGE` stands among the fields of a mount, the last where there are several.
fn from_field(value: &str) -> Option<Range<usize>> {
    let mut begin = 0;
    let mut found = None;
    for field in value.split(',') {
        if let Some((key, image)) = field.split_once('=')
            && key.trim().eq_ignore_ascii_case("from")
        {
            found = Some(begin + field.len() - image.len()..begin + field.len());
        }
        begin += field.len() + 1;
    }
    found
}
