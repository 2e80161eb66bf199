//! Programs that keep credentials: `docker-credential-NAME get`.
//!
//! The server's address goes to standard input; JSON with `Username` and `Secret` comes back
//! (docker-credential-helpers, credentials/credentials.go). A user name `<token>` says that the secret is an identity
//! token.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Credentials, CredentialsError, Secret};

/// Time for an answer: somebody may have to unlock a key.
const DEADLINE: Duration = Duration::from_secs(30);
/// Longest answer.
const LONGEST: u64 = 64 << 10;
/// What a helper says where it has nothing, with an exit code of 1.
const NOT_FOUND: &str = "credentials not found in native keychain";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Whether a name can be that of a helper: nothing in it leads to another program.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Asks a helper for the credentials of a server.
pub(super) fn get(name: &str, server: &str, path: &[PathBuf]) -> Result<Option<Credentials>, CredentialsError> {
    get_within(name, server, path, DEADLINE)
}

pub(super) fn get_within(
    name: &str,
    server: &str,
    path: &[PathBuf],
    limit: Duration,
) -> Result<Option<Credentials>, CredentialsError> {
    let program = format!("docker-credential-{name}");
    let failed = |reason: &str| CredentialsError::Helper { program: program.clone(), reason: reason.to_owned() };
    let executable = |file: &PathBuf| {
        std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let found = path.iter().filter(|directory| directory.is_absolute()).map(|directory| directory.join(&program));
    let found = found.into_iter().find(executable).ok_or_else(|| failed("it is not on PATH"))?;
    let mut child = Command::new(found)
        .arg("get")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| failed(&error.to_string()))?;
    let answer = answer(&mut child, server, Instant::now() + limit);
    // Whatever it has started goes with it.
    if let Some(pid) = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap_or_default()) {
        rustix::process::kill_process_group(pid, rustix::process::Signal::KILL).ok();
    }
    let status = child.wait();
    let Some(answer) = answer else {
        return Err(failed(&format!("no answer of at most {} KiB within {} s", LONGEST >> 10, limit.as_secs())));
    };
    if let Ok(found) = serde_json::from_slice::<HelperAnswer>(&answer) {
        return Ok(credentials(found));
    }
    if answer.trim_ascii() == NOT_FOUND.as_bytes() {
        return Ok(None);
    }
    // Its words are not shown: they could hold what it keeps.
    Err(failed(&match status.ok().and_then(|status| status.code()) {
        Some(code) if code != 0 => format!("it ended with code {code}"),
        _ => "its answer is not JSON".to_owned(),
    }))
}

/// The whole answer before the deadline.
fn answer(child: &mut Child, server: &str, deadline: Instant) -> Option<Vec<u8>> {
    let (mut stdin, stdout) = (child.stdin.take()?, child.stdout.take()?);
    // Fits any pipe; a helper that reads nothing may well end before it is written.
    drop(stdin.write_all(server.as_bytes()));
    drop(stdin);
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new()
        .name("credentials".to_owned())
        .spawn(move || {
            let mut bytes = Vec::new();
            let whole = stdout.take(LONGEST + 1).read_to_end(&mut bytes).is_ok() && bytes.len() as u64 <= LONGEST;
            drop(sender.send(whole.then_some(bytes)));
        })
        .ok()?;
    receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()?
}

fn credentials(answer: HelperAnswer) -> Option<Credentials> {
    if answer.username == "<token>" {
        let identity_token = Secret::new(answer.secret);
        return Some(Credentials { identity_token, ..Credentials::default() });
    }
    let found =
        Credentials { username: answer.username, password: Secret::new(answer.secret), ..Credentials::default() };
    (!found.username.is_empty()).then_some(found)
}
