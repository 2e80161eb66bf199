//! Processor, memory, load, disk, and clock.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::record::Host;
use crate::units::{Bytes, Nanos};

/// Processor, memory, kernel, load and free disk. What cannot be read is left empty or zero.
pub(crate) fn facts(results: &Path, engine_is_local: bool) -> Host {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    Host {
        cpu_model: cpu_model(&cpuinfo),
        cores: std::thread::available_parallelism().map_or(0, |n| n.get() as u64),
        memory_bytes: memory_total(&meminfo),
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        load_before: load_average().unwrap_or_default(),
        load_after: 0.0,
        disk_free_bytes: nearest(results).and_then(|directory| disk_free(&directory)).unwrap_or_default(),
        engine_is_local,
    }
}

/// Load average of the last minute; `None` where it cannot be read.
pub(crate) fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// UTC, RFC 3339, whole seconds.
pub(crate) fn now_utc() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The wall clock in nanoseconds since the Unix epoch, as engines stamp what they make.
pub(crate) fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| Nanos::from(since).0)
}

/// The directory, or the nearest above it that exists.
fn nearest(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.ancestors().find(|directory| directory.exists()).map(Path::to_path_buf)
}

/// Free space for ordinary users on the file system of `path`.
pub(crate) fn disk_free(path: &Path) -> Option<Bytes> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(Bytes(stat.f_bavail.saturating_mul(stat.f_frsize)))
}

/// `model name` (x86) or `Model` (some arm64 boards) of `/proc/cpuinfo`.
fn cpu_model(cpuinfo: &str) -> String {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| matches!(key.trim(), "model name" | "Model"))
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

/// `MemTotal`, which the kernel gives in KiB although it writes kB.
fn memory_total(meminfo: &str) -> Bytes {
    let kib = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0);
    Bytes(kib.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read_as_the_kernel_writes_them() {
        assert_eq!(cpu_model("processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\n"), "Some CPU @ 2.00GHz");
        assert_eq!(cpu_model(""), "");
        assert_eq!(memory_total("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Bytes(16_777_216));
        assert_eq!(memory_total("nonsense"), Bytes(0));
    }

    #[test]
    fn free_space_of_a_folder_that_is_not_there_yet_is_that_of_its_parent() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("a/b/c");
        assert_eq!(disk_free(&missing), None);
        assert!(disk_free(&nearest(&missing).unwrap()).unwrap() > Bytes(0));
    }
}
