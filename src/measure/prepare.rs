//! What comes before the first build: bases made present, contexts packed.

use std::collections::BTreeMap;
use std::path::Path;

use super::against;
use super::base::{Bases, Prepared, labels_in_builds};
use super::build::Subject;
use super::cancel::Cancel;
use super::error::MeasureError;
use super::event::{Event, Observer};
use super::journal::Line;
use super::session::Session;
use crate::engine::{ImageBuilder, ImageHost};
use crate::record::{Failure, FailureStage, Outcome, Scenario};
use crate::suite::dockerfile::Arguments;
use crate::suite::{self, Suite};

impl<E: ImageBuilder + ImageHost> Session<'_, E> {
    /// Makes the bases present and packs the contexts. A variant whose base is missing has no subject.
    pub(super) async fn prepare<'v>(
        &mut self,
        state: &Suite,
        variants: &[&'v suite::Variant],
        set: &BTreeMap<String, String>,
        cancel: &Cancel,
        observer: &mut dyn Observer,
    ) -> Result<Option<Vec<Option<Subject<'v>>>>, MeasureError> {
        let run = self.common.run.clone();
        let site = self.site.clone();
        let mut bases = Bases::new(self.engine, &run, &site, set, self.options.pull_deadline);
        let mut subjects = Vec::new();
        let mut with_dockerfile = Vec::new();
        for variant in variants {
            let mut replaced = BTreeMap::new();
            let mut found = Vec::new();
            let mut site_layers = 0;
            let mut missing = None;
            let mut images: Vec<String> = variant.facts.syntax.iter().cloned().collect();
            let platform = self.common.platform.clone().or_else(|| variant.platform.clone());
            let engine = self.engine.facts();
            let known = variant.arguments(&self.common.build_args, platform.as_deref(), engine);
            let needed = variant.external_bases(&known, self.common.builder);
            if let Some(error) = needed.unknown.first() {
                if !set.is_empty() {
                    return Err(variant.bases_unknown(error.clone()).into());
                }
                let warning = self.masked.text(&format!("{}; the builder decides", variant.unread(error)));
                observer.event(&Event::Warning(&warning));
            }
            for reference in needed.images {
                let mut pulls = Vec::new();
                let prepared = tokio::select! {
                    prepared = bases.prepare(&reference, platform.as_deref(), &mut self.ledger, &mut pulls, observer) => prepared?,
                    () = cancel.cancelled() => return Ok(None),
                };
                for mut pull in pulls {
                    pull.failure = self.masked.text(&pull.failure);
                    self.pulled = self.pulled + pull.wall_ns;
                    self.journal.append(&[Line::Pull(pull.clone())])?;
                    self.record.pulls.push(pull);
                }
                found.push(prepared.base().clone());
                match prepared {
                    Prepared::Ready { from, site_layers: layers, .. } => {
                        site_layers = layers;
                        images.push(from.clone());
                        if from != reference {
                            replaced.insert(reference, from);
                        }
                    }
                    Prepared::Missing { reason, .. } => missing = Some((reference, reason)),
                }
            }
            self.update(variant, |entry| {
                entry.bases = found;
                entry.site_layers = u32::try_from(site_layers).unwrap_or(0);
            })?;
            if let Some((reference, reason)) = missing {
                let message = format!("base `{reference}` is not to be had: {reason}");
                observer.event(&Event::BuildFailed {
                    variant: &variant.side.label(&variant.name),
                    scenario: Scenario::Cold,
                    message: &message,
                });
                self.update(variant, |entry| {
                    entry.outcome = Outcome::BuildFailed;
                    entry.failure = Some(Failure {
                        stage: FailureStage::Pull,
                        scenario: String::new(),
                        instruction: format!("FROM {reference}"),
                        message,
                        log: Vec::new(),
                    });
                })?;
                subjects.push(None);
                continue;
            }
            let subject = self.subject(state, variant, &replaced, images, &known)?;
            let copied = subject
                .context
                .stowaway()
                .and_then(|path| variant.facts.copies_for(Path::new(path), &known, variant.target.as_deref()));
            with_dockerfile.extend(copied.map(|_| format!("`{}`", variant.name)));
            subjects.push(Some(subject));
        }
        if !with_dockerfile.is_empty() {
            observer.event(&Event::Warning(&format!(
                "the image of {} holds its Dockerfile, which `docker build` leaves out: BuildKit's API takes a Dockerfile \
                 from nowhere but the context, and a COPY takes it from there",
                with_dockerfile.join(", ")
            )));
        }
        self.spent.other_builds_ns = self.spent.other_builds_ns + bases.built();
        Ok(Some(subjects))
    }

    fn subject<'v>(
        &self,
        state: &Suite,
        variant: &'v suite::Variant,
        replaced: &BTreeMap<String, String>,
        images: Vec<String>,
        known: &Arguments,
    ) -> Result<Subject<'v>, MeasureError> {
        let mut context = state.context(variant, self.common.builder)?;
        if !replaced.is_empty() {
            context.with_dockerfile(&suite::dockerfile::rewrite_bases(&variant.dockerfile_text, replaced, known));
        }
        let copies = |file: Option<&Path>| {
            let fact = file.and_then(|file| variant.facts.copies_for(file, known, variant.target.as_deref()));
            fact.map(|fact| fact.text.clone()).into_iter().collect()
        };
        let base = variant.facts.final_base(known, variant.target.as_deref());
        let inherits_label =
            !labels_in_builds(self.common.builder) && base.is_some_and(|base| replaced.contains_key(&base));
        let tag = against::tag(variant, &self.common.run);
        Ok(Subject {
            images,
            inherits_label,
            variant,
            context,
            edited_tag: format!("{tag}-edited"),
            tag,
            src_copies: copies(variant.src.as_deref()),
            deps_copies: copies(variant.deps.as_deref()),
        })
    }
}
