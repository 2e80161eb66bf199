//! What a RUN mounts is in no layer: files that are copied in, used once, and removed, and the caches of package managers.

use super::python::{PIP_INSTALL, UV_PIP};
use super::{Change, Content, Remedy};
use crate::improve::recipe::Conditions;
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits, Joint, Kind, ShellScript, join};

pub(super) fn remedies() -> Vec<Remedy> {
    let mount = Remedy {
        name: "mount-instead-of-copy".to_owned(),
        what: "Mount what is copied, used once, and removed: RUN --mount=type=bind".to_owned(),
        needs: "nothing else uses the copied files",
        documentation: "https://docs.docker.com/reference/dockerfile/#run---mounttypebind",
        goal: Goal::Size,
        content: Content::Kept,
        change: Change::Dockerfile(Box::new(bind)),
    };
    let cache = Remedy {
        name: CACHE.to_owned(),
        what: "Keep the package manager's cache between builds: RUN --mount=type=cache".to_owned(),
        needs: "builds run where the cache stays, and nothing else needs it in the image",
        documentation: "https://docs.docker.com/build/cache/optimize/#use-cache-mounts",
        goal: Goal::Rebuild,
        content: Content::Changed,
        change: Change::Dockerfile(Box::new(cache)),
    };
    vec![mount, cache]
}

/// The remedy that an edit of the dependencies shows.
pub(in crate::improve) const CACHE: &str = "cache-mounts";

/// Commands that fetch packages, where root keeps what they fetched, and the option that has them keep nothing.
const CACHES: [(&[&[&str]], &str, &str); 8] = [
    (PIP_INSTALL, "/root/.cache/pip", "--no-cache-dir"),
    (UV_PIP, "/root/.cache/uv", "--no-cache"),
    (&[&["uv", "sync"]], "/root/.cache/uv", "--no-cache"),
    (&[&["npm", "ci"], &["npm", "install"]], "/root/.npm", ""),
    (&[&["yarn", "install"]], "/usr/local/share/.cache", ""),
    (&[&["go", "mod", "download"]], "/go/pkg/mod", ""),
    (&[&["go", "build"]], "/root/.cache/go-build", ""),
    (&[&["composer", "install"]], "/tmp/cache", "--no-cache"),
];

/// In every stage: a cache is kept whether or not the image has the stage's layers.
fn cache(draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    let variables = ["PIP_NO_CACHE_DIR", "UV_NO_CACHE", "PIP_CACHE_DIR", "COMPOSER_NO_CACHE"];
    let is_set = draft.facts.instructions.iter().any(|fact| variables.iter().any(|name| fact.sets_variable(name)));
    if !conditions.buildkit || is_set {
        return None;
    }
    for index in 0..draft.facts.instructions.len() {
        let Some(script) = draft.script(index) else { continue };
        // What removes the cache would remove the mount's content.
        let removes = [["npm", "cache"], ["yarn", "cache"], ["go", "clean"]];
        let is_removed = script.commands.iter().any(|command| removes.iter().any(|words| command.is(words)));
        if draft.has_flags(index) || is_removed {
            continue;
        }
        let mut targets: Vec<&str> = Vec::new();
        for command in &script.commands {
            let found = CACHES.iter().find(|(commands, ..)| commands.iter().any(|words| command.is(words)));
            let Some((_, target, option)) = found else { continue };
            if !targets.contains(target) {
                targets.push(target);
            }
            let kept_out = command.words.windows(2).find(|pair| !option.is_empty() && pair[1].text == *option);
            if let Some([before, word]) = kept_out {
                edits.replace(before.place.end..word.place.end, "");
            }
        }
        let mounts: Vec<String> = targets.iter().map(|target| format!(" --mount=type=cache,target={target}")).collect();
        edits.insert(draft.after_keyword(index)?, mounts.concat());
    }
    Some(())
}

fn bind(draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    if !conditions.buildkit {
        return None;
    }
    let own = conditions.own(draft);
    for pair in own.windows(2) {
        let [copy, run] = *pair else { continue };
        let Some((source, target)) = copied(draft, copy, conditions) else { continue };
        let is_next = copy + 1 == run && draft.fact(run).is_some_and(|fact| fact.kind == Kind::Run);
        let Some(script) = draft.script(run).filter(|script| is_next && !script.heredoc) else { continue };
        let Some(removal) = removal(&script, &target) else { continue };
        let from = draft.flag(copy, "from").map(|from| format!(",from={from}")).unwrap_or_default();
        let mount = format!(" --mount=type=bind{from},source={source},target={target}");
        edits.replace(draft.lines_of(copy)?, "");
        edits.insert(draft.after_keyword(run)?, mount);
        edits.replace(removal, "");
    }
    Some(())
}

/// Source and target of a COPY of one file, or of one directory from another stage or image.
fn copied(draft: &Draft<'_>, index: usize, conditions: &Conditions) -> Option<(String, String)> {
    let fact = draft.fact(index)?;
    let flags = ["chown", "chmod", "link", "exclude", "parents"];
    if fact.kind != Kind::Copy || flags.iter().any(|flag| draft.flag(index, flag).is_some()) {
        return None;
    }
    let words = draft.words(index);
    let [source, destination] = words.as_slice() else { return None };
    let place = draft.in_image(index, &destination.text)?;
    let from = join("/", &source.text)?;
    let target = if destination.text.ends_with('/') || destination.text == "." {
        join(&place, from.rsplit('/').next()?)?
    } else {
        place
    };
    if draft.flag(index, "from").is_some() {
        return Some((from, target));
    }
    let inside = from.trim_start_matches('/');
    conditions.files.iter().any(|path| path == inside).then(|| (inside.to_owned(), target))
}

/// The bytes of the command that removes the target and nothing else, with what joins it to the others.
fn removal(script: &ShellScript, target: &str) -> Option<std::ops::Range<usize>> {
    let commands = &script.commands;
    let at = commands.iter().position(|command| {
        command.after(&["rm"]).is_some_and(|(_, words)| {
            let mut paths = words.iter().filter(|word| !word.text.starts_with('-'));
            paths.next().is_some_and(|path| path.text == target) && paths.next().is_none()
        })
    })?;
    let joint = |index: usize| commands.get(index).map(|command| command.joint);
    if at == 0 || joint(at) != Some(Joint::And) || !matches!(joint(at + 1), None | Some(Joint::And)) {
        return None;
    }
    Some(commands[at - 1].place().end..commands[at].place().end)
}
