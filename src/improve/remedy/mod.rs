//! The catalogue: what can be done to a Dockerfile or an ignore file, one file per family.
//!
//! A remedy is a pure function from texts to texts. Whether it helps and whether the application survives it is not
//! known here: that is measured.

mod base;
mod commands;
mod ignored;
mod link;
mod merge;
mod mount;
mod order;
mod ownership;
mod python;
mod stages;
mod user;

pub(super) use link::LINK;
pub(super) use mount::CACHE;

use super::recipe::{Conditions, Recipe};
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits};

/// One thing that can be done.
pub(super) struct Remedy {
    /// A stable word for it: `pip-cache`.
    pub name: String,
    /// What it does, as an imperative sentence.
    pub what: String,
    /// What must hold for it to be safe.
    pub needs: &'static str,
    /// Where the advice comes from.
    pub documentation: &'static str,
    /// Which figure it is for.
    pub goal: Goal,
    /// Whether the image keeps all of its content.
    pub content: Content,
    change: Change,
}

/// What a remedy changes; `None` where there is nothing to do or something is not understood.
enum Change {
    /// The Dockerfile.
    Dockerfile(EditDockerfile),
    /// The ignore file.
    IgnoreFile(fn(Option<&str>, &Draft<'_>, &Conditions) -> Option<String>),
}

type EditDockerfile = Box<dyn Fn(&Draft<'_>, &Conditions, &mut Edits) -> Option<()>>;

/// Whether an image keeps all of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// The same files, differently built.
    Kept,
    /// Something is taken away or replaced: only a check can tell whether that is right.
    Changed,
}

impl Remedy {
    /// The texts with the remedy applied; `None` where there is nothing to do or something is not understood.
    pub(super) fn apply(&self, recipe: &Recipe, conditions: &Conditions) -> Option<Recipe> {
        let draft = Draft::read(&recipe.dockerfile)?;
        let mut edited = recipe.clone();
        match &self.change {
            Change::Dockerfile(edit) => {
                let mut edits = Edits::default();
                edit(&draft, conditions, &mut edits)?;
                edited.dockerfile = edits.apply(&recipe.dockerfile)?;
            }
            Change::IgnoreFile(edit) => edited.ignore = Some(edit(recipe.ignore.as_deref(), &draft, conditions)?),
        }
        // What cannot be read any more was edited wrongly; it is not built.
        Draft::read(&edited.dockerfile)?;
        (edited != *recipe).then_some(edited)
    }
}

/// All remedies, those that depend on the conditions made for them.
pub(super) fn catalogue(recipe: &Recipe, conditions: &Conditions) -> Vec<Remedy> {
    let mut remedies = commands::remedies();
    remedies.extend(merge::remedies());
    remedies.extend(ownership::remedies());
    remedies.extend(mount::remedies());
    remedies.extend(order::remedies());
    remedies.extend(ignored::remedies());
    remedies.extend(python::remedies());
    remedies.extend(base::remedies(recipe, conditions));
    remedies.extend(stages::remedies(conditions));
    remedies.extend(link::remedies());
    remedies.extend(user::remedies());
    remedies
}

#[cfg(test)]
mod tests;
