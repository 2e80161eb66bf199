//! Findings on startup in words: what keeps an image from starting as the suite wants it started.

use crate::analyse::unwritable;
use crate::record::{Finding, Variant};
use crate::text::for_people;
use crate::units::Bytes;

/// What a variant could not write on its read-only root.
pub(super) fn startup_finding(variant: &Variant) -> Option<Finding> {
    let paths = unwritable(variant.serve.as_ref()?)?;
    let named: Vec<String> = paths.iter().map(|path| format!("`{}`", for_people(path))).collect();
    let what = if named.is_empty() { "something that its log does not name".to_owned() } else { named.join(", ") };
    Some(Finding {
        code: "read-only-root".to_owned(),
        message: format!("does not start on a read-only root file system: it cannot write {what}"),
        instruction: String::new(),
        size_bytes: Bytes::ZERO,
        remedy:
            "write to a volume or a tmpfs, such as /dev/shm (`gunicorn --worker-tmp-dir /dev/shm`), or write the file \
                 while the image is built"
                .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use crate::record::{ServeLimits, ServeState};
    use crate::testing::fixture;

    #[test]
    fn the_path_that_could_not_be_written_is_a_finding() {
        let mut record = fixture::record();
        let serve = record.variants[1].serve.as_mut().unwrap();
        serve.state = ServeState::Failed;
        serve.limits = Some(ServeLimits { read_only: true, ..ServeLimits::default() });
        serve.log = vec!["OSError: [Errno 30] Read-only file system: '/app/\u{1b}[1mx'".to_owned()];
        let text = crate::report::markdown(&record);
        let row = text.lines().find(|line| line.contains("does not start on a read-only root file system")).unwrap();
        assert!(row.starts_with("| python3.9-slim ") && row.contains("it cannot write `/app/"), "{row}");
        assert!(!text.contains('\u{1b}'));
    }
}
