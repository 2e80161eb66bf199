//! What is only needed to build stays in a stage of its own.

use super::base::{named, sibling, word};
use super::python::{PIP_INSTALL, UV_PIP, pip_installs};
use super::{Change, Content, Remedy};
use crate::improve::recipe::Conditions;
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits, Kind, ShellCommand, same_image};

/// The name of the new stage.
const STAGE: &str = "build";

/// What installs packages, and how it does so into a directory that can be copied whole.
struct Installer {
    /// The commands by which it installs.
    commands: &'static [&'static [&'static str]],
    /// The directory.
    dir: &'static str,
    /// Variables of the build stage.
    build: &'static str,
    /// Variables of the production stage.
    production: &'static str,
    /// Words with which packages go somewhere else already.
    taken: &'static [&'static str],
    /// Files that only it needs.
    needs: &'static [&'static str],
}

/// Into Python's user scheme, which every Python looks in, wherever its own packages are.
const PIP: Installer = Installer {
    commands: PIP_INSTALL,
    dir: "/install",
    build: "ENV PIP_USER=1 PYTHONUSERBASE=/install",
    production: "ENV PYTHONUSERBASE=/install PATH=/install/bin:$PATH",
    taken: &["--user", "--target", "--prefix", " venv", "PIP_", "PYTHONUSERBASE", "virtualenv"],
    needs: &[],
};

/// Into a virtual environment.
const UV: Installer = Installer {
    commands: &[UV_PIP[0], UV_PIP[1], &["uv", "sync"]],
    dir: "/venv",
    build: "ENV VIRTUAL_ENV=/venv UV_PROJECT_ENVIRONMENT=/venv",
    production: "ENV VIRTUAL_ENV=/venv PATH=/venv/bin:$PATH",
    taken: &["--target", "--prefix", "--python", " venv", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_SYSTEM_PYTHON"],
    needs: &["uv", "uvx"],
};

/// What the production stage is FROM.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Production {
    /// The same base image.
    Same,
    /// Its slim sibling.
    Slim,
    /// Another one.
    Image(String),
}

pub(super) fn remedies(conditions: &Conditions) -> Vec<Remedy> {
    let remedy = |name: String, onto: &str, production: Production| Remedy {
        name,
        what: format!("Install Python packages in a build stage and copy only them{onto}"),
        needs: "the application needs nothing else of what the RUN instructions before installed",
        documentation: "https://docs.docker.com/build/building/multi-stage/",
        goal: Goal::Size,
        content: Content::Changed,
        change: Change::Dockerfile(Box::new(move |draft, conditions, edits| {
            apply(&production, draft, conditions, edits)
        })),
    };
    let mut remedies = vec![
        remedy("build-stage".to_owned(), "", Production::Same),
        remedy("build-stage-slim".to_owned(), " onto the slim base image", Production::Slim),
    ];
    remedies.extend(named(conditions).map(|image| {
        remedy(format!("build-stage-{}", word(image)), &format!(" onto `{image}`"), Production::Image(image.to_owned()))
    }));
    remedies
}

fn apply(production: &Production, draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
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
        Production::Image(image) => Some(image.clone()).filter(|image| !same_image(image, &base))?,
    };
    let own = conditions.own(draft);
    // uv may be what pip installs.
    let (installer, last) = [&UV, &PIP].into_iter().find_map(|installer| {
        let last = own.iter().rfind(|index| installs(draft, **index, installer))?;
        Some((installer, *last))
    })?;
    let head: Vec<usize> = own.iter().copied().filter(|index| *index <= last).collect();
    let text = draft.text.get(..draft.fact(last)?.span.end)?;
    if installer.taken.iter().any(|word| text.contains(word)) {
        return None;
    }
    let mut read: Vec<String> = head.iter().flat_map(|index| requirements(draft, *index)).collect();
    read.extend(installer.needs.iter().map(|name| (*name).to_owned()));
    let mut kept = String::new();
    for &index in head.iter().filter(|index| is_kept(draft, **index, &read)) {
        kept.push_str(draft.text.get(draft.fact(index)?.span.clone())?);
        kept.push('\n');
    }
    let Installer { dir, build, production: variables, .. } = installer;
    edits.insert(place.end, format!(" AS {STAGE}\n{build}"));
    edits.insert(
        draft.fact(last)?.span.end,
        format!("\n\nFROM {production}\n{kept}{variables}\nCOPY --from={STAGE} {dir} {dir}"),
    );
    into_environment(draft, &head, edits);
    Some(())
}

/// Has `uv pip` install into the environment instead of into the system; only `uv sync` makes one by itself.
fn into_environment(draft: &Draft<'_>, head: &[usize], edits: &mut Edits) {
    let scripts = head.iter().filter_map(|index| draft.script(*index));
    let commands: Vec<ShellCommand> =
        scripts.flat_map(|script| script.commands).filter(|command| is(command, &UV)).collect();
    let is_pip = |command: &ShellCommand| UV_PIP.iter().any(|words| command.is(words));
    for (number, command) in commands.iter().enumerate().filter(|(_, command)| is_pip(command)) {
        if number == 0 {
            edits.insert(command.place().start, format!("uv venv {} && ", UV.dir));
        }
        for pair in command.words.windows(2).filter(|pair| pair[1].text == "--system") {
            edits.replace(pair[0].place.end..pair[1].place.end, "");
        }
    }
}

fn is(command: &ShellCommand, installer: &Installer) -> bool {
    installer.commands.iter().any(|words| command.is(words))
}

/// Whether a RUN installs Python packages.
fn installs(draft: &Draft<'_>, index: usize, installer: &Installer) -> bool {
    draft.script(index).is_some_and(|script| script.commands.iter().any(|command| is(command, installer)))
}

/// The files that a RUN gives to pip or uv, as they are written.
fn requirements(draft: &Draft<'_>, index: usize) -> Vec<String> {
    let commands = draft.script(index).map(|script| script.commands).unwrap_or_default();
    let installing = commands.iter().filter(|command| is(command, &PIP) || is(command, &UV));
    let words = installing.flat_map(|command| command.words.windows(2));
    words
        .filter(|pair| matches!(pair[0].text.as_str(), "-r" | "--requirement" | "-c" | "--constraint"))
        .filter_map(|pair| pair[1].text.rsplit('/').next().map(str::to_owned))
        .collect()
}

/// Whether the production stage has an instruction, too: all but those that install packages, and those that copy
/// nothing but what only the installing reads.
fn is_kept(draft: &Draft<'_>, index: usize, read: &[String]) -> bool {
    let Some(fact) = draft.fact(index) else { return false };
    let tools = ["apt-get", "apt", "apk", "dnf", "microdnf", "yum", "uv", "rm", "find"];
    match fact.kind {
        Kind::Run => draft.script(index).is_none_or(|script| {
            !script
                .commands
                .iter()
                .all(|command| pip_installs(command).is_some() || tools.iter().any(|tool| command.is(&[tool])))
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
