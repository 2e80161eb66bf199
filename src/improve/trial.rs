//! A trial: a run of the suite with edited variants.

use std::path::Path;
use std::time::Instant;

use super::recipe::Recipe;
use crate::engine::{ImageBuilder, ImageHost};
use crate::fsx::FileError;
use crate::measure::{self, Cancel, MeasureError, Observer, RunOptions, RunOutcome};
use crate::random;
use crate::suite::{Suite, SuiteVariant};

/// What all trials of a variant have in common.
pub(super) struct Trials<'a, E> {
    pub suite: &'a Suite,
    pub variant: &'a SuiteVariant,
    pub engine: &'a E,
    pub options: &'a RunOptions,
    pub cancel: &'a Cancel,
    pub begun: Instant,
}

impl<E: ImageBuilder + ImageHost> Trials<'_, E> {
    /// Builds, weighs, and checks the recipes, each a variant of its name. The results stay in `out`, or nowhere.
    pub(super) async fn measure(
        &self,
        recipes: &[(String, Recipe)],
        out: Option<&Path>,
        observer: &mut dyn Observer,
    ) -> Result<RunOutcome, MeasureError> {
        let edited = |(name, recipe): &(String, Recipe)| {
            self.variant.edited(name.clone(), recipe.dockerfile.clone(), recipe.ignore.clone())
        };
        let suite = Suite { variants: recipes.iter().map(edited).collect(), ..self.suite.clone() };
        let scratch = tempfile::tempdir().map_err(|source| FileError::new("make", std::env::temp_dir(), source))?;
        let stamp = self.options.run.rsplit_once('-').map_or(self.options.run.as_str(), |(stamp, _)| stamp);
        let options = RunOptions {
            out: out.unwrap_or(scratch.path()).to_owned(),
            run: format!("{stamp}-{}", random::hex()),
            max_time: self.options.max_time.map(|most| most.saturating_sub(self.begun.elapsed())),
            only: Vec::new(),
            ..self.options.clone()
        };
        measure::run(&suite, self.engine, &options, self.cancel, observer).await
    }
}
