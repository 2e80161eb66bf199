//! The line of a Dockerfile that a difference points at.

use std::path::Path;

use crate::analyse::compare::{Comparison, LayerOwner, normal_instruction};
use crate::record::Variant;

/// The Dockerfile as annotations name it, and the line of the instruction behind the largest growth: the final FROM
/// for the base. Line 0 where the Dockerfile is unknown.
pub(super) fn of(suite: &Path, variant: &Variant, comparison: Option<&Comparison>) -> (String, u32) {
    if variant.dockerfile.is_empty() {
        return (String::new(), 0);
    }
    let path = suite.join(&variant.dockerfile);
    let path = path.components().filter(|part| *part != std::path::Component::CurDir);
    let path = path.collect::<std::path::PathBuf>().display().to_string();
    let grown = comparison.and_then(|comparison| comparison.groups.iter().find(|group| group.delta_bytes.0 > 0));
    let line = match grown {
        Some(group) if group.part == LayerOwner::Own => instruction_line(variant, &group.instruction),
        _ => None,
    };
    (path, line.unwrap_or_else(|| from_line(variant)))
}

/// The line of an instruction of the Dockerfile; of the final FROM if it is not known.
pub(crate) fn line_of(variant: &Variant, instruction: &str) -> u32 {
    let line = if instruction.is_empty() { None } else { instruction_line(variant, instruction) };
    line.unwrap_or_else(|| from_line(variant))
}

/// The line of the final FROM.
fn from_line(variant: &Variant) -> u32 {
    let from = variant.instructions.iter().rev().find(|instruction| keyword(&instruction.text) == "FROM");
    from.map_or(1, |instruction| instruction.line)
}

/// The last instruction with that text, or with the same keyword and last word: the classic builder's history has a
/// checksum where the Dockerfile has the source.
fn instruction_line(variant: &Variant, wanted: &str) -> Option<u32> {
    let wanted = normal_instruction(wanted);
    let of = |matches: &dyn Fn(&str) -> bool| {
        let found = variant.instructions.iter().rev().find(|known| matches(&normal_instruction(&known.text)));
        found.map(|instruction| instruction.line)
    };
    let ends = |text: &str| (keyword(text).to_owned(), text.split(' ').next_back().unwrap_or_default().to_owned());
    let of_wanted = ends(&wanted);
    of(&|known| known == wanted).or_else(|| of(&|known| ends(known) == of_wanted))
}

fn keyword(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}
