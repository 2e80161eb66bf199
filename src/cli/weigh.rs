//! `tonnage weigh`: existing images, archives and layouts. Nothing is built, and nothing is changed on an engine.

mod paths;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use strum::VariantNames as _;

use super::engine::{EngineArgs, runtime};
use super::registry::RegistryArgs;
use super::span::parse_span;
use super::words::one_of;
use super::{Terminal, usage_error};
use crate::engine::{BuilderChoice, ConnectOptions};
use crate::error::Failure;
use crate::exit::Exit;
use crate::gate::Measured;
use crate::image::{
    DiffIds, Extent, Limits, Options, Said, TargetNaming, Wanted, WantedPlatform, Way, WireMode, weigh_targets,
};
use crate::record::Variant;
use crate::registry::is_registry;
use crate::report::{self, WeighRows, WeighSection, WeighShown, WeighSkipped};
use crate::suite;
use crate::text::for_people;
use crate::units::{Bytes, Nanos};
use paths::Paths;

/// Rows of each list on a terminal and in Markdown.
const TOP: usize = 10;
/// Rows of each list in JSON and CSV, as in the record of a run.
const TOP_IN_JSON: usize = 200;
/// Less memory than this reads no image at all.
const LEAST_MEMORY: Bytes = Bytes(8 << 20);

/// Arguments of `tonnage weigh`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct WeighArgs {
    /// What to weigh: an archive (`docker save`, `podman save`, or OCI; plain, gzip, or zstd), an OCI layout directory,
    /// `-` for an archive on standard input, an image in a registry (`registry://HOST/NAME:TAG`, `docker://NAME`), or an
    /// image on the engine
    #[arg(required = true, value_name = "[NAME=]TARGET")]
    targets: Vec<String>,
    /// Name the target, like `NAME=TARGET`: `check` compares images by name, so a tag may change with each commit
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = WeighFormat::Table)]
    format: WeighFormat,
    /// Maximum rows per list [default: 10; 200 in JSON and CSV]
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Only list matching paths, such as `*.so` or `/usr/lib/**` (repeatable); totals still cover the whole image
    #[arg(long, value_name = "GLOB", value_parser = paths::glob)]
    path: Vec<globset::Glob>,
    /// Do not list matching paths (repeatable); totals still cover the whole image
    #[arg(long, value_name = "GLOB", value_parser = paths::glob)]
    ignore: Vec<globset::Glob>,
    /// Show the layers [default: all sections]
    #[arg(long)]
    layers: bool,
    /// Show the packages
    #[arg(long)]
    packages: bool,
    /// Show the reclaimable, largest, and duplicate files
    #[arg(long)]
    files: bool,
    /// Show every list [default: the answer, what costs most, and where the bytes are]
    #[arg(long)]
    full: bool,
    /// Show sizes in exact bytes, too
    #[arg(long)]
    bytes: bool,
    /// Explain a path: which instruction wrote it, which package owns it, what hides it, and what else has it
    #[arg(long, value_name = "PATH", conflicts_with_all = ["manifest_only", "path", "ignore", "layers", "packages", "files", "format", "full", "bytes", "top"])]
    why: Option<String>,
    /// Only read manifests and configs of images in a registry (a few kB): exact compressed sizes, layers, user, command
    #[arg(long, conflicts_with_all = ["path", "ignore", "packages", "files", "base", "no_duplicates", "no_wire", "no_verify"])]
    manifest_only: bool,
    /// Skip the search for duplicate files
    #[arg(long)]
    no_duplicates: bool,
    /// Skip the estimate of the compressed size (most of the work)
    #[arg(long)]
    no_wire: bool,
    /// Skip digest verification: trust the diff IDs in the image's config
    #[arg(long)]
    no_verify: bool,
    /// Platform to weigh if there are several, such as `linux/arm64`
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<WantedPlatform>,
    /// Refuse archives that need more memory than about this, such as `512MB`
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    max_memory: Option<Bytes>,
    /// Refuse archives whose layers unpack to more than this
    #[arg(long, value_name = "SIZE", default_value = "1TiB")]
    max_unpacked: Bytes,
    /// Stop after this long, such as `10min`
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    max_time: Option<Duration>,
    /// Image whose layers count as base: an archive, a layout, or an image in a registry or on the engine
    #[arg(long, value_name = "IMAGE")]
    base: Option<String>,
    /// Where to read images from: the engine's storage (requires root on its host) or an export
    #[arg(long, value_name = "HOW", default_value_t, value_parser = one_of::<Way>(Way::VARIANTS))]
    via: Way,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum WeighFormat {
    /// A table for the terminal
    Table,
    /// Every figure, in bytes
    Json,
    /// One row per image; with `--layers`, `--packages`, or `--files` one row per layer, package, or file
    Csv,
    /// GitHub-flavored Markdown
    Markdown,
    /// A page that needs no network: directories to look into, layers, packages, and findings
    Html,
    /// JSON for `ncdu -f`: all visible files
    Ncdu,
}

fn memory(text: &str) -> Result<Bytes, String> {
    let size: Bytes =
        text.parse().map_err(|error: crate::units::ParseBytesError| format!("{error}: {}", error.hint()))?;
    if size < LEAST_MEMORY {
        return Err(format!("no image can be read in less than {}", LEAST_MEMORY.exact()));
    }
    Ok(size)
}

/// Runs `tonnage weigh`.
pub(super) fn run(args: WeighArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let rows = csv_rows(&args)?;
    let sections = sections(&args);
    let why = args.why.as_deref().map(|path| format!("/{}", path.trim_matches('/')));
    let chosen = sections.len() < WeighSection::ALL.len();
    let paths = Paths::new(&args.path, &args.ignore)?;
    let all_paths = paths.all();
    let for_programs = matches!(args.format, WeighFormat::Json | WeighFormat::Csv | WeighFormat::Html);
    let top = args.top.unwrap_or(if for_programs { TOP_IN_JSON } else { TOP });
    if args.manifest_only && matches!(args.format, WeighFormat::Html | WeighFormat::Ncdu) {
        let message = "a manifest names no files to draw";
        return Err(usage_error(message, "use `--format table`, `json`, `csv`, or `markdown`"));
    }
    let (targets, names) = named(args.targets, args.name)?;
    let (targets, names) = args.registry.all(targets, names);
    let wanted = Wanted {
        targets,
        names,
        base: args.base.map(|base| args.registry.target(base)),
        engine: args.engine.connect(BuilderChoice::Auto),
        registry: args.registry.settings(),
        cache: args.registry.cache(),
        extent: if args.manifest_only { Extent::Manifest } else { Extent::Layers },
        platform: args.platform,
        via: args.via,
        options: Options {
            limits: Limits {
                unpacked_bytes: args.max_unpacked.0,
                ..args.max_memory.map_or_else(Limits::default, limits)
            },
            hash_files: !args.no_duplicates,
            wire: if args.no_wire { WireMode::Skip } else { WireMode::Estimate },
            diff_ids: if args.no_verify { DiffIds::Claimed } else { DiffIds::Checked },
        },
        // The sums of patterns are over all files that match.
        top: if args.path.is_empty() && why.is_none() && args.format != WeighFormat::Ncdu { top } else { usize::MAX },
        listed: match why.clone() {
            Some(why) => Box::new(move |path| is_at_or_below(path, &why)),
            None => Box::new(move |path| paths.lists(path)),
        },
        naming: TargetNaming::ByTarget,
        limited: args.max_memory.is_some(),
    };
    let terminal = *terminal;
    let mut images = within(args.max_time, move || weigh(&wanted, &terminal))?;
    if let Some(path) = why {
        if !report::has_path(&images) {
            let message = format!("no target has a file at or below `{}`", for_people(&path));
            return Err(usage_error(message, "`--path` with a pattern lists the paths that match"));
        }
        return terminal.finish(&report::why(&path, &images, terminal.style));
    }
    let sums = paths::sums(&args.path, &images)?;
    if args.format == WeighFormat::Ncdu {
        return terminal.finish(&report::weigh_ncdu(&images));
    }
    for image in &mut images {
        image.paths.truncate(top);
        image.reclaimable.truncate(top);
        image.duplicates.truncate(top);
    }
    let skipped = WeighSkipped { duplicates: args.no_duplicates, wire: args.no_wire, diff_ids: args.no_verify };
    let shown = WeighShown { sections: &sections, top, skipped, bytes: args.bytes, sums: &sums };
    terminal.out(&match args.format {
        WeighFormat::Table if args.full || chosen || args.top.is_some() => {
            report::weigh_terminal(&images, shown, terminal.style)
        }
        WeighFormat::Table => report::weigh_screen(&images, shown, terminal.style),
        WeighFormat::Json => report::weigh_json(&images, skipped),
        WeighFormat::Csv => report::weigh_csv(&images, rows, skipped),
        WeighFormat::Markdown => report::weigh_markdown(&images, shown),
        WeighFormat::Html => report::weigh_html(&images, shown)?,
        // Written above: it has all paths.
        WeighFormat::Ncdu => String::new(),
    })?;
    if !all_paths {
        terminal.note("only paths that match are listed; the sums are those of the whole image");
    }
    Ok(Exit::Done)
}

/// Whether a path of an image is this one or below it.
fn is_at_or_below(path: &str, wanted: &str) -> bool {
    path.strip_prefix(wanted.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn weigh(wanted: &Wanted, terminal: &Terminal) -> Result<Vec<Variant>, Failure> {
    let mut say = |said: Said<'_>| match said {
        Said::Note(text) => terminal.note(text),
        Said::Warning(text) => terminal.warning(text),
    };
    runtime()?.block_on(weigh_targets(wanted, &mut say))
}

/// Does some work in the time allowed; where that is over, it is left alone and ends with the program.
fn within<T: Send + 'static>(
    limit: Option<Duration>,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let Some(limit) = limit else { return work() };
    let (done, result) = mpsc::channel();
    let worker = thread::spawn(move || drop(done.send(work())));
    match result.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(Failure::new(
            Exit::Unreadable,
            format!("not weighed within {}", Nanos::from(limit)),
            "allow more with `--max-time`, or weigh less at once",
        )),
        Err(RecvTimeoutError::Disconnected) => match worker.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => Err(Failure::new(Exit::Bug, "the weighing ended without a result", "report it")),
        },
    }
}

/// One target, read as `weigh` reads it unless asked otherwise; no compressed size is estimated.
pub(super) fn one_target(target: &str, naming: TargetNaming, registry: &RegistryArgs) -> Wanted {
    Wanted {
        targets: vec![target.to_owned()],
        names: BTreeMap::new(),
        base: None,
        engine: ConnectOptions::default(),
        registry: registry.settings(),
        cache: registry.cache(),
        extent: Extent::Layers,
        platform: None,
        via: Way::Auto,
        options: Options { wire: WireMode::Skip, ..Options::default() },
        top: TOP_IN_JSON,
        listed: Box::new(|_| true),
        naming,
        limited: false,
    }
}

/// Weighs one target: what its JSON says, read back.
pub(super) fn measured(target: &str, wanted: &Wanted, terminal: &Terminal) -> Result<Measured, Failure> {
    let images = weigh(wanted, terminal)?;
    // A registry transfers layers as they are compressed: that size costs nothing, and is exact.
    let skipped = WeighSkipped { wire: !is_registry(target), ..WeighSkipped::default() };
    Ok(Measured::parse(report::weigh_json(&images, skipped).as_bytes(), std::path::Path::new(target))?)
}

/// Takes `NAME=TARGET` apart: the targets, and the names of those that have one. A file of that name goes first.
fn named(targets: Vec<String>, name: Option<String>) -> Result<(Vec<String>, BTreeMap<String, String>), Failure> {
    let checked = |name: &str| {
        let message = format!("`{}` is not a valid name", for_people(name));
        let hint = "use letters, digits, `.`, `_`, and `-`, and begin with a letter or digit";
        if suite::is_name(name) { Ok(()) } else { Err(usage_error(message, hint)) }
    };
    let mut names = BTreeMap::new();
    let mut found = Vec::new();
    for target in targets {
        let (name, target) = match target.split_once('=') {
            // A path or a reference has other characters before its first `=`.
            Some((name, rest)) if !Path::new(&target).exists() && !name.contains(['/', ':', '@']) => {
                checked(name)?;
                (Some(name.to_owned()), rest.to_owned())
            }
            _ => (None, target),
        };
        if let Some(name) = name {
            if names.values().any(|other| *other == name) {
                return Err(usage_error(format!("two targets are named `{name}`"), "give each target its own name"));
            }
            if names.insert(target.clone(), name).is_some() {
                let message = format!("`{}` has two names", for_people(&target));
                return Err(usage_error(message, "give each target once"));
            }
        }
        found.push(target);
    }
    if let Some(name) = name {
        checked(&name)?;
        let [target] = found.as_slice() else {
            return Err(usage_error("`--name` names one target", "write `NAME=TARGET` for each of several"));
        };
        if names.insert(target.clone(), name).is_some() {
            return Err(usage_error(
                format!("`{}` has two names", for_people(target)),
                "use either `--name` or `NAME=`",
            ));
        }
    }
    Ok((found, names))
}

/// The sections that were asked for; all of them where none was.
fn sections(args: &WeighArgs) -> Vec<WeighSection> {
    use WeighSection::{Files, Layers, Packages};
    let asked = [(args.layers, Layers), (args.packages, Packages), (args.files, Files)];
    let sections: Vec<_> = asked.into_iter().filter_map(|(asked, section)| asked.then_some(section)).collect();
    if sections.is_empty() { WeighSection::ALL.to_vec() } else { sections }
}

/// What a row of the CSV is: a file has rows of one kind.
fn csv_rows(args: &WeighArgs) -> Result<WeighRows, Failure> {
    let asked: Vec<WeighRows> =
        [(args.layers, WeighRows::Layers), (args.packages, WeighRows::Packages), (args.files, WeighRows::Files)]
            .into_iter()
            .filter_map(|(asked, rows)| asked.then_some(rows))
            .collect();
    match asked.as_slice() {
        [] => Ok(WeighRows::Targets),
        [rows] => Ok(*rows),
        _ if args.format != WeighFormat::Csv => Ok(WeighRows::Targets),
        _ => Err(usage_error(
            "one CSV has rows of one kind",
            "give one of `--layers`, `--packages` and `--files`, or use `--format json`",
        )),
    }
}

/// Limits under which reading and merging stay within about `memory`: three eighths of it for entries at their worst (a
/// name and a hashed file each take 190 bytes, and more while the map of names grows), a quarter for names, an eighth
/// each for documents, package databases, and two zstd windows.
fn limits(memory: Bytes) -> Limits {
    const ENTRY: u64 = 256;
    let most = Limits::default();
    let eighth = memory.0 / 8;
    Limits {
        entries: most.entries.min(memory.0 / 8 * 3 / ENTRY),
        name_bytes: most.name_bytes.min(memory.0 / 4),
        window_bytes: most.window_bytes.min(eighth / 2),
        json_bytes: most.json_bytes.min(eighth),
        json_total_bytes: most.json_total_bytes.min(eighth),
        database_file_bytes: most.database_file_bytes.min(eighth),
        database_bytes: most.database_bytes.min(eighth),
        ..most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn what_is_written_as_json_is_read_back_whole() {
        let written = fixture::record().variants;
        let json = report::weigh_json(&written, WeighSkipped::default());
        let back = Measured::parse(json.as_bytes(), std::path::Path::new("weighed.json")).unwrap();
        assert_eq!(back.variants.len(), written.len());
        for (one, other) in back.variants.iter().zip(&written) {
            assert_eq!((&one.name, &one.image_id, &one.platform), (&other.name, &other.image_id, &other.platform));
            assert_eq!((&one.config_digest, &one.user, one.via), (&other.config_digest, &other.user, other.via));
            assert_eq!((&one.sizes, &one.tree), (&other.sizes, &other.tree));
            assert_eq!((&one.layers, &one.packages), (&other.layers, &other.packages));
            assert_eq!((&one.remainder, &one.reclaimable), (&other.remainder, &other.reclaimable));
            assert_eq!((&one.duplicates, &one.paths), (&other.duplicates, &other.paths));
            assert_eq!(one.findings, other.findings);
        }
    }

    #[test]
    fn a_target_may_have_a_name() {
        let names = |targets: &[&str], name: Option<&str>| {
            named(targets.iter().map(ToString::to_string).collect(), name.map(str::to_owned))
                .map(|(targets, names)| {
                    (
                        targets.join(" "),
                        names.into_iter().map(|(a, b)| format!("{b}={a}")).collect::<Vec<_>>().join(" "),
                    )
                })
                .map_err(|failure| failure.exit)
        };
        let ok = |targets: &str, names: &str| Ok((targets.to_owned(), names.to_owned()));
        assert_eq!(names(&["app=repo/x:1", "y"], None), ok("repo/x:1 y", "app=repo/x:1"));
        assert_eq!(names(&["x:1"], Some("app")), ok("x:1", "app=x:1"));
        assert_eq!(names(&["./a=b.tar", "x:a=b"], None), ok("./a=b.tar x:a=b", ""));
        for (targets, name) in [
            (&["a=x", "a=y"][..], None),
            (&["a=x", "b=x"], None),
            (&["x", "y"], Some("a")),
            (&["a=x"], Some("b")),
            (&["é=x"], None),
            (&["=x"], None),
        ] {
            assert_eq!(names(targets, name), Err(Exit::Usage), "{targets:?}");
        }
    }

    #[test]
    fn less_memory_means_lower_limits_and_never_higher_ones() {
        let most = Limits::default();
        let small = limits(Bytes(64 << 20));
        assert_eq!((small.entries, small.name_bytes, small.json_total_bytes), (98_304, 16 << 20, 8 << 20));
        assert_eq!(small.window_bytes, 4 << 20);
        assert_eq!(limits(Bytes(u64::MAX)), most);
        assert!(memory("1 MB").is_err() && memory("512").is_err());
        assert_eq!(memory("512MB"), Ok(Bytes(512_000_000)));
    }
}
