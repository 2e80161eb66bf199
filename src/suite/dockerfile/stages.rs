//! Stages and the images that they stand on.

use std::collections::{BTreeMap, BTreeSet};

use super::DockerfileError;
use super::expand::expand;
use super::facts::{Facts, Kind};

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

impl Facts {
    /// References of the images that a build up to `target` (the last stage where it is `None`) needs present: what
    /// its stages are FROM, and what `COPY --from` and `RUN --mount` take files from. Variables are filled in from
    /// `args` and the defaults of the ARGs before the first FROM; stages and `scratch` are left out; each image is
    /// named once, in the Dockerfile's order, the base of the final stage last.
    ///
    /// Only what the target needs counts, as BuildKit builds it; the classic builder builds every stage up to the
    /// target: see [`Self::all_external_bases`].
    pub fn external_bases(
        &self,
        args: &BTreeMap<String, String>,
        target: Option<&str>,
    ) -> Result<Vec<String>, DockerfileError> {
        let needed = self.needed_stages(args, target)?;
        self.images_of(&needed, args, target)
    }

    /// As [`Self::external_bases`], for every stage up to the target.
    pub fn all_external_bases(
        &self,
        args: &BTreeMap<String, String>,
        target: Option<&str>,
    ) -> Result<Vec<String>, DockerfileError> {
        let last = self.target_stage(target)?;
        self.images_of(&(0..=last).collect(), args, target)
    }

    /// Reference of the image at the end of the final stage's chain of FROMs; `None` for `scratch` and where it
    /// cannot be known.
    pub fn final_base(&self, args: &BTreeMap<String, String>, target: Option<&str>) -> Option<String> {
        let mut stage = self.target_stage(target).ok()?;
        loop {
            match self.base_of(stage, args).ok()? {
                // A stage is only ever FROM an earlier one, so this ends.
                Origin::Stage(earlier) => stage = earlier,
                Origin::Image(image) => return Some(image),
                Origin::Scratch => return None,
            }
        }
    }

    fn images_of(
        &self,
        stages: &BTreeSet<usize>,
        args: &BTreeMap<String, String>,
        target: Option<&str>,
    ) -> Result<Vec<String>, DockerfileError> {
        let mut images = Vec::new();
        for &stage in stages {
            let own = self.froms(stage).map(|name| self.origin_of(name));
            for origin in std::iter::once(self.base_of(stage, args)?).chain(own) {
                if let Origin::Image(image) = origin
                    && !images.contains(&image)
                {
                    images.push(image);
                }
            }
        }
        if let Some(base) = self.final_base(args, target) {
            images.retain(|image| *image != base);
            images.push(base);
        }
        Ok(images)
    }

    /// How many stages the target is made of, itself included; `None` where that cannot be told.
    pub fn stage_count(&self, args: &BTreeMap<String, String>, target: Option<&str>) -> Option<usize> {
        self.needed_stages(args, target).ok().map(|stages| stages.len())
    }

    /// The stages that the target is made of, itself included.
    pub(super) fn needed_stages(
        &self,
        args: &BTreeMap<String, String>,
        target: Option<&str>,
    ) -> Result<BTreeSet<usize>, DockerfileError> {
        let mut needed = BTreeSet::new();
        let mut open = vec![self.target_stage(target)?];
        while let Some(stage) = open.pop() {
            if !needed.insert(stage) {
                continue;
            }
            if let Origin::Stage(earlier) = self.base_of(stage, args)? {
                open.push(earlier);
            }
            open.extend(self.froms(stage).filter_map(|name| match self.origin_of(name) {
                Origin::Stage(other) => Some(other),
                _ => None,
            }));
        }
        Ok(needed)
    }

    /// Index of the stage that a build stops at.
    pub(super) fn target_stage(&self, target: Option<&str>) -> Result<usize, DockerfileError> {
        let missing = || DockerfileError::NoStage(target.unwrap_or_default().to_owned());
        match target {
            Some(name) => self.stage_of(name, self.stages.len()).ok_or_else(missing),
            None => self.stages.len().checked_sub(1).ok_or_else(missing),
        }
    }

    /// What a stage is FROM.
    pub(super) fn base_of(&self, stage: usize, args: &BTreeMap<String, String>) -> Result<Origin, DockerfileError> {
        let Some(fact) = self.stages.get(stage) else {
            return Err(DockerfileError::NoStage(stage.to_string()));
        };
        self.resolve(&fact.base, stage, fact.line, args)
    }

    /// Fills in the variables of a FROM's image and tells stages from images.
    pub(super) fn resolve(
        &self,
        text: &str,
        stage: usize,
        line: u32,
        args: &BTreeMap<String, String>,
    ) -> Result<Origin, DockerfileError> {
        let base = expand(text, self.escape, &|name| self.global(name, args))
            .map_err(|name| DockerfileError::Unresolved { line, text: text.to_owned(), name })?;
        if base.is_empty() {
            return Err(DockerfileError::Blank { line, text: text.to_owned() });
        }
        Ok(if base == "scratch" {
            Origin::Scratch
        } else if let Some(earlier) = self.named_stage(&base, stage) {
            Origin::Stage(earlier)
        } else {
            Origin::Image(base)
        })
    }

    /// What a `--from` names: a stage by name or number, else an image. Variables are not filled in there.
    pub(super) fn origin_of(&self, name: &str) -> Origin {
        match self.stage_of(name, self.stages.len()) {
            Some(stage) => Origin::Stage(stage),
            None if name == "scratch" => Origin::Scratch,
            None => Origin::Image(name.to_owned()),
        }
    }

    fn froms(&self, stage: usize) -> impl Iterator<Item = &str> {
        self.instructions
            .iter()
            .filter(move |fact| fact.stage as usize == stage && !fact.global)
            .flat_map(|fact| fact.from.iter().map(String::as_str))
    }

    fn named_stage(&self, name: &str, before: usize) -> Option<usize> {
        self.stages[..before.min(self.stages.len())]
            .iter()
            .rposition(|stage| stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }

    fn stage_of(&self, name: &str, before: usize) -> Option<usize> {
        self.named_stage(name, before)
            .or_else(|| name.parse().ok().filter(|&number: &usize| number < before.min(self.stages.len())))
    }

    /// A variable in the scope of FROM: an ARG before the first FROM, with the value given or its default, or one
    /// that BuildKit sets by itself, whose value must be given.
    fn global(&self, name: &str, args: &BTreeMap<String, String>) -> Result<Option<String>, String> {
        let declared = self.instructions.iter().any(|fact| fact.global && fact.sets.iter().any(|(own, _)| own == name));
        if declared {
            return Ok(args.get(name).cloned().or_else(|| self.global_default(name)));
        }
        if is_platform_arg(name) {
            return args.get(name).cloned().map(Some).ok_or_else(|| name.to_owned());
        }
        Ok(None)
    }

    /// Default of an ARG before the first FROM.
    pub(super) fn global_default(&self, name: &str) -> Option<String> {
        let mut known: BTreeMap<&str, String> = BTreeMap::new();
        for fact in self.instructions.iter().filter(|fact| fact.global && fact.kind == Kind::Arg) {
            for (own, value) in &fact.sets {
                let Some(value) = value else { continue };
                let value = expand(value, self.escape, &|other| Ok(known.get(other).cloned())).ok()?;
                known.insert(own, value);
            }
        }
        known.remove(name)
    }
}

fn is_platform_arg(name: &str) -> bool {
    ["TARGET", "BUILD"]
        .iter()
        .any(|side| name.strip_prefix(side).is_some_and(|rest| matches!(rest, "PLATFORM" | "OS" | "ARCH" | "VARIANT")))
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
