//! `tonnage compare`.

use std::path::{Path, PathBuf};

use super::Terminal;
use super::output::{Output, parse_output};
use super::registry::RegistryArgs;
use super::weigh::{measured, one_target};
use super::words::one_of;
use crate::error::Failure;
use crate::exit::Exit;
use crate::fsx;
use crate::gate::{Measured, differences};
use crate::image::{TargetNaming, Wanted, WantedPlatform};
use crate::report::{GateFormat, Look, compare_html, render_differences};

/// Arguments of `tonnage compare`.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// Old side: a run.json or its directory, a baseline, the output of `tonnage weigh --format json`, an archive, an
    /// image in a registry (`registry://HOST/NAME:TAG`), or an image on the engine
    old: String,
    /// New side
    new: String,
    /// Only compare this variant
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value_t = GateFormat::Table, value_parser = one_of::<GateFormat>(&FORMATS))]
    format: GateFormat,
    /// Also write a file, such as `--output markdown=difference.md` (repeatable)
    #[arg(long, value_name = "FORMAT=FILE", value_parser = file)]
    output: Vec<Output>,
    /// Maximum number of causes to list
    #[arg(long, value_name = "N", default_value_t = 12)]
    top: usize,
    /// Platform to compare if there are several, such as `linux/arm64`
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<WantedPlatform>,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// The formats that a comparison has.
const FORMATS: [&str; 4] = ["table", "json", "markdown", "html"];

fn file(text: &str) -> Result<Output, String> {
    let output = parse_output(text)?;
    if FORMATS.contains(&output.format.to_string().as_str()) {
        Ok(output)
    } else {
        let format = output.format;
        Err(format!("a comparison has no verdict to write as `{format}`: use {}", FORMATS.join(", ")))
    }
}

/// Runs `tonnage compare`.
pub(super) fn run(args: CompareArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let (old, new) = (target(&args.old, &args, terminal)?, target(&args.new, &args, terminal)?);
    let differences = differences(&old, &new, args.variant.as_deref())?;
    let look = Look { colour: terminal.style.colour, top: args.top };
    let render = |format: GateFormat, look: Look| match format {
        GateFormat::Html => compare_html(&differences, &old, &new, look),
        format => render_differences(format, &differences, look).unwrap_or_default(),
    };
    for output in &args.output {
        let text = render(output.format, Look { colour: false, ..look });
        fsx::write_atomic(&output.file, text.as_bytes())?;
    }
    terminal.finish(&render(args.format, look))
}

/// What was measured of a target: read where it is a file of ours, weighed where it is an archive or an image.
fn target(name: &str, args: &CompareArgs, terminal: &Terminal) -> Result<Measured, Failure> {
    let path = Path::new(name);
    if path.join(crate::record::FILE).is_file() || (path.is_file() && is_json(path)?) {
        return Ok(Measured::read(path)?);
    }
    let target = args.registry.target(name.to_owned());
    // Images of one archive are named by their tags or platforms, so that they pair with those of another archive.
    let wanted = one_target(&target, TargetNaming::ByImage, &args.registry);
    measured(&target, &Wanted { platform: args.platform.clone(), ..wanted }, terminal)
}

/// Whether a file begins like a JSON object; archives begin otherwise.
fn is_json(path: &Path) -> Result<bool, Failure> {
    use std::io::Read as _;
    let mut start = Vec::new();
    fsx::open(path)?
        .take(64)
        .read_to_end(&mut start)
        .map_err(|source| fsx::FileError::new("read", PathBuf::from(path), source))?;
    Ok(start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'))
}
