//! Attending what runs on an engine: who watches it, and what stops it.

use std::time::Duration;

use super::Terminal;
use crate::engine::Engine;
use crate::error::Failure;
use crate::exit::Exit;
use crate::measure::Cancel;
use crate::ui::{Plain, Watch};

/// How long an engine may take to answer once the run is to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does what may be stopped by a signal. The error: it was, and the engine does not answer.
pub(super) async fn attend<T>(
    engine: &impl Engine,
    cancel: &Cancel,
    terminal: &Terminal,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    let signals = tokio::spawn(listen(cancel.clone(), *terminal));
    let done = tokio::select! {
        done = work => Ok(done),
        () = frozen(engine, cancel) => Err(not_cleaned("interrupted, and the engine does not answer")),
    };
    signals.abort();
    done
}

/// Who watches a run.
pub(super) fn watch(terminal: &Terminal) -> Watch {
    match (terminal.quiet, terminal.live) {
        (true, _) => Watch::Silent,
        (false, true) => Watch::Bars(Box::default()),
        (false, false) => Watch::Plain(Plain::default()),
    }
}

/// The first Ctrl-C, SIGTERM, or SIGHUP stops the run, which then cleans up; the second ends the program at once.
async fn listen(cancel: Cancel, terminal: Terminal) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    // `nohup` has it ignored: the run goes on when its terminal is closed.
    let mut hangup = if ignores_hangup() { None } else { signal(SignalKind::hangup()).ok() };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            Some(_) = async { Some(hangup.as_mut()?.recv().await) } => {}
        }
        if cancel.is_cancelled() {
            terminal.failure(&not_cleaned("interrupted again before the engine was cleaned up"));
            std::process::exit(i32::from(Exit::NotCleaned.code()));
        }
        cancel.cancel();
    }
}

/// Whether this program was started with SIGHUP ignored.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Ends when the run was asked to stop and the engine has stopped answering, so that nothing can be waited for.
async fn frozen<E: Engine>(engine: &E, cancel: &Cancel) {
    cancel.cancelled().await;
    while engine.answers(PATIENCE).await {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn not_cleaned(why: &str) -> Failure {
    Failure::new(
        Exit::NotCleaned,
        format!("{why}; what the run made is still on the engine"),
        "`tonnage clean` removes it once the engine answers",
    )
}
