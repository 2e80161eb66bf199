//! From the manifest's text to a [`Suite`]: defaults filled in, values checked, Dockerfiles read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use tonnage_image::Platform;

use super::claim::{ParseClaimError, time_interval};
use super::dockerfile::Facts;
use super::manifest::{
    BuildTable, CommandValue, Document, Manifest, ManifestText, ReferenceValue, ServeTable, VariantTable, VerifyTable,
};
use super::{
    Boundary, BuildOptions, Claim, ServeCheck, ServeRequest, Suite, SuiteError, SuiteVariant, Texts, Verify, digest,
    tag_name,
};
use crate::error::Diagnose as _;
use crate::fsx::{self, FileError};
use crate::record::{Published, PublishedMetric, ServeLimits, Side};
use crate::units::Bytes;

/// Name of the manifest in a suite's folder.
pub(crate) const MANIFEST_NAME: &str = "tonnage.toml";

/// Name of the baseline beside the manifest, unless `[gate]` gives another.
pub(crate) const BASELINE_NAME: &str = "tonnage-baseline.json";

/// Name of a Dockerfile in a variant's folder.
const DOCKERFILE: &str = "Dockerfile";

/// Limit on one build by default.
const DEADLINE: Duration = Duration::from_secs(30 * 60);

/// No build and no start is given less.
const SHORTEST: Duration = Duration::from_nanos(1);

/// Memory that a container may take unless told: what is started is anybody's.
pub(crate) const DEFAULT_MEMORY: Bytes = Bytes(1 << 30);

/// What engines take for a number of CPUs: the kernel shares out no less than a hundredth of one.
const FEWEST_CPUS: f64 = 0.01;
const MOST_CPUS: f64 = 1024.0;

/// How often an image is started unless told: the fewest starts that give a 95 % interval of the median.
const DEFAULT_STARTS: u32 = 6;

impl Suite {
    /// Reads the suite of a directory or of a manifest file, whose paths may lead nowhere outside of its repository but
    /// into those of `allowed`.
    pub fn load_allowing(path: &Path, allowed: &[PathBuf]) -> Result<Self, SuiteError> {
        load(path, |root| Boundary::around(root, allowed))
    }

    /// As [`Suite::load_allowing`], for a suite whose paths may lead where those of this one may, in a copy of its repository
    /// that is in `home`.
    pub(super) fn load_copy(&self, path: &Path, home: &Path) -> Result<Self, SuiteError> {
        load(path, |_| self.boundary.moved(home))
    }

    /// As [`Suite::load_allowing`], for another suite, with what was allowed for this one.
    pub fn load_other(&self, path: &Path) -> Result<Self, SuiteError> {
        load(path, |root| self.boundary.around_other(root))
    }
}

fn load(path: &Path, boundary: impl FnOnce(&Path) -> Result<Boundary, FileError>) -> Result<Suite, SuiteError> {
    let manifest = if path.is_dir() { path.join(MANIFEST_NAME) } else { path.to_owned() };
    let root = directory_of(&manifest).to_owned();
    if path.is_dir() && !manifest.exists() {
        return Err(SuiteError::NoManifest { folder: path.to_owned() });
    }
    let boundary = boundary(&root)?;
    boundary.resolve(&manifest)?;
    read(root, Document::read(&manifest)?, boundary)
}

/// The suite that a manifest would make if it stood at `manifest`.
pub(crate) fn from_text(manifest: PathBuf, text: &str, allowed: &[PathBuf]) -> Result<Suite, SuiteError> {
    let root = manifest.parent().unwrap_or(Path::new(".")).to_owned();
    let boundary = Boundary::around(&root, allowed)?;
    read(root, Document::parse(&manifest, text)?, boundary)
}

fn read(root: PathBuf, document: Document, boundary: Boundary) -> Result<Suite, SuiteError> {
    let place = ManifestPlace { source: document.source(), root: &root, boundary: &boundary };
    let source = place.source;
    let parsed = &document.tables;

    let name = name(source, parsed)?;
    let build = build_options(place, &parsed.build)?;
    // What is wrong with the suite's own is said even where every variant has something else.
    serve(source, parsed.serve.as_ref(), None)?;
    let variants = variants(place, parsed, &build)?;
    let baseline = parsed.gate.baseline.as_deref().unwrap_or(Path::new(BASELINE_NAME));
    let own_files = vec![document.path.clone(), root.join(baseline)];
    let (digest, not_sent) = digest::of(&root, &document.text, &variants, &own_files)?;
    Ok(Suite {
        name,
        title: parsed.suite.title.clone(),
        source: parsed.suite.source.clone(),
        digest,
        build,
        bases: parsed.bases.iter().map(|(set, map)| (set.get_ref().clone(), map.clone())).collect(),
        variants,
        root,
        boundary,
        manifest: document,
        own_files,
        not_sent,
    })
}

impl Document {
    /// The name of the suite: the manifest's `name`, else the directory's, as [`Suite::load_allowing`] has it.
    pub fn suite_name(&self) -> Result<String, SuiteError> {
        name(self.source(), &self.tables)
    }
}

fn name(source: ManifestText<'_>, manifest: &Manifest) -> Result<String, SuiteError> {
    match &manifest.suite.name {
        Some(name) => checked_name(source, name),
        None => Ok(folder_name(directory_of(source.path))),
    }
}

/// The directory of a manifest.
fn directory_of(manifest: &Path) -> &Path {
    manifest.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A manifest, the directory that its paths begin in, and where they may lead.
#[derive(Clone, Copy)]
struct ManifestPlace<'a> {
    source: ManifestText<'a>,
    root: &'a Path,
    boundary: &'a Boundary,
}

impl ManifestPlace<'_> {
    /// A path from the manifest's directory, `.` parts taken out.
    fn path(self, text: &Spanned<String>) -> Result<PathBuf, SuiteError> {
        let path = Path::new(text.get_ref());
        self.boundary.resolve(&self.root.join(path)).map_err(|error| {
            self.source.error(text.span().start, crate::error::chain(&error), error.hint().unwrap_or_default())
        })?;
        let clean: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
        Ok(if clean.as_os_str().is_empty() { PathBuf::from(".") } else { clean })
    }

    /// Checks the files that a builder's client reads without a line of the manifest: a Dockerfile that was found, and
    /// the ignore files of a context.
    fn check_found(self, context: &Path, dockerfile: &Path) -> Result<(), SuiteError> {
        let dockerfile = self.root.join(dockerfile);
        self.boundary.resolve(&dockerfile)?;
        for suffix in [".dockerignore", ".containerignore"] {
            let mut beside = dockerfile.as_os_str().to_owned();
            beside.push(suffix);
            self.boundary.resolve(Path::new(&beside))?;
            self.boundary.resolve(&self.root.join(context).join(suffix))?;
        }
        Ok(())
    }
}

/// The folder's own name with what is not fit for a file replaced.
pub(crate) fn folder_name(root: &Path) -> String {
    let full = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    fit_name(&full.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()))
}

/// A text with what a name may not have replaced.
pub(crate) fn fit_name(text: &str) -> String {
    let name: String = text.chars().map(|c| if is_name_char(c) { c } else { '-' }).collect();
    if name.is_empty() || name.starts_with('.') { "suite".to_owned() } else { name }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// Whether a text can name a suite or a variant: `[A-Za-z0-9._-]+`, no dot or dash first, at most 100 characters.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && !text.starts_with(['.', '-']) && text.chars().all(is_name_char)
}

/// Whether a text can be asked for over HTTP.
pub(super) fn is_url_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(|c: char| c <= ' ' || c == '\x7f')
}

fn checked_name(source: ManifestText<'_>, name: &Spanned<String>) -> Result<String, SuiteError> {
    let text = name.get_ref();
    if is_name(text) {
        return Ok(text.clone());
    }
    Err(source.error(
        name.span().start,
        format!("`{}` cannot be a name", crate::text::for_people(text)),
        "use letters, digits, `.`, `_` and `-`, and begin with a letter or digit: it names files and image tags",
    ))
}

fn build_options(place: ManifestPlace<'_>, table: &BuildTable) -> Result<BuildOptions, SuiteError> {
    Ok(BuildOptions {
        args: table.args.clone(),
        target: table.target.clone(),
        platform: platform(place.source, table.platform.as_ref())?,
        network: table.network.clone(),
        labels: table.labels.clone(),
        ca_files: table
            .ca_files
            .iter()
            .map(|file| place.path(file).map(|path| place.root.join(path)))
            .collect::<Result<_, _>>()?,
        site_env: table.site_env.clone(),
        deadline: time(place.source, table.deadline.as_ref(), DEADLINE)?,
    })
}

/// A platform as it is written, for engines have their own ideas of it, if it is one.
fn platform(source: ManifestText<'_>, text: Option<&Spanned<String>>) -> Result<Option<String>, SuiteError> {
    let Some(text) = text else { return Ok(None) };
    match text.get_ref().parse::<Platform>() {
        Ok(_) => Ok(Some(text.get_ref().clone())),
        Err(error) => {
            let hint = "leave `platform` out to build for the engine's own";
            Err(source.error(text.span().start, error.to_string(), hint))
        }
    }
}

/// A limit on a build, a start, or a command.
fn time(source: ManifestText<'_>, text: Option<&Spanned<String>>, default: Duration) -> Result<Duration, SuiteError> {
    text.map_or(Ok(default), |text| source.time(text, SHORTEST))
}

/// What is asked for over HTTP: `/` by default.
fn url_path(source: ManifestText<'_>, path: Option<&Spanned<String>>) -> Result<String, SuiteError> {
    match path {
        Some(path) if is_url_path(path.get_ref()) => Ok(path.get_ref().clone()),
        Some(path) => {
            let message = format!("`{}` is not a path", crate::text::for_people(path.get_ref()));
            Err(source.error(path.span().start, message, "begin with `/` and encode blanks: `/health`"))
        }
        None => Ok("/".to_owned()),
    }
}

/// A variant's table over the suite's, key by key; `None` where neither is there.
fn serve(
    source: ManifestText<'_>,
    over: Option<&Spanned<ServeTable>>,
    under: Option<&Spanned<ServeTable>>,
) -> Result<Option<ServeCheck>, SuiteError> {
    let Some(given) = over.or(under) else { return Ok(None) };
    let empty = ServeTable::default();
    let upper = over.map_or(&empty, Spanned::get_ref);
    let lower = under.map_or(&empty, Spanned::get_ref);
    let port = upper.port.as_ref().or(lower.port.as_ref()).ok_or_else(|| {
        source.error(given.span().start, "a `serve` without a `port`", "say on which port the application listens")
    })?;
    if *port.get_ref() == 0 {
        return Err(source.error(
            port.span().start,
            "`0` is not a valid port",
            "say on which port the application listens",
        ));
    }
    let path = url_path(source, upper.path.as_ref().or(lower.path.as_ref()))?;
    let requests = upper.requests.as_ref().or(lower.requests.as_ref()).map(Vec::as_slice).unwrap_or_default();
    let requests = requests.iter().map(|request| {
        let path = url_path(source, Some(&request.path))?;
        Ok(ServeRequest { path, expect: request.expect.clone() })
    });
    let timeout = time(source, upper.timeout.as_ref().or(lower.timeout.as_ref()), Duration::from_secs(30))?;
    let memory = match upper.memory.as_ref().or(lower.memory.as_ref()) {
        Some(text) => Bytes::from_str(text.get_ref())
            .map_err(|error| source.error(text.span().start, error.to_string(), error.hint()))?,
        None => DEFAULT_MEMORY,
    };
    let cpus = match upper.cpus.as_ref().or(lower.cpus.as_ref()) {
        Some(cpus) if (FEWEST_CPUS..=MOST_CPUS).contains(cpus.get_ref()) => *cpus.get_ref(),
        Some(cpus) => {
            let message = format!("`{}` is not a number of CPUs", cpus.get_ref());
            return Err(source.error(cpus.span().start, message, "choose a number from 0.01 to 1024, such as 0.5"));
        }
        None => 0.0,
    };
    let starts = match upper.starts.as_ref().or(lower.starts.as_ref()) {
        Some(starts) if (1..=1000).contains(starts.get_ref()) => *starts.get_ref(),
        Some(starts) => {
            let message = format!("`{}` starts cannot be made", starts.get_ref());
            return Err(source.error(starts.span().start, message, "choose a number from 1 to 1000"));
        }
        None => DEFAULT_STARTS,
    };
    let mut env = lower.env.clone();
    env.extend(upper.env.clone());
    Ok(Some(ServeCheck {
        port: *port.get_ref(),
        path,
        requests: requests.collect::<Result<_, SuiteError>>()?,
        expect: upper.expect.clone().or_else(|| lower.expect.clone()).unwrap_or_default(),
        command: upper.command.clone().or_else(|| lower.command.clone()).unwrap_or_default(),
        timeout,
        limits: ServeLimits {
            memory_bytes: memory,
            nano_cpus: (cpus * 1e9).round() as u64,
            read_only: upper.read_only.or(lower.read_only).unwrap_or_default(),
            user: upper.user.clone().or_else(|| lower.user.clone()).unwrap_or_default(),
        },
        network: upper.network.clone().or_else(|| lower.network.clone()),
        starts,
        env,
    }))
}

/// The command that a working image carries out; a text is one for its shell.
fn verify(source: ManifestText<'_>, table: Option<&Spanned<VerifyTable>>) -> Result<Option<Verify>, SuiteError> {
    let Some(table) = table.map(Spanned::get_ref) else { return Ok(None) };
    let command = match table.command.get_ref() {
        CommandValue::Text(text) => vec!["/bin/sh".to_owned(), "-c".to_owned(), text.clone()],
        CommandValue::Words(words) => words.clone(),
    };
    if command.iter().all(|word| word.trim().is_empty()) {
        let hint = "give a command that succeeds if the application works";
        return Err(source.error(table.command.span().start, "an empty `command`", hint));
    }
    Ok(Some(Verify { command, timeout: time(source, table.timeout.as_ref(), Duration::from_secs(60))? }))
}

fn variants(
    place: ManifestPlace<'_>,
    manifest: &Manifest,
    build: &BuildOptions,
) -> Result<Vec<SuiteVariant>, SuiteError> {
    let ManifestPlace { source, root, .. } = place;
    let mut variants = Vec::new();
    if manifest.variants.is_empty() {
        for name in folders_with_dockerfile(root)? {
            let file = PathBuf::from(&name).join(DOCKERFILE);
            variants.push(variant(place, manifest, build, name, file, None)?);
        }
        if variants.is_empty() {
            return Err(SuiteError::NoVariants { manifest: source.path.to_owned() });
        }
        return Ok(variants);
    }
    let mut names = BTreeSet::new();
    for entry in &manifest.variants {
        let table = entry.get_ref();
        let name = checked_name(source, &table.name)?;
        if !names.insert(tag_name(&name)) {
            return Err(source.error(
                table.name.span().start,
                format!("a second variant is called `{name}`"),
                "give each variant a name of its own; upper and lower case count as the same",
            ));
        }
        let file = match &table.dockerfile {
            Some(text) => place.path(text)?,
            None => PathBuf::from(&name).join(DOCKERFILE),
        };
        let at = table.dockerfile.as_ref().map_or_else(|| table.name.span().start, |text| text.span().start);
        if !root.join(&file).is_file() {
            return Err(source.error(
                at,
                format!("variant `{name}` has no Dockerfile at `{}`", file.display()),
                "give `dockerfile`, relative to the manifest",
            ));
        }
        variants.push(variant(place, manifest, build, name, file, Some(table))?);
    }
    Ok(variants)
}

fn variant(
    place: ManifestPlace<'_>,
    manifest: &Manifest,
    build: &BuildOptions,
    name: String,
    dockerfile: PathBuf,
    table: Option<&VariantTable>,
) -> Result<SuiteVariant, SuiteError> {
    let ManifestPlace { source, root, .. } = place;
    let suite = &manifest.suite;
    let context = match table.and_then(|table| table.context.as_ref()).or(suite.context.as_ref()) {
        Some(text) => {
            let context = place.path(text)?;
            if !root.join(&context).is_dir() {
                let message = format!("the context `{}` is not a directory", context.display());
                return Err(source.error(text.span().start, message, "give a directory, relative to the manifest"));
            }
            context
        }
        None => PathBuf::from("."),
    };
    let edited = |own: Option<&Spanned<String>>, shared: Option<&Spanned<String>>, key: &str| match own.or(shared) {
        Some(text) => {
            let file = relative(source, text)?;
            if root.join(&context).join(&file).is_file() {
                return Ok(Some(file));
            }
            let message = format!("`{key}` of variant `{name}`: there is no file `{}`", file.display());
            let hint = format!("give the file from the context's root, `{}`", context.display());
            Err(source.error(text.span().start, message, hint))
        }
        None => Ok(None),
    };
    let src = edited(table.and_then(|table| table.src.as_ref()), suite.src.as_ref(), "src")?;
    let deps = edited(table.and_then(|table| table.deps.as_ref()), suite.deps.as_ref(), "deps")?;
    let (reference, published) = match table.and_then(|table| table.reference.as_ref()) {
        Some(value) => published(source, value)?,
        None => (None, Vec::new()),
    };
    place.check_found(&context, &dockerfile)?;
    let dockerfile_text = String::from_utf8_lossy(&fsx::read(&root.join(&dockerfile))?).into_owned();
    let (facts, facts_error) = Facts::read(&dockerfile_text);
    let over = |shared: &BTreeMap<String, String>, own: Option<&BTreeMap<String, String>>| {
        let mut merged = shared.clone();
        merged.extend(own.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
        merged
    };
    let choice = |own: Option<&String>, shared: &Option<String>| own.cloned().or_else(|| shared.clone());
    Ok(SuiteVariant {
        target: choice(table.and_then(|table| table.target.as_ref()), &build.target),
        platform: platform(source, table.and_then(|table| table.platform.as_ref()))?.or_else(|| build.platform.clone()),
        network: choice(table.and_then(|table| table.network.as_ref()), &build.network),
        build_args: over(&build.args, table.map(|table| &table.args)),
        labels: over(&build.labels, table.map(|table| &table.labels)),
        serve: serve(source, table.and_then(|table| table.serve.as_ref()), manifest.serve.as_ref())?,
        verify: verify(source, table.and_then(|table| table.verify.as_ref()).or(manifest.verify.as_ref()))?,
        name,
        side: Side::Head,
        texts: Texts::OfFiles,
        dockerfile,
        context,
        src,
        deps,
        reference,
        published,
        dockerfile_text,
        facts,
        facts_error,
    })
}

/// The published size and the other published figures of a variant.
fn published(source: ManifestText<'_>, value: &ReferenceValue) -> Result<(Option<Claim>, Vec<Published>), SuiteError> {
    let wrong = |text: &Spanned<String>, error: &ParseClaimError| {
        source.error(text.span().start, error.to_string(), error.hint())
    };
    let size_of = |text: &Spanned<String>| Claim::from_str(text.get_ref()).map_err(|error| wrong(text, &error));
    let table = &value.table;
    let mut found = Vec::new();
    for (metric, text) in
        [(PublishedMetric::Compressed, &table.compressed), (PublishedMetric::UpdateSrc, &table.update_src)]
    {
        let Some(text) = text else { continue };
        let Claim { text: claim, low, high } = size_of(text)?;
        found.push(Published { metric, claim, low: low.0, high: high.0 });
    }
    for (metric, text) in [(PublishedMetric::Cold, &table.cold), (PublishedMetric::Startup, &table.startup)] {
        let Some(text) = text else { continue };
        let (low, high) = time_interval(text.get_ref()).map_err(|error| wrong(text, &error))?;
        found.push(Published { metric, claim: text.get_ref().trim().to_owned(), low, high });
    }
    Ok((value.size.as_ref().map(size_of).transpose()?, found))
}

/// A path in a context, `.` parts taken out.
fn relative(source: ManifestText<'_>, text: &Spanned<String>) -> Result<PathBuf, SuiteError> {
    let mut clean = PathBuf::new();
    for part in Path::new(text.get_ref()).components() {
        match part {
            Component::Normal(part) => clean.push(part),
            Component::CurDir => {}
            _ => {
                let message = format!("`{}` leads out of its directory", crate::text::for_people(text.get_ref()));
                return Err(source.error(text.span().start, message, "give a relative path"));
            }
        }
    }
    if clean.as_os_str().is_empty() {
        clean.push(".");
    }
    Ok(clean)
}

/// Direct sub-folders that hold a Dockerfile and whose names are fit for a variant, sorted.
fn folders_with_dockerfile(root: &Path) -> Result<BTreeSet<String>, SuiteError> {
    let mut found = BTreeSet::new();
    let wrap = |source| FileError::new("list", root, source);
    for entry in fs::read_dir(root).map_err(wrap)? {
        let entry = entry.map_err(wrap)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if is_name(&name) && entry.path().join(DOCKERFILE).is_file() {
            found.insert(name);
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
