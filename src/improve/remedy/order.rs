//! The files that say which packages to install are copied before the sources, so that an edit of a source does not
//! install them again.

use super::python::pip_installs;
use super::{Change, Content, Remedy};
use crate::improve::recipe::Conditions;
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits, Kind, ShellCommand, join};

/// Commands that install packages, and the files that they read from the directory that they run in.
const INSTALLS: [(&[&str], &[&str]); 9] = [
    (&["npm", "ci"], &["package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"]),
    (&["npm", "install"], &["package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"]),
    (&["yarn", "install"], &["package.json", "yarn.lock", ".yarnrc.yml"]),
    (&["pnpm", "install"], &["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc"]),
    (&["bundle", "install"], &["Gemfile", "Gemfile.lock"]),
    (&["composer", "install"], &["composer.json", "composer.lock"]),
    (&["go", "mod", "download"], &["go.mod", "go.sum"]),
    (&["uv", "sync", "--no-install-project"], &["pyproject.toml", "uv.lock"]),
    (&["poetry", "install", "--no-root"], &["pyproject.toml", "poetry.lock"]),
];

/// Commands that may come before or after.
const OTHERS: [&[&str]; 6] =
    [&["rm"], &["npm", "cache"], &["yarn", "cache"], &["apt-get"], &["apk"], &["corepack", "enable"]];

pub(super) fn remedies() -> Vec<Remedy> {
    vec![Remedy {
        name: "manifest-first".to_owned(),
        what: "Copy the dependencies' manifest and install before copying the sources".to_owned(),
        needs: "installing reads no other file of the application",
        documentation: "https://docs.docker.com/build/cache/optimize/#order-your-layers",
        goal: Goal::Rebuild,
        content: Content::Kept,
        change: Change::Dockerfile(Box::new(apply)),
    }]
}

fn apply(draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    let mut copies = draft.facts.instructions.iter().enumerate().filter(|(_, fact)| fact.kind == Kind::Copy);
    copies.find_map(|(copy, _)| reorder(draft, copy, conditions, edits))
}

/// Changes a COPY of a directory and the RUN that is next.
fn reorder(draft: &Draft<'_>, copy: usize, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    let (fact, run) = (draft.fact(copy)?, draft.fact(copy + 1)?);
    if draft.flag(copy, "from").is_some() || run.kind != Kind::Run || draft.has_heredoc(copy) {
        return None;
    }
    let words = draft.words(copy);
    let [source, target] = words.as_slice() else { return None };
    let source_dir = join("/", &source.text)?;
    let is_file = conditions.files.iter().any(|path| format!("/{path}") == source_dir);
    let workdir = draft.workdir(copy)?;
    let destination = join(&workdir, &target.text)?;
    if is_file {
        return None;
    }
    let script = draft.script(copy + 1)?;
    let mut read = Vec::new();
    for command in &script.commands {
        match files_of(command, &workdir)? {
            // Only what is copied can be copied before.
            FilesRead::Named(paths) => {
                for path in paths {
                    let below = path.strip_prefix(&destination)?.trim_start_matches('/').to_owned();
                    let present = has(conditions, &source_dir, &below);
                    (!below.is_empty() && present).then(|| read.push(below))?;
                }
            }
            FilesRead::OfDirectory(names) => {
                if workdir != destination {
                    return None;
                }
                let present = names.iter().filter(|name| has(conditions, &source_dir, name));
                read.extend(present.map(|name| (*name).to_owned()));
            }
            FilesRead::None => {}
        }
    }
    read.dedup();
    let dir = |path: &str| path.rsplit_once('/').map_or(String::new(), |(dir, _)| format!("{dir}/"));
    let first = dir(read.first()?);
    if read.iter().any(|path| dir(path) != first) {
        return None;
    }
    let prefix = if source_dir == "/" { String::new() } else { format!("{}/", source_dir.trim_start_matches('/')) };
    let sources: Vec<String> = read.iter().map(|path| format!("{prefix}{path}")).collect();
    let old = draft.text.get(fact.span.clone())?;
    let keyword_and_flags = draft.text.get(fact.span.start..source.place.start)?;
    let slash = if target.text.ends_with('/') { "" } else { "/" };
    let line = format!("{keyword_and_flags}{} {}{slash}{first}", sources.join(" "), target.text);
    edits.replace(fact.span.clone(), line);
    edits.insert(run.span.end, format!("\n{old}"));
    Some(())
}

/// What a command reads.
enum FilesRead<'w> {
    /// Files by their paths in the image.
    Named(Vec<String>),
    /// Those of these names in the directory that it runs in.
    OfDirectory(&'w [&'w str]),
    /// None of the application's.
    None,
}

/// What a command reads; `None` where that is not known.
fn files_of(command: &ShellCommand, workdir: &str) -> Option<FilesRead<'static>> {
    if let Some(words) = pip_installs(command) {
        let mut files = Vec::new();
        let mut words = words.iter().map(|word| word.text.as_str());
        while let Some(word) = words.next() {
            match word {
                "-r" | "--requirement" | "-c" | "--constraint" => files.push(join(workdir, words.next()?)?),
                "-e" | "--editable" => return None,
                // A project of its own needs its sources.
                word if word.starts_with(['.', '/']) => return None,
                word => {
                    if let Some(path) = word.strip_prefix("--requirement=").or_else(|| word.strip_prefix("-r")) {
                        files.push(join(workdir, path)?);
                    }
                }
            }
        }
        return Some(if files.is_empty() { FilesRead::None } else { FilesRead::Named(files) });
    }
    let known = INSTALLS.iter().find(|(words, _)| {
        let (options, words): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with("--"));
        command.is(&words) && options.iter().all(|option| command.words.iter().any(|word| word.text == *option))
    });
    match known {
        Some((_, files)) => Some(FilesRead::OfDirectory(files)),
        None => OTHERS.iter().any(|words| command.is(words)).then_some(FilesRead::None),
    }
}

fn has(conditions: &Conditions, dir: &str, name: &str) -> bool {
    let wanted = if dir == "/" { format!("/{name}") } else { format!("{dir}/{name}") };
    conditions.files.iter().any(|path| *wanted == format!("/{path}"))
}
