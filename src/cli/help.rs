//! What `--help` and the manual pages say besides the options: commands in groups, examples, exit codes, environment
//! variables, and files.

use std::fmt::Write as _;

use clap::builder::StyledStr;

/// Commands by what they are for.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Look at images", &["weigh", "compare"]),
    ("Measure Dockerfiles", &["init", "run", "merge", "improve", "import", "report", "trend"]),
    ("Gate", &["check", "baseline"]),
    ("Maintenance", &["doctor", "clean", "completions", "man", "help"]),
];

/// Examples of each command: what to type, and what it does.
pub(super) const EXAMPLES: [(&str, &[(&str, &str)]); 15] = [
    (
        "weigh",
        &[
            ("tonnage weigh python:3.9-slim", "An image on the engine"),
            ("docker save app | tonnage weigh -", "An archive from standard input"),
            ("tonnage weigh app.tar --files --path '/usr/lib/**'", "The files below one directory"),
            ("tonnage weigh app=shop:4711 --format json", "Named, for `tonnage check`"),
        ],
    ),
    (
        "compare",
        &[
            ("tonnage compare app:1.0 app:1.1", "Two images on the engine"),
            ("tonnage compare tonnage-baseline.json results/app/20261128T120000Z", "The baseline and a run"),
        ],
    ),
    (
        "init",
        &[
            ("tonnage init", "Write tonnage.toml for the Dockerfiles in this directory"),
            ("tonnage init services/web --print", "Only show what would be written"),
        ],
    ),
    (
        "run",
        &[
            ("tonnage run", "Measure the suite in this directory"),
            ("tonnage run Dockerfile.alpine Dockerfile.slim", "Build, weigh, and time Dockerfiles without a suite"),
            ("tonnage run --sizes-only --only alpine,slim", "Only the sizes of two variants"),
            ("tonnage run --against main --scenarios cold,src", "Compare build times with the branch main"),
            ("tonnage run --rounds 28 --shard 2/4 --out shard-2", "The second of four machines that share a run"),
            ("tonnage run --resume results/app/20261128T120000Z", "Continue an interrupted run"),
        ],
    ),
    (
        "merge",
        &[
            ("tonnage merge shard-* --out merged", "One record and report from all shards"),
            (
                "tonnage merge shard-* --drop-noisy --allow-missing",
                "Without noisy machines, and without those that failed",
            ),
        ],
    ),
    (
        "improve",
        &[
            ("tonnage improve --variant web", "Find and prove what makes the variant web smaller"),
            ("tonnage improve Dockerfile --allow-base '*-alpine'", "Also try the Alpine edition of the base image"),
            ("tonnage improve --format patch | patch -p0", "Apply what was proven"),
        ],
    ),
    (
        "import",
        &[
            ("tonnage import build.dockerbuild", "What `docker buildx history export -o build.dockerbuild` wrote"),
            (
                "tonnage import jobs/*.dockerbuild --suite services/web",
                "The builds of many jobs, by variant of a suite",
            ),
            ("tonnage import build.rawjson --no-suite", "What `docker buildx build --progress=rawjson` printed"),
        ],
    ),
    (
        "report",
        &[
            ("tonnage report --format markdown", "The tables of the newest run, for a comment"),
            ("tonnage report results/app/20261128T120000Z --export sizes.svg", "One chart"),
        ],
    ),
    (
        "trend",
        &[
            ("tonnage trend", "How the sizes of the suite in this directory changed"),
            ("tonnage trend --metric cold --last 20", "Cold build times of the last 20 runs"),
        ],
    ),
    (
        "check",
        &[
            ("tonnage check", "Check the newest run of the suite in this directory"),
            ("tonnage check weighed.json --baseline images.json", "Check images that another job built"),
            ("tonnage check --output junit=gate.xml --output markdown=gate.md", "Also write files for CI"),
        ],
    ),
    (
        "baseline",
        &[
            ("tonnage baseline accept --reason \"upgrade numpy\"", "Accept the newest run's sizes"),
            ("tonnage baseline verify", "Check that nobody edited the baseline"),
        ],
    ),
    (
        "doctor",
        &[
            ("tonnage doctor", "Check the default engine"),
            ("tonnage doctor --host ssh-tunnel.example:2375 --base python:3.9-slim", "Another engine and base image"),
        ],
    ),
    (
        "clean",
        &[("tonnage clean --dry-run", "List what interrupted runs left on the engine"), ("tonnage clean", "Remove it")],
    ),
    ("completions", &[("tonnage completions bash > /etc/bash_completion.d/tonnage", "Install completions for bash")]),
    ("man", &[("tonnage man run | man -l -", "Read the manual page of `tonnage run`")]),
];

const EXIT_CODES: [(&str, &str); 11] = [
    ("0", "Success"),
    ("1", "The gate failed"),
    ("2", "Invalid command line"),
    ("3", "Not comparable, or no baseline"),
    ("4", "Inconclusive"),
    ("5", "A variant failed to build or start (results are kept)"),
    ("6", "No usable container engine"),
    ("7", "Unreadable suite, archive, or record"),
    ("70", "Internal error (a bug in tonnage)"),
    ("130", "Interrupted, after cleaning up"),
    ("131", "Interrupted before cleaning up: run `tonnage clean`"),
];

const ENVIRONMENT: [(&str, &str); 7] = [
    ("DOCKER_HOST", "Engine address if `--host` is not given"),
    ("BUILDX_BUILDER", "Instance of buildx for `--builder buildx`"),
    ("DOCKER_CONTEXT", "Docker context if `--context` is not given"),
    ("DOCKER_CONFIG", "Directory of Docker's config.json [default: ~/.docker]"),
    ("REGISTRY_AUTH_FILE", "Podman's credentials file"),
    ("NO_COLOR", "Disable colors if set"),
    ("XDG_STATE_HOME", "Parent directory of tonnage's state [default: ~/.local/state]"),
];

const FILES: [(&str, &str); 3] = [
    ("tonnage.toml", "The suite: variants, budgets, and how to start them"),
    ("tonnage-baseline.json", "The baseline that `tonnage check` compares against"),
    ("results/SUITE/TIMESTAMP/", "The results of one run"),
];

/// Adds what `--help` says besides the options.
pub(super) fn extend(root: clap::Command) -> clap::Command {
    let mut groups = String::new();
    for (heading, names) in GROUPS {
        let rows: Vec<_> = names
            .iter()
            .map(|name| {
                let about = root.find_subcommand(name).and_then(clap::Command::get_about).map(ToString::to_string);
                (*name, about.unwrap_or_else(|| "Print this message or the help of a command".to_owned()))
            })
            .collect();
        section(&mut groups, heading, rows.iter().map(|(name, about)| (*name, about.as_str())));
    }
    let mut after = String::new();
    section(&mut after, "Exit codes", EXIT_CODES);
    section(&mut after, "Environment", ENVIRONMENT);
    section(&mut after, "Files", FILES);
    let template =
        format!("{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}{OPTIONS}\n{{options}}{{after-help}}");
    let root = root.help_template(StyledStr::from(template)).after_help(StyledStr::from(after.trim_end().to_owned()));
    EXAMPLES.iter().fold(root, |root, (name, examples)| {
        root.mut_subcommand(name, |command| command.after_help(StyledStr::from(shown(examples))))
    })
}

const OPTIONS: &str = "\u{1b}[1m\u{1b}[4mOptions:\u{1b}[0m";

/// A heading as clap writes its own.
fn heading(out: &mut String, text: &str) {
    _ = writeln!(out, "\u{1b}[1m\u{1b}[4m{text}:\u{1b}[0m");
}

/// A heading, and rows of two columns.
fn section<'a>(out: &mut String, text: &str, rows: impl IntoIterator<Item = (&'a str, &'a str)>) {
    heading(out, text);
    let rows: Vec<_> = rows.into_iter().collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, text) in rows {
        _ = writeln!(out, "  \u{1b}[1m{name}\u{1b}[0m{:1$}  {text}", "", width - name.len());
    }
    out.push('\n');
}

/// Examples, each with a line that says what it does above it.
fn shown(examples: &[(&str, &str)]) -> String {
    let mut out = String::new();
    heading(&mut out, "Examples");
    for (index, (line, does)) in examples.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        _ = writeln!(out, "{gap}  {does}:\n    \u{1b}[1m{line}\u{1b}[0m");
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn command() -> clap::Command {
        extend(Cli::command())
    }

    #[test]
    fn every_command_is_in_one_group_and_has_examples_that_parse() {
        let names: Vec<_> = command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        for name in &names {
            assert_eq!(GROUPS.iter().filter(|(_, names)| names.contains(&name.as_str())).count(), 1, "{name}");
            let (_, examples) = EXAMPLES.iter().find(|(command, _)| command == name).unwrap();
            for (line, _) in *examples {
                let own = line.split(" | ").find(|part| part.starts_with("tonnage ")).unwrap();
                let own = own.split(" > ").next().unwrap();
                let words = shlex(own);
                assert_eq!(words[1], *name);
                command().try_get_matches_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
        assert_eq!(names.len(), EXAMPLES.len());
    }

    /// Words of a shell's command line with simple quotes.
    fn shlex(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for c in line.chars() {
            match (c, quote) {
                ('\'' | '"', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (' ', None) => words.push(String::new()),
                (c, _) => words.last_mut().unwrap().push(c),
            }
        }
        words
    }
}
