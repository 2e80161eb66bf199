//! The traits of an engine, on top of the requests to Docker's API.

use std::collections::BTreeMap;
use std::time::Duration;

use super::client::Request;
use super::docker::DockerEngine;
use super::{
    BuildEvent, BuildFailure, BuildOutput, BuildRequest, ByteStream, CleanReport, ContainerSpec, ContainerState,
    Engine, EngineError, ImageBuilder, ImageHost, ImageInfo, Listens, Ownership, PullProgress, Removal, Snapshot, Used,
    build, clean, containers, images, networks, snapshot,
};
use crate::record;

impl Engine for DockerEngine {
    fn facts(&self) -> &record::EngineFacts {
        &self.facts
    }

    fn is_local(&self) -> bool {
        self.local
    }

    fn endpoint(&self) -> &str {
        self.client().endpoint()
    }

    async fn answers(&self, within: Duration) -> bool {
        // An engine that is gone answers as well: by an error at once.
        !matches!(
            self.client().bytes(Request::get("/_ping", "answer"), within).await,
            Err(EngineError::Deadline { .. })
        )
    }
}

impl ImageBuilder for DockerEngine {
    fn proxies(&self) -> BTreeMap<String, String> {
        self.credentials().proxies(self.client().endpoint())
    }

    async fn build(
        &self,
        request: &BuildRequest,
        observe: &mut dyn FnMut(BuildEvent),
    ) -> Result<Result<BuildOutput, BuildFailure>, EngineError> {
        build::build(self, request, observe).await
    }

    async fn snapshot(&self) -> Result<Snapshot, EngineError> {
        snapshot::take(self).await
    }

    async fn marked_runs(&self) -> Result<Vec<String>, EngineError> {
        clean::marked_runs(self).await
    }

    async fn clean(&self, ownership: &Ownership, removal: Removal) -> Result<CleanReport, EngineError> {
        // Without a snapshot from before, the traces prove nothing.
        let ownership = ownership.with_traces(&self.built().borrow());
        clean::clean(self, &ownership, removal).await
    }
}

impl ImageHost for DockerEngine {
    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError> {
        images::inspect(self.client(), reference).await
    }

    async fn pull(
        &self,
        reference: &str,
        platform: Option<&str>,
        deadline: Duration,
        progress: &mut dyn FnMut(PullProgress),
    ) -> Result<(), EngineError> {
        images::pull(self.client(), self.credentials(), reference, platform, deadline, progress).await
    }

    fn export(&self, references: &[String]) -> ByteStream {
        images::export(self.client(), references)
    }

    async fn start(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        containers::start(self.client(), spec, self.host.as_deref()).await
    }

    async fn make_network(&self, run: &str) -> Result<String, EngineError> {
        networks::make(self.client(), run).await
    }

    async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        networks::remove(self.client(), name).await
    }

    async fn container(&self, id: &str) -> Result<ContainerState, EngineError> {
        let mut state = containers::state(self.client(), id, self.host.as_deref()).await?;
        state.address = state.address.and_then(|address| self.client().reachable(address));
        Ok(state)
    }

    async fn listens(&self, id: &str, port: u16) -> Result<Option<Listens>, EngineError> {
        containers::listens(self.client(), id, port).await
    }

    async fn used(&self, id: &str) -> Result<Used, EngineError> {
        containers::used(self.client(), id).await
    }

    async fn logs(&self, id: &str, lines: usize) -> Result<Vec<String>, EngineError> {
        containers::logs(self.client(), id, lines).await
    }

    async fn remove_container(&self, id: &str) -> Result<(), EngineError> {
        containers::remove(self.client(), id).await
    }

    async fn running(&self) -> Result<Vec<record::RunningContainer>, EngineError> {
        containers::running(self.client()).await
    }
}
