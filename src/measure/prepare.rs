//! What comes before the first build: bases made present, contexts packed.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;

use super::against;
use super::base::{KnownBases, Prepared, labels_in_builds};
use super::cancel::Halt;
use super::diary::failure;
use super::error::MeasureError;
use super::event::{Event, Observer as _};
use super::run::Run;
use super::subject::Subject;
use crate::engine::{ImageBuilder, ImageHost};
use crate::record::{FailureStage, Scenario, VariantFailure};
use crate::suite::dockerfile::Arguments;
use crate::suite::{self, Suite, SuiteVariant};
use crate::units::Nanos;

impl<E: ImageBuilder + ImageHost> Run<'_, E> {
    /// Makes the bases present and packs the contexts. A variant whose base is missing has no subject.
    pub(super) async fn prepare<'v>(
        &mut self,
        state: &Suite,
        variants: &[&'v SuiteVariant],
        set: &BTreeMap<String, String>,
    ) -> Result<Vec<Option<Subject<'v>>>, Halt> {
        let cancel = self.cancel;
        let mut bases = KnownBases::new();
        let mut subjects = Vec::new();
        let mut with_dockerfile = Vec::new();
        for variant in variants {
            let mut used = BTreeMap::new();
            let mut found = Vec::new();
            let mut site_layers = 0;
            let mut missing = None;
            let platform = self.common.platform(variant);
            let engine = self.engine.facts();
            let known = variant.arguments(&self.common.build_args, platform.as_deref(), engine);
            let needed = variant.external_bases(&known, self.common.builder);
            if let Some(error) = needed.unknown.first() {
                if !set.is_empty() {
                    return Err(variant.bases_unknown(error.clone()).into());
                }
                let warning = format!("{}; the builder decides", variant.unread(error));
                self.observer.event(&Event::Warning(&warning));
            }
            for reference in needed.images {
                let prepare = self.prepare_base(&reference, platform.as_deref(), set, &mut bases);
                let prepared = cancel.run_until_cancelled(pin!(prepare)).await??;
                found.push(prepared.base().clone());
                match prepared {
                    Prepared::Ready { from, site_layers: layers, .. } => {
                        site_layers = layers;
                        used.insert(reference, from);
                    }
                    Prepared::Missing { reason, .. } => missing = Some((reference, reason)),
                }
            }
            self.diary.update(variant, |entry| {
                entry.bases = found;
                entry.site_layers = u32::try_from(site_layers).unwrap_or(0);
            })?;
            if let Some((reference, reason)) = missing {
                let message = format!("base image `{reference}` is not available: {reason}");
                self.say_failed(variant, Scenario::Cold, &message);
                let instruction = format!("FROM {reference}");
                self.diary.fail(variant, VariantFailure { instruction, ..failure(FailureStage::Pull, message) })?;
                subjects.push(None);
                continue;
            }
            let subject = self.subject(state, variant, used, known.clone())?;
            let copied = subject
                .context
                .stowaway()
                .and_then(|path| variant.facts.copies_for(Path::new(path), &known, variant.target.as_deref()));
            with_dockerfile.extend(copied.map(|_| format!("`{}`", variant.name)));
            subjects.push(Some(subject));
        }
        if !with_dockerfile.is_empty() {
            self.observer.event(&Event::Warning(&format!(
                "the image of {} holds its Dockerfile, which `docker build` leaves out: BuildKit's API takes a Dockerfile \
                 from nowhere but the context, and a COPY takes it from there",
                with_dockerfile.join(", ")
            )));
        }
        Ok(subjects)
    }

    /// Notes what went into preparing besides pulls and builds of bases.
    pub(super) fn prepared(&mut self) {
        let elsewhere = self.diary.spent.other_builds_ns + self.pulled;
        self.diary.spent.preparing_ns = Nanos::from(self.begun.elapsed()).saturating_sub(elsewhere);
    }

    fn subject<'v>(
        &self,
        state: &Suite,
        variant: &'v SuiteVariant,
        bases: BTreeMap<String, String>,
        known: Arguments,
    ) -> Result<Subject<'v>, MeasureError> {
        let mut context = state.context(variant, self.common.builder)?;
        let replaced = || bases.iter().filter(|(named, used)| named != used);
        if replaced().next().is_some() {
            let replaced = replaced().map(|(named, used)| (named.clone(), used.clone())).collect();
            context.with_dockerfile(&suite::dockerfile::rewrite_bases(&variant.dockerfile_text, &replaced, &known));
        }
        let copies = |file: Option<&Path>| {
            let fact = file.and_then(|file| variant.facts.copies_for(file, &known, variant.target.as_deref()));
            fact.map(|fact| fact.text.clone()).into_iter().collect()
        };
        let base = variant.facts.final_base(&known, variant.target.as_deref());
        let inherits_label = !labels_in_builds(self.common.builder)
            && base.is_some_and(|base| replaced().any(|(named, _)| *named == base));
        let tag = against::tag(variant, &self.common.run);
        Ok(Subject {
            bases,
            inherits_label,
            variant,
            context,
            twin_tag: format!("{tag}--twin"),
            tag,
            src_copies: copies(variant.src.as_deref()),
            deps_copies: copies(variant.deps.as_deref()),
            known,
        })
    }
}
