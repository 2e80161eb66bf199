//! What the transport's errors mean: gone, forbidden, refused, or too slow.
//!
//! In: an error of bollard and what was being done. Out: an [`EngineError`]. The reason why a socket cannot be
//! opened is only in the chain of sources, as the kind of an I/O error.

use std::io;

use bollard::errors::Error;

use super::{EngineError, Obstacle};
use crate::error::causes;
use crate::text;

/// Longest message of an engine that is kept.
const MESSAGE: usize = 500;

/// What an error of the transport means. `action` is what follows "failed to".
pub(super) fn of_transport(error: &Error, action: &str, endpoint: &str) -> EngineError {
    let unreachable = |reason, obstacle| EngineError::Unreachable { endpoint: endpoint.to_owned(), reason, obstacle };
    let lost = |reason: String| EngineError::Lost { action: action.to_owned(), reason };
    let kind = io_kind(error);
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            EngineError::Refused { action: action.to_owned(), status: *status_code, message: one_line(message) }
        }
        Error::DockerStreamError { error } => refused(action, error),
        Error::SocketNotFoundError(_) => EngineError::NoSocket { endpoint: endpoint.to_owned() },
        Error::HyperLegacyError { err } if err.is_connect() => match kind {
            Some(io::ErrorKind::PermissionDenied) => EngineError::Forbidden { endpoint: endpoint.to_owned() },
            Some(io::ErrorKind::NotFound) => EngineError::NoSocket { endpoint: endpoint.to_owned() },
            _ => unreachable(reason(error, kind), obstacle(error, kind)),
        },
        Error::HyperLegacyError { .. } | Error::IOError { .. } | Error::HyperResponseError { .. } => {
            lost(reason(error, kind))
        }
        Error::RequestTimeoutError => EngineError::Deadline { action: action.to_owned(), seconds: 0 },
        other => refused(action, &other.to_string()),
    }
}

/// The same while nothing is known yet of what listens there: something that hangs up does not speak HTTP.
pub(super) fn of_first_contact(error: EngineError, endpoint: &str) -> EngineError {
    match error {
        EngineError::Lost { reason, .. } => EngineError::Unreachable {
            endpoint: endpoint.to_owned(),
            reason: format!("what listens there is not a container engine ({reason})"),
            obstacle: Obstacle::NotAnEngine,
        },
        EngineError::Refused { status, message, .. } => EngineError::Unreachable {
            endpoint: endpoint.to_owned(),
            // Go's HTTP server, whose words these are, answers 400.
            obstacle: if message.contains("HTTP request to an HTTPS server") {
                Obstacle::Tls
            } else {
                Obstacle::NotAnEngine
            },
            reason: format!("what listens there does not answer like a container engine (status {status}: {message})"),
        },
        EngineError::Deadline { seconds, .. } => EngineError::Unreachable {
            endpoint: endpoint.to_owned(),
            reason: format!("nothing answered within {seconds} s"),
            obstacle: Obstacle::NoRoute,
        },
        other => other,
    }
}

/// A refusal that has no status of its own: it came inside a stream, or the answer cannot be used.
pub(super) fn refused(action: impl Into<String>, message: &str) -> EngineError {
    EngineError::Refused { action: action.into(), status: 0, message: one_line(message) }
}

/// An engine's message as one line, fit to show.
pub(super) fn one_line(message: &str) -> String {
    let words = message.lines().map(text::strip_control).collect::<Vec<_>>();
    let words = words.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    text::shorten(&text::without_url_credentials(&words.join("; ")), MESSAGE)
}

/// The kind of the innermost I/O error.
fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    causes(error).filter_map(|error| error.downcast_ref::<io::Error>()).last().map(io::Error::kind)
}

/// Why, in the words of the innermost error, where the kind has no plainer ones.
fn reason(error: &Error, kind: Option<io::ErrorKind>) -> String {
    let plain = match kind {
        Some(io::ErrorKind::ConnectionRefused) => Some("nothing listens there"),
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof) => {
            Some("the connection broke")
        }
        _ => None,
    };
    plain
        .map_or_else(|| one_line(&causes(error).last().map(ToString::to_string).unwrap_or_default()), ToOwned::to_owned)
}

/// What kept a connection from being made. Neither the resolver nor the TLS library is named by a type here, so their
/// errors are told by what all of theirs are called.
fn obstacle(error: &Error, kind: Option<io::ErrorKind>) -> Obstacle {
    let says = |words: &[&str]| {
        causes(error)
            .map(|error| error.to_string().to_ascii_lowercase())
            .any(|text| words.iter().any(|word| text.contains(word)))
    };
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => Obstacle::NotListening,
        Some(
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::TimedOut
            | io::ErrorKind::AddrNotAvailable,
        ) => Obstacle::NoRoute,
        _ if says(&["dns error", "lookup address"]) => Obstacle::UnknownHost,
        _ if says(&["certificate", "tls", "handshake", "corrupt message"]) => Obstacle::Tls,
        _ => Obstacle::Other,
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

    /// As a connector wraps what it was told.
    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Wrapped(&'static str, #[source] io::Error);

    #[test]
    fn a_connection_that_fails_is_told_by_its_innermost_reason_and_kind() {
        let wrap = |words, inner| Error::IOError { err: io::Error::other(Wrapped(words, inner)) };
        for (error, told, kind) in [
            (
                wrap("tcp connect error", io::ErrorKind::ConnectionRefused.into()),
                "nothing listens",
                Obstacle::NotListening,
            ),
            (
                wrap("dns error", io::Error::other("failed to lookup address information: Name or service not known")),
                "Name or service not known",
                Obstacle::UnknownHost,
            ),
            (
                wrap("client error", io::Error::other("invalid peer certificate: UnknownIssuer")),
                "UnknownIssuer",
                Obstacle::Tls,
            ),
            (wrap("tcp connect error", io::ErrorKind::NetworkUnreachable.into()), "unreachable", Obstacle::NoRoute),
            (wrap("odd", io::Error::other("the moon is full")), "the moon is full", Obstacle::Other),
        ] {
            let (why, what) = (reason(&error, io_kind(&error)), obstacle(&error, io_kind(&error)));
            assert!(why.contains(told), "{why}");
            assert_eq!(what, kind, "{why}");
        }
    }

    #[test]
    fn a_server_that_wants_tls_is_told_from_other_servers() {
        let refused = |status, message: &str| EngineError::Refused {
            action: "say its version".into(),
            status,
            message: message.into(),
        };
        for (error, expected) in [
            (refused(400, "Client sent an HTTP request to an HTTPS server."), Obstacle::Tls),
            (refused(404, "not found"), Obstacle::NotAnEngine),
            (EngineError::Deadline { action: "answer".into(), seconds: 20 }, Obstacle::NoRoute),
        ] {
            match of_first_contact(error, "tcp://a:1") {
                EngineError::Unreachable { obstacle, .. } => assert_eq!(obstacle, expected),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn on_first_contact_whatever_is_no_engine_is_unreachable() {
        let hung_up = EngineError::Lost { action: "answer".into(), reason: "the connection broke".into() };
        let error = of_first_contact(hung_up, "tcp://a:1");
        assert!(error.to_string().contains("not a container engine"), "{error}");
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
