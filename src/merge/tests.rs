use super::*;
use crate::analyse::{class_timings, ratios_to_first, summary};
use crate::error::Diagnose as _;
use crate::exit::Exit;
use crate::record::{
    Ended, LayerOrigin, Outcome, PathSize, Record, RecordError, Scenario, ShardBy, SuiteInfo, Variant,
};
use crate::testing::fixture::{self, NAMES};
use crate::units::{Bytes, Nanos};

fn given(records: &[Record]) -> Result<Vec<ShardRecord>, MergeError> {
    let named = records.iter().enumerate().map(|(at, record)| ShardRecord::of(format!("dir-{at}"), record.clone()));
    named.collect()
}

fn merged(records: &[Record], missing: MissingShards) -> Result<MergedRun, MergeError> {
    merge(given(records)?, missing)
}

fn two() -> [Record; 2] {
    [fixture::shard(1, 2, 100), fixture::shard(2, 2, 100)]
}

#[test]
fn the_shards_of_a_run_make_the_record_of_the_whole_in_any_order() {
    let [one, other] = two();
    let MergedRun { record, mismatches, missing } =
        merged(&[other.clone(), one.clone()], MissingShards::Refused).unwrap();
    assert_eq!((mismatches.len(), missing.len(), record.ended), (0, 0, Ended::Complete));
    assert_eq!(record.samples.len(), one.samples.len() + other.samples.len());
    assert_eq!(record.shards.iter().map(|shard| shard.part.index).collect::<Vec<_>>(), [1, 2]);
    let sizes = |record: &Record| record.variants.iter().map(Variant::size).collect::<Vec<_>>();
    assert_eq!(sizes(&record), sizes(&one));
    assert_eq!(record.elapsed_ns, one.elapsed_ns + other.elapsed_ns);
    assert!(!record.is_shard() && one.is_shard());
    // On equal machines it is as if one had measured all.
    let whole = Record { samples: fixture::samples(14), shards: Vec::new(), ..one };
    assert_eq!(ratios_to_first(&record), ratios_to_first(&whole));
    // Rounds of several machines stand in no order, so they have no drift.
    let figures = |record: &Record| {
        let mut lines = summary(record);
        lines.iter_mut().flat_map(|line| line.timings.values_mut()).for_each(|timing| timing.drift = None);
        lines
    };
    assert_eq!(figures(&record), figures(&whole));
    assert_eq!(record.environment.noise, crate::analyse::noise(&whole));
}

#[test]
fn what_are_not_the_shards_of_one_run_is_refused_each_with_its_error() {
    let change = |change: fn(&mut Record)| {
        let [one, mut other] = two();
        change(&mut other);
        vec![one, other]
    };
    let cases: [(Vec<Record>, Exit, &str, &str); 17] = [
        (vec![fixture::shard(1, 3, 100)], Exit::NotComparable, "shards 2/3 and 3/3 are missing", "--shard 2/3"),
        (vec![fixture::shard(2, 2, 100)], Exit::NotComparable, "shard 1/2 is missing", "--allow-missing"),
        (
            vec![fixture::shard(1, 2, 100), fixture::shard(2, 2, 100), fixture::shard(2, 2, 100)],
            Exit::Usage,
            "shard 2/2 is there twice: in `dir-1` and in `dir-2`",
            "once",
        ),
        (
            change(|record| record.suite.name = "shop".into()),
            Exit::NotComparable,
            "`dir-1` is a shard of the suite `shop`, and `dir-0` of the suite `flask-blog`",
            "one suite",
        ),
        (
            change(|record| record.suite.digest = "sha256:0".into()),
            Exit::NotComparable,
            "`dir-0` and `dir-1` are not shards of one run: the suite was changed in between",
            "one commit",
        ),
        (change(|record| record.metrics_version = 2), Exit::NotComparable, "metric definitions 1 and 2", "version"),
        (change(|record| record.settings.rounds = 7), Exit::NotComparable, "another `--rounds`", "same options"),
        (change(|record| record.seed = 7), Exit::NotComparable, "another `--seed`", "same options"),
        (
            change(|record| record.environment.engine.arch = "arm64".into()),
            Exit::NotComparable,
            "with buildkit on linux/amd64, and with buildkit on linux/arm64",
            "one platform",
        ),
        (
            change(|record| record.shards[0].part.by = ShardBy::Variants),
            Exit::NotComparable,
            "one run is split into 2 shards of the rounds, the other into 2 shards of the variants",
            "--shard-by",
        ),
        (change(|record| record.shards[0].plan.clear()), Exit::NotComparable, "another plan", "same options"),
        (
            change(|record| record.ended = Ended::EngineLost),
            Exit::NotComparable,
            "shard 2/2 in `dir-1` is not complete: its engine became unavailable",
            "--resume dir-1",
        ),
        (change(|record| record.shards.clear()), Exit::Usage, "`dir-1` holds a whole run", "--shard I/N"),
        (
            change(|record| record.shards.push(record.shards[0].clone())),
            Exit::Usage,
            "`dir-1` holds a merged run",
            "made of",
        ),
        (
            change(|record| record.samples[3].shard = Some(1)),
            Exit::Unreadable,
            "the shard in `dir-1` is corrupt: the sample of step 3 is not of shard 2/2",
            "measure the shard again",
        ),
        (
            vec![fixture::shard(1, 2, 100), fixture::shard(2, 2, 100)]
                .into_iter()
                .map(|record| Record { suite: SuiteInfo { name: "../../x".into(), ..record.suite.clone() }, ..record })
                .collect(),
            Exit::Unreadable,
            "the shard in `dir-0` is corrupt: the name of its suite cannot be that of a directory",
            "measure the shard again",
        ),
        (
            change(|record| record.samples[4].step = 3),
            Exit::Unreadable,
            "the shard in `dir-1` is corrupt: step 3 is there twice",
            "measure the shard again",
        ),
    ];
    for (records, exit, message, hint) in cases {
        let error = merged(&records, MissingShards::Refused).unwrap_err();
        assert!(error.to_string().contains(message), "{message}: {error}");
        assert_eq!(error.exit(), exit, "{error}");
        assert!(error.hint().is_some_and(|said| said.contains(hint)), "{hint}: {:?}", error.hint());
    }
}

#[test]
fn a_record_that_cannot_be_read_is_named_with_its_directory() {
    let source = RecordError::Malformed { path: "d/run.json".into(), reason: "EOF at line 3".into() };
    let error = MergeError::Unreadable { name: "d".into(), source };
    assert_eq!((error.to_string().as_str(), error.exit()), ("cannot read the shard in `d`", Exit::Unreadable));
    assert!(crate::error::chain(&error).contains("EOF at line 3") && error.hint().is_some());
}

#[test]
fn names_from_a_record_reach_no_terminal_as_they_are() {
    let [one, mut other] = two();
    other.suite.name = "\u{1b}[31mred".into();
    let error = merged(&[one, other], MissingShards::Refused).unwrap_err();
    assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
}

#[test]
fn missing_and_unfinished_shards_are_left_out_where_that_is_allowed() {
    let mut record = fixture::shard(2, 3, 100);
    record.ended = Ended::Interrupted;
    let run = merged(&[record.clone()], MissingShards::Allowed).unwrap();
    assert_eq!(run.missing.iter().map(ToString::to_string).collect::<Vec<_>>(), ["1/3", "3/3"]);
    assert_eq!(run.record.ended, Ended::ShardsMissing);
    let [one, _] = two();
    let second = Record { ended: Ended::Interrupted, ..fixture::shard(2, 2, 100) };
    assert_eq!(merged(&[one, second], MissingShards::Allowed).unwrap().record.ended, Ended::Interrupted);
}

#[test]
fn an_image_that_is_not_reproducible_is_named_by_layer_and_path() {
    let [mut one, mut other] = two();
    assert!(merged(&[one.clone(), other.clone()], MissingShards::Refused).unwrap().mismatches.is_empty());
    let slim = &mut other.variants[1];
    slim.image_id = "sha256:other".into();
    let layer = slim.layers.iter().rposition(|layer| layer.origin == LayerOrigin::Own).unwrap();
    let log = |size_bytes| PathSize {
        path: "/app/build.log".into(),
        size_bytes,
        layer: u32::try_from(layer).unwrap(),
        package: String::new(),
    };
    one.variants[1].paths.push(log(Bytes(9_000_000)));
    slim.paths.push(log(Bytes(9_001_234)));
    slim.layers[layer].size_bytes += Bytes(1_234);
    slim.layers[layer].diff_id = fixture::diff_id("other");
    let sizes = slim.sizes.as_mut().unwrap();
    sizes.size_bytes += Bytes(1_234);
    let found = merged(&[one, other.clone()], MissingShards::Refused).unwrap();
    let [mismatch] = found.mismatches.as_slice() else { panic!("{:?}", found.mismatches) };
    assert_eq!((mismatch.kept.index, mismatch.other.index), (1, 2));
    assert_eq!((mismatch.comparison.old_name.as_str(), mismatch.comparison.delta_bytes.0), (NAMES[1], 1_234));
    let finding = crate::report::mismatch(mismatch);
    assert_eq!((finding.code.as_str(), finding.size_bytes), ("not-reproducible", Bytes(1_234)));
    for said in ["shard 1/2", "shard 2/2", "+1,234", "`/app/build.log`"] {
        assert!(finding.message.contains(said), "no {said}: {}", finding.message);
    }
    assert_eq!(finding.instruction, other.variants[1].layers[layer].instruction);
}

#[test]
fn an_equal_size_is_the_same_image_whatever_its_id() {
    let [one, mut other] = two();
    other.variants[0].image_id = "sha256:other".into();
    assert!(merged(&[one, other], MissingShards::Refused).unwrap().mismatches.is_empty());
}

#[test]
fn a_variant_that_failed_on_one_machine_has_failed() {
    let [one, mut other] = two();
    other.variants[2] = fixture::with_failures().variants[2].clone();
    let record = merged(&[one.clone(), other], MissingShards::Refused).unwrap().record;
    let variant = &record.variants[2];
    assert_eq!((variant.outcome, &variant.sizes), (Outcome::BuildFailed, &one.variants[2].sizes));
    let message = &variant.failure.as_ref().unwrap().message;
    assert!(message.starts_with("on shard 2/2: "), "{message}");
    assert!(record.has_failures());
}

#[test]
fn shards_of_variants_stand_in_the_order_of_the_suite_and_share_layers_again() {
    let whole = merged(&two(), MissingShards::Refused).unwrap().record;
    let mut shards = two();
    for (record, own) in shards.iter_mut().zip([[0, 1, 1], [0, 2, 3]]) {
        record.shards[0].part.by = ShardBy::Variants;
        let names: Vec<&str> = own.iter().map(|at| NAMES[*at]).collect();
        record.variants.retain(|variant| names.contains(&variant.name.as_str()));
        record.samples.retain(|sample| names.contains(&sample.variant.as_str()) && !sample.twin);
        for sizes in record.variants.iter_mut().filter_map(|variant| variant.sizes.as_mut()) {
            sizes.share_out(Bytes(1));
        }
    }
    let record = merged(&shards, MissingShards::Refused).unwrap().record;
    assert_eq!(record.variants.iter().map(|variant| variant.name.as_str()).collect::<Vec<_>>(), NAMES);
    let unique = |record: &Record| -> Vec<_> {
        record.variants.iter().map(|variant| variant.sizes.as_ref().unwrap().unique_bytes).collect()
    };
    assert_eq!(unique(&record), unique(&whole));
    assert_eq!(ratios_to_first(&record).len(), 3 * 5, "each against the first on its own machine");
}

#[test]
fn a_noisy_shard_is_left_out_with_the_check_that_says_so() {
    let [one, mut other] = two();
    for sample in other.samples.iter_mut().filter(|sample| sample.twin) {
        sample.wall_ns = Nanos(sample.wall_ns.0 * 12 / 10);
    }
    let mut record = merged(&[one.clone(), other.clone()], MissingShards::Refused).unwrap().record;
    let before = ratios_to_first(&record);
    without_noisy(&mut record).unwrap();
    assert_eq!(record.shards[0].dropped, None);
    assert!(record.shards[1].dropped.as_ref().is_some_and(|noise| noise.low > 1.1));
    let left = ratios_to_first(&record);
    assert_eq!(left, ratios_to_first(&one));
    assert!(before.iter().all(|ratio| ratio.estimate.pairs == 14));
    assert_eq!(record.samples.len(), one.samples.len() + other.samples.len(), "kept, and not counted");
    // What is not counted any more is still known to be noisy.
    let again = crate::analyse::shard_noise(&record)[1].1.clone();
    assert_eq!(again, record.shards[1].dropped);

    let mut first = other.clone();
    first.shards[0].part.index = 1;
    first.samples.iter_mut().for_each(|sample| sample.shard = Some(1));
    let mut record = merged(&[first, other], MissingShards::Refused).unwrap().record;
    let error = without_noisy(&mut record).unwrap_err();
    assert_eq!((error.exit(), error.hint().is_some()), (Exit::Inconclusive, true));
}

#[test]
fn medians_are_those_of_one_class_of_machines_and_ratios_of_all() {
    let fast = fixture::shard(1, 3, 50);
    let shards = [fast.clone(), fixture::shard(2, 3, 100), fixture::shard(3, 3, 100)];
    let record = merged(&shards, MissingShards::Refused).unwrap().record;
    assert_eq!(class_timings(&record).len(), 2);
    let cold = |record: &Record| summary(record)[0].timings[&Scenario::Cold].estimate.unwrap();
    assert_eq!(cold(&record).n, 14, "those of two equal machines");
    assert!(cold(&record).median.0 > cold(&fast).median.0 * 19 / 10);
    assert!(ratios_to_first(&record).iter().any(|ratio| ratio.estimate.pairs == 21));
}
