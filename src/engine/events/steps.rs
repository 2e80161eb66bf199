//! The line dialects: Docker's classic builder and Buildah inside Podman.
//!
//! Neither stamps its lines, so times are those of arrival. Classic: `Step 2/6 : RUN x`, ` ---> Using cache` or
//! ` ---> Running in <id>`, ` ---> <id>`. Buildah: `[1/2] STEP 2/6: RUN x`, `--> Using cache <id>`, `--> <id>`.
//!
//! Buildah does one step at a time, but begins stages in any order: it may announce a `COPY --from=builder`, then
//! build that stage, and only then go on with the copy, without saying so (seen on Podman 4.3.1). A remark therefore
//! belongs to the step that was announced last and has no image yet.

use std::collections::BTreeMap;

use super::folded::{Failed, Folded, Known, MOST_STEPS, instruction_text, is_base};
use super::lines::LogLine;
use super::tail::Tail;
use crate::engine::{BuildEvent, Trace, failure};
use crate::record::{Parts, Step};
use crate::units::Nanos;

/// Longest line that can be a step.
const LONGEST: usize = 64 << 10;
/// Shortest id that names an image.
const SHORT_ID: usize = 11;

/// Whose lines they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Dialect {
    #[default]
    Classic,
    Buildah,
}

/// One instruction as it is being built.
#[derive(Debug, Default)]
struct OpenStep {
    instruction: String,
    stage: usize,
    /// Its place among the steps of its stage, and how many those are.
    position: u32,
    total: u32,
    cached: bool,
    running: bool,
    /// The image that it came from cache as, in the builder's words.
    claimed: String,
    /// Whether it has its image.
    done: bool,
    began: Nanos,
    ended: Nanos,
}

/// A line that begins a step.
struct Announced<'a> {
    /// Index of its stage, where the builder says it.
    stage: Option<usize>,
    position: u32,
    total: u32,
    instruction: &'a str,
}

/// Folds the line dialects.
#[derive(Debug, Default)]
pub(in crate::engine) struct Steps {
    dialect: Dialect,
    known: Known,
    opened: Vec<OpenStep>,
    stages: BTreeMap<usize, String>,
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
    pub(super) fn new(dialect: Dialect, known: Known) -> Self {
        Self { dialect, known, ..Self::default() }
    }

    pub(super) fn line(&mut self, at: Nanos, line: &LogLine, observe: &mut dyn FnMut(BuildEvent)) {
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
            let instruction = self.current().map(|step| step.instruction.clone()).unwrap_or_default();
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
        if let Some(found) = self.as_step(text) {
            self.step(self.line_began, found, observe);
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
    fn as_step<'a>(&self, text: &'a str) -> Option<Announced<'a>> {
        let (stage, rest) = match self.dialect {
            Dialect::Classic => (None, text.strip_prefix("Step ")?),
            Dialect::Buildah => match text.strip_prefix('[') {
                Some(rest) => {
                    let (stage, rest) = rest.split_once("] STEP ")?;
                    (Some(stage.split_once('/')?.0.parse::<usize>().ok()?.checked_sub(1)?), rest)
                }
                None => (Some(0), text.strip_prefix("STEP ")?),
            },
        };
        let (count, instruction) = rest.split_once(':')?;
        let (position, total) = count.trim_end().split_once('/')?;
        let (position, total) = (position.parse::<u32>().ok()?, total.parse::<u32>().ok()?);
        // Buildah counts in each stage anew.
        let before = self.opened.iter().filter(|step| stage.is_none_or(|stage| step.stage == stage));
        let (count, last) = before.fold((0, None), |(count, _), step| (count + 1, Some(step)));
        let continues = position == count + 1 && last.is_none_or(|last| last.total == total);
        let fits = continues && position <= total && self.opened.len() < MOST_STEPS;
        fits.then_some(Announced { stage, position, total, instruction })
    }

    fn step(&mut self, at: Nanos, found: Announced<'_>, observe: &mut dyn FnMut(BuildEvent)) {
        let Announced { stage, position, total, instruction } = found;
        self.close(at);
        let instruction = instruction_text(instruction);
        let base = is_base(&instruction);
        // The classic builder does not say which stage it is in: each FROM begins the next.
        let stage = stage.unwrap_or_else(|| (self.stages.len() + usize::from(base)).saturating_sub(1));
        if base {
            self.stages.insert(stage, stage_name(&instruction));
        }
        observe(BuildEvent::Step { index: position, total, instruction: instruction.clone() });
        self.opened.push(OpenStep { instruction, stage, position, total, began: at, ..OpenStep::default() });
    }

    /// The step that the builder is at.
    fn current(&mut self) -> Option<&mut OpenStep> {
        let at = match self.dialect {
            Dialect::Classic => self.opened.len().checked_sub(1),
            // A FROM has an image of its own only where its stage has nothing else.
            Dialect::Buildah => self
                .opened
                .iter()
                .rposition(|step| !step.done && (step.total == 1 || !is_base(&step.instruction)))
                .or(self.opened.len().checked_sub(1)),
        };
        self.opened.get_mut(at?)
    }

    /// The builder's own remarks about a step; `false` where the line is none.
    fn mark(&mut self, at: Nanos, text: &str, observe: &mut dyn FnMut(BuildEvent)) -> bool {
        match self.dialect {
            Dialect::Classic => self.mark_classic(at, text, observe),
            Dialect::Buildah => self.mark_buildah(at, text, observe),
        }
    }

    fn mark_classic(&mut self, at: Nanos, text: &str, observe: &mut dyn FnMut(BuildEvent)) -> bool {
        let Some(step) = self.opened.last_mut() else { return false };
        if text.starts_with("Removing intermediate container ") || text.starts_with("Successfully tagged ") {
            return true;
        }
        if let Some(id) = text.strip_prefix("Successfully built ").filter(|id| is_id(id)) {
            if self.image_id.is_empty() {
                id.clone_into(&mut self.image_id);
            }
            return true;
        }
        let Some(remark) = text.strip_prefix(" ---> ") else { return false };
        if remark.starts_with("Using cache") {
            // A RUN that runs cannot come from cache any more, whatever it prints.
            if !step.running && !is_base(&step.instruction) {
                step.cached = true;
                observe(BuildEvent::Cached { instruction: step.instruction.clone() });
            }
            return true;
        }
        if let Some(id) = remark.strip_prefix("Running in ") {
            // What a RUN prints later is output.
            if !step.running && is_id(id.trim()) {
                observe(BuildEvent::Made(Trace::Container(id.trim().to_owned())));
            }
            step.running = true;
            return true;
        }
        let id = remark.trim();
        if !is_id(id) {
            return remark.starts_with('[');
        }
        self.done = at;
        step.done = true;
        if !step.cached && !is_base(&step.instruction) && self.made.len() < MOST_STEPS {
            self.made.push(id.to_owned());
            observe(BuildEvent::Made(Trace::Image(id.to_owned())));
        }
        true
    }

    fn mark_buildah(&mut self, at: Nanos, text: &str, observe: &mut dyn FnMut(BuildEvent)) -> bool {
        let Some(remark) = text.strip_prefix("--> ") else { return false };
        let before = self.done;
        let Some(step) = self.current() else { return false };
        if let Some(id) = remark.strip_prefix("Using cache ") {
            // Believed when the step's image turns out to be that one: a RUN can print such a line, too.
            id.trim().clone_into(&mut step.claimed);
            return true;
        }
        let id = remark.trim();
        if !is_id(id) {
            return false;
        }
        // One step at a time: it was not begun before the one before it had ended.
        step.began = step.began.max(before);
        step.ended = at;
        step.done = true;
        let base = is_base(&step.instruction);
        step.cached = !base && step.claimed.starts_with(id);
        let (cached, instruction) = (step.cached, step.instruction.clone());
        self.done = at;
        if cached {
            observe(BuildEvent::Cached { instruction });
        } else if !base && self.made.len() < MOST_STEPS {
            self.made.push(id.to_owned());
            observe(BuildEvent::Made(Trace::Image(id.to_owned())));
        }
        id.clone_into(&mut self.image_id);
        true
    }

    pub(super) fn instructions(&self) -> Vec<String> {
        self.opened.iter().map(|step| step.instruction.clone()).collect()
    }

    fn close(&mut self, at: Nanos) {
        // Buildah's steps end when they have their image.
        if let Some(last) = self.opened.last_mut().filter(|last| self.dialect == Dialect::Classic || !last.done) {
            last.ended = at;
        }
    }

    pub(super) fn finish(mut self, wall: Nanos) -> Folded {
        let done = self.done;
        let open = match self.dialect {
            Dialect::Classic => self.opened.last().filter(|last| last.began > done || done.0 == 0),
            Dialect::Buildah => self.current().filter(|step| !step.done).map(|step| &*step),
        };
        let unfinished = open.map(|step| step.instruction.clone()).unwrap_or_default();
        let end = if self.done.0 == 0 { wall } else { self.done };
        self.close(end);
        // As the Dockerfile has them, whichever stage was begun first.
        self.opened.sort_by_key(|step| (step.stage, step.position));
        if self.known.has_labels && self.opened.last().is_some_and(|last| last.instruction.starts_with("LABEL")) {
            // Its time stays in the wall, outside of all parts.
            self.opened.pop();
        }
        let several = self.stages.len() > 1;
        let mut parts = Parts { client_side: true, ..Parts::default() };
        let mut steps = Vec::with_capacity(self.opened.len());
        parts.upload_ns = self.opened.first().map_or(wall, |first| first.began);
        parts.export_ns = if self.done.0 == 0 { Nanos::ZERO } else { wall.saturating_sub(self.done) };
        for open in std::mem::take(&mut self.opened) {
            let took = open.ended.saturating_sub(open.began);
            if is_base(&open.instruction) {
                parts.resolve_ns += took;
                continue;
            }
            parts.steps_ns += took;
            let stage = match self.stages.get(&open.stage) {
                Some(name) if !name.is_empty() => name.clone(),
                Some(_) if several => format!("stage-{}", open.stage),
                _ => String::new(),
            };
            let duration_ns = if open.cached { Nanos::ZERO } else { took };
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
            failure: self.failure,
            unfinished,
            ..Folded::default()
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
