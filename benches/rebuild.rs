//! A no-change rebuild as tonnage measures it, against `docker build` of the same context by the command line.
//!
//! `cargo bench --bench rebuild` alternates the two for 20 rounds on the tiny base, which it makes (`tests/support/tiny.sh`),
//! and prints the medians and the median of the paired ratios, for the classic builder and for BuildKit. The command line tool is
//! `docker`, or the one that `TONNAGE_BENCH_DOCKER` names (BuildKit needs one with BuildKit built in, or buildx). Exit
//! code 1 where a ratio is above the limit.
//!
//! The engine is to be used by nobody else meanwhile: what the command line builds is taken away afterwards too, and its
//! build-cache records are told only by their having come in that time.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and fails by panicking")]

use std::collections::BTreeMap;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use tonnage::testing::analyse::statistics::median;
use tonnage::testing::engine::{
    BuildRequest, BuilderChoice, ConnectOptions, ImageBuilder, Ownership, Removal, connect, labels,
};
use tonnage::testing::record::Builder;

const ROUNDS: usize = 20;
/// Largest ratio of tonnage's time to that of the command line.
const LIMIT: f64 = 0.75;
const RUN: &str = "bench-rebuild";
const TAGS: [&str; 2] = ["tonnage-run:bench-rebuild", "tonnage-run:bench-rebuild-cli"];
const DOCKERFILE: &str = "FROM tonnage-tiny/python:3.9-alpine\nWORKDIR /app\nCOPY requirements.txt ./\n\
    RUN pip install --no-cache-dir -r requirements.txt\nCOPY src /app\nCMD python server.py\n";

fn main() -> ExitCode {
    let bases =
        Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tiny.sh")).stdout(Stdio::null()).status();
    if !bases.is_ok_and(|status| status.success()) {
        println!("not measured: the tiny bases cannot be made");
        return ExitCode::FAILURE;
    }
    let mut code = ExitCode::SUCCESS;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        for (choice, builder) in
            [(BuilderChoice::Classic, Builder::Classic), (BuilderChoice::Buildkit, Builder::Buildkit)]
        {
            match compare(choice, builder).await {
                Ok(ratio) if ratio <= LIMIT => {}
                Ok(_) => code = ExitCode::FAILURE,
                Err(reason) => println!("{builder:8}  not measured: {reason}"),
            }
        }
    });
    code
}

async fn compare(choice: BuilderChoice, builder: Builder) -> Result<f64, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("src"))?;
    for (name, content) in
        [("Dockerfile", DOCKERFILE), ("requirements.txt", "flask\ngunicorn\njinja2\n"), ("src/server.py", "print()\n")]
    {
        std::fs::write(folder.path().join(name), content)?;
    }
    let engine = connect(&ConnectOptions { builder: choice, ..ConnectOptions::default() }).await?;
    let before = engine.snapshot().await?;
    let mut ownership = Ownership { run: RUN.into(), before: Some(before.clone()), ..Ownership::default() };
    let context = tonnage::testing::context::Context::load(
        folder.path(),
        &folder.path().join("Dockerfile"),
        builder,
        &tonnage::testing::context::Own::default(),
    )?;
    let request = BuildRequest {
        context: context.tar(&[])?,
        dockerfile: context.dockerfile().to_owned(),
        tags: vec![TAGS[0].into()],
        labels: BTreeMap::from([(labels::RUN.to_owned(), RUN.to_owned())]),
        build_args: BTreeMap::new(),
        secrets: tonnage::testing::engine::Secrets::default(),
        images: Vec::new(),
        target: None,
        platform: None,
        network: None,
        no_cache: false,
        builder,
        deadline: Duration::from_secs(120),
    };
    ownership.tags.extend(TAGS.map(str::to_owned));
    let begun = unix_nanos();
    let measured = rounds(&engine, &request, folder.path(), builder, &mut ownership).await;
    ownership.windows.push((begun, unix_nanos()));
    // With the images go their nameless parents of the classic builder, which have no label.
    docker(&[&["rmi"], &TAGS[..]].concat())?;
    engine.clean(&ownership, Removal::Remove).await?;
    let left: Vec<String> = engine.snapshot().await?.cache.difference(&before.cache).cloned().collect();
    if !left.is_empty() {
        docker(&["builder", "prune", "--all", "--force", "--filter", &format!("id=^({})$", left.join("|"))])?;
    }
    let after = engine.snapshot().await?;
    let (ours, theirs) = measured?;
    let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a / b).collect();
    let ratio = median(&ratios).unwrap_or(f64::NAN);
    println!(
        "{builder:8}  tonnage {:6.1} ms  docker build {:6.1} ms  ratio {ratio:.2} (median of {ROUNDS} pairs, limit {LIMIT})",
        1e3 * median(&ours).unwrap_or(f64::NAN),
        1e3 * median(&theirs).unwrap_or(f64::NAN),
    );
    if after != before {
        println!("          the engine does not hold what it held before");
    }
    Ok(ratio)
}

/// Seconds of each round: tonnage's own clock, and the whole process of the command line.
async fn rounds(
    engine: &impl ImageBuilder,
    request: &BuildRequest,
    folder: &std::path::Path,
    builder: Builder,
    ownership: &mut Ownership,
) -> Result<(Vec<f64>, Vec<f64>), Box<dyn std::error::Error>> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // Round 0 fills both caches and is not counted.
    for round in 0..=ROUNDS {
        let mut pair = [0.0; 2];
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            if side == 0 {
                let output = engine.build(request, &mut |_| {}).await?.map_err(|failure| failure.message)?;
                if round > 0 && output.steps.iter().any(|step| !step.cached && !step.instruction.starts_with("CMD")) {
                    return Err("a no-change rebuild was not cached".into());
                }
                ownership.images.insert(output.image_id);
                ownership.instructions.extend(output.steps.into_iter().map(|step| step.instruction));
                pair[0] = output.wall_ns.as_seconds();
            } else {
                pair[1] = docker_build(folder, builder)?;
            }
        }
        if round > 0 {
            ours.push(pair[0]);
            theirs.push(pair[1]);
        }
    }
    Ok((ours, theirs))
}

/// The command line tool.
fn program() -> Command {
    Command::new(std::env::var("TONNAGE_BENCH_DOCKER").unwrap_or_else(|_| "docker".into()))
}

/// Has the command line tool take something away; there may be nothing.
fn docker(arguments: &[&str]) -> std::io::Result<()> {
    program().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().map(drop)
}

fn docker_build(folder: &std::path::Path, builder: Builder) -> Result<f64, Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let output = program()
        .args(["build", "--quiet", "--tag", TAGS[1], "--label"])
        .arg(format!("{}={RUN}", labels::RUN))
        .arg(folder)
        .env("DOCKER_BUILDKIT", if builder == Builder::Classic { "0" } else { "1" })
        .output()?;
    let seconds = begun.elapsed().as_secs_f64();
    if output.status.success() {
        return Ok(seconds);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().find(|line| line.starts_with("ERROR")).or(said.lines().last()).unwrap_or_default();
    Err(format!("docker build: {}", reason.trim()).into())
}

fn unix_nanos() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
