//! Dockerfiles are read as BuildKit was recorded to read them.

use crate::recorded_dockerfiles::{all, difference, recorded};

#[test]
fn dockerfiles_are_read_as_buildkit_reads_them() {
    let (recorded, all) = (recorded(), all());
    assert!(all.len() > 80 && recorded.dockerfiles.keys().eq(all.keys()), "record them again");
    let differences: Vec<String> = recorded
        .dockerfiles
        .iter()
        .map(|(name, answer)| difference(name, &all[name], answer, &recorded.platform))
        .filter(|difference| !difference.is_empty())
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let refused = recorded.dockerfiles.values().filter(|answer| !answer.refuses.is_empty()).count();
    assert!((15..40).contains(&refused), "{refused} refused");
}
