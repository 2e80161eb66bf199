//! A release as `make dist` leaves it, with a program of the test's choice, on a file server of this machine.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use crate::action_job::Job;

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
pub(crate) const TARGET: &str =
    if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-musl" } else { "x86_64-unknown-linux-musl" };

/// What the Action's scripts and `tonnage` call.
const TOOLS: [&str; 21] = [
    "awk",
    "bash",
    "cat",
    "cp",
    "curl",
    "cut",
    "dirname",
    "env",
    "find",
    "gzip",
    "head",
    "mkdir",
    "od",
    "rm",
    "sed",
    "sha256sum",
    "sort",
    "tar",
    "tr",
    "uname",
    "xargs",
];

/// A release on a file server.
pub(crate) struct Release {
    pub(crate) url: String,
    /// SHA-256 of the archive.
    pub(crate) digest: String,
    directory: PathBuf,
}

impl Release {
    /// A release whose program starts `program`.
    pub(crate) fn of(job: &Job, program: &str) -> Self {
        let name = format!("tonnage-v{VERSION}-{TARGET}");
        job.0.write(&format!("release/{name}/tonnage"), &format!("#!/bin/sh\nexec {program} \"$@\"\n"));
        job.0.write(&format!("release/{name}/README.md"), "# tonnage\n");
        let directory = job.0.path("release");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(directory.join(&name).join("tonnage"), executable).unwrap();
        let archive = format!("{name}.tar.gz");
        run(Command::new("tar").args(["-czf", &archive, &name]).current_dir(&directory));
        let sums = run(Command::new("sha256sum").arg(&archive).current_dir(&directory));
        fs::write(directory.join("SHA256SUMS"), &sums).unwrap();
        let digest = sums.split(' ').next().unwrap().to_owned();
        Self { url: serve(directory.clone()), digest, directory }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A PATH with the tools of every runner and nothing else.
    #[expect(clippy::unused_self, reason = "it is the runner that meets this release")]
    pub(crate) fn path_without_cargo(&self, job: &Job) -> String {
        let tools = job.0.path("tools");
        fs::create_dir(&tools).unwrap();
        let places = std::env::var("PATH").unwrap();
        for tool in TOOLS {
            let found = places.split(':').map(|place| Path::new(place).join(tool)).find(|path| path.is_file());
            symlink(found.unwrap_or_else(|| panic!("no {tool}")), tools.join(tool)).unwrap();
        }
        tools.display().to_string()
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Answers GET with the files of a directory until the test ends.
fn serve(directory: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut reader = BufReader::new(connection.try_clone().unwrap());
            let mut request = String::new();
            reader.read_line(&mut request).unwrap();
            let mut header = String::new();
            while reader.read_line(&mut header).unwrap_or(0) > 2 {
                header.clear();
            }
            let name = request.split(' ').nth(1).and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            let (status, body) =
                fs::read(directory.join(name)).map_or_else(|_| ("404 Not Found", Vec::new()), |body| ("200 OK", body));
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body));
        }
    });
    url
}
