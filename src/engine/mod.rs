//! The container engine: what tonnage asks of one, and the implementation over its HTTP API.
//!
//! In: requests in plain types, through the traits [`ImageBuilder`] (builds, and cleans up after its builds) and
//! [`ImageHost`] (holds images, starts containers); Docker and Podman are both, `BuildKit` of its own is the first and as much of the
//! second as building again can be. Out: facts, build events, and byte
//! streams. This is the only directory that names bollard; it knows nothing of files on this machine (sockets, `ssh`, and
//! the Docker context apart) or of reports.

mod api;
mod auth;
mod build;
mod buildkit;
mod claims;
mod clean;
mod client;
mod containers;
mod docker;
mod downloads;
mod endpoint;
mod events;
mod failure;
mod images;
mod networks;
mod probe;
mod session;
mod snapshot;
mod traits;
mod tunnel;
mod types;

pub(crate) use buildkit::{BuildKit, BuilderAddress, option_for};
pub(crate) use docker::Tried;
pub use docker::{BuilderChoice, ConnectOptions, connect};
#[cfg(feature = "testing")]
pub use docker::{DockerEngine, find};
pub(crate) use endpoint::Source;
pub use endpoint::Surroundings;
#[cfg(test)]
pub(crate) use endpoint::{Address, Candidate};
#[cfg(feature = "testing")]
pub(crate) use events::fold_twice;
pub(crate) use events::{ObservedBuild, RecordedBuild, StatusError, StatusLog};
#[cfg(test)]
pub(crate) use probe::WantedBase;
pub(crate) use probe::{BasePresence, Needed, Probe, ProbedEngine, probe};
pub use traits::{Engine, ImageBuilder, ImageHost};
pub(crate) use types::{BuildEvent, ByteStream, CleanReport, Downloads, ImageInfo, Obstacle, PullProgress, Trace};
pub use types::{
    BuildFailure, BuildOutput, BuildRequest, ContainerSpec, ContainerState, EngineError, Listens, Ownership, Removal,
    Secrets, Snapshot, Used, labels,
};
