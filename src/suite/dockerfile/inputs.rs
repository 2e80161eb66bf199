//! Which instruction takes in which file of the context.

use std::path::Path;

use dockerignore::{Ignore, clean};

use super::arguments::Arguments;
use super::expand::expand_known;
use super::facts::{Fact, Facts};
use super::scope::Scopes;
use super::source::{TakenPath, is_remote};
use super::variables::{Globals, Scope};

/// A path or pattern of the context with its variables replaced.
#[derive(Debug)]
pub(in crate::suite) struct ContextPath {
    /// From the context's root; empty for the root itself.
    pub path: String,
    /// What it matches, where it is a pattern. A pattern without `!` or `**` means the same to COPY as to .dockerignore:
    /// it matches a file or a directory above it. One that means nothing matches nothing.
    pattern: Option<Ignore>,
    /// The patterns of `--exclude`, all together: a later one may bring back what an earlier one leaves out.
    excluded: Ignore,
}

/// What the instructions of a target take in from the context.
#[derive(Debug, Default)]
pub(in crate::suite) struct Taken<'f> {
    /// Instructions in their order, each with its sources as far as these can be known.
    pub instructions: Vec<(&'f Fact, Vec<ContextPath>)>,
}

impl Facts {
    /// The first instruction, among the stages that the target needs, that takes in a file of the context: a COPY
    /// or ADD of it, of a directory that holds it or of a pattern that matches it, or a RUN that mounts it. After an
    /// edit of that file it is what cannot come from cache. What `COPY --from` takes is not the context's.
    pub fn copies_for(&self, file: &Path, args: &Arguments, target: Option<&str>) -> Option<&Fact> {
        self.taken(args, target).first(&file.to_string_lossy())
    }

    /// What the stages that the target needs take in. What the base image's own environment says is not known here: a
    /// source that depends on it is left out.
    pub(in crate::suite) fn taken(&self, args: &Arguments, target: Option<&str>) -> Taken<'_> {
        let globals = Globals::of(self, args);
        let mut scopes = Scopes::of(&globals);
        let Ok(needed) = self.needed_stages(&globals, target) else { return Taken::default() };
        let mut instructions = Vec::new();
        for stage in needed.stages {
            let mut scope = scopes.begin(stage);
            for fact in self.effective(stage, &globals) {
                if !fact.inputs.is_empty() {
                    let known = fact.inputs.iter().filter_map(|input| self.resolve(input, &scope));
                    instructions.push((fact, known.collect()));
                }
                scopes.apply(fact, &mut scope);
            }
        }
        // Triggers come with a later stage, and yet stand before it.
        instructions.sort_by_key(|(fact, _)| fact.line);
        Taken { instructions }
    }

    fn resolve(&self, input: &TakenPath, scope: &Scope) -> Option<ContextPath> {
        let source = expand_known(&input.source, self.escape, &|name| scope.build(name)).ok()?;
        if is_remote(&source) {
            return None;
        }
        let path = clean(&format!("/{source}")).trim_start_matches('/').to_owned();
        let is_pattern = input.glob && path.contains(['*', '?', '[', '\\']);
        let pattern = if is_pattern { Some(Ignore::from_patterns([&*path]).ok()?) } else { None };
        let excluded = Ignore::from_patterns(input.excluded.iter().map(String::as_str)).unwrap_or_default();
        Some(ContextPath { path, pattern, excluded })
    }
}

impl<'f> Taken<'f> {
    /// The first instruction that takes in a file.
    pub(in crate::suite) fn first(&self, file: &str) -> Option<&'f Fact> {
        let file = clean(file);
        let takes = |(_, paths): &&(&Fact, Vec<ContextPath>)| paths.iter().any(|path| path.takes(&file));
        self.instructions.iter().find(takes).map(|(fact, _)| *fact)
    }

    /// Plain paths, each once: no patterns, not everything.
    pub(in crate::suite) fn plain(&self) -> Vec<&str> {
        let paths = self.instructions.iter().flat_map(|(_, paths)| paths);
        let mut plain: Vec<&str> =
            paths.filter(|path| !path.is_pattern() && !path.path.is_empty()).map(|path| path.path.as_str()).collect();
        plain.sort_unstable();
        plain.dedup();
        plain
    }
}

impl ContextPath {
    /// Whether it is a pattern.
    pub(in crate::suite) fn is_pattern(&self) -> bool {
        self.pattern.is_some()
    }

    /// Whether a file is it, is below it, or matches it.
    pub(in crate::suite) fn takes(&self, file: &str) -> bool {
        let inside = match &self.pattern {
            Some(pattern) => pattern.ignores(file),
            None => {
                self.path.is_empty()
                    || file.strip_prefix(&self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        };
        inside && !self.excludes(file)
    }

    /// Whether the patterns of `--exclude` leave a file out. They are matched against the path below what is copied,
    /// which for a pattern is each file or directory that it matches; that itself is never left out (tonistiigi/fsutil,
    /// `copier.copy`; moby/buildkit, `contenthash.includedPaths`).
    fn excludes(&self, file: &str) -> bool {
        let parts = if self.path.is_empty() { 0 } else { self.path.split('/').count() };
        file.splitn(parts + 1, '/').nth(parts).is_some_and(|below| self.excluded.ignores(below))
    }
}
