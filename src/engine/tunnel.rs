//! An engine or a builder behind a command: a socket here, each connection to which is one through a child's pipes.
//!
//! As Docker's command line does it (docker/cli, cli/connhelper), the user's own `ssh` runs `docker system dial-stdio` on the
//! host of the engine, so that host keys, keys, agents, and jumps are what `~/.ssh/config` says. The first connection is the
//! master of the others. `BuildKit` has `buildctl dial-stdio`, over ssh or in a container (moby/buildkit, client/connhelper).
//! No terminal is asked for a password. The socket is in a directory of this user alone; it has a thread and a runtime of
//! its own, so that it goes on while this program computes.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio::process::Command;
use tokio::sync::oneshot;

use super::endpoint::SshHost;
use super::failure::one_line;

/// For hosts that are not there, and for those that go away. The master is a child, whatever the user's configuration says
/// of masters that stay.
const OPTIONS: [&str; 7] = [
    "-oBatchMode=yes",
    "-oConnectTimeout=15",
    "-oServerAliveInterval=15",
    "-oServerAliveCountMax=3",
    "-oControlMaster=auto",
    "-oControlPersist=no",
    "-oForwardAgent=no",
];
/// The most that is kept of what a child complains of.
const COMPLAINT: u64 = 4 << 10;
/// How long a child may take to end once its connection has.
const END: Duration = Duration::from_secs(5);

/// A way to an engine; dropping it ends every connection.
#[derive(Debug)]
pub(super) struct Tunnel {
    directory: TempDir,
    children: Arc<Children>,
    /// Where ports of the engine's host are here.
    ports: Mutex<BTreeMap<u16, String>>,
    runtime: tokio::runtime::Handle,
    _stop: oneshot::Sender<()>,
}

/// What is run for each connection.
#[derive(Debug)]
enum Bridge {
    /// A command on another machine.
    Ssh { options: Vec<String>, host: SshHost, command: Vec<String> },
    /// A command here: program and arguments.
    Here(Vec<String>),
}

/// What is run, and what it last said when it failed.
#[derive(Debug)]
struct Children {
    way: Bridge,
    complaint: Mutex<Option<String>>,
}

impl Tunnel {
    /// Leads to the engine of a host, as its Docker command line reaches it.
    pub(super) fn to_engine(host: &SshHost) -> io::Result<Self> {
        let mut command = vec!["docker".to_owned()];
        command.extend(host.socket.iter().flat_map(|socket| ["--host".to_owned(), format!("unix://{socket}")]));
        command.extend(["system", "dial-stdio"].map(str::to_owned));
        Self::over_ssh(host, command)
    }

    /// Leads to what a command on a host has at its pipes.
    pub(super) fn over_ssh(host: &SshHost, command: Vec<String>) -> io::Result<Self> {
        Self::open(|directory| {
            let mut options: Vec<String> = OPTIONS.map(str::to_owned).into();
            options.push(format!("-oControlPath={}", directory.path().join("master").display()));
            options.extend(host.port.map(|port| format!("-p{port}")));
            options.extend(host.user.as_ref().map(|user| format!("-l{user}")));
            Bridge::Ssh { options, host: host.clone(), command }
        })
    }

    /// Leads to what a command here has at its pipes.
    pub(super) fn to_command(command: Vec<String>) -> io::Result<Self> {
        Self::open(|_| Bridge::Here(command))
    }

    /// Listens for connections; nothing is run before the first.
    fn open(way: impl FnOnce(&TempDir) -> Bridge) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("tonnage-ssh-").tempdir()?;
        let listener = std::os::unix::net::UnixListener::bind(socket_in(&directory))?;
        listener.set_nonblocking(true)?;
        let children = Arc::new(Children { way: way(&directory), complaint: Mutex::default() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new().name("tunnel".to_owned()).spawn(move || {
            drop(runtime.block_on(stopped));
            runtime.shutdown_background();
        })?;
        let dial = Arc::clone(&children);
        handle.spawn(async move {
            let Ok(listener) = UnixListener::from_std(listener) else { return };
            while let Ok((stream, _)) = listener.accept().await {
                let children = Arc::clone(&dial);
                tokio::spawn(async move { children.reach(stream).await });
            }
        });
        Ok(Self { directory, children, ports: Mutex::default(), runtime: handle, _stop: stop })
    }

    /// The socket that leads there.
    pub(super) fn socket(&self) -> PathBuf {
        socket_in(&self.directory)
    }

    /// What a child complained of since it was last asked.
    pub(super) fn complaint(&self) -> Option<String> {
        self.children.complaint.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// An address here that leads to a port at 127.0.0.1 of the engine's host.
    pub(super) fn port(&self, port: u16) -> io::Result<String> {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = ports.get(&port) {
            return Ok(address.clone());
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?.to_string();
        let dial = Arc::clone(&self.children);
        self.runtime.spawn(async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            while let Ok((stream, _)) = listener.accept().await {
                let children = Arc::clone(&dial);
                tokio::spawn(async move { children.reach_port(stream, port).await });
            }
        });
        ports.insert(port, address.clone());
        Ok(address)
    }
}

fn socket_in(directory: &TempDir) -> PathBuf {
    directory.path().join("engine.sock")
}

impl Children {
    async fn reach(&self, stream: impl AsyncRead + AsyncWrite) {
        let mut arguments = match &self.way {
            Bridge::Here(command) => command.clone(),
            Bridge::Ssh { options, host, command } => {
                let ssh = ["ssh".to_owned()].into_iter().chain(options.iter().cloned());
                let there = ["-T", "--", &host.name].map(str::to_owned);
                ssh.chain(there).chain(command.iter().cloned()).collect()
            }
        }
        .into_iter();
        let Some(program) = arguments.next() else { return };
        drop(carry(&program, arguments, stream, &self.complaint).await);
    }

    async fn reach_port(&self, stream: impl AsyncRead + AsyncWrite, port: u16) {
        let Bridge::Ssh { options, host, .. } = &self.way else { return };
        let there = [format!("-W127.0.0.1:{port}"), "--".to_owned(), host.name.clone()];
        // Nothing may listen there yet, of which ssh complains.
        drop(carry("ssh", options.iter().cloned().chain(there), stream, &Mutex::default()).await);
    }
}

/// Carries bytes between a stream and a command until either ends. What a command that fails last says on stderr is in
/// `complaint` before the stream ends.
async fn carry(
    program: &str,
    arguments: impl Iterator<Item = String>,
    stream: impl AsyncRead + AsyncWrite,
    complaint: &Mutex<Option<String>>,
) -> io::Result<()> {
    let mut command = Command::new(program);
    // Ctrl-C in a terminal ends this program after its clean-up, which needs the connection.
    command.args(arguments).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child =
        command.spawn().inspect_err(|error| complain(complaint, &format!("`{program}` cannot be run: {error}")))?;
    let (Some(mut input), Some(mut output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("the child has no pipes"));
    };
    let (mut from, mut to) = tokio::io::split(stream);
    let said = tokio::spawn(async move {
        let mut said = Vec::new();
        let mut errors = errors.take(COMPLAINT);
        drop(errors.read_to_end(&mut said).await);
        // The rest is read so that the child does not wait for us.
        drop(tokio::io::copy(&mut errors.into_inner(), &mut tokio::io::sink()).await);
        said
    });
    let up = async {
        drop(tokio::io::copy(&mut from, &mut input).await);
        drop(input);
        std::future::pending::<()>().await;
    };
    let answered = tokio::select! {
        () = up => true,
        copied = tokio::io::copy(&mut output, &mut to) => copied.unwrap_or(1) > 0,
    };
    // A full pipe must not keep the child.
    drop(output);
    let ended = tokio::time::timeout(END, child.wait()).await;
    if ended.is_ok_and(|status| status.is_ok_and(|status| !status.success())) {
        let said = said.await.unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
        if let Some(last) = last.or((!answered).then_some("it failed without a word")) {
            complain(complaint, &format!("{program}: {last}"));
        }
    }
    let shut = to.shutdown().await;
    // Other connections may go through this ssh: it ends after them, or with the tunnel.
    drop(child.wait().await);
    shut
}

fn complain(complaint: &Mutex<Option<String>>, words: &str) {
    *complaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(one_line(words));
}
