//! The line dialects: Docker's classic builder and Buildah inside Podman.
//!
//! Neither stamps its lines, so times are those of arrival. Classic: `Step 2/6 : RUN x`, ` ---> Using cache` or
//! ` ---> Running in <id>`, ` ---> <id>`. Buildah: `[1/2] STEP 2/6: RUN x`, `--> Using cache <id>`, `--> <id>`.

use super::tail::Tail;
use super::{Failed, Folded, Known, Line, MOST_STEPS, instruction_text, is_base};
use crate::engine::{BuildEvent, failure};
use crate::record::{Parts, Step};
use crate::units::Nanos;

/// Longest line that can be a step.
const LONGEST: usize = 64 << 10;
/// Shortest id that names an image.
const SHORT_ID: usize = 11;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Classic,
    Buildah,
}

/// One instruction as it is being built.
#[derive(Debug)]
struct Open {
    instruction: String,
    stage: usize,
    cached: bool,
    running: bool,
    began: Nanos,
    ended: Nanos,
}

/// Folds the line dialects.
#[derive(Debug)]
pub(in crate::engine) struct Steps {
    dialect: Dialect,
    known: Known,
    opened: Vec<Open>,
    stages: Vec<String>,
    total: u32,
    line: String,
    line_began: Nanos,
    image_id: String,
    pulled: bool,
    tail: Tail,
    made: Vec<String>,
    failure: Option<Failed>,
    /// When the last instruction had its image: what follows is naming.
    done: Nanos,
}

impl Steps {
    pub(super) fn classic(known: Known) -> Self {
        Self::new(Dialect::Classic, known)
    }

    pub(super) fn buildah(known: Known) -> Self {
        Self::new(Dialect::Buildah, known)
    }

    fn new(dialect: Dialect, known: Known) -> Self {
        Self {
            dialect,
            known,
            opened: Vec::new(),
            stages: Vec::new(),
            total: 0,
            line: String::new(),
            line_began: Nanos(0),
            image_id: String::new(),
            pulled: false,
            tail: Tail::default(),
            made: Vec::new(),
            failure: None,
            done: Nanos(0),
        }
    }

    pub(super) fn line(&mut self, at: Nanos, line: &Line, observe: &mut dyn FnMut(BuildEvent)) {
        if let Some(text) = &line.stream {
            self.text(at, text, observe);
        }
        if let Some(status) = &line.status {
            self.pulled |= is_pull(status);
        }
        if let Some(id) = line.image_id() {
            id.clone_into(&mut self.image_id);
        }
        if let (Some(message), None) = (line.failure(), &self.failure) {
            let instruction = self.opened.last().map(|step| step.instruction.clone()).unwrap_or_default();
            self.failure = Some(Failed { message: failure::one_line(message), instruction });
        }
    }

    /// Text comes in pieces: a step without its newline, then the newline, then output as a container writes it.
    fn text(&mut self, at: Nanos, text: &str, observe: &mut dyn FnMut(BuildEvent)) {
        // The classic builder's own words begin a message, also where a container's output did not end its line.
        let own = ["Step ", " ---> ", "Removing intermediate container "];
        if self.dialect == Dialect::Classic && own.iter().any(|words| text.starts_with(words)) {
            self.end_line(at, observe);
        }
        for piece in text.split_inclusive('\n') {
            if self.line.is_empty() {
                self.line_began = at;
            }
            if self.line.len() + piece.len() <= LONGEST {
                self.line.push_str(piece);
            }
            if piece.ends_with('\n') {
                self.end_line(at, observe);
            }
        }
    }

    fn end_line(&mut self, at: Nanos, observe: &mut dyn FnMut(BuildEvent)) {
        let line = std::mem::take(&mut self.line);
        let text = line.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            return;
        }
        if let Some((position, total, instruction)) = self.as_step(text) {
            self.step(self.line_began, position, total, instruction, observe);
        } else if !self.mark(at, text, observe) {
            if self.dialect == Dialect::Buildah {
                self.pulled |= text.starts_with("Trying to pull ");
                let unnumbered = text.strip_prefix('[').and_then(|rest| Some(rest.split_once("] ")?.1)).unwrap_or(text);
                if unnumbered == "COMMIT" || unnumbered.starts_with("COMMIT ") {
                    self.done = at;
                    observe(BuildEvent::Exporting);
                }
            }
            self.tail.write(format!("{text}\n").as_bytes(), |line| observe(BuildEvent::Log(line.to_owned())));
        }
    }

    /// `Step 2/6 : RUN x` or `[1/2] STEP 2/6: RUN x`. Output of a RUN that looks like the next step but does not
    /// continue the count is output.
    fn as_step<'a>(&self, text: &'a str) -> Option<(u32, u32, &'a str)> {
        let rest = match self.dialect {
            Dialect::Classic => text.strip_prefix("Step ")?,
            Dialect::Buildah => match text.strip_prefix('[') {
                Some(rest) => rest.split_once("] STEP ")?.1,
                None => text.strip_prefix("STEP ")?,
            },
        };
        let (count, instruction) = rest.split_once(':')?;
        let (position, total) = count.trim_end().split_once('/')?;
        let (position, total) = (position.parse::<u32>().ok()?, total.parse::<u32>().ok()?);
        let continues = match self.dialect {
            Dialect::Classic => position as usize == self.opened.len() + 1 && (self.total == 0 || self.total == total),
            // Buildah counts in each stage anew.
            Dialect::Buildah => position >= 1,
        };
        (continues && position <= total && self.opened.len() < MOST_STEPS).then_some((position, total, instruction))
    }

    fn step(&mut self, at: Nanos, position: u32, total: u32, instruction: &str, observe: &mut dyn FnMut(BuildEvent)) {
        self.total = total;
        self.close(at);
        let instruction = instruction_text(instruction);
        if is_base(&instruction) {
            self.stages.push(stage_name(&instruction));
        }
        let stage = self.stages.len().saturating_sub(1);
        observe(BuildEvent::Step { index: position, total, instruction: instruction.clone() });
        self.opened.push(Open { instruction, stage, cached: false, running: false, began: at, ended: Nanos(0) });
    }

    /// The builder's own remarks about a step; `false` where the line is none.
    fn mark(&mut self, at: Nanos, text: &str, observe: &mut dyn FnMut(BuildEvent)) -> bool {
        let remark = match self.dialect {
            Dialect::Classic => text.strip_prefix(" ---> "),
            Dialect::Buildah => text.strip_prefix("--> "),
        };
        let Some(step) = self.opened.last_mut() else { return false };
        if self.dialect == Dialect::Classic {
            if text.starts_with("Removing intermediate container ") || text.starts_with("Successfully tagged ") {
                return true;
            }
            if let Some(id) = text.strip_prefix("Successfully built ").filter(|id| is_id(id)) {
                if self.image_id.is_empty() {
                    id.clone_into(&mut self.image_id);
                }
                return true;
            }
        }
        let Some(remark) = remark else { return false };
        if remark.starts_with("Using cache") {
            // A RUN that runs cannot come from cache any more, whatever it prints.
            if !step.running && !is_base(&step.instruction) {
                step.cached = true;
                observe(BuildEvent::Cached { instruction: step.instruction.clone() });
            }
            if let (Some(id), true) = (remark.split_ascii_whitespace().nth(2), self.dialect == Dialect::Buildah) {
                id.clone_into(&mut self.image_id);
            }
            return true;
        }
        if remark.starts_with("Running in ") {
            step.running = true;
            return true;
        }
        let id = remark.trim();
        if !is_id(id) {
            return self.dialect == Dialect::Classic && remark.starts_with('[');
        }
        self.done = at;
        if !step.cached && !is_base(&step.instruction) && self.made.len() < MOST_STEPS {
            self.made.push(id.to_owned());
        }
        if self.dialect == Dialect::Buildah {
            id.clone_into(&mut self.image_id);
        }
        true
    }

    pub(super) fn made(&self) -> &[String] {
        &self.made
    }

    pub(super) fn instructions(&self) -> Vec<String> {
        self.opened.iter().map(|step| step.instruction.clone()).collect()
    }

    fn close(&mut self, at: Nanos) {
        if let Some(last) = self.opened.last_mut() {
            last.ended = at;
        }
    }

    pub(super) fn finish(mut self, wall: Nanos) -> Folded {
        let open = self.opened.last().filter(|last| last.began > self.done || self.done.0 == 0);
        let unfinished = open.map(|last| last.instruction.clone()).unwrap_or_default();
        let end = if self.done.0 == 0 { wall } else { self.done };
        self.close(end);
        if self.known.has_labels && self.opened.last().is_some_and(|last| last.instruction.starts_with("LABEL")) {
            // Its time stays in the wall, outside of all parts.
            self.opened.pop();
        }
        let several = self.stages.len() > 1;
        let mut parts = Parts { client_side: true, ..Parts::default() };
        let mut steps = Vec::with_capacity(self.opened.len());
        parts.upload_ns = self.opened.first().map_or(wall, |first| first.began);
        parts.export_ns = if self.done.0 == 0 { Nanos(0) } else { wall.saturating_sub(self.done) };
        for open in std::mem::take(&mut self.opened) {
            let took = open.ended.saturating_sub(open.began);
            if is_base(&open.instruction) {
                parts.resolve_ns = parts.resolve_ns + took;
                continue;
            }
            parts.steps_ns = parts.steps_ns + took;
            let stage = match self.stages.get(open.stage) {
                Some(name) if !name.is_empty() => name.clone(),
                Some(_) if several => format!("stage-{}", open.stage),
                _ => String::new(),
            };
            let duration_ns = if open.cached { Nanos(0) } else { took };
            steps.push(Step { instruction: open.instruction, stage, cached: open.cached, duration_ns });
        }
        self.tail.write(self.line.as_bytes(), |_| {});
        Folded {
            steps,
            parts,
            image_id: self.image_id,
            pulled: self.pulled,
            log: self.tail.finish(),
            made: self.made,
            apart: Nanos(0),
            failure: self.failure,
            unfinished,
        }
    }
}

/// `builder` of `FROM base AS builder`, in lower case as builders have it.
fn stage_name(from: &str) -> String {
    let words: Vec<&str> = from.split_ascii_whitespace().collect();
    match words.as_slice() {
        [.., word, name] if word.eq_ignore_ascii_case("as") => name.to_ascii_lowercase(),
        _ => String::new(),
    }
}

fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    digits.len() >= SHORT_ID && digits.len() <= 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_pull(status: &str) -> bool {
    ["Pulling from ", "Pulling fs layer", "Downloading", "Pull complete", "Status: Downloaded newer image"]
        .iter()
        .any(|word| status.starts_with(word))
}
