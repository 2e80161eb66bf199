//! `chown` and `chmod` in a RUN copy every file into another layer: COPY sets owner and mode by itself.

use super::{Change, Content, Remedy};
use crate::improve::recipe::Conditions;
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits, Kind, ShellCommand};

const DOCUMENTATION: &str = "https://docs.docker.com/reference/dockerfile/#copy---chown---chmod";

pub(super) fn remedies() -> Vec<Remedy> {
    let remedy = |name: &str, what: &str, change: OwnershipChange| Remedy {
        name: name.to_owned(),
        what: what.to_owned(),
        needs: "only the copied files need the owner or mode, and the user exists before the COPY",
        documentation: DOCUMENTATION,
        goal: Goal::Size,
        // What other instructions wrote there keeps its owner and mode.
        content: Content::Changed,
        change: Change::Dockerfile(Box::new(move |draft, conditions, edits| apply(change, draft, conditions, edits))),
    };
    vec![
        remedy("copy-chown", "Set the owner with COPY --chown instead of a RUN", OwnershipChange::Owner),
        remedy("copy-chmod", "Set the mode with COPY --chmod instead of a RUN", OwnershipChange::Mode),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnershipChange {
    Owner,
    Mode,
}

/// `chown -R app:app /app` taken apart.
struct OwnershipCommand<'w> {
    value: &'w str,
    recursive: bool,
    paths: Vec<&'w str>,
}

fn apply(change: OwnershipChange, draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    if change == OwnershipChange::Mode && !conditions.buildkit {
        return None;
    }
    let own = conditions.own(draft);
    for &index in &own {
        let Some(script) = draft.script(index).filter(|script| !script.heredoc) else { continue };
        // A command among others stays: what comes before it may make its files.
        let [command] = script.commands.as_slice() else { continue };
        let Some(found) = read(change, command) else { continue };
        let targets: Option<Vec<_>> = found.paths.iter().map(|path| draft.in_image(index, path)).collect();
        let mut covered = Vec::new();
        for target in targets.unwrap_or_default() {
            covered.extend(copies_to(draft, &own, index, &target, &found)?);
        }
        if covered.is_empty() || covered.iter().any(|copy| draft.flag(*copy, flag(change)).is_some()) {
            continue;
        }
        covered.sort_unstable();
        covered.dedup();
        for copy in covered {
            edits.insert(draft.after_keyword(copy)?, format!(" --{}={}", flag(change), found.value));
        }
        edits.replace(draft.lines_of(index)?, "");
    }
    Some(())
}

fn flag(change: OwnershipChange) -> &'static str {
    match change {
        OwnershipChange::Owner => "chown",
        OwnershipChange::Mode => "chmod",
    }
}

fn read(change: OwnershipChange, command: &ShellCommand) -> Option<OwnershipCommand<'_>> {
    let (_, words) = command.after(&[flag(change)])?;
    let (options, rest): (Vec<&str>, Vec<&str>) =
        words.iter().map(|word| word.text.as_str()).partition(|word| word.starts_with('-'));
    let recursive = options.iter().any(|option| matches!(*option, "-R" | "--recursive"));
    if options.len() != usize::from(recursive) {
        return None;
    }
    let (value, paths) = rest.split_first()?;
    // COPY knows modes in digits; a mode in letters adds to that of each file.
    let mode = change == OwnershipChange::Mode && !value.chars().all(|c| c.is_digit(8));
    let odd = |word: &str| word.contains(['$', '"', '\'', '*', '>', '<']);
    let bad = mode || odd(value) || paths.is_empty() || paths.iter().any(|path| odd(path));
    (!bad).then(|| OwnershipCommand { value, recursive, paths: paths.to_vec() })
}

/// The COPYs that wrote to `target` or below it; `None` where it is not known where one wrote.
fn copies_to(
    draft: &Draft<'_>,
    own: &[usize],
    before: usize,
    target: &str,
    command: &OwnershipCommand<'_>,
) -> Option<Vec<usize>> {
    let mut copies = Vec::new();
    for &index in own.iter().filter(|index| **index < before) {
        let fact = draft.fact(index)?;
        if fact.kind != Kind::Copy {
            continue;
        }
        let words = draft.words(index);
        let [sources @ .., destination] = words.as_slice() else { continue };
        let place = draft.in_image(index, &destination.text)?;
        let inside = |path: &str, dir: &str| path == dir || path.starts_with(&format!("{dir}/"));
        let is_file = !destination.text.ends_with('/') && place == *target;
        let named = |source: &str| format!("{place}/{}", source.rsplit('/').next().unwrap_or_default());
        let holds = if command.recursive {
            inside(&place, target)
        } else {
            is_file || (sources.len() == 1 && named(&sources[0].text) == target)
        };
        if holds {
            copies.push(index);
        }
    }
    Some(copies)
}
