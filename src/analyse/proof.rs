//! Whether a build was what its scenario says, judged by what the builder reported for each instruction.
//!
//! In: the scenario, the steps of one build, and what had to happen. Out: valid or not, why, and hits/cacheable.
//! `measure` judges each sample with it while the run goes on. A builder's own percentage is no proof: on a fully
//! warm rebuild BuildKit reports internal vertices as not cached.

use crate::record::{Scenario, Step};

/// What a scenario needs to be true.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Instructions that copy the edited source file, as the Dockerfile writes them; any of them may be the first
    /// miss of `src`.
    pub src_copies: Vec<String>,
    /// Instructions that copy the edited requirements file; any of them may be the first miss of `deps`.
    pub deps_copies: Vec<String>,
    /// Id of the image that the build before made from the same context.
    pub previous_image_id: Option<String>,
    /// Id of the image that this build made.
    pub image_id: String,
    /// Whether the builder fetched a base image inside the clock.
    pub pulled: bool,
}

/// The judgement of one build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Whether the sample counts.
    pub valid: bool,
    /// Why it does not, or what was tolerated; empty otherwise.
    pub reason: String,
    /// Cacheable instructions that came from cache.
    pub cached: u32,
    /// Instructions that can come from cache: RUN, COPY, ADD, WORKDIR.
    pub cacheable: u32,
    /// The first of them that was not cached.
    pub first_miss: Option<String>,
}

/// Judges one build by the table "valid only if" of the definitions of metrics.
///
/// RUN, COPY, ADD and WORKDIR count; configuration instructions, which only some builders report, do not. A build
/// for which no such instruction was reported proves nothing and is invalid.
pub fn judge(scenario: Scenario, steps: &[Step], expected: &Expected) -> Proof {
    let counted: Vec<&Step> = steps.iter().filter(|step| kind(&step.instruction).is_some()).collect();
    let missed = counted.iter().find(|step| !step.cached);
    let verdict = if expected.image_id.is_empty() {
        Err("the build returned no image".to_owned())
    } else if expected.pulled {
        Err("a base image was pulled inside the clock".to_owned())
    } else if counted.is_empty() {
        Err("the builder reported no instruction that can be cached, so nothing is proven".to_owned())
    } else {
        match scenario {
            Scenario::Cold => cold(&counted),
            Scenario::Warm | Scenario::Touch => unchanged(missed.copied(), expected),
            Scenario::Src => edited(missed.copied(), &expected.src_copies, "source"),
            Scenario::Deps => edited(missed.copied(), &expected.deps_copies, "requirements"),
        }
    };
    let (valid, reason) = match verdict {
        Ok(tolerated) => (true, tolerated),
        Err(reason) => (false, reason),
    };
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Proof {
        valid,
        reason,
        cached: count(counted.iter().filter(|step| step.cached).count()),
        cacheable: count(counted.len()),
        first_miss: missed.map(|step| step.instruction.clone()),
    }
}

/// Everything ran. BuildKit serves WORKDIR from cache in spite of `nocache`, on every version: tolerated and listed.
fn cold(counted: &[&Step]) -> Result<String, String> {
    let (workdirs, others): (Vec<&Step>, Vec<&Step>) =
        counted.iter().copied().filter(|step| step.cached).partition(|step| kind(&step.instruction) == Some("WORKDIR"));
    if let Some(step) = others.first() {
        return Err(format!("{} came from cache, in spite of `nocache`", quoted(&step.instruction)));
    }
    let names: Vec<String> = workdirs.iter().map(|step| quoted(&step.instruction)).collect();
    Ok(if names.is_empty() { String::new() } else { format!("tolerated: {} came from cache", names.join(", ")) })
}

/// Nothing ran, and the image is that of the build before.
fn unchanged(missed: Option<&Step>, expected: &Expected) -> Result<String, String> {
    if let Some(step) = missed {
        return Err(format!("{} was not cached, though nothing changed", quoted(&step.instruction)));
    }
    match &expected.previous_image_id {
        None => Err("there was no build before to compare the image with".to_owned()),
        Some(previous) if *previous != expected.image_id => {
            Err("every instruction was cached, but the image is not that of the build before".to_owned())
        }
        Some(_) => Ok(String::new()),
    }
}

/// The first miss is an instruction that copies the edited file.
fn edited(missed: Option<&Step>, copies: &[String], what: &str) -> Result<String, String> {
    let Some(step) = missed else {
        return Err(format!("every instruction was cached: the edit of the {what} file did not reach the build"));
    };
    if copies.iter().any(|copy| same_instruction(copy, &step.instruction)) {
        return Ok(String::new());
    }
    Err(match copies.first() {
        None => format!("no instruction is known to copy the {what} file; {} ran first", quoted(&step.instruction)),
        Some(copy) => {
            format!("{} was the first that was not cached, where {} was due", quoted(&step.instruction), quoted(copy))
        }
    })
}

/// The word of an instruction that can come from cache, or `None`.
pub fn kind(instruction: &str) -> Option<&'static str> {
    let mut words = bare(instruction).split_whitespace();
    let mut word = words.next()?;
    if word.eq_ignore_ascii_case("ONBUILD") {
        word = words.next()?;
    }
    ["RUN", "COPY", "ADD", "WORKDIR"].into_iter().find(|known| word.eq_ignore_ascii_case(known))
}

/// Whether a Dockerfile's instruction is what a builder calls by `reported`.
///
/// Builders upper-case the first word, join lines, keep or change white space, drop the quotes of the JSON form
/// and put in the values of variables, so: words are compared, the first one in any case, JSON punctuation left
/// out, and a word with `$` in it stands for any word.
pub fn same_instruction(written: &str, reported: &str) -> bool {
    let (written, reported) = (words(written), words(reported));
    written.len() == reported.len()
        && written.iter().zip(&reported).enumerate().all(|(index, (a, b))| {
            a == b || (index == 0 && a.eq_ignore_ascii_case(b)) || (index > 0 && a.contains('$'))
        })
}

fn words(instruction: &str) -> Vec<String> {
    let mut text = bare(instruction).replace("\\\n", " ");
    // The JSON form, `COPY ["src", "/app"]`; BuildKit prints `COPY [src, /app]` or the source line.
    if text.contains('[') && text.trim_end().ends_with(']') {
        text = text.replace(['[', ']', '"', ','], " ");
    }
    text.split_whitespace().filter(|word| *word != "\\").map(ToOwned::to_owned).collect()
}

/// Without the prefix that some builders set before the instruction: `[builder 2/4] `, `STEP 2/6: `, `Step 2/6 : `.
fn bare(instruction: &str) -> &str {
    let text = instruction.trim();
    let prefixed = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    if let Some((_, rest)) = prefixed.filter(|(inside, _)| inside.contains('/') || *inside == "internal") {
        return rest.trim_start();
    }
    let step = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("step "));
    match text.split_once(':') {
        Some((_, rest)) if step => rest.trim_start(),
        _ => text,
    }
}

fn quoted(instruction: &str) -> String {
    format!("`{}`", crate::text::shorten(&instruction.split_whitespace().collect::<Vec<_>>().join(" "), 80))
}
