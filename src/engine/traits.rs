//! What tonnage asks of a container engine.
//!
//! Every method has its own deadline or takes one; none waits without end. Errors that mean "the engine is gone" say so
//! through [`EngineError::is_lost`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::types::{
    BuildEvent, BuildFailure, BuildOutput, BuildRequest, ByteStream, CleanReport, ContainerSpec, ContainerState,
    EngineError, ImageInfo, Listens, Ownership, PullProgress, Removal, Snapshot, Used,
};
use crate::record;

/// What answers at an endpoint.
#[cfg_attr(
    feature = "testing",
    expect(async_fn_in_trait, reason = "one current-thread runtime: futures need not be Send")
)]
pub trait Engine {
    /// What the engine says of itself, as probed when it was connected (`builder` is the one resolved).
    fn facts(&self) -> &record::EngineFacts;

    /// Whether the engine runs on this host, so that container addresses and its store can be reached.
    fn is_local(&self) -> bool;

    /// Where it listens, for messages: `unix:///var/run/docker.sock`.
    fn endpoint(&self) -> &str;

    /// Whether the engine answers within the time given, with anything.
    async fn answers(&self, within: Duration) -> bool;
}

/// What builds images, and cleans up after its builds.
#[cfg_attr(
    feature = "testing",
    expect(async_fn_in_trait, reason = "one current-thread runtime: futures need not be Send")
)]
pub trait ImageBuilder: Engine {
    /// Proxies that builds here are given as build arguments, unless they have others: from the configuration of the
    /// user who runs this program.
    fn proxies(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Builds an image; the clock inside runs from the request to the end of the response. A build that fails is
    /// `Ok(Err(failure))`; `Err` means that the engine itself could not be used. Dropping the future stops the build.
    async fn build(
        &self,
        request: &BuildRequest,
        observe: &mut dyn FnMut(BuildEvent),
    ) -> Result<Result<BuildOutput, BuildFailure>, EngineError>;

    /// Everything on the engine that a run could add to: image ids (intermediate ones too), tags, containers,
    /// build-cache records.
    async fn snapshot(&self) -> Result<Snapshot, EngineError>;

    /// Ids of the runs that left something which carries a mark that cannot be inherited: an image by its names, a
    /// container or a network by its name; sorted.
    async fn marked_runs(&self) -> Result<Vec<String>, EngineError>;

    /// Removes what `ownership` proves to be the run's own, or lists it: containers and networks, then names and
    /// images in passes, then build-cache records by id. What is in doubt, or used by somebody else, is left and
    /// reported.
    async fn clean(&self, ownership: &Ownership, removal: Removal) -> Result<CleanReport, EngineError>;
}

/// What holds images, and starts containers of them.
#[cfg_attr(
    feature = "testing",
    expect(async_fn_in_trait, reason = "one current-thread runtime: futures need not be Send")
)]
pub trait ImageHost: Engine {
    /// Whether it is a builder alone: it starts no containers, knows images by the requests that they were built from only,
    /// and exports them one by one.
    fn only_builds(&self) -> bool {
        false
    }

    /// The image that a reference names, `None` where it is not on the engine.
    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError>;

    /// Pulls an image, all within `deadline`; a registry that swallows packets ends in [`EngineError::Deadline`].
    async fn pull(
        &self,
        reference: &str,
        platform: Option<&str>,
        deadline: Duration,
        progress: &mut dyn FnMut(PullProgress),
    ) -> Result<(), EngineError>;

    /// The images as one docker archive (`docker save`), shared layers once. No deadline on the first byte under
    /// five minutes: engines write the whole archive to disk first.
    fn export(&self, references: &[String]) -> ByteStream;

    /// Creates and starts a container.
    async fn start(&self, spec: &ContainerSpec) -> Result<String, EngineError>;

    /// Makes a network without a way out for the containers of a run, labelled as its own, and returns its name. One
    /// that an earlier part of the run has left is taken again.
    async fn make_network(&self, run: &str) -> Result<String, EngineError>;

    /// Removes a network; a missing one is not an error.
    async fn remove_network(&self, name: &str) -> Result<(), EngineError>;

    /// Address, state and exit code of a container.
    async fn container(&self, id: &str) -> Result<ContainerState, EngineError>;

    /// Whether something in a running container listens at a TCP port; `None` where the container cannot say.
    async fn listens(&self, id: &str, port: u16) -> Result<Option<Listens>, EngineError>;

    /// Memory and CPU time of a container.
    async fn used(&self, id: &str) -> Result<Used, EngineError>;

    /// The last lines of a container's log, at most `lines` lines and 64 KiB, control sequences taken out.
    async fn logs(&self, id: &str, lines: usize) -> Result<Vec<String>, EngineError>;

    /// Removes a container with its anonymous volumes, running or not; a missing one is not an error.
    async fn remove_container(&self, id: &str) -> Result<(), EngineError>;

    /// Containers that are running: name and image.
    async fn running(&self) -> Result<Vec<record::RunningContainer>, EngineError>;
}
