//! What the transport's errors mean: gone, forbidden, refused, or too slow.
//!
//! In: an error of bollard and what was being done. Out: an [`EngineError`]. The reason why a socket cannot be
//! opened is only in the chain of sources, as the kind of an I/O error.

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error;

use super::EngineError;
use crate::text;

/// Longest message of an engine that is kept.
const MESSAGE: usize = 500;

/// What an error of the transport means. `action` is what follows "failed to".
pub(super) fn of_transport(error: &Error, action: &str, endpoint: &str) -> EngineError {
    let unreachable = |reason: String| EngineError::Unreachable { endpoint: endpoint.to_owned(), reason };
    let lost = |reason: String| EngineError::Lost { action: action.to_owned(), reason };
    let kind = io_kind(error);
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            EngineError::Refused { action: action.to_owned(), status: *status_code, message: one_line(message) }
        }
        Error::DockerStreamError { error } => {
            EngineError::Refused { action: action.to_owned(), status: 0, message: one_line(error) }
        }
        Error::SocketNotFoundError(_) => EngineError::NoSocket { endpoint: endpoint.to_owned() },
        Error::HyperLegacyError { err } if err.is_connect() => match kind {
            Some(io::ErrorKind::PermissionDenied) => EngineError::Forbidden { endpoint: endpoint.to_owned() },
            Some(io::ErrorKind::NotFound) => EngineError::NoSocket { endpoint: endpoint.to_owned() },
            Some(kind) => unreachable(in_words(kind)),
            None => unreachable(innermost(error)),
        },
        Error::HyperLegacyError { .. } | Error::IOError { .. } | Error::HyperResponseError { .. } => {
            lost(kind.map_or_else(|| innermost(error), in_words))
        }
        Error::RequestTimeoutError => EngineError::Deadline { action: action.to_owned(), seconds: 0 },
        other => EngineError::Refused { action: action.to_owned(), status: 0, message: one_line(&other.to_string()) },
    }
}

/// The same while nothing is known yet of what listens there: something that hangs up does not speak HTTP.
pub(super) fn of_first_contact(error: EngineError, endpoint: &str) -> EngineError {
    match error {
        EngineError::Lost { reason, .. } => EngineError::Unreachable {
            endpoint: endpoint.to_owned(),
            reason: format!("what listens there is no container engine ({reason})"),
        },
        EngineError::Refused { status, message, .. } => EngineError::Unreachable {
            endpoint: endpoint.to_owned(),
            reason: format!("what listens there does not answer like a container engine (status {status}: {message})"),
        },
        EngineError::Deadline { seconds, .. } => EngineError::Unreachable {
            endpoint: endpoint.to_owned(),
            reason: format!("what listens there did not answer within {seconds} s"),
        },
        other => other,
    }
}

/// An engine's message as one line, fit to show.
pub(super) fn one_line(message: &str) -> String {
    let words = message.lines().map(text::strip_control).collect::<Vec<_>>();
    let words = words.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    text::shorten(&words.join("; "), MESSAGE)
}

/// The first I/O error in the chain of sources.
fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<io::Error>() {
            return Some(found.kind());
        }
        next = current.source();
    }
    None
}

fn innermost(error: &Error) -> String {
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(current) = next {
        last = current.to_string();
        next = current.source();
    }
    one_line(&last)
}

fn in_words(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            "the connection broke".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_engine_are_refusals_with_their_status() {
        let error = Error::DockerResponseServerError { status_code: 409, message: "in\u{1b}[31m use\nreally".into() };
        assert_eq!(
            of_transport(&error, "remove image `x`", "unix:///s"),
            EngineError::Refused { action: "remove image `x`".into(), status: 409, message: "in use; really".into() }
        );
        let error = Error::DockerStreamError { error: "no".into() };
        assert!(matches!(of_transport(&error, "pull", "e"), EngineError::Refused { status: 0, .. }));
    }

    #[test]
    fn broken_connections_are_losses_and_missing_sockets_are_not() {
        for (error, lost, unreachable) in [
            (Error::IOError { err: io::ErrorKind::ConnectionReset.into() }, true, false),
            (Error::IOError { err: io::ErrorKind::UnexpectedEof.into() }, true, false),
            (Error::SocketNotFoundError("/s".into()), false, true),
            (Error::APIVersionParseError {}, false, false),
        ] {
            let found = of_transport(&error, "build", "unix:///s");
            assert_eq!(matches!(found, EngineError::Lost { .. }), lost, "{found}");
            assert_eq!(matches!(found, EngineError::NoSocket { .. }), unreachable, "{found}");
            assert_eq!(found.is_lost(), lost || unreachable);
        }
    }

    #[test]
    fn on_first_contact_whatever_is_no_engine_is_unreachable() {
        let hung_up = EngineError::Lost { action: "answer".into(), reason: "the connection broke".into() };
        let error = of_first_contact(hung_up, "tcp://a:1");
        assert!(error.to_string().contains("no container engine"), "{error}");
        let forbidden = EngineError::Forbidden { endpoint: "e".into() };
        assert_eq!(of_first_contact(forbidden.clone(), "e"), forbidden);
    }

    #[test]
    fn messages_of_any_length_become_one_short_line() {
        let long = "x".repeat(10_000);
        assert_eq!(one_line(&long).chars().count(), MESSAGE);
        assert_eq!(one_line("a\n\n  b \r\n"), "a; b");
    }
}
