//! Which instruction takes in which file of the context.

use std::collections::BTreeMap;
use std::path::Path;

use dockerignore::{Ignore, clean};

use super::expand::expand;
use super::facts::{Fact, Facts, Kind};

/// A path or pattern of the context that an instruction takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// As it is written.
    pub source: String,
    /// Whether wildcards count.
    pub glob: bool,
    /// Patterns of `--exclude`.
    pub excluded: Vec<String>,
}

/// Takes `--mount=…` apart: a bind mount without `from` shows the context, and any with `from` a stage or image.
pub(super) fn bind_mounts(value: &str, inputs: &mut Vec<Input>, from: &mut Vec<String>) {
    let (mut kind, mut origin, mut source) = ("bind", None, ".");
    for field in value.split(',') {
        match field.split_once('=').map(|(key, value)| (key.trim(), value.trim_matches(['"', '\'']))) {
            Some(("type", value)) => kind = value,
            Some(("from", value)) => origin = Some(value),
            Some(("source" | "src", value)) => source = value,
            _ => {}
        }
    }
    match (kind, origin) {
        ("bind" | "cache", Some(origin)) => from.push(origin.to_owned()),
        ("bind", None) => inputs.push(Input { source: source.to_owned(), glob: false, excluded: Vec::new() }),
        _ => {}
    }
}

impl Facts {
    /// [`Self::copies_for`] without build arguments, for the last stage.
    pub fn copies(&self, file: &Path) -> Option<&Fact> {
        self.copies_for(file, &BTreeMap::new(), None)
    }

    /// The first instruction, among the stages that the target needs, that takes in a file of the context: a COPY
    /// or ADD of it, of a folder that holds it or of a pattern that matches it, or a RUN that mounts it. After an
    /// edit of that file it is what cannot come from cache. What `COPY --from` takes is not the context's.
    pub fn copies_for(&self, file: &Path, args: &BTreeMap<String, String>, target: Option<&str>) -> Option<&Fact> {
        let file = clean(&file.to_string_lossy());
        let needed = self.needed_stages(args, target).ok()?;
        self.instructions.iter().find(|fact| {
            matches!(fact.kind, Kind::Copy | Kind::Add | Kind::Run)
                && needed.contains(&(fact.stage as usize))
                && fact.inputs.iter().any(|input| self.takes(fact, input, &file, args))
        })
    }

    /// Whether any instruction takes in anything from the context.
    pub(in crate::suite) fn takes_context(&self) -> bool {
        self.instructions.iter().any(|fact| !fact.inputs.is_empty())
    }

    /// Sources of COPY and ADD in all stages that are plain paths: no variables, no patterns, not everything.
    pub(in crate::suite) fn plain_sources(&self) -> Vec<String> {
        let mut sources: Vec<String> = self
            .instructions
            .iter()
            .flat_map(|fact| &fact.inputs)
            .filter(|input| !input.source.contains(['$', '*', '?', '[', '\\']))
            .map(|input| clean(&format!("/{}", input.source)).trim_start_matches('/').to_owned())
            .filter(|source| !source.is_empty())
            .collect();
        sources.sort();
        sources.dedup();
        sources
    }

    fn takes(&self, fact: &Fact, input: &Input, file: &str, args: &BTreeMap<String, String>) -> bool {
        let scope = self.scope(fact, args);
        // What the base image's own environment says is not known here: such a source is taken for another file.
        let Ok(source) =
            expand(&input.source, self.escape, &|name| scope.get(name).cloned().map(Some).ok_or(name.into()))
        else {
            return false;
        };
        let source = clean(&format!("/{source}"));
        let source = source.trim_start_matches('/');
        if input.excluded.iter().any(|pattern| excludes(pattern, source, file)) {
            return false;
        }
        if source.is_empty() {
            return true;
        }
        if input.glob && source.contains(['*', '?', '[', '\\']) {
            // A pattern without `!` or `**` means the same to COPY as to .dockerignore: it matches the file or a
            // folder above it.
            return Ignore::parse(source.as_bytes()).is_ok_and(|pattern| pattern.ignores(file));
        }
        file == source || file.strip_prefix(source).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Variables that hold at an instruction: ARGs and ENVs of its stage before it.
    fn scope(&self, at: &Fact, args: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut scope: BTreeMap<String, String> = BTreeMap::new();
        for fact in self.before(at.stage, at.line) {
            for (name, value) in &fact.sets {
                let given = if fact.kind == Kind::Arg { args.get(name) } else { None };
                let own = value
                    .as_ref()
                    .and_then(|value| expand(value, self.escape, &|name| Ok(scope.get(name).cloned())).ok());
                let global = if fact.kind == Kind::Arg { self.global_default(name) } else { None };
                if let Some(value) = given.cloned().or(own).or(global) {
                    scope.insert(name.clone(), value);
                }
            }
        }
        scope
    }
}

/// Whether a pattern of `--exclude` leaves a file out. It is matched against the path from the source.
fn excludes(pattern: &str, source: &str, file: &str) -> bool {
    let inner = file.strip_prefix(source).unwrap_or(file).trim_start_matches('/');
    Ignore::parse(pattern.as_bytes()).is_ok_and(|pattern| pattern.ignores(inner) || pattern.ignores(file))
}
