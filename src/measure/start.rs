//! The start of a run, new or resumed: its record, journal, and ledger.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use super::against::{self, Beside, States};
use super::base::Site;
use super::begin::{begin_record, same_run};
use super::cancel::Cancel;
use super::certificates;
use super::diary::Diary;
use super::error::MeasureError;
use super::event::Observer;
use super::journal::{Journal, Replayed};
use super::ledger::Ledger;
use super::masked::{Masked, MaskedObserver};
use super::options::RunOptions;
use super::run::Run;
use super::subject::Common;
use crate::engine::{ImageBuilder, ImageHost, Ownership, labels};
use crate::image::{self, Weigher};
use crate::record::Spent;
use crate::suite::{Suite, SuiteVariant};
use crate::units::Nanos;

impl<'a, E: ImageBuilder + ImageHost> Run<'a, E> {
    /// Begins a run, or goes on with the one that `options` name.
    pub(super) async fn start(
        states: &'a States<'a>,
        engine: &'a E,
        options: &'a RunOptions,
        cancel: &'a Cancel,
        observer: &'a mut dyn Observer,
        begun: Instant,
    ) -> Result<Self, MeasureError> {
        let suite = states.suite;
        let mut all = states.variants.clone();
        all.extend(states.beside.iter().flat_map(|beside| &beside.variants));
        let certificates = certificates::bundle(&[&suite.build.ca_files[..], &options.ca_files].concat())?;
        let mut fresh = begin_record(suite, &all, engine, options).await?;
        let mark = states.beside.as_ref().map(Beside::mark);
        let mut build_args = options.build_args.clone();
        let earlier = if options.resume { Some(Journal::resume(&options.out)?) } else { None };
        let begun_with = earlier.as_ref().and_then(|(_, replayed)| replayed.options.as_ref());
        if let Some(begun_with) = begun_with.filter(|_| build_args.is_empty()) {
            build_args.clone_from(&begun_with.build_args);
            fresh.settings.build_arg_names = build_args.keys().cloned().collect();
        }
        let mut masked = mask(&all, &build_args, suite, options);
        for proxy in engine.proxies().values() {
            masked.mask.hide_credentials(proxy);
        }
        for variant in &mut fresh.variants {
            masked.variant(variant);
        }
        let (journal, run, record, damaged) = match earlier {
            Some((journal, Replayed { run, record, against, options: begun_with, damaged })) => {
                against::same_state(&options.out, against, mark)?;
                same_run(&options.out, &record, &fresh)?;
                if begun_with.is_some_and(|begun_with| begun_with.build_args != build_args) {
                    let reason = "it was started with other build arguments".to_owned();
                    return Err(MeasureError::CannotResume { dir: options.out.clone(), reason });
                }
                (journal, run, record, damaged)
            }
            None => (Journal::begin(options, &fresh, mark)?, options.run.clone(), fresh, 0),
        };
        let before = engine.snapshot().await?;
        let ownership = Ownership { run: run.clone(), before: Some(before.clone()), ..Ownership::default() };
        let mut ledger = Ledger::open(&options.state, engine.endpoint(), ownership)?;
        // The next build will take the name from an image of a build that was cut short.
        for (_, id) in before.tags.iter().filter(|(tag, _)| labels::is_own_name(&run, tag)) {
            ledger.image(id)?;
        }
        let mut env = suite.build.site_env.clone();
        env.extend(options.site_env.clone());
        let masked = Rc::new(masked);
        let mut run = Self {
            states,
            engine,
            options,
            cancel,
            observer: MaskedObserver::new(Rc::clone(&masked), observer),
            diary: Diary { record, journal, ledger, masked, spent: Spent::default(), accounted: begun },
            common: Common {
                run,
                builder: engine.facts().builder,
                build_args,
                proxies: engine.proxies(),
                secrets: options.secrets.clone(),
                network: options.network.clone(),
                platform: options.platform.clone(),
                deadline: suite.build.deadline,
            },
            site: Site { certificates, env },
            weigher: Some(Weigher::new(image::Options::default())),
            first_layers: std::collections::BTreeMap::new(),
            begun,
            pulled: Nanos::ZERO,
        };
        run.say_what_is_odd(damaged)?;
        Ok(run)
    }

    /// Says, and records once, what of the run does not go as it should from its beginning on.
    fn say_what_is_odd(&mut self, damaged: usize) -> Result<(), MeasureError> {
        if damaged > 0 {
            let message = match damaged {
                1 => "1 line of the journal is damaged: its step is done again".to_owned(),
                lines => format!("{lines} lines of the journal are damaged: their steps are done again"),
            };
            self.find("journal-damaged", &message)?;
        }
        let before = self.diary.ledger.ownership().before.as_ref();
        if let Some(reason) = before.and_then(|before| before.cache_unlisted.clone()) {
            let message = format!(
                "the engine could not list its build cache before the run, so this run's records in it are not removed: \
                 {reason}"
            );
            self.find("build-cache-unlisted", &message)?;
        }
        Ok(())
    }
}

/// What takes values out of the texts of a run.
fn mask(
    variants: &[&SuiteVariant],
    build_args: &BTreeMap<String, String>,
    suite: &Suite,
    options: &RunOptions,
) -> Masked {
    let mut masked = Masked::default();
    for variant in variants {
        masked.add_variant(variant, build_args);
    }
    for value in suite.build.site_env.values().chain(options.site_env.values()) {
        masked.mask.hide_credentials(value);
    }
    for content in options.secrets.0.values() {
        masked.mask.hide_secret(&String::from_utf8_lossy(content));
    }
    masked
}
