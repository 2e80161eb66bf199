//! What a run must not tell: values of build arguments, secrets, and credentials, in whatever the builder, the image,
//! and the containers say.
//!
//! Two things are done to a text before it is recorded or shown. An instruction that the builder reports with the value
//! of a build argument put in is given as the Dockerfile writes it, so that short values are not told either, and
//! another value does not make another instruction. Then what is left of the values is masked.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::event::{Event, Observer};
use super::journal::JournalLine;
use super::mask::Mask;
use crate::engine::{BuildEvent, CleanReport};
use crate::record::{LayerOrigin, Sample, Variant};
use crate::suite::{SuiteVariant, dockerfile::Kind};

/// Takes values out of texts.
#[derive(Debug, Default)]
pub(super) struct Masked {
    /// Hides values wherever they are.
    pub(super) mask: Mask,
    /// By variant.
    written: BTreeMap<String, WrittenInstructions>,
}

/// The instructions of a Dockerfile.
#[derive(Debug, Default)]
struct WrittenInstructions {
    /// Those in which no build argument is put.
    plain: BTreeSet<String>,
    /// The others.
    templates: Vec<Template>,
}

/// An instruction in which values are put.
#[derive(Debug)]
struct Template {
    text: String,
    /// What is between the variables.
    literals: Vec<String>,
}

impl Masked {
    /// Hides the values of a variant's build arguments, but for those that name its bases.
    pub(super) fn add_variant(&mut self, variant: &SuiteVariant, given: &BTreeMap<String, String>) {
        let mut arguments = variant.build_args.clone();
        arguments.extend(given.clone());
        let named = names_of_bases(variant);
        arguments.retain(|name, _| !named.contains(name.as_str()));
        for value in arguments.values() {
            self.mask.hide(value);
        }
        let mut written = WrittenInstructions::default();
        for fact in variant.facts.instructions.iter().filter(|fact| fact.cacheable) {
            let text = normal(&fact.text);
            if variables(&text).iter().any(|(_, name)| arguments.contains_key(*name)) {
                written.templates.push(Template::new(text));
            } else {
                written.plain.insert(text);
            }
        }
        // The most telling first.
        written
            .templates
            .sort_by_key(|template| std::cmp::Reverse(template.literals.iter().map(String::len).sum::<usize>()));
        self.written.insert(variant.name.clone(), written);
    }

    /// A text without what must not be told.
    pub(super) fn text(&self, text: &str) -> String {
        self.mask.text(text)
    }

    /// An instruction as a builder or an image tells it.
    fn instruction(&self, variant: &str, text: &mut String) {
        if let Some(written) = self.written.get(variant).filter(|written| !written.templates.is_empty()) {
            let told = normal(text);
            let fits = written.templates.iter().find(|template| template.fits(&told));
            if let Some(template) = fits.filter(|_| !written.plain.contains(&told)) {
                template.text.clone_into(text);
            }
        }
        self.mask.apply(text);
    }

    /// A fact as it is recorded.
    pub(super) fn line(&self, line: &mut JournalLine) {
        match line {
            JournalLine::Begin { .. } | JournalLine::Elapsed(..) => {}
            JournalLine::Pull(pull) => self.mask.apply(&mut pull.failure),
            JournalLine::Sample(sample) => self.sample(sample),
            JournalLine::Variant(variant) => self.variant(variant),
            JournalLine::Finding(finding) => self.mask.apply(&mut finding.message),
        }
    }

    /// A sample as it is recorded.
    fn sample(&self, sample: &mut Sample) {
        self.mask.apply(&mut sample.reason);
        for text in sample.steps.iter_mut().map(|step| &mut step.instruction).chain(&mut sample.first_miss) {
            self.instruction(&sample.variant, text);
        }
    }

    /// What is known of a variant as it is recorded.
    pub(super) fn variant(&self, variant: &mut Variant) {
        let name = &variant.name;
        for instruction in &mut variant.instructions {
            self.mask.apply(&mut instruction.text);
        }
        if let Some(failure) = &mut variant.failure {
            self.instruction(name, &mut failure.instruction);
            std::iter::once(&mut failure.message).chain(&mut failure.log).for_each(|text| self.mask.apply(text));
        }
        // What a base's layers say is not this Dockerfile's.
        let mut own = BTreeMap::new();
        for layer in &mut variant.layers {
            let told = layer.instruction.clone();
            if layer.origin == LayerOrigin::Own {
                self.instruction(name, &mut layer.instruction);
                own.insert(told, layer.instruction.clone());
            } else {
                self.mask.apply(&mut layer.instruction);
            }
        }
        let dead = variant.reclaimable.iter_mut().flat_map(|dead| [&mut dead.written_by, &mut dead.removed_by]);
        for text in dead.chain(variant.findings.iter_mut().map(|finding| &mut finding.instruction)) {
            *text = own.get(text).cloned().unwrap_or_else(|| self.text(text));
        }
        for update in variant.update.all_mut() {
            for layer in &mut update.layers {
                self.instruction(name, &mut layer.instruction);
            }
            update.again.iter_mut().flat_map(|again| &mut again.differing_paths).for_each(|path| self.mask.apply(path));
        }
        for finding in &mut variant.findings {
            self.mask.apply(&mut finding.message);
            self.mask.apply(&mut finding.remedy);
        }
        if let Some(serve) = &mut variant.serve {
            std::iter::once(&mut serve.detail).chain(&mut serve.log).for_each(|text| self.mask.apply(text));
        }
        if let Some(verified) = &mut variant.verified {
            let texts = [&mut verified.command, &mut verified.reason].into_iter().chain(&mut verified.log);
            texts.for_each(|text| self.mask.apply(text));
        }
    }
}

/// Passes events on without what must not be told.
pub(super) struct MaskedObserver<'a> {
    masked: Rc<Masked>,
    /// Variant that is being built.
    variant: String,
    inner: &'a mut dyn Observer,
}

impl<'a> MaskedObserver<'a> {
    pub(super) fn new(masked: Rc<Masked>, inner: &'a mut dyn Observer) -> Self {
        Self { masked, variant: String::new(), inner }
    }
}

impl Observer for MaskedObserver<'_> {
    fn event(&mut self, event: &Event<'_>) {
        let text = |text: &str| self.masked.text(text);
        match *event {
            Event::Build(build) => {
                let mut build = build.clone();
                match &mut build {
                    BuildEvent::Step { instruction, .. } | BuildEvent::Cached { instruction } => {
                        self.masked.instruction(&self.variant, instruction);
                    }
                    BuildEvent::Log(line) => *line = text(line),
                    BuildEvent::Exporting | BuildEvent::Made(_) => {}
                }
                self.inner.event(&Event::Build(&build));
            }
            Event::BuildStarted { variant, .. } => {
                variant.clone_into(&mut self.variant);
                self.inner.event(event);
            }
            Event::BuildFailed { variant, scenario, message } => {
                self.inner.event(&Event::BuildFailed { variant, scenario, message: &text(message) });
            }
            Event::BaseMissing { reference, reason } => {
                self.inner.event(&Event::BaseMissing { reference, reason: &text(reason) });
            }
            Event::Served { variant, state, ready, detail } => {
                self.inner.event(&Event::Served { variant, state, ready, detail: &text(detail) });
            }
            Event::Cleaned(report) => {
                let left = report.left.iter().map(|line| text(line)).collect();
                self.inner.event(&Event::Cleaned(&CleanReport { left, ..report.clone() }));
            }
            Event::Warning(message) => self.inner.event(&Event::Warning(&text(message))),
            _ => self.inner.event(event),
        }
    }
}

impl Template {
    fn new(text: String) -> Self {
        let mut literals = Vec::new();
        let mut kept = 0;
        for (span, _) in variables(&text) {
            literals.push(text[kept..span.start].to_owned());
            kept = span.end;
        }
        literals.push(text[kept..].to_owned());
        Self { text, literals }
    }

    /// Whether a text is this one with values put in.
    fn fits(&self, told: &str) -> bool {
        let [first, middle @ .., last] = self.literals.as_slice() else { return false };
        let Some(mut rest) = told.strip_prefix(first.as_str()) else { return false };
        for literal in middle {
            match rest.find(literal.as_str()) {
                Some(at) => rest = &rest[at + literal.len()..],
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

/// Names of the arguments that a FROM names, directly or by the default of another one.
fn names_of_bases(variant: &SuiteVariant) -> BTreeSet<&str> {
    let texts =
        |kind| variant.facts.instructions.iter().filter(move |fact| fact.kind == kind).map(|fact| fact.text.as_str());
    let mut names: BTreeSet<&str> = texts(Kind::From).flat_map(variables).map(|(_, name)| name).collect();
    loop {
        let defaults = texts(Kind::Arg).filter(|text| {
            let name = text.split_whitespace().nth(1).and_then(|word| word.split('=').next());
            name.is_some_and(|name| names.contains(name))
        });
        let more: Vec<&str> = defaults.flat_map(variables).map(|(_, name)| name).collect();
        let before = names.len();
        names.extend(more);
        if names.len() == before {
            return names;
        }
    }
}

/// `$NAME` and `${NAME…}` in a text.
fn variables(text: &str) -> Vec<(std::ops::Range<usize>, &str)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('$').map(|at| from + at) {
        let braced = text[at + 1..].starts_with('{');
        let begin = at + 1 + usize::from(braced);
        let end =
            text[begin..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(text.len(), |end| begin + end);
        from = if braced { text[end..].find('}').map_or(text.len(), |close| end + close + 1) } else { end };
        if end > begin {
            found.push((at..from, &text[begin..end]));
        }
    }
    found
}

/// On one line, with single blanks, the first word in upper case.
fn normal(text: &str) -> String {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    std::iter::once(first.as_str()).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Layer, Step, VariantFailure, Verified};
    use crate::suite::{self, dockerfile::Facts};
    use crate::testing::fixture;
    use crate::units::Bytes;

    #[derive(Default)]
    struct Heard(Vec<String>);

    impl Observer for Heard {
        fn event(&mut self, event: &Event<'_>) {
            self.0.push(format!("{event:?}"));
        }
    }

    fn variant(dockerfile: &str, build_args: &[(&str, &str)]) -> SuiteVariant {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("Dockerfile"), "FROM scratch\n").unwrap();
        let manifest = "[suite]\nname = \"x\"\n[[variant]]\nname = \"v\"\ndockerfile = \"Dockerfile\"\n";
        std::fs::write(dir.path().join("tonnage.toml"), manifest).unwrap();
        let mut variant = suite::Suite::load(dir.path()).unwrap().variants.remove(0);
        variant.facts = Facts::parse(dockerfile).unwrap();
        variant.build_args = build_args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        variant
    }

    fn masked(dockerfile: &str, build_args: &[(&str, &str)]) -> Masked {
        let mut masked = Masked::default();
        masked.add_variant(&variant(dockerfile, build_args), &BTreeMap::new());
        masked
    }

    #[test]
    fn instructions_are_told_as_the_dockerfile_writes_them() {
        let masked = masked(
            "FROM scratch\nARG PIN\nARG DIR\nRUN echo start\nRUN echo $PIN > /p && echo $HOME\nCOPY a ${DIR}/b\nRUN $PIN\n",
            &[("PIN", "1234"), ("DIR", "/a b")],
        );
        for (told, written) in [
            ("RUN echo 1234 > /p && echo $HOME", "RUN echo $PIN > /p && echo $HOME"),
            ("RUN  echo 1 2 >  /p && echo /root", "RUN echo $PIN > /p && echo $HOME"),
            ("COPY a /a b/b", "COPY a ${DIR}/b"),
            ("RUN echo start", "RUN echo start"),
            ("RUN 1234", "RUN $PIN"),
            ("WORKDIR /app", "WORKDIR /app"),
        ] {
            let mut text = told.to_owned();
            masked.instruction("v", &mut text);
            assert_eq!(text, written, "{told}");
        }
    }

    #[test]
    fn values_that_name_a_base_are_shown_and_no_others() {
        let masked = masked(
            "ARG VERSION=3\nARG BASE=python:${VERSION}-slim\nFROM ${BASE}\nARG TOKEN\nRUN x\n",
            &[("VERSION", "3.9.18-bookworm"), ("TOKEN", "hunter2hunter2")],
        );
        assert_eq!(masked.text("FROM python:3.9.18-bookworm-slim"), "FROM python:3.9.18-bookworm-slim");
        assert_eq!(masked.text("token is hunter2hunter2"), "token is ***");
    }

    #[test]
    fn no_text_of_a_record_or_an_event_holds_a_value() {
        const VALUE: &str = "hunter2hunter2";
        let masked = Rc::new(masked("FROM scratch\nARG TOKEN\nRUN echo $TOKEN\n", &[("TOKEN", VALUE)]));
        let told = format!("RUN echo {VALUE}");
        let mut sample = fixture::samples(1).remove(0);
        "v".clone_into(&mut sample.variant);
        sample.reason = format!("`{told}` was not cached");
        sample.first_miss = Some(told.clone());
        sample.steps = vec![Step { instruction: told.clone(), ..sample.steps[0].clone() }];
        masked.sample(&mut sample);
        assert_eq!(sample.steps[0].instruction, "RUN echo $TOKEN");
        assert!(!format!("{sample:?}").contains(VALUE), "{sample:?}");

        let mut entry = fixture::variants().remove(0);
        "v".clone_into(&mut entry.name);
        entry.failure = Some(VariantFailure {
            stage: crate::record::FailureStage::Build,
            scenario: "cold".into(),
            instruction: told.clone(),
            message: told.clone(),
            log: vec![VALUE.into()],
        });
        entry.layers.push(Layer {
            diff_id: String::new(),
            size_bytes: Bytes(1),
            wire_bytes: Bytes(1),
            instruction: told.clone(),
            origin: LayerOrigin::Own,
            entries: 0,
            package_bytes: Bytes(0),
            waste_bytes: Bytes(0),
        });
        told.clone_into(&mut entry.reclaimable[0].written_by);
        entry.verified = Some(Verified {
            command: format!("check --token {VALUE}"),
            ok: false,
            reason: VALUE.into(),
            log: vec![VALUE.into()],
        });
        if let Some(serve) = &mut entry.serve {
            serve.log.push(VALUE.into());
            VALUE.clone_into(&mut serve.detail);
        }
        masked.variant(&mut entry);
        assert!(!format!("{entry:?}").contains(VALUE), "{entry:?}");

        let mut heard = Heard::default();
        let mut observer = MaskedObserver::new(Rc::clone(&masked), &mut heard);
        let left = vec![VALUE.to_owned()];
        let step = BuildEvent::Step { index: 1, total: 1, instruction: told.clone() };
        let scenario = crate::record::Scenario::Cold;
        for event in [
            Event::Build(&step),
            Event::Build(&BuildEvent::Cached { instruction: told.clone() }),
            Event::Build(&BuildEvent::Log(VALUE.to_owned())),
            Event::BuildFailed { variant: "v", scenario, message: &told },
            Event::BaseMissing { reference: "x", reason: VALUE },
            Event::Served {
                variant: "v",
                state: crate::record::ServeState::Failed,
                ready: crate::units::Nanos::ZERO,
                detail: VALUE,
            },
            Event::Cleaned(&CleanReport { left, ..CleanReport::default() }),
            Event::Warning(VALUE),
        ] {
            observer.event(&event);
        }
        assert!(heard.0.len() == 8 && !heard.0.concat().contains(VALUE), "{:?}", heard.0);
    }
}
