//! What is only needed to build stays in a stage of its own.

use super::base::sibling;
use super::{Content, Remedy};
use crate::improve::recipe::{Conditions, Recipe};
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits, Kind, ShellCommand};

/// The name of the new stage.
const STAGE: &str = "build";
/// Where it installs to: Python's user scheme, which every Python looks in, wherever its own packages are.
const BUILD: &str = "ENV PIP_USER=1 PYTHONUSERBASE=/install";
/// The same in production.
const PRODUCTION: &str = "ENV PYTHONUSERBASE=/install PATH=/install/bin:$PATH";

pub(super) fn remedies() -> Vec<Remedy> {
    let remedy = |name: &str, what: &str, production: Production| Remedy {
        name: name.to_owned(),
        what: what.to_owned(),
        needs: "the application needs nothing else of what the RUN instructions before installed",
        documentation: "https://docs.docker.com/build/building/multi-stage/",
        goal: Goal::Size,
        content: Content::Changed,
        apply: Box::new(move |recipe, conditions| apply(production, recipe, conditions)),
    };
    vec![
        remedy("build-stage", "Install Python packages in a build stage and copy only them", Production::Same),
        remedy(
            "build-stage-slim",
            "Install Python packages in a build stage and copy only them onto the slim base image",
            Production::Slim,
        ),
    ]
}

/// What the production stage is FROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Production {
    /// The same base image.
    Same,
    /// Its slim sibling.
    Slim,
}

fn apply(production: Production, recipe: &Recipe, conditions: &Conditions) -> Option<Recipe> {
    let draft = Draft::read(&recipe.dockerfile)?;
    let target = draft.target_stage(conditions.target.as_deref())?;
    let (_, base, place) = draft.base_images(&conditions.args).into_iter().find(|(stage, ..)| *stage == target)?;
    let stage = draft.facts.stages.get(target)?;
    let taken = |name: &Option<String>| name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(STAGE));
    if stage.name.is_some() || draft.facts.stages.iter().any(|stage| taken(&stage.name)) {
        return None;
    }
    let written = draft.text.get(place.clone())?;
    let production = match production {
        Production::Same => written.to_owned(),
        Production::Slim => sibling(&base, "slim").filter(|_| !base.contains("alpine"))?,
    };
    let own: Vec<usize> = draft.own(&conditions.args, conditions.target.as_deref());
    let last = *own.iter().rev().find(|index| installs(&draft, **index))?;
    let head: Vec<usize> = own.iter().copied().filter(|index| *index <= last).collect();
    // A target of its own for the packages, and none that is in the way.
    let text = draft.text.get(..draft.fact(last)?.span.end)?;
    if ["--user", "--target", "--prefix", " venv", "PIP_", "PYTHONUSERBASE", "virtualenv"]
        .iter()
        .any(|word| text.contains(word))
    {
        return None;
    }
    let read: Vec<String> = head.iter().flat_map(|index| requirements(&draft, *index)).collect();
    let mut kept = String::new();
    for &index in head.iter().filter(|index| is_kept(&draft, **index, &read)) {
        kept.push_str(draft.text.get(draft.fact(index)?.span.clone())?);
        kept.push('\n');
    }
    let mut edits = Edits::default();
    edits.insert(place.end, format!(" AS {STAGE}\n{BUILD}"));
    edits.insert(
        draft.fact(last)?.span.end,
        format!("\n\nFROM {production}\n{kept}{PRODUCTION}\nCOPY --from={STAGE} /install /install"),
    );
    edits.apply(&recipe.dockerfile).map(|dockerfile| recipe.with_dockerfile(dockerfile))
}

fn pip(command: &ShellCommand) -> bool {
    let words: [&[&str]; 4] = [
        &["pip", "install"],
        &["pip3", "install"],
        &["python", "-m", "pip", "install"],
        &["python3", "-m", "pip", "install"],
    ];
    words.iter().any(|words| command.is(words))
}

/// Whether a RUN installs Python packages.
fn installs(draft: &Draft<'_>, index: usize) -> bool {
    draft.script(index).is_some_and(|script| script.commands.iter().any(pip))
}

/// The files that a RUN gives to pip, as they are written.
fn requirements(draft: &Draft<'_>, index: usize) -> Vec<String> {
    let commands = draft.script(index).map(|script| script.commands).unwrap_or_default();
    let words = commands.iter().filter(|command| pip(command)).flat_map(|command| command.words.windows(2));
    words
        .filter(|pair| matches!(pair[0].text.as_str(), "-r" | "--requirement" | "-c" | "--constraint"))
        .filter_map(|pair| pair[1].text.rsplit('/').next().map(str::to_owned))
        .collect()
}

/// Whether the production stage has an instruction, too: all but those that install packages, and those that copy
/// nothing but what pip reads.
fn is_kept(draft: &Draft<'_>, index: usize, read: &[String]) -> bool {
    let Some(fact) = draft.fact(index) else { return false };
    let tools = ["apt-get", "apt", "apk", "dnf", "microdnf", "yum", "rm", "find"];
    match fact.kind {
        Kind::Run => draft.script(index).is_none_or(|script| {
            !script.commands.iter().all(|command| pip(command) || tools.iter().any(|tool| command.is(&[tool])))
        }),
        Kind::Copy | Kind::Add => {
            let words = draft.words(index);
            let sources = words.split_last().map(|(_, sources)| sources).unwrap_or_default();
            let is_read =
                |source: &str| source.rsplit('/').next().is_some_and(|name| read.iter().any(|own| own == name));
            sources.is_empty() || !sources.iter().all(|source| is_read(&source.text))
        }
        _ => true,
    }
}
