//! `COPY --link`: layers that do not depend on what is beneath them, so that they stay when the base image moves.

use super::{Change, Content, Remedy};
use crate::improve::recipe::Conditions;
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits, Kind};

/// The remedy that a moved base image shows.
pub(in crate::improve) const LINK: &str = "copy-link";

pub(super) fn remedies() -> Vec<Remedy> {
    vec![Remedy {
        name: LINK.to_owned(),
        what: "Copy into layers of their own: COPY --link".to_owned(),
        needs: "no directory that is copied into is a symbolic link",
        documentation: "https://docs.docker.com/reference/dockerfile/#copy---link",
        goal: Goal::Rebuild,
        content: Content::Changed,
        change: Change::Dockerfile(Box::new(apply)),
    }]
}

fn apply(draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    if !conditions.keeps_links {
        return None;
    }
    for index in conditions.own(draft) {
        let is_copy = draft.fact(index).is_some_and(|fact| matches!(fact.kind, Kind::Copy | Kind::Add));
        // A user's name is looked up in the image that is beneath.
        let named =
            draft.flag(index, "chown").is_some_and(|owner| !owner.chars().all(|c| c.is_ascii_digit() || c == ':'));
        if is_copy && !named && draft.flag(index, "link").is_none() {
            edits.insert(draft.after_keyword(index)?, " --link");
        }
    }
    Some(())
}
