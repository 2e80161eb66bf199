//! From a Dockerfile's text to owned facts.

use std::ops::Range;

use super::error::DockerfileError;
use super::expand::words;
use super::parse::{ParsedDockerfile, ParsedInstruction, heredoc, parse};
use super::source::{CopySource, Mount, TakenPath, is_remote};

/// Most stages that are read.
const MAX_STAGES: usize = 1000;

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
    /// Its bytes in the file, from its keyword to the end of its last line; here-documents and comments between its
    /// lines included.
    pub span: Range<usize>,
    /// Stage that it belongs to, counted from 0; 0 for an ARG before the first FROM.
    pub stage: u32,
    /// Which instruction.
    pub kind: Kind,
    /// Its text on one line: continuations joined, each run of blanks as one. Of a here-document the first line.
    pub text: String,
    /// Whether builders keep its result in their cache: RUN, COPY, ADD and WORKDIR.
    pub cacheable: bool,
    /// What it takes in from the context. Of an ONBUILD what its trigger does.
    pub(super) inputs: Vec<TakenPath>,
    /// Stages or images that it takes files from. Of an ONBUILD what its trigger does.
    pub(super) from: Vec<CopySource>,
    /// Names and values that an ARG or ENV sets; `None` for an ARG without a default.
    pub(super) sets: Vec<(String, Option<String>)>,
    /// The kind of an ONBUILD's trigger.
    pub(super) trigger: Option<Kind>,
    /// What follows its keyword and flags.
    pub(super) arguments: String,
    /// Whether it stands before the first FROM.
    pub(super) global: bool,
}

/// Which instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumString)]
#[strum(serialize_all = "UPPERCASE")]
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
    /// HEALTHCHECK
    Healthcheck,
    /// ONBUILD
    Onbuild,
    /// Any other.
    #[strum(
        serialize = "LABEL",
        serialize = "MAINTAINER",
        serialize = "SHELL",
        serialize = "STOPSIGNAL",
        serialize = "VOLUME"
    )]
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

impl Fact {
    /// Whether it is an ARG or ENV that sets a variable.
    pub fn sets_variable(&self, name: &str) -> bool {
        self.sets.iter().any(|(set, _)| set == name)
    }

    /// What it does in the stage that carries it out: an ONBUILD is what its trigger is.
    pub(super) fn effect(&self) -> Kind {
        self.trigger.unwrap_or(self.kind)
    }
}

impl Facts {
    /// Reads a Dockerfile. What the builder would refuse anyway is an error with its line; an option that is not known
    /// here is none.
    pub fn parse(text: &str) -> Result<Self, DockerfileError> {
        Self::of(&parse(text)?)
    }

    /// The facts of a Dockerfile that is parsed already.
    pub(super) fn of(document: &ParsedDockerfile) -> Result<Self, DockerfileError> {
        let mut facts = Self { syntax: document.syntax.clone(), escape: document.escape, ..Self::default() };
        let mut last = 1;
        for instruction in &document.instructions {
            last = instruction.line;
            facts.add(instruction).map_err(|message| DockerfileError::Syntax { line: last, message })?;
        }
        if facts.stages.is_empty() {
            return Err(DockerfileError::Syntax { line: last, message: "there is no FROM".to_owned() });
        }
        Ok(facts)
    }

    /// As [`Self::parse`]; nothing, and why, of a Dockerfile that cannot be read.
    pub(in crate::suite) fn read(text: &str) -> (Self, Option<DockerfileError>) {
        match Self::parse(text) {
            Ok(facts) => (facts, None),
            Err(error) => (Self::default(), Some(error)),
        }
    }

    fn add(&mut self, instruction: &ParsedInstruction) -> Result<(), String> {
        let known = |keyword: &str| -> Result<Kind, String> {
            keyword.parse().map_err(|_| format!("`{}` is not an instruction", crate::text::for_people(keyword)))
        };
        let kind = known(&instruction.command.keyword)?;
        let trigger = instruction.trigger.as_ref().map(|trigger| known(&trigger.keyword)).transpose()?;
        if let Some(Kind::From | Kind::Onbuild) = trigger {
            return Err("ONBUILD cannot keep a FROM or an ONBUILD".to_owned());
        }
        if kind == Kind::From {
            self.stages.push(StageFact::of(instruction)?);
            if self.stages.len() > MAX_STAGES {
                return Err(format!("there are more than {MAX_STAGES} stages"));
            }
        } else if self.stages.is_empty() && kind != Kind::Arg {
            return Err(format!("{} is before the first FROM", instruction.command.keyword));
        }
        let mut fact = Fact {
            line: instruction.line,
            span: instruction.span.clone(),
            stage: u32::try_from(self.stages.len().saturating_sub(1)).unwrap_or(u32::MAX),
            kind,
            text: instruction.text(),
            cacheable: matches!(kind, Kind::Run | Kind::Copy | Kind::Add | Kind::Workdir),
            inputs: Vec::new(),
            from: Vec::new(),
            sets: Vec::new(),
            trigger,
            arguments: instruction.arguments().to_owned(),
            global: self.stages.is_empty(),
        };
        fact.read(instruction, self.escape)?;
        self.instructions.push(fact);
        Ok(())
    }

    /// Whether an ARG of that name stands before the first FROM: it can be part of a base image's name.
    pub(in crate::suite) fn is_global_arg(&self, name: &str) -> bool {
        self.instructions.iter().any(|fact| fact.global && fact.sets.iter().any(|(set, _)| set == name))
    }
}

impl StageFact {
    fn of(instruction: &ParsedInstruction) -> Result<Self, String> {
        let words = instruction.words();
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let (base, name) = match words.as_slice() {
            [base] => (*base, None),
            [base, word, name] if word.eq_ignore_ascii_case("AS") => (*base, Some((*name).to_owned())),
            _ => return Err("FROM takes an image, or an image, `AS`, and a name".to_owned()),
        };
        if let Some(name) = name.as_ref().filter(|name| !is_stage_name(name)) {
            return Err(format!("`{}` is not a valid name for a stage", crate::text::for_people(name)));
        }
        let platform = instruction.command.flag("platform").and_then(|flag| flag.value.clone());
        Ok(Self { name, base: base.to_owned(), line: instruction.line, platform })
    }
}

/// `[a-z][a-z0-9-_.]*`, in either case.
fn is_stage_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

impl Fact {
    /// Reads the arguments of what is carried out, now or later.
    fn read(&mut self, instruction: &ParsedInstruction, escape: char) -> Result<(), String> {
        let keyword = &instruction.effective().keyword;
        let json = matches!(keyword.as_str(), "RUN" | "CMD" | "ENTRYPOINT" | "SHELL" | "VOLUME" | "COPY" | "ADD");
        let list = if json { instruction.json()? } else { None };
        let may_be_empty = matches!(self.effect(), Kind::Run | Kind::Cmd | Kind::Entrypoint);
        if instruction.arguments().is_empty() && !may_be_empty {
            return Err(format!("{keyword} needs an argument"));
        }
        match self.effect() {
            Kind::Copy | Kind::Add => {
                let words = match list {
                    Some(list) => list,
                    None => instruction.words().into_iter().map(|(word, _)| word.to_owned()).collect(),
                };
                self.read_sources(instruction, &words)?;
            }
            Kind::Run => {
                let mounts = instruction.effective().flags.iter().filter(|flag| flag.name == "mount");
                for mount in mounts.filter_map(|flag| flag.value.as_deref()).map(Mount::read) {
                    match mount.from() {
                        Some(from) => self.from.push(CopySource::Mount(from.to_owned())),
                        None => self.inputs.extend(mount.input()),
                    }
                }
            }
            Kind::Arg => self.sets = assignments(instruction.arguments(), escape),
            Kind::Env => self.sets = environment(keyword, instruction.arguments(), escape)?,
            Kind::Other if keyword == "LABEL" => drop(environment(keyword, instruction.arguments(), escape)?),
            _ => {}
        }
        Ok(())
    }

    fn read_sources(&mut self, instruction: &ParsedInstruction, words: &[String]) -> Result<(), String> {
        let keyword = &instruction.effective().keyword;
        let Some((target, sources)) = words.split_last().filter(|(_, sources)| !sources.is_empty()) else {
            return Err(format!("{keyword} needs a source and a destination"));
        };
        if heredoc(target).is_some() {
            return Err(format!("a here-document cannot be the destination of {keyword}"));
        }
        let from = instruction.effective().flag("from").and_then(|flag| flag.value.clone());
        if let Some(from) = from.filter(|from| !from.is_empty() && self.effect() == Kind::Copy) {
            self.from.push(CopySource::Copy(from));
            return Ok(());
        }
        let flags = instruction.effective().flags.iter();
        let excluded: Vec<String> =
            flags.filter(|flag| flag.name == "exclude").filter_map(|flag| flag.value.clone()).collect();
        let from_context = sources.iter().filter(|source| heredoc(source).is_none() && !is_remote(source));
        self.inputs.extend(from_context.map(|source| TakenPath {
            source: source.clone(),
            glob: true,
            excluded: excluded.clone(),
        }));
        Ok(())
    }
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
fn environment(keyword: &str, text: &str, escape: char) -> Result<Vec<(String, Option<String>)>, String> {
    let words = words(text, escape);
    if words.first().is_some_and(|word| word.contains('=')) {
        if let Some(word) = words.iter().find(|word| !word.contains('=')) {
            return Err(format!("`{}` is not NAME=VALUE", crate::text::for_people(word)));
        }
        return Ok(assignments(text, escape));
    }
    match text.split_once(char::is_whitespace) {
        Some((name, value)) => Ok(vec![(name.to_owned(), Some(value.trim_start().to_owned()))]),
        None => Err(format!("{keyword} needs a name and a value")),
    }
}
