//! Whether a build was what its scenario says, judged by what the builder reported for each instruction.
//!
//! In: the scenario, the steps of one build, and what had to happen. Out: valid or not, why, and hits/cacheable.
//! `measure` judges each sample with it while the run goes on. A builder's own percentage is not a proof: on a fully
//! warm rebuild BuildKit reports internal vertices as not cached.

use super::timing::count;
use crate::record::{Scenario, Step};

/// What a scenario needs to be true.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Instructions that copy the edited source file, as the Dockerfile writes them; any of them may be the first
    /// miss of `src`.
    pub src_copies: Vec<String>,
    /// Instructions that copy the edited requirements file; any of them may be the first miss of `deps`.
    pub deps_copies: Vec<String>,
    /// Id of the image that the build before made from the same context.
    pub previous_image_id: Option<String>,
    /// Id of the image that this build made.
    pub image_id: String,
    /// Instructions that another client's build did in this one's place.
    pub elsewhere: Vec<String>,
    /// Whether the builder fetched a base image inside the clock.
    pub pulled: bool,
}

/// The judgement of one build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
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
/// for which no such instruction was reported proves nothing and is invalid, and so is one whose instructions another
/// client's build did, which took less time for it.
pub(crate) fn judge(scenario: Scenario, steps: &[Step], expected: &Expected) -> Proof {
    let counted: Vec<&Step> = steps.iter().filter(|step| kind(&step.instruction).is_some()).collect();
    let elsewhere: Vec<&String> = expected.elsewhere.iter().filter(|instruction| kind(instruction).is_some()).collect();
    let missed = counted.iter().find(|step| !step.cached);
    let measured = scenario != Scenario::Observed;
    let verdict = if measured && expected.image_id.is_empty() {
        Err("the build returned no image".to_owned())
    } else if measured && expected.pulled {
        Err("a base image was pulled inside the clock".to_owned())
    } else if let Some(first) = elsewhere.first().filter(|_| measured) {
        let all = counted.len() + elsewhere.len();
        Err(format!(
            "{} of {all} instructions were done by another client's build of the same, {} first",
            elsewhere.len(),
            quoted(first)
        ))
    } else if counted.is_empty() {
        Err("the builder reported no instruction that can be cached, so nothing is proven".to_owned())
    } else {
        match scenario {
            Scenario::Cold => cold(&counted),
            Scenario::Warm | Scenario::Touch => unchanged(missed.copied(), expected),
            Scenario::Src => edited(missed.copied(), &expected.src_copies, "source"),
            Scenario::Deps => edited(missed.copied(), &expected.deps_copies, "requirements"),
            Scenario::Base => moved(expected),
            Scenario::Observed => Ok(seen(expected, elsewhere.len())),
        }
    };
    let (valid, reason) = match verdict {
        Ok(tolerated) => (true, tolerated),
        Err(reason) => (false, reason),
    };
    Proof {
        valid,
        reason,
        cached: count(counted.iter().filter(|step| step.cached).count()),
        cacheable: count(counted.len() + elsewhere.len()),
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

/// The image is another one. Which instructions do not depend on the base only the builder knows.
fn moved(expected: &Expected) -> Result<String, String> {
    match &expected.previous_image_id {
        None => Err("there was no build before to compare the image with".to_owned()),
        Some(previous) if *previous == expected.image_id => {
            Err("the moved base image did not reach the build".to_owned())
        }
        Some(_) => Ok(String::new()),
    }
}

/// What there is to know of somebody else's build, which had no scenario to be.
fn seen(expected: &Expected, elsewhere: usize) -> String {
    let pulled = expected.pulled.then(|| "a base image was pulled".to_owned());
    let shared = (elsewhere > 0).then(|| format!("another build did {elsewhere} of the instructions at the same time"));
    pulled.into_iter().chain(shared).collect::<Vec<_>>().join("; ")
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
pub(crate) fn kind(instruction: &str) -> Option<&'static str> {
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
    let is_escape = |word: &str| word.chars().all(|c| c == '\\');
    let mut words: Vec<String> =
        text.split_whitespace().filter(|word| !is_escape(word)).map(ToOwned::to_owned).collect();
    // BuildKit takes the quotes from a here-document's name and shows the first line of a script: `RUN <<EOF (set -e)`.
    let is_heredoc = |word: &String| word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with("<<");
    if let Some(last) = words.iter().rposition(is_heredoc) {
        if words.get(last + 1).is_some_and(|word| word.starts_with('(')) && text.ends_with(')') {
            words.truncate(last + 1);
        }
        for word in words.iter_mut().filter(|word| is_heredoc(word)) {
            word.retain(|c| !matches!(c, '"' | '\''));
        }
    }
    words
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nanos;

    /// Steps from lines: `+` came from cache, `-` ran.
    fn steps(lines: &[&str]) -> Vec<Step> {
        let step = |line: &&str| Step {
            instruction: line[1..].to_owned(),
            stage: String::new(),
            cached: line.starts_with('+'),
            duration_ns: Nanos::ZERO,
        };
        lines.iter().map(step).collect()
    }

    fn expected() -> Expected {
        Expected {
            src_copies: vec!["COPY src /app".to_owned()],
            deps_copies: vec!["COPY requirements.txt ./".to_owned()],
            previous_image_id: Some("sha256:a".to_owned()),
            image_id: "sha256:a".to_owned(),
            elsewhere: Vec::new(),
            pulled: false,
        }
    }

    const WARM: [&str; 4] = ["+WORKDIR /app", "+COPY requirements.txt ./", "+RUN pip install", "+COPY src /app"];
    const COLD: [&str; 4] = ["-WORKDIR /app", "-COPY requirements.txt ./", "-RUN pip install", "-COPY src /app"];
    const BUILDKIT_COLD: [&str; 4] =
        ["+WORKDIR /app", "-COPY requirements.txt ./", "-RUN pip install", "-COPY src /app"];
    const SRC: [&str; 4] = ["+WORKDIR /app", "+COPY requirements.txt ./", "+RUN pip install", "-COPY src /app"];
    const DEPS: [&str; 4] = ["+WORKDIR /app", "-COPY requirements.txt ./", "-RUN pip install", "-COPY src /app"];

    #[test]
    fn each_scenario_is_valid_only_if_its_proof_holds() {
        let unreached = "every instruction was cached: the edit of the source file did not reach the build";
        let table: [(Scenario, &[&str], bool, &str, u32); 13] = [
            (Scenario::Cold, &COLD, true, "", 0),
            (Scenario::Cold, &BUILDKIT_COLD, true, "tolerated: `WORKDIR /app` came from cache", 1),
            (Scenario::Cold, &SRC, false, "`COPY requirements.txt ./` came from cache, in spite of `nocache`", 3),
            (Scenario::Warm, &WARM, true, "", 4),
            (Scenario::Touch, &WARM, true, "", 4),
            (Scenario::Warm, &SRC, false, "`COPY src /app` was not cached, though nothing changed", 3),
            (Scenario::Touch, &SRC, false, "`COPY src /app` was not cached, though nothing changed", 3),
            (Scenario::Src, &SRC, true, "", 3),
            (Scenario::Src, &WARM, false, unreached, 4),
            (
                Scenario::Src,
                &DEPS,
                false,
                "`COPY requirements.txt ./` was the first that was not cached, where `COPY src /app` was due",
                1,
            ),
            (Scenario::Deps, &DEPS, true, "", 1),
            (
                Scenario::Deps,
                &SRC,
                false,
                "`COPY src /app` was the first that was not cached, where `COPY requirements.txt ./` was due",
                3,
            ),
            (
                Scenario::Cold,
                &["-CMD [\"sh\"]", "-ENV A=b"],
                false,
                "the builder reported no instruction that can be cached, so nothing is proven",
                0,
            ),
        ];
        for (scenario, lines, valid, reason, cached) in table {
            let proof = judge(scenario, &steps(lines), &expected());
            assert_eq!(
                (proof.valid, proof.reason.as_str(), proof.cached),
                (valid, reason, cached),
                "{scenario} {lines:?}"
            );
        }
    }

    #[test]
    fn a_moved_base_makes_another_image_whatever_comes_from_cache() {
        let other = Expected { previous_image_id: Some("sha256:b".to_owned()), ..expected() };
        for (lines, cached) in [(&COLD, 0), (&WARM, 4)] {
            let proof = judge(Scenario::Base, &steps(lines), &other);
            assert_eq!((proof.valid, proof.cached), (true, cached));
        }
        let same = judge(Scenario::Base, &steps(&WARM), &expected());
        assert_eq!((same.valid, same.reason.as_str()), (false, "the moved base image did not reach the build"));
        assert!(!judge(Scenario::Base, &steps(&COLD), &Expected { previous_image_id: None, ..expected() }).valid);
    }

    #[test]
    fn configuration_does_not_count() {
        let proof =
            judge(Scenario::Warm, &steps(&["+RUN a", "-CMD [\"sh\"]", "-LABEL a=b", "-EXPOSE 80"]), &expected());
        assert_eq!((proof.valid, proof.cached, proof.cacheable, proof.first_miss), (true, 1, 1, None));
    }

    #[test]
    fn a_warm_build_must_return_the_image_of_the_build_before() {
        let other = Expected { previous_image_id: Some("sha256:b".to_owned()), ..expected() };
        assert!(judge(Scenario::Warm, &steps(&WARM), &other).reason.contains("not that of the build before"));
        let none = Expected { previous_image_id: None, ..expected() };
        assert!(!judge(Scenario::Touch, &steps(&WARM), &none).valid);
        // An edit makes another image, whatever was before.
        assert!(judge(Scenario::Src, &steps(&SRC), &other).valid);
    }

    #[test]
    fn a_pull_inside_the_clock_or_a_missing_image_invalidates_every_scenario() {
        for scenario in Scenario::USUAL {
            let lines: &[&str] = match scenario {
                Scenario::Cold => &COLD,
                Scenario::Warm | Scenario::Touch => &WARM,
                Scenario::Src => &SRC,
                Scenario::Deps => &DEPS,
                Scenario::Base | Scenario::Observed => &[],
            };
            assert!(judge(scenario, &steps(lines), &expected()).valid);
            assert!(!judge(scenario, &steps(lines), &Expected { pulled: true, ..expected() }).valid);
            assert!(!judge(scenario, &steps(lines), &Expected { image_id: String::new(), ..expected() }).valid);
            assert!(!judge(scenario, &[], &expected()).valid);
        }
    }

    #[test]
    fn somebody_else_s_build_counts_alike_and_needs_nothing_but_instructions() {
        let other = Expected { pulled: true, elsewhere: vec!["RUN x".to_owned()], ..Expected::default() };
        let (seen, measured) =
            (judge(Scenario::Observed, &steps(&SRC), &other), judge(Scenario::Src, &steps(&SRC), &expected()));
        assert!(seen.valid && seen.reason.contains("pulled") && seen.reason.contains("1 of the instructions"));
        assert_eq!((seen.cached, seen.cacheable), (measured.cached, measured.cacheable + 1));
        assert_eq!(seen.first_miss, measured.first_miss);
        assert!(!judge(Scenario::Observed, &[], &other).valid);
    }

    #[test]
    fn what_another_build_did_at_the_same_time_invalidates_every_scenario() {
        for (scenario, lines) in [(Scenario::Cold, &COLD[..1]), (Scenario::Warm, &WARM[..1])] {
            assert!(judge(scenario, &steps(lines), &expected()).valid);
            let elsewhere = vec!["COPY requirements.txt ./".to_owned(), "RUN pip install".to_owned()];
            let proof = judge(scenario, &steps(lines), &Expected { elsewhere, ..expected() });
            assert!(!proof.valid);
            assert_eq!(
                (proof.cacheable, proof.reason.starts_with("2 of 3 instructions were done by another")),
                (3, true)
            );
        }
    }

    #[test]
    fn an_early_copy_of_everything_is_the_copy_of_the_source_too() {
        let early = Expected { src_copies: vec!["COPY . .".to_owned()], ..expected() };
        let proof = judge(Scenario::Src, &steps(&["+WORKDIR /app", "-COPY . .", "-RUN pip install"]), &early);
        assert_eq!((proof.valid, proof.first_miss.as_deref()), (true, Some("COPY . .")));
    }

    #[test]
    fn instructions_are_recognised_in_the_words_of_every_builder() {
        for (written, reported, same) in [
            ("COPY src /app", "COPY src /app", true),
            ("COPY   src\t/app", "COPY src /app", true),
            ("copy src /app", "COPY src /app", true),
            ("COPY src /app", "[4/5] COPY src /app", true),
            ("COPY src /app", "[stage-1 3/4] COPY src /app", true),
            ("COPY src /app", "Step 5/6 : COPY src /app", true),
            ("COPY src /app", "STEP 5/6: COPY src /app", true),
            ("COPY [\"src\", \"/app\"]", "COPY [src, /app]", true),
            ("COPY [\"src\", \"/app\"]", "COPY [\"src\",\"/app\"]", true),
            ("COPY src $APP", "COPY src /app", true),
            ("COPY --chown=$USER:$USER src ${APP}/x", "COPY --chown=1:1 src /app/x", true),
            ("COPY src \\\n  /app", "COPY src /app", true),
            ("RUN --mount=source=a,target=/a <<-EOF", "RUN --mount=source=a,target=/a <<-EOF (set -e)", true),
            ("COPY <<\"E\" src /app/", "COPY <<E src /app/", true),
            ("RUN cat <<EOF > /a", "RUN cat <<EOF > /b", false),
            ("COPY src /app", "COPY src /app2", false),
            ("COPY src /app", "COPY --link src /app", false),
            ("COPY SRC /app", "COPY src /app", false),
            ("COPY src $APP", "ADD src /app", false),
        ] {
            assert_eq!(same_instruction(written, reported), same, "{written} | {reported}");
        }
        for (instruction, expected) in [
            ("RUN [\"a\"]", Some("RUN")),
            ("[builder 2/4] run x", Some("RUN")),
            ("ONBUILD COPY . .", Some("COPY")),
            ("[internal] load build context", None),
            ("WORKDIR /a", Some("WORKDIR")),
            ("RUNNER x", None),
            ("", None),
            ("[", None),
            ("é", None),
        ] {
            assert_eq!(kind(instruction), expected, "{instruction}");
        }
    }
}
