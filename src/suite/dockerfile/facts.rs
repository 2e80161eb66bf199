//! From a Dockerfile's text to owned facts.

use parse_dockerfile::{Dockerfile, Flag, Instruction, Source, UnescapedString};

use super::expand::words;
use super::inputs::{Input, bind_mounts};
use super::{DockerfileError, one_line};

/// What a Dockerfile says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The instructions in their order, FROM included.
    pub instructions: Vec<Fact>,
    /// The stages in their order.
    pub stages: Vec<StageFact>,
    /// The frontend that `# syntax=` asks for, which BuildKit fetches from a registry.
    pub syntax: Option<String>,
    /// The escape character: `\` or `` ` ``.
    pub(super) escape: char,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Line of the file that it begins on, counted from 1.
    pub line: u32,
    /// Stage that it belongs to, counted from 0; 0 for an ARG before the first FROM.
    pub stage: u32,
    /// Which instruction.
    pub kind: Kind,
    /// Its text on one line: continuations joined, each run of blanks as one. Of a here-document the first line.
    pub text: String,
    /// Whether builders keep its result in their cache: RUN, COPY, ADD and WORKDIR.
    pub cacheable: bool,
    /// What it takes in from the context.
    pub(super) inputs: Vec<Input>,
    /// Stages or images that it takes files from.
    pub(super) from: Vec<String>,
    /// Names and values that an ARG or ENV sets; `None` for an ARG without a default.
    pub(super) sets: Vec<(String, Option<String>)>,
    /// Whether it stands before the first FROM.
    pub(super) global: bool,
}

/// Which instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// FROM
    From,
    /// RUN
    Run,
    /// COPY
    Copy,
    /// ADD
    Add,
    /// WORKDIR
    Workdir,
    /// ARG
    Arg,
    /// ENV
    Env,
    /// EXPOSE
    Expose,
    /// CMD
    Cmd,
    /// ENTRYPOINT
    Entrypoint,
    /// USER
    User,
    /// Any other: HEALTHCHECK, LABEL, MAINTAINER, ONBUILD, SHELL, STOPSIGNAL, VOLUME.
    Other,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFact {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What it is FROM, as it is written: an image, an earlier stage, or `scratch`.
    pub base: String,
    /// Line of its FROM, counted from 1.
    pub line: u32,
    /// `--platform` of its FROM, as it is written.
    pub platform: Option<String>,
}

impl Facts {
    /// Reads a Dockerfile.
    pub fn parse(text: &str) -> Result<Self, DockerfileError> {
        // The parser leaves a byte order mark out of its positions.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parsed = parse_dockerfile::parse(text).map_err(|error| DockerfileError::Syntax {
            line: u32::try_from(error.line()).unwrap_or(u32::MAX),
            message: format!("{error:#}"),
        })?;
        let escape = parsed.parser_directives.escape.as_ref().map_or('\\', |directive| directive.value.value);
        let mut facts = Self {
            escape,
            syntax: parsed.parser_directives.syntax.as_ref().map(|directive| directive.value.value.to_owned()),
            ..Self::default()
        };
        let lines = Lines::of(text);
        for instruction in &parsed.instructions {
            facts.add(instruction, text, &lines);
        }
        Ok(facts)
    }

    fn add(&mut self, instruction: &Instruction<'_>, text: &str, lines: &Lines) {
        let Some((kind, start)) = kind_and_start(instruction) else { return };
        let line = lines.line(start);
        if let Instruction::From(from) = instruction {
            self.stages.push(StageFact {
                name: from.as_.as_ref().map(|(_, name)| name.value.to_string()),
                base: from.image.value.to_string(),
                line,
                platform: flag(&from.options, "platform"),
            });
        }
        let mut fact = Fact {
            line,
            stage: u32::try_from(self.stages.len().saturating_sub(1)).unwrap_or(u32::MAX),
            kind,
            text: logical_line(&text[start..], self.escape),
            cacheable: matches!(kind, Kind::Run | Kind::Copy | Kind::Add | Kind::Workdir),
            inputs: Vec::new(),
            from: Vec::new(),
            sets: Vec::new(),
            global: self.stages.is_empty(),
        };
        match instruction {
            Instruction::Copy(copy) => match flag(&copy.options, "from") {
                Some(from) => fact.from.push(from),
                None => fact.inputs = sources(&copy.src, &copy.options),
            },
            Instruction::Add(add) => fact.inputs = sources(&add.src, &add.options),
            Instruction::Run(run) => {
                for mount in run.options.iter().filter(|flag| flag.name.value == "mount") {
                    let Some(value) = &mount.value else { continue };
                    bind_mounts(&value.value, &mut fact.inputs, &mut fact.from);
                }
            }
            Instruction::Arg(arg) => fact.sets = assignments(&arg.arguments.value, self.escape),
            Instruction::Env(env) => fact.sets = environment(&env.arguments.value, self.escape),
            _ => {}
        }
        self.instructions.push(fact);
    }

    /// Ports that the target's stage EXPOSEs, as they are written.
    pub fn exposed(&self, target: Option<&str>) -> Vec<String> {
        let Ok(stage) = self.target_stage(target) else { return Vec::new() };
        self.instructions
            .iter()
            .filter(|fact| fact.kind == Kind::Expose && fact.stage as usize == stage)
            .flat_map(|fact| fact.text.split_whitespace().skip(1).map(str::to_owned))
            .collect()
    }

    /// What the target's stage runs to see whether it is healthy, as it is written.
    pub(in crate::suite) fn healthcheck(&self, target: Option<&str>) -> Option<&str> {
        let stage = self.target_stage(target).ok()?;
        let of_stage = |fact: &&Fact| fact.kind == Kind::Other && !fact.global && fact.stage as usize == stage;
        // The last one counts.
        self.instructions.iter().rev().filter(of_stage).find_map(|fact| {
            let (word, rest) = fact.text.split_once(' ')?;
            word.eq_ignore_ascii_case("HEALTHCHECK").then_some(rest)
        })
    }

    /// The words of the target's CMD and ENTRYPOINT, quotes and brackets taken away.
    pub(in crate::suite) fn started_words(&self, target: Option<&str>) -> Vec<&str> {
        let Ok(stage) = self.target_stage(target) else { return Vec::new() };
        self.instructions
            .iter()
            .filter(|fact| matches!(fact.kind, Kind::Cmd | Kind::Entrypoint) && fact.stage as usize == stage)
            .flat_map(|fact| fact.text.split([' ', ',', '[', ']', '"', '\'']).skip(1))
            .filter(|word| !word.is_empty())
            .collect()
    }

    /// Whether an ARG of that name stands before the first FROM: it can be part of a base image's name.
    pub(in crate::suite) fn is_global_arg(&self, name: &str) -> bool {
        self.instructions.iter().any(|fact| fact.global && fact.sets.iter().any(|(set, _)| set == name))
    }

    /// The instructions of a stage that come before a line.
    pub fn before(&self, stage: u32, line: u32) -> impl Iterator<Item = &Fact> {
        self.instructions.iter().filter(move |fact| !fact.global && fact.stage == stage && fact.line < line)
    }

    /// The instructions of a stage that come after a line.
    pub fn after(&self, stage: u32, line: u32) -> impl Iterator<Item = &Fact> {
        self.instructions.iter().filter(move |fact| !fact.global && fact.stage == stage && fact.line > line)
    }
}

/// Kind of an instruction and the byte that it begins at; `None` for a kind that the parser learned after this.
fn kind_and_start(instruction: &Instruction<'_>) -> Option<(Kind, usize)> {
    let (kind, keyword) = match instruction {
        Instruction::From(i) => (Kind::From, &i.from),
        Instruction::Run(i) => (Kind::Run, &i.run),
        Instruction::Copy(i) => (Kind::Copy, &i.copy),
        Instruction::Add(i) => (Kind::Add, &i.add),
        Instruction::Workdir(i) => (Kind::Workdir, &i.workdir),
        Instruction::Arg(i) => (Kind::Arg, &i.arg),
        Instruction::Env(i) => (Kind::Env, &i.env),
        Instruction::Expose(i) => (Kind::Expose, &i.expose),
        Instruction::Cmd(i) => (Kind::Cmd, &i.cmd),
        Instruction::Entrypoint(i) => (Kind::Entrypoint, &i.entrypoint),
        Instruction::User(i) => (Kind::User, &i.user),
        Instruction::Healthcheck(i) => (Kind::Other, &i.healthcheck),
        Instruction::Label(i) => (Kind::Other, &i.label),
        Instruction::Maintainer(i) => (Kind::Other, &i.maintainer),
        Instruction::Onbuild(i) => (Kind::Other, &i.onbuild),
        Instruction::Shell(i) => (Kind::Other, &i.shell),
        Instruction::Stopsignal(i) => (Kind::Other, &i.stopsignal),
        Instruction::Volume(i) => (Kind::Other, &i.volume),
        _ => return None,
    };
    Some((kind, keyword.span.start))
}

pub(super) fn flag(flags: &[Flag<'_>], name: &str) -> Option<String> {
    let value = flags.iter().find(|flag| flag.name.value == name)?.value.as_ref()?;
    Some(value.value.to_string())
}

/// The sources of a COPY or ADD that are paths of the context; here-documents and addresses are none.
fn sources(sources: &[Source<'_>], flags: &[Flag<'_>]) -> Vec<Input> {
    let excluded: Vec<String> = flags
        .iter()
        .filter(|flag| flag.name.value == "exclude")
        .filter_map(|flag| flag.value.as_ref().map(|value| value.value.to_string()))
        .collect();
    sources
        .iter()
        .filter_map(|source| match source {
            Source::Path(UnescapedString { value, .. }) if !is_remote(value) => {
                Some(Input { source: value.to_string(), glob: true, excluded: excluded.clone() })
            }
            _ => None,
        })
        .collect()
}

/// Whether an ADD fetches it instead of taking it from the context.
fn is_remote(source: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@"].iter().any(|prefix| source.starts_with(prefix))
}

fn assignments(text: &str, escape: char) -> Vec<(String, Option<String>)> {
    words(text, escape)
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        })
        .collect()
}

/// `ENV a=1 b=2`, or the old form `ENV a the rest`.
fn environment(text: &str, escape: char) -> Vec<(String, Option<String>)> {
    let first = text.split_whitespace().next().unwrap_or_default();
    if first.contains('=') {
        return assignments(text, escape);
    }
    let value = text.trim_start().strip_prefix(first).unwrap_or_default().trim();
    vec![(first.to_owned(), Some(value.to_owned()))]
}

/// The instruction at the start of a text on one line: comment lines inside it left out, continuations joined.
fn logical_line(text: &str, escape: char) -> String {
    let mut joined = String::new();
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_end();
        if index > 0 && (trimmed.trim_start().starts_with('#') || trimmed.is_empty()) {
            continue;
        }
        let Some(part) = trimmed.strip_suffix(escape) else {
            joined.push_str(trimmed);
            break;
        };
        joined.push_str(part);
        joined.push(' ');
    }
    one_line(&joined)
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// Line of a byte, counted from 1.
    fn line(&self, at: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= at)).unwrap_or(u32::MAX)
    }
}

/// Parses a Dockerfile for its positions; `None` where it cannot be parsed.
pub(super) fn positions(text: &str) -> Option<Dockerfile<'_>> {
    parse_dockerfile::parse(text).ok()
}
