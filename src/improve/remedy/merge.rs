//! Files that a later RUN deletes stay in the layer below: neighbouring RUNs become one.

use super::{Change, Content, Remedy};
use crate::improve::recipe::Conditions;
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits, Joint, Kind, ShellCommand};

/// First words of commands that delete what earlier instructions wrote.
const DELETES: [&[&str]; 14] = [
    &["rm"],
    &["find"],
    &["apt-get", "clean"],
    &["apt-get", "purge"],
    &["apt-get", "remove"],
    &["apt-get", "autoremove"],
    &["apt", "purge"],
    &["apt", "remove"],
    &["apk", "del"],
    &["dnf", "clean"],
    &["dnf", "remove"],
    &["yum", "clean"],
    &["pip", "uninstall"],
    &["npm", "prune"],
];

/// First words of commands that change the shell, or are a part of a statement.
const OF_SHELL: [&str; 19] = [
    "cd", "pushd", "popd", "set", "shopt", "umask", "trap", "alias", "exit", "export", "unset", "eval", ".", "source",
    "if", "for", "while", "case", "exec",
];

pub(super) fn remedies() -> Vec<Remedy> {
    vec![Remedy {
        name: "merge-runs".to_owned(),
        what: "Delete files in the RUN that wrote them: merge RUN instructions".to_owned(),
        needs: "nothing between the instructions depends on the layer",
        documentation: "https://docs.docker.com/build/building/best-practices/#run",
        goal: Goal::Size,
        content: Content::Kept,
        change: Change::Dockerfile(Box::new(apply)),
    }]
}

fn apply(draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    let own = conditions.own(draft);
    // From the last deleting RUN of a row of RUNs up to the first: all become one.
    let runs: Vec<usize> = own.iter().copied().filter(|index| is_plain_run(draft, *index)).collect();
    for row in runs.chunk_by(|a, b| a + 1 == *b && is_joinable(draft, *a, *b)) {
        let last = row.iter().rposition(|index| deletes(draft, *index)).unwrap_or(0);
        for pair in row[..=last].windows(2) {
            join(draft, pair[0], pair[1], edits)?;
        }
    }
    Some(())
}

fn is_plain_run(draft: &Draft<'_>, index: usize) -> bool {
    let is_run = draft.fact(index).is_some_and(|fact| fact.kind == Kind::Run);
    // `||`, `&`, and what changes the shell mean something else in front of `&&`.
    let is_simple = |command: &ShellCommand| {
        let word = command.words.first().map_or("", |word| word.text.as_str());
        !matches!(command.joint, Joint::Or | Joint::Background | Joint::Then)
            && !OF_SHELL.contains(&word)
            && !command.plain().is_empty()
    };
    is_run
        && !draft.has_flags(index)
        && draft.script(index).is_some_and(|script| !script.heredoc && script.commands.iter().all(is_simple))
}

fn is_joinable(draft: &Draft<'_>, first: usize, second: usize) -> bool {
    matches!((draft.fact(first), draft.fact(second)), (Some(first), Some(second)) if first.stage == second.stage)
}

fn deletes(draft: &Draft<'_>, index: usize) -> bool {
    let script = draft.script(index);
    script.is_some_and(|script| {
        script.commands.iter().any(|command| {
            let finds = command.is(&["find"]) && !command.words.iter().any(|word| word.text == "-delete");
            DELETES.iter().any(|words| command.is(words)) && !finds
        })
    })
}

/// Makes the second RUN a part of the first. Comments between them stay.
fn join(draft: &Draft<'_>, first: usize, second: usize, edits: &mut Edits) -> Option<()> {
    let (end, begin) = (draft.fact(first)?.span.end, draft.fact(second)?.span.start);
    let between = draft.text.get(end..begin)?;
    // Empty lines between continued lines are deprecated.
    let comments: Vec<&str> = between.lines().filter(|line| line.trim_start().starts_with('#')).collect();
    let comments = comments.iter().flat_map(|line| [*line, "\n"]).collect::<String>();
    let escape = draft.escape();
    let arguments = draft.script(second)?.commands.first()?.place().start;
    edits.replace(end..arguments, format!(" {escape}\n{comments}    && "));
    Some(())
}
