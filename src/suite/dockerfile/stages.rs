//! Stages and the images that they are FROM.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::arguments::Arguments;
use super::error::DockerfileError;
use super::expand::{ExpandError, expand, expand_known};
use super::facts::{Fact, Facts, Kind};
use super::source::CopySource;
use super::variables::Globals;

/// The images that a build needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bases {
    /// Their references, the final stage's base last.
    pub images: Vec<String>,
    /// Where it is not known whether and which image is needed.
    pub unknown: Vec<DockerfileError>,
}

/// What a stage is FROM, or what a `--from` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Nothing.
    Scratch,
    /// Another stage.
    Stage(usize),
    /// An image.
    Image(String),
}

/// Stages that a target is made of, and what is not known about them.
pub(super) struct NeededStages {
    pub stages: BTreeSet<usize>,
    pub unknown: Vec<DockerfileError>,
}

impl Facts {
    /// References of the images that a build up to `target` (the last stage where it is `None`) needs: what its stages
    /// are FROM, and what `COPY --from` and `RUN --mount` take files from. Variables are replaced by `args` and the
    /// defaults of the ARGs before the first FROM; stages and `scratch` are left out; each image is named once, in the
    /// Dockerfile's order, the base of the final stage last.
    ///
    /// Only what the target needs counts, as BuildKit builds it; the classic builder builds every stage up to the
    /// target: see [`Self::all_external_bases`].
    pub fn external_bases(&self, args: &Arguments, target: Option<&str>) -> Result<Bases, DockerfileError> {
        let globals = Globals::of(self, args);
        let needed = self.needed_stages(&globals, target)?;
        Ok(self.images_of(&needed.stages, &globals, target))
    }

    /// As [`Self::external_bases`], for every stage up to the target.
    pub fn all_external_bases(&self, args: &Arguments, target: Option<&str>) -> Result<Bases, DockerfileError> {
        let last = self.target_stage(target)?;
        Ok(self.images_of(&(0..=last).collect(), &Globals::of(self, args), target))
    }

    /// Reference of the image at the end of the final stage's chain of FROMs; `None` for `scratch` and where it
    /// cannot be known.
    pub fn final_base(&self, args: &Arguments, target: Option<&str>) -> Option<String> {
        self.final_image(&Globals::of(self, args), target)
    }

    fn final_image(&self, globals: &Globals<'_>, target: Option<&str>) -> Option<String> {
        let first = self.chain(globals, target).last().copied()?;
        match self.base_of(first, globals) {
            Ok(Origin::Image(image)) => Some(image),
            _ => None,
        }
    }

    /// The target's stage, the stage that it is FROM, and so on.
    pub(super) fn chain(&self, globals: &Globals<'_>, target: Option<&str>) -> Vec<usize> {
        let mut chain: Vec<usize> = self.target_stage(target).into_iter().collect();
        // A stage is only ever FROM an earlier one, so this ends.
        while let Some(Ok(Origin::Stage(earlier))) = chain.last().map(|stage| self.base_of(*stage, globals)) {
            chain.push(earlier);
        }
        chain
    }

    /// What a stage is FROM, and what its instructions take files from.
    fn origins(&self, stage: usize, globals: &Globals<'_>) -> impl Iterator<Item = Result<Origin, DockerfileError>> {
        let own = self.effective(stage, globals).into_iter();
        let sources = own.flat_map(move |fact| fact.from.iter().map(move |source| self.origin_of(source, fact.line)));
        std::iter::once(self.base_of(stage, globals)).chain(sources)
    }

    fn images_of(&self, stages: &BTreeSet<usize>, globals: &Globals<'_>, target: Option<&str>) -> Bases {
        let mut bases = Bases::default();
        for &stage in stages {
            for origin in self.origins(stage, globals) {
                match origin {
                    Ok(Origin::Image(image)) if !bases.images.contains(&image) => bases.images.push(image),
                    Err(error) if !bases.unknown.contains(&error) => bases.unknown.push(error),
                    _ => {}
                }
            }
        }
        if let Some(base) = self.final_image(globals, target) {
            bases.images.retain(|image| *image != base);
            bases.images.push(base);
        }
        bases
    }

    /// How many stages the target is made of, itself included; `None` where that cannot be told.
    pub fn stage_count(&self, args: &Arguments, target: Option<&str>) -> Option<usize> {
        let needed = self.needed_stages(&Globals::of(self, args), target).ok()?;
        needed.unknown.is_empty().then_some(needed.stages.len())
    }

    /// ARGs before the first FROM that have no value and yet are part of what a needed stage is FROM.
    pub(in crate::suite) fn bases_without_value(&self, args: &Arguments, target: Option<&str>) -> BTreeSet<String> {
        let globals = Globals::of(self, args);
        let Ok(needed) = self.needed_stages(&globals, target) else { return BTreeSet::new() };
        let bases = needed.stages.iter().filter_map(|stage| self.stages.get(*stage));
        let unset = bases.filter_map(|stage| expand(&stage.base, self.escape, &|name| globals.get(name)).ok());
        unset.flat_map(|expanded| expanded.unset).filter(|name| self.is_global_arg(name)).collect()
    }

    /// The stages that the target is made of, itself included.
    pub(super) fn needed_stages(
        &self,
        globals: &Globals<'_>,
        target: Option<&str>,
    ) -> Result<NeededStages, DockerfileError> {
        let mut needed = NeededStages { stages: BTreeSet::new(), unknown: Vec::new() };
        let mut open = vec![self.target_stage(target)?];
        while let Some(stage) = open.pop() {
            if !needed.stages.insert(stage) {
                continue;
            }
            for origin in self.origins(stage, globals) {
                match origin {
                    Ok(Origin::Stage(other)) => open.push(other),
                    Err(error) => needed.unknown.push(error),
                    _ => {}
                }
            }
        }
        Ok(needed)
    }

    /// The instructions that are carried out in a stage: the triggers of the stage that it is FROM, then its own
    /// without the triggers that it keeps for others.
    pub(super) fn effective<'f>(&'f self, stage: usize, globals: &Globals<'_>) -> Vec<&'f Fact> {
        let of = |stage: usize, kept: bool| {
            self.instructions.iter().filter(move |fact| {
                fact.stage as usize == stage && !fact.global && (fact.kind == Kind::Onbuild) == kept
            })
        };
        let parent = match self.base_of(stage, globals) {
            Ok(Origin::Stage(parent)) => Some(parent),
            _ => None,
        };
        parent.into_iter().flat_map(|parent| of(parent, true)).chain(of(stage, false)).collect()
    }

    /// Index of the stage that a build stops at.
    pub(super) fn target_stage(&self, target: Option<&str>) -> Result<usize, DockerfileError> {
        let missing = || DockerfileError::NoStage(target.unwrap_or_default().to_owned());
        match target.filter(|name| !name.is_empty()) {
            Some(name) => self.named_stage(name, self.stages.len()).or_else(|| self.numbered(name)).ok_or_else(missing),
            None => self.stages.len().checked_sub(1).ok_or_else(missing),
        }
    }

    /// What a stage is FROM.
    pub(super) fn base_of(&self, stage: usize, globals: &Globals<'_>) -> Result<Origin, DockerfileError> {
        let Some(fact) = self.stages.get(stage) else {
            return Err(DockerfileError::NoStage(stage.to_string()));
        };
        let (line, text) = (fact.line, fact.base.clone());
        let base = match expand_known(&text, self.escape, &|name| globals.get(name)) {
            Ok(base) => base,
            Err(ExpandError::Unknown(name)) => return Err(DockerfileError::Unresolved { line, text, name }),
            Err(ExpandError::Invalid(reason)) => return Err(DockerfileError::Substitution { line, text, reason }),
        };
        if let Some(earlier) = self.named_stage(&base, stage) {
            return Ok(Origin::Stage(earlier));
        }
        match base.as_str() {
            "" => Err(DockerfileError::Blank { line, text }),
            "scratch" => Ok(Origin::Scratch),
            _ if is_reference(&base) => Ok(Origin::Image(base)),
            _ => Err(DockerfileError::NotAnImage { line, text }),
        }
    }

    /// What a `--from` names: a stage by name or, in COPY, by number, else an image. Variables are not replaced there.
    pub(super) fn origin_of(&self, source: &CopySource, line: u32) -> Result<Origin, DockerfileError> {
        let (CopySource::Copy(name) | CopySource::Mount(name)) = source;
        let number = matches!(source, CopySource::Copy(_)) && name.parse::<i64>().is_ok();
        let stage = if number { self.numbered(name) } else { self.named_stage(name, self.stages.len()) };
        match stage {
            Some(stage) => Ok(Origin::Stage(stage)),
            None if name == "scratch" => Ok(Origin::Scratch),
            None if !number && is_reference(name) => Ok(Origin::Image(name.clone())),
            None => Err(DockerfileError::NotAnImage { line, text: name.clone() }),
        }
    }

    /// The last stage of that name before another.
    fn named_stage(&self, name: &str, before: usize) -> Option<usize> {
        self.stages[..before.min(self.stages.len())]
            .iter()
            .rposition(|stage| stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }

    fn numbered(&self, name: &str) -> Option<usize> {
        name.parse().ok().filter(|&number: &usize| number < self.stages.len())
    }
}

/// distribution/reference, `ReferenceRegexp`: host, path, tag, digest.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
    let host = format!(r"(?:{label}(?:\.{label})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?");
    let part = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    Regex::new(&format!(r"^(?:{host}/)?{part}(?:/{part})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@{digest})?$"))
        .ok()
});

/// Whether a text can name an image at all.
fn is_reference(text: &str) -> bool {
    text.len() < 1024 && REFERENCE.as_ref().is_none_or(|reference| reference.is_match(text))
}

/// Whether two references name the same image: `python`, `python:latest`, `docker.io/library/python` do
/// (distribution/reference, "familiar names").
pub fn same_image(one: &str, other: &str) -> bool {
    one == other || full_name(one) == full_name(other)
}

fn full_name(reference: &str) -> String {
    let name = reference.strip_prefix("index.docker.io/").or_else(|| reference.strip_prefix("docker.io/"));
    let name = name.unwrap_or(reference);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let tagged = name.contains('@') || name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if tagged { name.to_owned() } else { format!("{name}:latest") }
}
