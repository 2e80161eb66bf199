//! What a container is held to while it is started, and what a read-only root makes fail.

use crate::holdings::Holdings;
use crate::sandbox::Sandbox;
use crate::shared_engine::SharedEngine;

/// Serves its own user and quota of CPU time, as the kernel has them, out of memory.
const TELLS: &str = "FROM tonnage-tiny/python:3.9-slim\n\
    CMD [\"sh\", \"-c\", \"mkdir /dev/shm/www; { id -u; cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max; } \
    >/dev/shm/www/index.html 2>/dev/null; exec httpd -f -p 5000 -h /dev/shm/www\"]\n";
/// Writes below /srv before it serves.
const WRITES: &str = "FROM tonnage-tiny/python:3.9-slim\nCOPY src /app\nCMD [\"python\", \"/app/server.py\"]\n";

#[test]
#[ignore = "needs a container engine"]
fn a_started_container_is_held_to_its_limits_and_a_read_only_root_names_what_could_not_be_written() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    sandbox.write("suite/tells/Dockerfile", TELLS);
    sandbox.write("suite/writes/Dockerfile", WRITES);
    sandbox.write(
        "suite/tonnage.toml",
        "[suite]\nname = \"startup\"\ncontext = \".\"\n\
         [serve]\nport = 5000\nexpect = \"10001\\n20000\"\ntimeout = \"20 s\"\nstarts = 1\n\
         cpus = 0.2\nmemory = \"64 MiB\"\nread_only = true\nuser = \"10001\"\n\
         [[variant]]\nname = \"tells\"\n[[variant]]\nname = \"writes\"\n",
    );
    let before = Holdings::now();
    sandbox.run(&["run", "suite", "--sizes-only", "--out", "out"]).expect(5);
    let record = sandbox.json("out/run.json");
    let serve = &record["variants"][0]["serve"];
    assert_eq!(serve["state"], "answered", "{serve}");
    let limits = serde_json::json!({
        "memory_bytes": 67_108_864, "nano_cpus": 200_000_000, "read_only": true, "user": "10001"
    });
    assert_eq!((&serve["limits"], &serve["user"]), (&limits, &"10001".into()));
    let cpu = serve["starts"][0]["cpu_ns"].as_u64().unwrap();
    assert!(cpu > 0 && cpu < 10_000_000_000, "{serve}");
    assert_eq!(record["variants"][1]["serve"]["state"], "failed");
    let report = sandbox.read("out/report.md");
    let finding = "does not start on a read-only root file system: it cannot write `/srv/www`";
    assert!(report.contains(finding), "{report}");
    assert!(report.contains("limited to 0.2 CPUs, 67.1 MB of memory, a read-only root, user 10001"), "{report}");
    let starts = sandbox.read("out/starts.csv");
    let row = starts.lines().nth(1).unwrap();
    assert!(row.starts_with("tells,0,") && row.ends_with(",10001,200000000,67108864,true"), "{starts}");
    assert_eq!(Holdings::now(), before);
}
