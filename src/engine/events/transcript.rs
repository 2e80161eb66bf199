//! Recorded answers of engines, read from `tests/fixtures/engine`.
//!
//! The first line of a transcript says which engine and builder it is from; each other one is an event with the
//! time of its arrival.

use serde::Deserialize;
use serde_json::Value;

use super::{Folded, Folder, JsonLines, Known, LogLine};
use crate::engine::BuildEvent;
use crate::record::Builder;
use crate::units::Nanos;

#[derive(Deserialize)]
struct Head {
    builder: Builder,
    wall_ns: u64,
}

#[derive(Deserialize)]
struct Arrival {
    at_ns: u64,
    line: Value,
}

/// A recorded answer.
pub(in crate::engine) struct Transcript {
    pub(in crate::engine) builder: Builder,
    pub(in crate::engine) wall: Nanos,
    pub(in crate::engine) lines: Vec<(Nanos, LogLine)>,
}

/// Reads `tests/fixtures/engine/<name>.jsonl`.
pub(in crate::engine) fn read(name: &str) -> Transcript {
    let path = format!("{}/tests/fixtures/engine/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut rows = text.lines();
    let head: Head = serde_json::from_str(rows.next().unwrap()).unwrap();
    let mut lines = Vec::new();
    for row in rows {
        let arrival: Arrival = serde_json::from_str(row).unwrap();
        let mut cut = JsonLines::default();
        let at = Nanos(arrival.at_ns);
        cut.push(format!("{}\r\n", arrival.line).as_bytes(), |line| lines.push((at, line)));
    }
    Transcript { builder: head.builder, wall: Nanos(head.wall_ns), lines }
}

impl Transcript {
    /// Folds it, and tells what people would have been shown.
    pub(in crate::engine) fn fold(&self, known: Known) -> (Folded, Vec<BuildEvent>) {
        let mut folder = Folder::new(self.builder, known);
        let mut shown = Vec::new();
        for (at, line) in &self.lines {
            folder.line(*at, line, &mut |event| shown.push(event));
        }
        (folder.finish(self.wall), shown)
    }
}
