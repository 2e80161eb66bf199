//! What was said of builds, as a file keeps it: the messages of a build record's log, or the lines of `--progress=rawjson`.
//!
//! The log of a build record is a row of `moby.buildkit.v1.StatusResponse`, each behind its length as a little-endian `u32`
//! (moby/buildkit, `ImportStatus` in solver/llbsolver/history/buildhistory.go). `--progress=rawjson` writes the same as JSON
//! (`SolveStatus` in client/graph.go): a line each since buildx 0.14, before that over several lines; messages for people
//! may stand between them. What is kept is bounded, and no log of a command is.

use bollard::moby::buildkit::v1::{StatusResponse, Vertex, VertexStatus};
use prost::Message as _;
use serde::Deserialize;

/// Longest message: BuildKit cuts what it keeps of a log at a megabyte (`Marshal` in client/status.go).
const MESSAGE: usize = 2 << 20;

/// Why what a file keeps could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StatusError {
    /// It ends inside a message.
    #[error("it is truncated: its last message is not complete")]
    Truncated,
    /// A message is longer than BuildKit writes any.
    #[error("it has a message of more than {MESSAGE} bytes, which BuildKit never writes")]
    Long,
    /// There is more than any build has.
    #[error("it has more than {} status messages", StatusLog::MOST)]
    Many,
    /// It is of more builds than anybody makes at once.
    #[error("it is of more than {most} {what}")]
    Builds {
        /// How many are read.
        most: usize,
        /// What there are many of.
        what: &'static str,
    },
    /// A message is not one.
    #[error("message {number} cannot be decoded: {reason}")]
    Message {
        /// Which, counted from 1.
        number: usize,
        /// Why.
        reason: String,
    },
}

/// What was said of one build or several.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatusLog {
    pub(super) vertices: Vec<Vertex>,
    pub(super) statuses: Vec<VertexStatus>,
    /// What was taken: vertices, what they build on, and statuses.
    pub(super) taken: usize,
}

impl StatusLog {
    /// Most vertices, with what they build on, and statuses of all messages of a file.
    pub(crate) const MOST: usize = 1_000_000;

    /// How many vertices, with what they build on, and statuses were read.
    pub(crate) fn len(&self) -> usize {
        self.taken
    }

    /// Reads the log of a build record, of at most so many vertices and statuses.
    pub(crate) fn of_messages(mut bytes: &[u8], most: usize) -> Result<Self, StatusError> {
        let mut log = Self::default();
        let mut number = 0;
        while !bytes.is_empty() {
            number += 1;
            let (length, rest) = bytes.split_first_chunk::<4>().ok_or(StatusError::Truncated)?;
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            if length > MESSAGE {
                return Err(StatusError::Long);
            }
            let (message, rest) = rest.split_at_checked(length).ok_or(StatusError::Truncated)?;
            let status = StatusResponse::decode(message)
                .map_err(|error| StatusError::Message { number, reason: error.to_string() })?;
            log.take(status, most)?;
            bytes = rest;
        }
        Ok(log)
    }

    /// Reads the output of `--progress=rawjson`; lines that do not begin like JSON are passed over.
    pub(crate) fn of_json(mut bytes: &[u8]) -> Result<Self, StatusError> {
        let mut log = Self::default();
        let mut number = 0;
        loop {
            bytes = bytes.trim_ascii_start();
            let Some(first) = bytes.first() else { return Ok(log) };
            if *first != b'{' {
                let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
                bytes = &bytes[end..];
                continue;
            }
            number += 1;
            let window = &bytes[..bytes.len().min(MESSAGE)];
            let mut values = serde_json::Deserializer::from_slice(window).into_iter::<JsonStatus>();
            match values.next() {
                Some(Ok(status)) => log.take(status.into(), Self::MOST)?,
                Some(Err(error)) if error.is_eof() && window.len() < bytes.len() => return Err(StatusError::Long),
                Some(Err(error)) if error.is_eof() => return Err(StatusError::Truncated),
                Some(Err(error)) => return Err(StatusError::Message { number, reason: error.to_string() }),
                None => return Ok(log),
            }
            bytes = &bytes[values.byte_offset()..];
        }
    }

    fn take(&mut self, status: StatusResponse, most: usize) -> Result<(), StatusError> {
        self.taken += status.statuses.len();
        self.taken += status.vertexes.iter().map(|vertex| 1 + vertex.inputs.len()).sum::<usize>();
        self.vertices.extend(status.vertexes);
        self.statuses.extend(status.statuses.into_iter().filter(is_of_base));
        if self.len() > most { Err(StatusError::Many) } else { Ok(()) }
    }
}

/// Whether a status is one that is read: of a layer, or of a base image that is looked up.
pub(super) fn is_of_base(told: &VertexStatus) -> bool {
    is_of_layer(told) || told.id.starts_with("resolve ")
}

/// Whether a status is about a layer on its way, which has its digest for a name.
pub(super) fn is_of_layer(told: &VertexStatus) -> bool {
    told.id.starts_with("sha256:") || told.name.starts_with("sha256:")
}

/// `SolveStatus`, as far as it is of use.
#[derive(Deserialize)]
struct JsonStatus {
    vertexes: Option<Vec<JsonVertex>>,
    statuses: Option<Vec<JsonVertexStatus>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonVertex {
    digest: String,
    inputs: Option<Vec<String>>,
    name: String,
    started: Option<jiff::Timestamp>,
    completed: Option<jiff::Timestamp>,
    cached: bool,
    error: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonVertexStatus {
    id: String,
    vertex: String,
    name: String,
    current: i64,
    total: i64,
    started: Option<jiff::Timestamp>,
    completed: Option<jiff::Timestamp>,
}

impl From<JsonStatus> for StatusResponse {
    fn from(status: JsonStatus) -> Self {
        let vertexes = status.vertexes.unwrap_or_default().into_iter().map(|vertex| Vertex {
            digest: vertex.digest,
            inputs: vertex.inputs.unwrap_or_default(),
            name: vertex.name,
            cached: vertex.cached,
            started: vertex.started.map(stamp),
            completed: vertex.completed.map(stamp),
            error: vertex.error,
            progress_group: None,
        });
        let statuses = status.statuses.unwrap_or_default().into_iter().map(|status| VertexStatus {
            id: status.id,
            vertex: status.vertex,
            name: status.name,
            current: status.current,
            total: status.total,
            timestamp: None,
            started: status.started.map(stamp),
            completed: status.completed.map(stamp),
        });
        Self { vertexes: vertexes.collect(), statuses: statuses.collect(), ..Self::default() }
    }
}

fn stamp(time: jiff::Timestamp) -> bollard_buildkit_proto::google::protobuf::Timestamp {
    bollard_buildkit_proto::google::protobuf::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(message: &StatusResponse) -> Vec<u8> {
        let bytes = message.encode_to_vec();
        [&u32::try_from(bytes.len()).unwrap().to_le_bytes()[..], &bytes].concat()
    }

    fn one() -> StatusResponse {
        let vertex = Vertex { digest: "a".into(), name: "[1/1] RUN x".into(), ..Vertex::default() };
        StatusResponse { vertexes: vec![vertex], ..StatusResponse::default() }
    }

    #[test]
    fn messages_and_json_say_the_same() {
        let json = r#"{"vertexes":[{"digest":"a","name":"[1/1] RUN x","started":"2026-11-29T14:08:16.000000005Z"}]}"#;
        let of_json = StatusLog::of_json(json.as_bytes()).unwrap();
        let mut message = one();
        message.vertexes[0].started = of_json.vertices[0].started;
        assert_eq!(StatusLog::of_messages(&framed(&message), 1).unwrap().vertices, of_json.vertices);
        assert_eq!(of_json.vertices[0].started.map(|stamp| stamp.nanos), Some(5));
    }

    #[test]
    fn values_may_go_over_lines_and_words_for_people_may_stand_between() {
        let text = "WARNING: x\n{\n \"vertexes\": [\n {\"digest\": \"a\"}\n]\n}\n\nERROR: y {\n{\"vertexes\":null}{\"vertexes\":[{}]}";
        assert_eq!(StatusLog::of_json(text.as_bytes()).unwrap().vertices.len(), 2);
    }

    #[test]
    fn what_is_cut_off_or_too_much_is_said() {
        let whole = framed(&one());
        for end in 1..whole.len() {
            assert_eq!(StatusLog::of_messages(&whole[..end], 1).err(), Some(StatusError::Truncated), "{end}");
        }
        assert_eq!(StatusLog::of_messages(&[0xff; 8], 1).err(), Some(StatusError::Long));
        let bad = [&[2, 0, 0, 0][..], &[0x0a, 0x7f]].concat();
        assert!(matches!(StatusLog::of_messages(&bad, 1), Err(StatusError::Message { number: 1, .. })));
        assert_eq!(StatusLog::of_json(b"{\"vertexes\":[{\"digest\":\"a").err(), Some(StatusError::Truncated));
        assert!(matches!(StatusLog::of_json(b"{\"vertexes\":7}"), Err(StatusError::Message { number: 1, .. })));
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(MESSAGE));
        assert_eq!(StatusLog::of_json(long.as_bytes()).err(), Some(StatusError::Long));
        assert_eq!(StatusLog::of_messages(&[whole.clone(), whole].concat(), 1).err(), Some(StatusError::Many));
    }
}
