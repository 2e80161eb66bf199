//! `USER`: an application that need not be root runs as a user without a name, who owns the application's files.

use super::{Change, Content, Remedy};
use crate::improve::recipe::Conditions;
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits, Kind};

/// User and group by number, which need no entry in `/etc/passwd`; above those that systems give away.
const USER: &str = "10001:10001";

pub(super) fn remedies() -> Vec<Remedy> {
    vec![Remedy {
        name: "user".to_owned(),
        what: "Run as a user who owns the application's files, not as root".to_owned(),
        needs: "the application writes nowhere but below its working directory and in `/tmp`",
        documentation: "https://docs.docker.com/build/building/best-practices/#user",
        goal: Goal::User,
        content: Content::Changed,
        change: Change::Dockerfile(Box::new(apply)),
    }]
}

fn apply(draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    let kind = |index: usize| draft.fact(index).map(|fact| fact.kind);
    let own = conditions.own(draft);
    if own.is_empty() || own.iter().any(|index| kind(*index) == Some(Kind::User)) {
        return None;
    }
    let target = draft.target_stage(conditions.target.as_deref())?;
    let is_last = |index: &usize| draft.fact(*index).is_some_and(|fact| fact.stage as usize == target);
    let stage: Vec<usize> = (0..draft.facts.instructions.len()).filter(is_last).collect();
    // All that makes files still does it as root.
    let makes =
        |index: &&usize| matches!(kind(**index), Some(Kind::From | Kind::Run | Kind::Copy | Kind::Add | Kind::Workdir));
    let last = *stage.iter().rfind(makes)?;
    let workdir = stage.iter().copied().rfind(|index| kind(*index) == Some(Kind::Workdir));
    let dir = workdir.and_then(|index| match draft.words(index).as_slice() {
        [path] => draft.in_image(index, &path.text).filter(|dir| dir != "/").map(|dir| (index, dir)),
        _ => None,
    });
    if let Some((workdir, dir)) = dir {
        for &index in stage.iter().filter(|index| matches!(kind(**index), Some(Kind::Copy | Kind::Add))) {
            let words = draft.words(index);
            let place = words.last().and_then(|word| draft.in_image(index, &word.text));
            let is_inside = place.is_some_and(|place| place == dir || place.starts_with(&format!("{dir}/")));
            if is_inside && ["from", "chown"].iter().all(|flag| draft.flag(index, flag).is_none()) {
                edits.insert(draft.after_keyword(index)?, format!(" --chown={USER}"));
            }
        }
        // WORKDIR makes it root's. Where nothing runs there may be no shell to change that.
        if stage.iter().any(|index| draft.script(*index).is_some()) {
            edits.insert(draft.fact(workdir)?.span.end, format!("\nRUN chown {USER} {dir}"));
        }
    }
    edits.insert(draft.fact(last)?.span.end, format!("\nUSER {USER}"));
    Some(())
}
