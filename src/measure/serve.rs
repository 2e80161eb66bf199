//! Whether an image serves: it is started, asked until the expected answer comes, and removed.
//!
//! `ready` is the time from the request to start to the first expected answer; memory and CPU time are read then. Polling is
//! every 3 ms, because 0 burns a core and is slower, and 100 ms quantises. Where the engine allows it the container
//! stands on a network without a way out, and is asked at its own address; memory, processes and time are limited,
//! and CPU time and writing where the suite says so.

use std::io;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::cancel::{Cancel, Halt};
use super::event::{Event, Observer};
use crate::analyse;
use crate::engine::{ContainerSpec, EngineError, ImageHost, Listens, Used};
use crate::record::{Serve, ServeStart, ServeState, Verified};
use crate::text;
use crate::units::{Bytes, Nanos};

/// How long to wait between two questions.
const POLL: Duration = Duration::from_millis(3);

/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(2);

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(1);

/// How long nothing at all comes from a container's address until it is taken to be out of reach.
const OUT_OF_REACH: Duration = Duration::from_secs(3);

/// How much of an answer is read.
const MAX_ANSWER: usize = 1 << 20;

/// What to ask of an image.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// The container to start.
    pub spec: ContainerSpec,
    /// Path to ask for.
    pub path: String,
    /// What the body of a 200 answer must contain.
    pub expect: String,
    /// What it is asked once it has answered: paths, and what the bodies must contain.
    pub more: Vec<(String, String)>,
    /// How long the answer may take to come.
    pub timeout: Duration,
    /// How often to start it.
    pub starts: u32,
}

/// How a container is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// At its own address on a network without a way out.
    Isolated(String),
    /// At its own address, on a network of this name or the engine's default one.
    Address(Option<String>),
    /// At a port of this host, on such a network.
    Published(Option<String>),
}

impl Route {
    fn network(&self) -> Option<&String> {
        match self {
            Self::Isolated(name) => Some(name),
            Self::Address(name) | Self::Published(name) => name.as_ref(),
        }
    }
}

/// Why one start did not end in the expected answer.
enum Refusal {
    /// The container ended, or no expected answer came in time; the last thing seen.
    Unanswered(String),
    /// Nothing comes from its address (rootless engines, other network namespaces).
    OutOfReach(String),
}

/// Starts the image `question.starts` times and asks. The first of the `routes` is taken; one that turns out to
/// lead nowhere is removed, so that the next image need not try it.
pub(super) async fn serve<H: ImageHost>(
    engine: &H,
    variant: &str,
    user: &str,
    question: &Question,
    routes: &mut Vec<Route>,
    cancel: &Cancel,
    observer: &mut dyn Observer,
) -> Result<Serve, Halt> {
    let mut starts = Vec::new();
    let mut failure = None;
    let mut state = ServeState::Answered;
    let mut log = Vec::new();
    let mut number = 0;
    while number < question.starts.max(1) {
        observer.event(&Event::Serving { variant, start: number + 1, starts: question.starts.max(1) });
        let mut spec = question.spec.clone();
        let route = routes.first().cloned().unwrap_or(Route::Published(None));
        spec.publish = matches!(route, Route::Published(_));
        spec.network = route.network().cloned();
        let begun = Instant::now();
        let id = match engine.start(&spec).await {
            Ok(id) => id,
            Err(EngineError::Refused { message, .. }) => {
                state = ServeState::Failed;
                failure = Some(format!("it could not be started: {message}"));
                break;
            }
            Err(EngineError::Unsupported { reason, .. }) if engine.only_builds() => {
                state = ServeState::NotAsked;
                failure = Some(format!("not asked: {reason}"));
                break;
            }
            Err(error) => return Err(error.into()),
        };
        let asking = ask_until_ready(engine, &id, question, &route, begun);
        let asked = cancel.run_until_cancelled(pin!(asking)).await;
        let asked = match asked {
            Ok(asked) => asked,
            Err(halt) => {
                engine.remove_container(&id).await?;
                return Err(halt);
            }
        };
        let outcome = match asked {
            Ok(Ok(ready_ns)) => {
                let Used { memory, cpu } = engine.used(&id).await?;
                Ok(ServeStart { ready_ns, memory_bytes: memory.unwrap_or_default(), cpu_ns: cpu })
            }
            Ok(Err(refusal)) => {
                log = engine.logs(&id, 20).await.unwrap_or_default();
                Err(refusal)
            }
            Err(error) => {
                // The engine may be gone; what can be removed is removed, the first error is what matters.
                drop(engine.remove_container(&id).await);
                return Err(error.into());
            }
        };
        engine.remove_container(&id).await?;
        match outcome {
            Ok(start) => starts.push(start),
            Err(Refusal::OutOfReach(_)) if routes.len() > 1 => {
                routes.remove(0);
                continue;
            }
            Err(Refusal::OutOfReach(reason)) => {
                state = ServeState::NotAsked;
                let port = question.spec.port;
                failure = Some(format!("not asked: its port {port} is out of reach from here ({reason})"));
                log.clear();
                break;
            }
            Err(Refusal::Unanswered(reason)) => {
                state = ServeState::Failed;
                failure = Some(reason);
                break;
            }
        }
        number += 1;
    }
    let detail = failure.unwrap_or_else(|| {
        format!(
            "GET {} on port {} answered `{}`",
            question.path,
            question.spec.port,
            text::shorten(&question.expect, 60)
        )
    });
    let detail = text::strip_control(&detail);
    let serve = Serve {
        ok: state == ServeState::Answered,
        state,
        memory_bytes: Bytes(median(starts.iter().map(|start| start.memory_bytes.0).collect())),
        user: [&question.spec.limits.user, user, "root"]
            .into_iter()
            .find(|user| !user.is_empty())
            .unwrap_or_default()
            .to_owned(),
        limits: Some(question.spec.limits.clone()),
        detail,
        isolated: matches!(routes.first(), Some(Route::Isolated(_))),
        starts,
        log: if state == ServeState::Failed { log } else { Vec::new() },
    };
    let ready = analyse::ready(&serve).map_or(Nanos::ZERO, |ready| ready.median);
    observer.event(&Event::Served { variant, state, ready, detail: &serve.detail });
    Ok(serve)
}

/// Asks until the expected answer comes, the container ends, or time is up.
async fn ask_until_ready<H: ImageHost>(
    engine: &H,
    id: &str,
    question: &Question,
    route: &Route,
    begun: Instant,
) -> Result<Result<Nanos, Refusal>, EngineError> {
    let mut seen = "nothing listened".to_owned();
    let mut state = engine.container(id).await?;
    let mut looked = Instant::now();
    let (mut reached, mut refused) = (false, false);
    let mut addressed = None;
    // What the container says of itself, and when it is asked again.
    let (mut listens, mut ask_again) = (None, OUT_OF_REACH);
    loop {
        if !state.running && state.exit_code.is_some() {
            let code = state.exit_code.unwrap_or_default();
            let why = if state.oom_killed { ", killed for memory" } else { "" };
            return Ok(Err(Refusal::Unanswered(format!("it ended with code {code}{why} before it answered"))));
        }
        if begun.elapsed() > question.timeout {
            let port = question.spec.port;
            match if reached { None } else { engine.listens(id, port).await? } {
                Some(Listens::No) => seen = format!("nothing in the container listens on port {port}"),
                Some(Listens::AtLoopback) => {
                    seen = format!("it listens on port {port} of 127.0.0.1 only, which is the container's own");
                }
                // The container's kernel and the engine's host refuse alike: whose word it is cannot be known.
                Some(Listens::Yes) | None if matches!(route, Route::Published(_)) && !reached => {
                    let address = state.address.as_deref().unwrap_or("no address");
                    return Ok(Err(Refusal::OutOfReach(format!("{address}: {seen}"))));
                }
                Some(Listens::Yes) | None => {}
            }
            let seconds = question.timeout.as_secs();
            return Ok(Err(Refusal::Unanswered(format!("no expected answer within {seconds} s: {seen}"))));
        }
        if let Some(address) = &state.address {
            let since = *addressed.get_or_insert_with(Instant::now);
            let answer = ask(address, &question.path).await;
            refused |= matches!(answer, Err(Miss::Closed(_)));
            // A port of a container that nobody listens at is refused by the container's own kernel, which is there.
            reached |= match answer {
                Err(Miss::Nothing(_)) => false,
                Err(Miss::Closed(_)) => !matches!(route, Route::Published(_)),
                _ => true,
            };
            if !reached && !refused && since.elapsed() > OUT_OF_REACH {
                return Ok(Err(Refusal::OutOfReach(format!("nothing comes from {address}"))));
            }
            // Refused here, and yet something listens in there: now, and before the question that was just refused.
            if !reached && listens == Some(Listens::Yes) {
                let why = format!("{address} refuses, while something listens in the container");
                return Ok(Err(Refusal::OutOfReach(why)));
            }
            match answer {
                Ok((200, body)) if body.contains(&question.expect) => {
                    let ready = Nanos::from(begun.elapsed());
                    return Ok(ask_more(address, question).await.map(|()| ready));
                }
                Ok((status, body)) => {
                    seen = format!("it answered {status} `{}`", text::shorten(&text::for_people(&body), 80));
                }
                Err(Miss::Nothing(reason) | Miss::Closed(reason) | Miss::Refused(reason)) => seen = reason,
            }
        }
        if matches!(route, Route::Published(_))
            && !reached
            && addressed.is_some_and(|since| since.elapsed() > ask_again)
        {
            listens = engine.listens(id, question.spec.port).await?;
            ask_again += OUT_OF_REACH;
        }
        tokio::time::sleep(POLL).await;
        // Looking at the container costs the engine more than a question costs the app: twenty times a second
        // until there is an address, then twice.
        let pause = if state.address.is_some() { 500 } else { 50 };
        if looked.elapsed() > Duration::from_millis(pause) {
            state = engine.container(id).await?;
            looked = Instant::now();
        }
    }
}

/// Asks an image that has answered what else it is to be asked.
async fn ask_more(address: &str, question: &Question) -> Result<(), Refusal> {
    for (path, expect) in &question.more {
        let seen = match ask(address, path).await {
            Ok((200, body)) if body.contains(expect) => continue,
            Ok((status, body)) => format!("{status} `{}`", text::shorten(&text::for_people(&body), 80)),
            Err(Miss::Nothing(reason) | Miss::Closed(reason) | Miss::Refused(reason)) => reason,
        };
        return Err(Refusal::Unanswered(format!("GET {path} was not answered as expected: {seen}")));
    }
    Ok(())
}

/// Runs a command in a container until it ends.
pub(super) async fn verify<H: ImageHost>(
    engine: &H,
    spec: &ContainerSpec,
    timeout: Duration,
    cancel: &Cancel,
) -> Result<Verified, Halt> {
    let command = spec.command.join(" ");
    let failed = |reason: String, log| Verified { command: command.clone(), ok: false, reason, log };
    let id = match engine.start(spec).await {
        Ok(id) => id,
        Err(EngineError::Refused { message, .. }) => {
            return Ok(failed(format!("it could not be started: {}", text::strip_control(&message)), Vec::new()));
        }
        Err(error) => return Err(error.into()),
    };
    let waiting = tokio::time::timeout(timeout, async {
        loop {
            let state = engine.container(&id).await?;
            if let Some(code) = state.exit_code.filter(|_| !state.running) {
                return Ok::<_, EngineError>(code);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let ended = cancel.run_until_cancelled(pin!(waiting)).await;
    let log = match ended {
        Ok(Ok(Ok(0) | Err(_))) | Err(_) => Vec::new(),
        Ok(_) => engine.logs(&id, 20).await.unwrap_or_default(),
    };
    let removed = engine.remove_container(&id).await;
    let verified = match ended? {
        // The engine may be gone: the first error is what matters.
        Ok(Err(error)) => return Err(error.into()),
        Ok(Ok(0)) => Verified { command, ok: true, reason: String::new(), log },
        Ok(Ok(code)) => failed(format!("the command ended with code {code}"), log),
        Err(_) => failed(format!("the command did not end within {} s", timeout.as_secs()), log),
    };
    removed?;
    Ok(verified)
}

/// Why a question was not answered.
enum Miss {
    /// Nothing came from the address at all.
    Nothing(String),
    /// Nobody listens there.
    Closed(String),
    /// Something is there, and does not answer.
    Refused(String),
}

/// One question over HTTP/1.0, which ends with the connection: status and body. Nothing but a status line counts as
/// an answer, because a published port accepts at once and then resets.
async fn ask(address: &str, path: &str) -> Result<(u16, String), Miss> {
    let mut stream = match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
        Err(_) => return Err(Miss::Nothing("it could not be connected to".to_owned())),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return Err(Miss::Closed("nothing listens there".to_owned()));
        }
        Ok(Err(error)) => return Err(Miss::Nothing(format!("no answer: {error}"))),
        Ok(Ok(stream)) => stream,
    };
    let exchange = async {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let request =
            format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: tonnage\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let mut part = [0_u8; 8192];
        while answer.len() < MAX_ANSWER {
            let count = stream.read(&mut part).await?;
            if count == 0 {
                break;
            }
            answer.extend_from_slice(&part[..count]);
        }
        Ok::<_, io::Error>(answer)
    };
    match tokio::time::timeout(ANSWER, exchange).await {
        Err(_) => Err(Miss::Refused("it was connected to, but did not answer".to_owned())),
        Ok(Err(error)) => Err(Miss::Refused(format!("no answer: {error}"))),
        Ok(Ok(answer)) => parse_answer(&answer).ok_or_else(|| Miss::Refused("it did not answer in HTTP".to_owned())),
    }
}

/// Status and body of an HTTP/1 answer.
fn parse_answer(answer: &[u8]) -> Option<(u16, String)> {
    let split = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..split]).ok()?;
    let status = head.lines().next()?.strip_prefix("HTTP/1.")?.split_whitespace().nth(1)?.parse().ok()?;
    Some((status, text::from_bytes(&answer[split + 4..])))
}

/// Median of integers, the lower middle of an even number; zero of none.
fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    let middle = |at: usize| values.get(at).copied().unwrap_or(0);
    u64::midpoint(middle(values.len().saturating_sub(1) / 2), middle(values.len() / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_line_is_an_answer() {
        assert_eq!(parse_answer(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\nHello"), Some((200, "Hello".into())));
        assert_eq!(parse_answer(b"HTTP/1.1 503 No\r\n\r\n"), Some((503, String::new())));
        assert_eq!(parse_answer(b""), None);
        assert_eq!(parse_answer(b"SSH-2.0-x\r\n\r\n"), None);
        assert_eq!(parse_answer(b"HTTP/1.1 abc\r\n\r\n"), None);
    }

    #[test]
    fn the_median_of_nothing_is_zero() {
        assert_eq!(median(vec![]), 0);
        assert_eq!(median(vec![3, 1, 2]), 2);
    }
}
