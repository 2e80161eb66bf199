//! A suite with every default filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::dockerfile::{Arguments, Bases, DockerfileError, Fact, Facts, platform_args};
use super::manifest::Document;
use super::{Boundary, Claim, SuiteError};
use crate::context::{Context, ContextError, Files, Own, Taken};
use crate::record::{self, Builder, Published, ServeLimits, Side};

/// What to measure.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The folder of the manifest; relative paths start there.
    pub root: PathBuf,
    /// Where its paths may lead.
    pub boundary: Boundary,
    /// The manifest.
    pub manifest: Document,
    /// The manifest and the baseline, which no context holds.
    pub own_files: Vec<PathBuf>,
    /// What of the contexts is not sent since tonnage wrote it, from the root.
    pub not_sent: BTreeSet<PathBuf>,
    /// Its name, fit for files: `[A-Za-z0-9._-]+`.
    pub name: String,
    /// A line for headings; empty where none is given.
    pub title: String,
    /// Where the references come from; empty where none is given.
    pub source: String,
    /// `sha256:` over the manifest, the Dockerfiles and the files of the contexts (names, modes, contents).
    pub digest: String,
    /// How to build: the defaults of every variant, and what concerns all of them.
    pub build: BuildOptions,
    /// Named sets of base images: set → reference in a Dockerfile → reference used for it.
    pub bases: BTreeMap<String, BTreeMap<String, String>>,
    /// The variants, in the manifest's order, or sorted where they were found as folders.
    pub variants: Vec<SuiteVariant>,
}

/// How to build.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Default))]
pub struct BuildOptions {
    /// Build arguments of every variant; already merged into each variant's.
    pub args: BTreeMap<String, String>,
    /// Stage to stop at.
    pub target: Option<String>,
    /// `os/arch[/variant]`; `None` for the engine's own.
    pub platform: Option<String>,
    /// Network mode of RUN; `None` for the engine's default.
    pub network: Option<String>,
    /// Labels on the images.
    pub labels: BTreeMap<String, String>,
    /// CA certificates to put into the bases for the build. Paths are resolved; whether they exist is not checked.
    pub ca_files: Vec<PathBuf>,
    /// Environment to put into the bases for the build, such as the address of a package mirror.
    pub site_env: BTreeMap<String, String>,
    /// Limit on one build.
    pub deadline: Duration,
}

/// A question to an image that serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeRequest {
    /// Path to ask for.
    pub path: String,
    /// What the body must contain; empty accepts any answer with a success status.
    pub expect: String,
}

/// How to ask whether an image works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeCheck {
    /// Port it listens on inside the container.
    pub port: u16,
    /// Path to ask for.
    pub path: String,
    /// What the body must contain; empty accepts any answer with a success status.
    pub expect: String,
    /// What else it is asked once it has answered.
    pub requests: Vec<ServeRequest>,
    /// Command instead of the image's own; empty keeps the image's.
    pub command: Vec<String>,
    /// Limit on one start.
    pub timeout: Duration,
    /// What the container is held to.
    pub limits: ServeLimits,
    /// Network of the container; `None` for one without a way out, where the engine has such.
    pub network: Option<String>,
    /// How often it is started.
    pub starts: u32,
    /// Environment of the container.
    pub env: BTreeMap<String, String>,
}

/// A command that succeeds in an image that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Limit on it.
    pub timeout: Duration,
}

/// Which texts a variant is built of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Texts {
    /// Those of its files.
    OfFiles,
    /// Its `dockerfile_text` in place of the Dockerfile, and this in place of the ignore file; `None` for that of the file.
    Edited(Option<String>),
}

/// One Dockerfile to build and weigh, the suite's defaults merged in.
#[derive(Debug, Clone)]
pub struct SuiteVariant {
    /// Its name, fit for files: `[A-Za-z0-9._-]+`; see [`tag_name`] for image references.
    pub name: String,
    /// Which state of the suite it is of, where two are measured.
    pub side: Side,
    /// The Dockerfile, from the suite's root.
    pub dockerfile: PathBuf,
    /// The build context, from the suite's root.
    pub context: PathBuf,
    /// Stage to stop at; `None` for the last.
    pub target: Option<String>,
    /// `os/arch[/variant]`; `None` for the engine's own.
    pub platform: Option<String>,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
    /// Network mode of RUN; `None` for the engine's default.
    pub network: Option<String>,
    /// Labels on the image.
    pub labels: BTreeMap<String, String>,
    /// The file that the `src` scenario edits, from the context's root.
    pub src: Option<PathBuf>,
    /// The file that the `deps` scenario edits, from the context's root.
    pub deps: Option<PathBuf>,
    /// How to ask whether the image works.
    pub serve: Option<ServeCheck>,
    /// The size to compare with.
    pub reference: Option<Claim>,
    /// Published figures of something else.
    pub published: Vec<Published>,
    /// How to check, besides asking it, that the image works: a command that must succeed in it.
    pub verify: Option<Verify>,
    /// Text of the Dockerfile; bytes that are not UTF-8 are replaced.
    pub dockerfile_text: String,
    /// Where its texts are.
    pub texts: Texts,
    /// What the Dockerfile says; empty where it cannot be parsed.
    pub facts: Facts,
    /// Why it cannot be parsed. The builder has the last word: the variant is built all the same.
    pub facts_error: Option<DockerfileError>,
}

impl Suite {
    /// The build context of a variant as `builder` would be sent it.
    pub fn context(&self, variant: &SuiteVariant, builder: Builder) -> Result<Context, ContextError> {
        let own = variant.own(&self.own_files).unwrap_or_default();
        let (root, dockerfile) = (self.root.join(&variant.context), self.root.join(&variant.dockerfile));
        let Texts::Edited(ignore) = &variant.texts else { return Context::load(&root, &dockerfile, builder, &own) };
        let mut context = Context::load_ignoring(&root, &dockerfile, builder, &own, ignore.as_deref())?;
        context.with_dockerfile(&variant.dockerfile_text);
        Ok(context)
    }

    /// The files of the context of a variant as `builder` would be sent it; nothing is read of them.
    pub(crate) fn files(&self, variant: &SuiteVariant, builder: Builder) -> Result<Files, ContextError> {
        let own = variant.own(&self.own_files).unwrap_or_default();
        Files::list(&self.root.join(&variant.context), &self.root.join(&variant.dockerfile), builder, &own)
    }

    /// The replacements of a set of bases: reference in a Dockerfile → reference used for it. `default` means none.
    pub fn base_set(&self, name: &str) -> Result<BTreeMap<String, String>, SuiteError> {
        match self.bases.get(name) {
            Some(set) => Ok(set.clone()),
            None if name == "default" => Ok(BTreeMap::new()),
            None => Err(SuiteError::NoSuchBases { name: name.to_owned(), sets: self.bases.keys().cloned().collect() }),
        }
    }

    /// That the Dockerfiles of the variants of these names can be read, where a set of bases is to be put into them.
    pub fn check_bases(&self, set: &BTreeMap<String, String>, only: &[String]) -> Result<(), SuiteError> {
        let unread = if set.is_empty() { Vec::new() } else { self.chosen(only) };
        match unread.into_iter().find_map(|variant| Some((variant, variant.facts_error.clone()?))) {
            Some((variant, error)) => Err(variant.bases_unknown(error)),
            None => Ok(()),
        }
    }

    /// The variants of these names, in the suite's order; without names all.
    pub fn chosen(&self, only: &[String]) -> Vec<&SuiteVariant> {
        self.variants.iter().filter(|variant| only.is_empty() || only.contains(&variant.name)).collect()
    }

    /// Which of the chosen variants is measured twice each round: of those with the fewest stages the last, which in a
    /// suite that goes from large to small is the smallest. Layers of a stage that no image holds are the dearest to
    /// remove: an engine that compares folders walks two whole file systems to know the size of each.
    pub fn twin(&self, only: &[String]) -> Option<usize> {
        let stages = |variant: &SuiteVariant| {
            variant.facts.stage_count(&Arguments::of(&variant.build_args), variant.target.as_deref())
        };
        let chosen = self.chosen(only);
        (0..chosen.len()).rev().min_by_key(|&index| stages(chosen[index]).unwrap_or(usize::MAX))
    }

    /// The variant of that name.
    pub fn variant(&self, name: &str) -> Option<&SuiteVariant> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

impl SuiteVariant {
    /// What of its context tonnage wrote, `files` being the suite's own, and which of it is sent all the same; `None` if
    /// its build takes nothing from the context.
    pub(super) fn own(&self, files: &[PathBuf]) -> Option<Own> {
        let taken = self.facts.taken(&Arguments::of(&self.build_args), self.target.as_deref());
        let paths = taken.instructions.iter().flat_map(|(_, paths)| paths).filter(|path| !path.path.is_empty());
        let sources = paths.map(|path| Taken { path: path.path.clone(), glob: path.is_pattern() }).collect();
        (!taken.instructions.is_empty()).then(|| Own { files: files.to_vec(), sources })
    }

    /// The variant under another name, built of other texts than those of its files.
    pub(crate) fn edited(&self, name: String, dockerfile: String, ignore: Option<String>) -> Self {
        let (facts, facts_error) = Facts::read(&dockerfile);
        Self {
            name,
            dockerfile_text: dockerfile,
            texts: Texts::Edited(ignore),
            facts,
            facts_error,
            reference: None,
            published: Vec::new(),
            ..self.clone()
        }
    }

    /// The build arguments of a build on an engine: those that BuildKit sets by itself, the suite's, and `more`, the later
    /// over the earlier. The classic builder sets none.
    pub fn arguments(
        &self,
        more: &BTreeMap<String, String>,
        platform: Option<&str>,
        engine: &record::EngineFacts,
    ) -> Arguments {
        let automatic = match engine.builder {
            Builder::Classic => BTreeMap::new(),
            _ => platform_args(platform, &format!("{}/{}", engine.os, engine.arch)),
        };
        let mut given = self.build_args.clone();
        given.extend(more.clone());
        Arguments { given, automatic }
    }

    /// The images that a build with these arguments needs; see [`Facts::external_bases`]. The classic builder also builds
    /// stages that nothing needs.
    pub fn external_bases(&self, args: &Arguments, builder: Builder) -> Bases {
        if let Some(error) = &self.facts_error {
            return Bases { images: Vec::new(), unknown: vec![error.clone()] };
        }
        let target = self.target.as_deref();
        let bases = match builder {
            Builder::Classic => self.facts.all_external_bases(args, target),
            _ => self.facts.external_bases(args, target),
        };
        bases.unwrap_or_else(|error| Bases { images: Vec::new(), unknown: vec![error] })
    }

    /// That other bases cannot be put into its Dockerfile.
    pub fn bases_unknown(&self, source: DockerfileError) -> SuiteError {
        SuiteError::BasesUnknown { variant: self.name.clone(), dockerfile: self.dockerfile.clone(), source }
    }

    /// A sentence that says what is not known about its bases.
    pub fn unread(&self, error: &DockerfileError) -> String {
        let dockerfile = self.dockerfile.display();
        match self.facts_error {
            Some(_) => format!("variant `{}`: cannot read `{dockerfile}`: {error}", self.name),
            None => format!("variant `{}`: cannot tell which base images `{dockerfile}` needs: {error}", self.name),
        }
    }

    /// The first instruction that takes in a file of the context; see [`Facts::copies_for`].
    pub fn copies(&self, file: &Path) -> Option<&Fact> {
        self.facts.copies_for(file, &Arguments::of(&self.build_args), self.target.as_deref())
    }
}

/// A variant's or suite's name as part of an image reference, which allows no upper case and wants a letter or
/// digit at either end and no run of separators (distribution/reference, `path-component`).
pub(crate) fn tag_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(['.', '-', '_']) {
            out.push(if matches!(c, '.' | '_') { c } else { '-' });
        }
    }
    let trimmed = out.trim_end_matches(['.', '-', '_']);
    if trimmed.is_empty() { "x".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_valid_parts_of_an_image_reference() {
        for (name, tag) in [
            ("python3.9-alpine", "python3.9-alpine"),
            ("Python_3", "python_3"),
            ("-a--b-", "a-b"),
            ("a..b", "a.b"),
            ("...", "x"),
            ("API", "api"),
        ] {
            assert_eq!(tag_name(name), tag);
        }
    }
}
