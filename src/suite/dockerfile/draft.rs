//! A Dockerfile to be edited: its instructions and where in the file their parts are. What is not edited stays byte for
//! byte as it is.

use std::ops::Range;

use super::arguments::Arguments;
use super::edits::Edits;
use super::facts::{Fact, Facts, Kind};
use super::parse::{ParsedDockerfile, ParsedInstruction, parse};
use super::script::{ShellScript, ShellWord};
use super::stages::Origin;
use super::variables::Globals;

/// A Dockerfile that was read to be edited.
#[derive(Debug)]
pub(crate) struct Draft<'t> {
    /// Its text.
    pub text: &'t str,
    /// What it says.
    pub facts: Facts,
    document: ParsedDockerfile,
}

impl<'t> Draft<'t> {
    /// Reads a Dockerfile; `None` where it cannot be read, or would not be shown as it is.
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        if !is_shown_as_it_is(text) {
            return None;
        }
        let document = parse(text).ok()?;
        Some(Self { text, facts: Facts::of(&document).ok()?, document })
    }

    /// An instruction.
    pub(crate) fn fact(&self, index: usize) -> Option<&Fact> {
        self.facts.instructions.get(index)
    }

    fn instruction(&self, index: usize) -> Option<&ParsedInstruction> {
        self.document.instructions.get(index)
    }

    /// The instructions of the stages whose layers the image of `target` has, in their order, without FROM, ONBUILD, and
    /// what is before the first FROM. There are none where a shell is not that of Unix.
    pub(crate) fn own(&self, args: &Arguments, target: Option<&str>) -> Vec<usize> {
        let stages = self.facts.chain(&Globals::of(&self.facts, args), target);
        let is_own = |fact: &Fact| stages.contains(&(fact.stage as usize)) && !fact.global;
        let facts = self.facts.instructions.iter().enumerate().filter(|(_, fact)| is_own(fact));
        let own: Vec<usize> = facts.map(|(index, _)| index).collect();
        let odd_shell = |index: &usize| {
            let instruction = self.instruction(*index);
            instruction.is_some_and(|instruction| {
                let words = instruction.json().ok().flatten().unwrap_or_default();
                let program = words.first().and_then(|program| program.rsplit('/').next());
                instruction.command.keyword == "SHELL" && !matches!(program, Some("sh" | "bash" | "ash" | "dash"))
            })
        };
        if own.iter().any(odd_shell) {
            return Vec::new();
        }
        let is_work =
            |index: &usize| self.fact(*index).is_some_and(|fact| !matches!(fact.kind, Kind::From | Kind::Onbuild));
        own.into_iter().filter(is_work).collect()
    }

    /// The stages that are FROM an image: their index, the image with its variables replaced, and where it is written.
    pub(crate) fn base_images(&self, args: &Arguments) -> Vec<(usize, String, Range<usize>)> {
        let globals = Globals::of(&self.facts, args);
        let froms = self.facts.instructions.iter().enumerate().filter(|(_, fact)| fact.kind == Kind::From);
        let places = froms.filter_map(|(index, _)| self.words(index).first().map(|word| word.place.clone()));
        let found = places.enumerate().filter_map(|(stage, place)| match self.facts.base_of(stage, &globals) {
            Ok(Origin::Image(image)) => Some((stage, image, place)),
            _ => None,
        });
        found.collect()
    }

    /// The stage that the target is made of last.
    pub(crate) fn target_stage(&self, target: Option<&str>) -> Option<usize> {
        self.facts.target_stage(target).ok()
    }

    /// The shell commands of a RUN; `None` where they are not understood.
    pub(crate) fn script(&self, index: usize) -> Option<ShellScript> {
        ShellScript::of(self.instruction(index)?, self.text)
    }

    /// The arguments of an instruction in the form with blanks; none of one in JSON form or with a here-document.
    pub(crate) fn words(&self, index: usize) -> Vec<ShellWord> {
        let Some(instruction) = self.instruction(index) else { return Vec::new() };
        if !matches!(instruction.json(), Ok(None)) || !instruction.heredocs.is_empty() {
            return Vec::new();
        }
        let words = instruction.words().into_iter();
        words
            .map(|(text, part)| ShellWord { text: text.to_owned(), place: instruction.joined.in_file(&part) })
            .collect()
    }

    /// The value of an instruction's flag; empty for a flag without one.
    pub(crate) fn flag(&self, index: usize, name: &str) -> Option<String> {
        self.instruction(index)?.command.flag(name).map(|flag| flag.value.clone().unwrap_or_default())
    }

    /// Whether an instruction has any flags.
    pub(crate) fn has_flags(&self, index: usize) -> bool {
        self.instruction(index).is_some_and(|instruction| !instruction.command.flags.is_empty())
    }

    /// The place behind an instruction's keyword, where flags begin.
    pub(crate) fn after_keyword(&self, index: usize) -> Option<usize> {
        let instruction = self.instruction(index)?;
        Some(instruction.span.start + instruction.command.keyword.len())
    }

    /// Whether an instruction has a here-document.
    pub(crate) fn has_heredoc(&self, index: usize) -> bool {
        self.instruction(index).is_some_and(|instruction| !instruction.heredocs.is_empty())
    }

    /// Adds a command to the end of a RUN, in the way that its lines are written.
    pub(crate) fn append_command(
        &self,
        index: usize,
        script: &ShellScript,
        command: &str,
        edits: &mut Edits,
    ) -> Option<()> {
        let last = script.commands.last()?;
        let end = last.place().end;
        let span = self.fact(index)?.span.clone();
        if script.heredoc {
            // On a line of its own it would hide that what comes before it failed.
            edits.insert(end, format!(" && {command}"));
            return Some(());
        }
        let own = self.text.get(span.start..end)?;
        match own.rsplit_once('\n') {
            None => edits.insert(end, format!(" && {command}")),
            Some((_, line)) => {
                let indent: String = line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
                let indent = if indent.is_empty() { "    " } else { indent.as_str() };
                edits.insert(end, format!(" {}\n{indent}&& {command}", self.facts.escape));
            }
        }
        Some(())
    }

    /// The place of an instruction with the end of its last line, to take it away whole.
    pub(crate) fn lines_of(&self, index: usize) -> Option<Range<usize>> {
        let span = self.fact(index)?.span.clone();
        let begin = self.text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
        let rest = self.text.get(span.end..)?;
        let end = rest.find('\n').map_or(self.text.len(), |at| span.end + at + 1);
        Some(begin..end)
    }

    /// The directory that an instruction works in, as far as the WORKDIRs of its stage say it; `None` where one has a
    /// variable.
    pub(crate) fn workdir(&self, index: usize) -> Option<String> {
        let stage = self.fact(index)?.stage;
        let mut dir = "/".to_owned();
        for (at, fact) in self.facts.instructions.iter().enumerate().take(index) {
            if fact.stage == stage && fact.kind == Kind::Workdir {
                let text = self.instruction(at)?.arguments().trim_matches('"');
                dir = join(&dir, text)?;
            }
        }
        Some(dir)
    }

    /// The escape character.
    pub(crate) fn escape(&self) -> char {
        self.facts.escape
    }

    /// Where a path of an instruction is in the image; `None` where that is not known.
    pub(crate) fn in_image(&self, index: usize, path: &str) -> Option<String> {
        if path.starts_with('/') { join("/", path) } else { join(&self.workdir(index)?, path) }
    }
}

/// Whether nothing of a text is obeyed by a terminal.
pub(crate) fn is_shown_as_it_is(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

/// A path from a directory, `.` parts and doubled separators taken out; `None` with a variable or with `..`.
pub(crate) fn join(dir: &str, path: &str) -> Option<String> {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{dir}/{path}") };
    if whole.contains(['$', '*', '?', '[', '\\', '"', '\'']) {
        return None;
    }
    let mut out = String::new();
    for part in whole.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            return None;
        }
        out.push('/');
        out.push_str(part);
    }
    Some(if out.is_empty() { "/".to_owned() } else { out })
}
