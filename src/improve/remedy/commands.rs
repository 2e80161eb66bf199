//! Package managers: caches that a RUN leaves behind, and packages that nobody asked for.
//!
//! Each entry names the commands that it is about, and either options that they get or a command that is added to the end of
//! the same RUN.

use super::python::PIP_INSTALL;
use super::{Change, Content, Remedy};
use crate::improve::recipe::Conditions;
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, Edits, Joint, ShellCommand, ShellScript};

/// What is done to a package manager's commands.
struct ManagerRule {
    name: &'static str,
    what: &'static str,
    needs: &'static str,
    documentation: &'static str,
    /// The first words of the commands that it is about.
    commands: &'static [&'static [&'static str]],
    change: CommandChange,
    /// Words anywhere in the script after which there is nothing to do.
    done: &'static [&'static str],
    /// A variable that, where it is set, does the same.
    variable: &'static str,
}

enum CommandChange {
    /// The option is put behind so many of the command's first words, all of them for `None`.
    Option(&'static str, Option<usize>),
    /// The command is added to the end of the RUN.
    Append(&'static str),
    /// Both.
    Both(&'static str, &'static str),
}

const APT: &[&[&str]] = &[&["apt-get", "install"], &["apt", "install"], &["apt-get", "update"], &["apt", "update"]];
const APT_INSTALL: &[&[&str]] = &[&["apt-get", "install"], &["apt", "install"]];
const CACHE_NEEDS: &str = "no later instruction needs the cache";
const DEV_NEEDS: &str = "the application does not need development packages when it runs";
const DOCKER_BEST: &str = "https://docs.docker.com/build/building/best-practices/#run";

const RULES: [ManagerRule; 24] = [
    ManagerRule {
        name: "apt-lists",
        what: "Remove apt's package lists and archives in the RUN that fetched them",
        needs: "no later RUN installs packages without `apt-get update`",
        documentation: DOCKER_BEST,
        commands: APT,
        change: CommandChange::Append("apt-get clean && rm -rf /var/lib/apt/lists/*"),
        done: &["/var/lib/apt/lists", "target=/var/lib/apt"],
        variable: "",
    },
    ManagerRule {
        name: "apt-recommends",
        what: "Install only what the packages depend on",
        needs: "no recommended package is needed",
        documentation: "https://manpages.debian.org/stable/apt/apt-get.8.en.html",
        commands: APT_INSTALL,
        change: CommandChange::Option("--no-install-recommends", None),
        done: &["--no-install-recommends", "APT::Install-Recommends"],
        variable: "",
    },
    ManagerRule {
        name: "apk-cache",
        what: "Keep apk's package index out of the image",
        needs: CACHE_NEEDS,
        documentation: "https://wiki.alpinelinux.org/wiki/Alpine_Package_Keeper",
        commands: &[&["apk", "add"], &["apk", "update"], &["apk", "upgrade"]],
        change: CommandChange::Append("rm -rf /var/cache/apk/*"),
        done: &["--no-cache", "/var/cache/apk", "target=/etc/apk/cache"],
        variable: "",
    },
    ManagerRule {
        name: "dnf-cache",
        what: "Remove dnf's metadata and packages in the RUN that fetched them",
        needs: CACHE_NEEDS,
        documentation: "https://dnf.readthedocs.io/en/latest/command_ref.html#clean-command",
        commands: &[&["dnf", "install"], &["dnf", "update"], &["dnf", "upgrade"]],
        change: CommandChange::Append("dnf clean all && rm -rf /var/cache/dnf /var/cache/libdnf5"),
        done: &["clean", "/var/cache/dnf"],
        variable: "",
    },
    ManagerRule {
        name: "microdnf-cache",
        what: "Remove microdnf's metadata and packages in the RUN that fetched them",
        needs: CACHE_NEEDS,
        documentation: "https://github.com/rpm-software-management/microdnf",
        commands: &[&["microdnf", "install"], &["microdnf", "update"]],
        change: CommandChange::Append("microdnf clean all"),
        done: &["clean"],
        variable: "",
    },
    ManagerRule {
        name: "yum-cache",
        what: "Remove yum's metadata and packages in the RUN that fetched them",
        needs: CACHE_NEEDS,
        documentation: "https://man7.org/linux/man-pages/man8/yum.8.html",
        commands: &[&["yum", "install"], &["yum", "update"]],
        change: CommandChange::Append("yum clean all && rm -rf /var/cache/yum"),
        done: &["clean", "/var/cache/yum"],
        variable: "",
    },
    ManagerRule {
        name: "pip-cache",
        what: "Keep pip's cache out of the image",
        needs: CACHE_NEEDS,
        documentation: "https://pip.pypa.io/en/stable/topics/caching/",
        commands: PIP_INSTALL,
        change: CommandChange::Option("--no-cache-dir", None),
        done: &["--no-cache-dir", "/.cache", "PIP_NO_CACHE_DIR"],
        variable: "PIP_NO_CACHE_DIR",
    },
    ManagerRule {
        name: "uv-cache",
        what: "Keep uv's cache out of the image",
        needs: CACHE_NEEDS,
        documentation: "https://docs.astral.sh/uv/guides/integration/docker/#caching",
        commands: &[&["uv", "sync"], &["uv", "pip", "install"], &["uv", "pip", "sync"], &["uv", "tool", "install"]],
        change: CommandChange::Option("--no-cache", None),
        done: &["--no-cache", "/.cache", "UV_NO_CACHE"],
        variable: "UV_NO_CACHE",
    },
    ManagerRule {
        name: "poetry-cache",
        what: "Remove poetry's cache in the RUN that filled it",
        needs: CACHE_NEEDS,
        documentation: "https://python-poetry.org/docs/cli/#cache",
        commands: &[&["poetry", "install"]],
        change: CommandChange::Append("rm -rf \"$(poetry config cache-dir)\""),
        done: &["cache"],
        variable: "",
    },
    ManagerRule {
        name: "npm-cache",
        what: "Remove npm's cache in the RUN that filled it",
        needs: CACHE_NEEDS,
        documentation: "https://docs.npmjs.com/cli/commands/npm-cache",
        commands: &[&["npm", "ci"], &["npm", "install"], &["npm", "i"]],
        change: CommandChange::Append("npm cache clean --force"),
        done: &["cache", "/.npm"],
        variable: "",
    },
    ManagerRule {
        name: "npm-dev",
        what: "Install no development packages",
        needs: DEV_NEEDS,
        documentation: "https://docs.npmjs.com/cli/commands/npm-ci#omit",
        commands: &[&["npm", "ci"], &["npm", "install"], &["npm", "i"]],
        change: CommandChange::Option("--omit=dev", None),
        done: &["--omit", "--production", "--only=", "-g", "--global"],
        variable: "NODE_ENV",
    },
    ManagerRule {
        name: "yarn-cache",
        what: "Remove yarn's cache in the RUN that filled it",
        needs: CACHE_NEEDS,
        documentation: "https://classic.yarnpkg.com/lang/en/docs/cli/cache/",
        commands: &[&["yarn", "install"], &["yarn", "add"]],
        change: CommandChange::Append("yarn cache clean"),
        done: &["cache"],
        variable: "",
    },
    ManagerRule {
        name: "yarn-dev",
        what: "Install no development packages",
        needs: DEV_NEEDS,
        documentation: "https://classic.yarnpkg.com/lang/en/docs/cli/install/",
        commands: &[&["yarn", "install"]],
        change: CommandChange::Option("--production", None),
        done: &["--production", "--prod"],
        variable: "NODE_ENV",
    },
    ManagerRule {
        name: "pnpm-store",
        what: "Remove pnpm's store in the RUN that filled it",
        needs: CACHE_NEEDS,
        documentation: "https://pnpm.io/docker",
        commands: &[&["pnpm", "install"], &["pnpm", "i"]],
        change: CommandChange::Append("rm -rf \"$(pnpm store path)\""),
        done: &["store", "target="],
        variable: "",
    },
    ManagerRule {
        name: "pnpm-dev",
        what: "Install no development packages",
        needs: DEV_NEEDS,
        documentation: "https://pnpm.io/cli/install#--prod--p",
        commands: &[&["pnpm", "install"], &["pnpm", "i"]],
        change: CommandChange::Option("--prod", None),
        done: &["--prod", "-P"],
        variable: "NODE_ENV",
    },
    ManagerRule {
        name: "uv-dev",
        what: "Install no development packages",
        needs: DEV_NEEDS,
        documentation: "https://docs.astral.sh/uv/concepts/projects/sync/#syncing-development-dependencies",
        commands: &[&["uv", "sync"]],
        change: CommandChange::Option("--no-dev", None),
        done: &["--no-dev", "--only-group", "--no-default-groups"],
        variable: "UV_NO_DEV",
    },
    ManagerRule {
        name: "poetry-dev",
        what: "Install no development packages",
        needs: DEV_NEEDS,
        documentation: "https://python-poetry.org/docs/cli/#install",
        commands: &[&["poetry", "install"]],
        change: CommandChange::Option("--only main", None),
        done: &["--only", "--without", "--no-dev"],
        variable: "",
    },
    ManagerRule {
        name: "conda-cache",
        what: "Remove conda's package cache in the RUN that filled it",
        needs: CACHE_NEEDS,
        documentation: "https://docs.conda.io/projects/conda/en/stable/commands/clean.html",
        commands: &[
            &["conda", "install"],
            &["conda", "create"],
            &["conda", "env", "create"],
            &["conda", "env", "update"],
        ],
        change: CommandChange::Append("conda clean --all --yes"),
        done: &["clean"],
        variable: "",
    },
    ManagerRule {
        name: "gem-docs",
        what: "Install gems without documentation and remove downloaded archives",
        needs: CACHE_NEEDS,
        documentation: "https://guides.rubygems.org/command-reference/#gem-install",
        commands: &[&["gem", "install"]],
        change: CommandChange::Both("--no-document", "rm -rf \"$(gem env gemdir)/cache\""),
        done: &["--no-document", "-N"],
        variable: "",
    },
    ManagerRule {
        name: "bundler-dev",
        what: "Install no gems of the groups `development` and `test`",
        needs: DEV_NEEDS,
        documentation: "https://bundler.io/man/bundle-config.1.html",
        commands: &[&["bundle", "install"]],
        change: CommandChange::Option("BUNDLE_WITHOUT=development:test", Some(0)),
        done: &["--without", "without", "BUNDLE_WITHOUT"],
        variable: "BUNDLE_WITHOUT",
    },
    ManagerRule {
        name: "composer-cache",
        what: "Keep composer's cache out of the image",
        needs: CACHE_NEEDS,
        documentation: "https://getcomposer.org/doc/03-cli.md#global-options",
        commands: &[&["composer", "install"], &["composer", "require"]],
        change: CommandChange::Option("--no-cache", None),
        done: &["--no-cache", "clear-cache", "/.composer"],
        variable: "COMPOSER_NO_CACHE",
    },
    ManagerRule {
        name: "composer-dev",
        what: "Install no development packages",
        needs: DEV_NEEDS,
        documentation: "https://getcomposer.org/doc/03-cli.md#install-i",
        commands: &[&["composer", "install"]],
        change: CommandChange::Option("--no-dev", None),
        done: &["--no-dev"],
        variable: "COMPOSER_NO_DEV",
    },
    ManagerRule {
        name: "go-cache",
        what: "Remove Go's build and module caches in the RUN that filled them",
        needs: CACHE_NEEDS,
        documentation: "https://pkg.go.dev/cmd/go#hdr-Remove_object_files_and_cached_files",
        commands: &[&["go", "build"], &["go", "install"], &["go", "get"]],
        change: CommandChange::Append("go clean -cache -modcache"),
        done: &["clean", "type=cache"],
        variable: "",
    },
    ManagerRule {
        name: "cargo-cache",
        what: "Remove cargo's registry in the RUN that filled it",
        needs: CACHE_NEEDS,
        documentation: "https://doc.rust-lang.org/cargo/guide/cargo-home.html",
        commands: &[&["cargo", "build"], &["cargo", "install"]],
        change: CommandChange::Append(
            "rm -rf \"${CARGO_HOME:-$HOME/.cargo}/registry\" \"${CARGO_HOME:-$HOME/.cargo}/git\"",
        ),
        done: &["registry", "type=cache"],
        variable: "",
    },
];

pub(super) fn remedies() -> Vec<Remedy> {
    RULES.iter().map(remedy).collect()
}

fn remedy(rule: &'static ManagerRule) -> Remedy {
    Remedy {
        name: rule.name.to_owned(),
        what: rule.what.to_owned(),
        needs: rule.needs,
        documentation: rule.documentation,
        goal: Goal::Size,
        content: Content::Changed,
        change: Change::Dockerfile(Box::new(move |draft, conditions, edits| apply(rule, draft, conditions, edits))),
    }
}

fn apply(rule: &ManagerRule, draft: &Draft<'_>, conditions: &Conditions, edits: &mut Edits) -> Option<()> {
    let own = conditions.own(draft);
    let is_set = |index: &usize| {
        let fact = draft.fact(*index);
        !rule.variable.is_empty() && fact.is_some_and(|fact| fact.sets_variable(rule.variable))
    };
    if own.iter().any(is_set) {
        return None;
    }
    for index in own {
        let (Some(script), Some(fact)) = (draft.script(index), draft.fact(index)) else { continue };
        let whole = draft.text.get(fact.span.clone()).unwrap_or_default();
        // An option is the beginning of a word; `-g` stands in `apt-get`, too.
        let words = || script.commands.iter().flat_map(|command| &command.words);
        let is_done = |done: &&str| {
            let is_option = done.starts_with('-');
            if is_option { words().any(|word| word.text.starts_with(*done)) } else { whole.contains(*done) }
        };
        if rule.done.iter().any(is_done) {
            continue;
        }
        let (option, append) = match rule.change {
            CommandChange::Option(option, at) => (Some((option, at)), None),
            CommandChange::Append(command) => (None, Some(command)),
            CommandChange::Both(option, command) => (Some((option, None)), Some(command)),
        };
        let mut found = false;
        for command in &script.commands {
            let Some((beginning, last)) = matching(rule, command) else { continue };
            found = true;
            match option {
                Some((option, Some(0))) => edits.insert(beginning, format!("{option} ")),
                Some((option, _)) => edits.insert(last, format!(" {option}")),
                None => {}
            }
        }
        if let Some(command) = append.filter(|_| found && may_append(&script)) {
            draft.append_command(index, &script, command, edits)?;
        }
    }
    Some(())
}

/// Where a command that the rule is about begins, and where the words end that it is known by.
fn matching(rule: &ManagerRule, command: &ShellCommand) -> Option<(usize, usize)> {
    let wanted = rule.commands.iter().find_map(|wanted| command.after(wanted))?;
    Some((command.plain().first()?.place.start, wanted.0.place.end))
}

/// Whether a command behind the script runs where the script succeeds.
fn may_append(script: &ShellScript) -> bool {
    let ends = script.commands.last().is_none_or(|last| last.plain().first().is_some_and(|word| word.text != "exit"));
    ends && script.commands.iter().all(|command| command.joint != Joint::Background)
}
