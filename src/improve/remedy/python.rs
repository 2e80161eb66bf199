//! Python's byte code: that of the base image's modules, which running pip writes into the layer, and that of the
//! application, which each start compiles again.

use std::path::Path;

use super::{Change, Content, Remedy};
use crate::improve::recipe::Conditions;
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits, Kind, ShellCommand, ShellWord, join};

const VARIABLE: &str = "PYTHONDONTWRITEBYTECODE";

/// Commands by which pip installs packages.
pub(super) const PIP_INSTALL: &[&[&str]] = &[
    &["pip", "install"],
    &["pip3", "install"],
    &["python", "-m", "pip", "install"],
    &["python3", "-m", "pip", "install"],
];
/// Commands by which uv installs packages into an environment that is there.
pub(super) const UV_PIP: &[&[&str]] = &[&["uv", "pip", "install"], &["uv", "pip", "sync"]];

/// What pip is to install, where a command has it install.
pub(super) fn pip_installs(command: &ShellCommand) -> Option<&[ShellWord]> {
    PIP_INSTALL.iter().find_map(|words| command.after(words)).map(|(_, behind)| behind)
}

pub(super) fn remedies() -> Vec<Remedy> {
    vec![
        Remedy {
            name: "python-bytecode".to_owned(),
            what: "Do not store byte code of the base image's modules while pip runs".to_owned(),
            needs: "the modules of the base image are compiled anew in each process that uses them",
            documentation: "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONDONTWRITEBYTECODE",
            goal: Goal::Size,
            content: Content::Changed,
            change: Change::Dockerfile(Box::new(leave_out)),
        },
        Remedy {
            name: "python-compile".to_owned(),
            what: "Compile the application's byte code while building".to_owned(),
            needs: "the image has the Python that runs the application",
            documentation: "https://docs.python.org/3/library/compileall.html",
            goal: Goal::Startup,
            content: Content::Kept,
            change: Change::Dockerfile(Box::new(compile)),
        },
    ]
}

fn leave_out(draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    let own = conditions.own(draft);
    if own.iter().any(|index| draft.fact(*index).is_some_and(|fact| fact.sets_variable(VARIABLE))) {
        return None;
    }
    for index in own {
        let Some(script) = draft.script(index) else { continue };
        for command in &script.commands {
            let runs = ["pip", "pip3", "python", "python3"].iter().any(|word| command.is(&[word]));
            let is_set = command.words.iter().any(|word| word.text.starts_with(VARIABLE));
            if let Some(first) = command.plain().first().filter(|_| runs && !is_set) {
                edits.insert(first.place.start, format!("{VARIABLE}=1 "));
            }
        }
    }
    Some(())
}

fn compile(draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    if draft.text.contains("compileall") {
        return None;
    }
    let own = conditions.own(draft);
    let starts_python = own.iter().any(|index| {
        let fact = draft.fact(*index);
        fact.is_some_and(|fact| matches!(fact.kind, Kind::Cmd | Kind::Entrypoint) && fact.text.contains("python"))
    });
    let copy = own.iter().rev().find(|index| {
        draft.fact(**index).is_some_and(|fact| fact.kind == Kind::Copy) && draft.flag(**index, "from").is_none()
    })?;
    let words = draft.words(*copy);
    let [sources @ .., target] = words.as_slice() else { return None };
    let is_python = sources.iter().any(|source| {
        let source = join("/", &source.text).unwrap_or_default();
        conditions.files.iter().any(|path| {
            Path::new(path).extension().is_some_and(|kind| kind == "py") && format!("/{path}").starts_with(&source)
        })
    });
    if !starts_python || !is_python {
        return None;
    }
    let place = draft.in_image(*copy, &target.text)?;
    edits.insert(draft.fact(*copy)?.span.end, format!("\nRUN python -m compileall -q {place}"));
    Some(())
}
