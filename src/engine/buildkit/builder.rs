//! The traits of an engine, as far as a builder alone can have them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::{InfoRequest, ListWorkersRequest};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::address::BuilderAddress;
use super::content;
use super::link::Link;
use super::solve::{Product, Solved, solve};
use crate::context::pack_files;
use crate::credentials::Store;
use crate::engine::claims::Images;
use crate::engine::clean::{BuildCache as _, clean_records};
use crate::engine::client::QUICK;
use crate::engine::endpoint::Surroundings;
use crate::engine::failure::refused;
use crate::engine::images::config_info;
use crate::engine::{
    BuildEvent, BuildFailure, BuildOutput, BuildRequest, ByteStream, CleanReport, ContainerSpec, ContainerState,
    Downloads, Engine, EngineError, ImageBuilder, ImageHost, ImageInfo, Listens, Ownership, PullProgress, Removal,
    Snapshot, Used, auth,
};
use crate::record::{self, Builder, ImageStore};

/// Time for the first answer.
const FIRST_CONTACT: Duration = Duration::from_secs(20);
/// Pieces of an archive that may wait for who reads it.
const WAITING: usize = 16;
/// Why it does nothing with containers.
const NO_CONTAINERS: &str = "a builder that is not an engine's starts no containers";

/// `BuildKit`.
#[derive(Debug, Clone)]
pub(crate) struct BuildKit {
    link: Link,
    endpoint: String,
    facts: record::EngineFacts,
    credentials: Arc<Store>,
    /// Traces of what this program built here, for the clean-up.
    built: Rc<RefCell<Ownership>>,
    /// The requests of the images that were built, by their references.
    requests: Rc<RefCell<BTreeMap<String, BuildRequest>>>,
    /// The base images that were pulled.
    pulled: Rc<RefCell<BTreeMap<String, ImageInfo>>>,
}

impl BuildKit {
    /// Connects to a builder, and asks what it is.
    pub(crate) async fn connect(address: &BuilderAddress, around: &Surroundings) -> Result<Self, EngineError> {
        let link = Link::open(address).await?;
        let mut control = link.control();
        let workers = control.list_workers(ListWorkersRequest::default());
        let workers = link.ask("describe itself", FIRST_CONTACT, workers).await;
        let workers = workers.map_err(|error| link.first_contact(error))?;
        let worker = workers.into_inner().record.into_iter().next().unwrap_or_default();
        let platform = worker.platforms.into_iter().next().unwrap_or_default();
        let mut version = worker.buildkit_version;
        if version.is_none() {
            // Workers of 0.11 do not say.
            let info = link.ask("say its version", QUICK, control.info(InfoRequest {})).await;
            version = info.ok().and_then(|info| info.into_inner().buildkit_version);
        }
        let label =
            |name: &str| worker.labels.get(name).map(|value| crate::text::shorten(value, 100)).unwrap_or_default();
        let facts = record::EngineFacts {
            name: "buildkit".to_owned(),
            version: version.map(|version| version.version).unwrap_or_default(),
            storage_driver: label("org.mobyproject.buildkit.worker.snapshotter"),
            image_store: ImageStore::Containerd,
            builder: Builder::Buildkit,
            os: platform.os,
            arch: platform.architecture,
            ..record::EngineFacts::default()
        };
        let credentials = Arc::new(Store::read(&around.registries));
        let (built, requests, pulled) = (Rc::default(), Rc::default(), Rc::default());
        Ok(Self { link, endpoint: address.endpoint(), facts, credentials, built, requests, pulled })
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    pub(super) fn credentials(&self) -> &Arc<Store> {
        &self.credentials
    }

    pub(super) fn built(&self) -> &RefCell<Ownership> {
        &self.built
    }

    /// Builds, and reads the config of what came of it.
    async fn look(&self, request: &BuildRequest) -> Result<Result<(Solved, ImageInfo), BuildFailure>, EngineError> {
        let solved = match solve(self, request, Product::Config, &mut |_| {}).await? {
            Ok(solved) => solved,
            Err(failure) => return Ok(Err(failure)),
        };
        let config = content::read(&self.link, &solved.config).await;
        self.link.forget_build(solved.reference.clone()).await;
        let info = config_info(&solved.config, &config?)?;
        Ok(Ok((solved, info)))
    }
}

fn no_containers<T>(action: &str) -> Result<T, EngineError> {
    Err(EngineError::Unsupported { action: action.to_owned(), reason: NO_CONTAINERS.to_owned() })
}

impl Engine for BuildKit {
    fn facts(&self) -> &record::EngineFacts {
        &self.facts
    }

    fn is_local(&self) -> bool {
        false
    }

    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    async fn answers(&self, within: Duration) -> bool {
        let mut control = self.link.control();
        let answer = self.link.ask("answer", within, control.list_workers(ListWorkersRequest::default())).await;
        !matches!(answer, Err(EngineError::Deadline { .. }))
    }
}

impl ImageBuilder for BuildKit {
    fn proxies(&self) -> BTreeMap<String, String> {
        self.credentials.proxies(self.link.shown())
    }

    async fn build(
        &self,
        request: &BuildRequest,
        observe: &mut dyn FnMut(BuildEvent),
    ) -> Result<Result<BuildOutput, BuildFailure>, EngineError> {
        let Solved { folded, wall, config, .. } = match solve(self, request, Product::Digest, observe).await? {
            Ok(solved) => solved,
            Err(failure) => return Ok(Err(failure)),
        };
        for tag in &request.tags {
            let again = BuildRequest { no_cache: false, ..request.clone() };
            self.requests.borrow_mut().insert(tag.clone(), again);
        }
        let downloads = Downloads::Unknown("the builder is not the engine's".to_owned());
        Ok(Ok(folded.into_output(config, wall, downloads)))
    }

    async fn snapshot(&self) -> Result<Snapshot, EngineError> {
        let cache = self.link.list().await?.into_iter().map(|record| record.id).collect();
        Ok(Snapshot { cache, ..Snapshot::default() })
    }

    async fn marked_runs(&self) -> Result<Vec<String>, EngineError> {
        Ok(Vec::new())
    }

    async fn clean(&self, ownership: &Ownership, removal: Removal) -> Result<CleanReport, EngineError> {
        let ownership = ownership.with_traces(&self.built.borrow());
        let ahead = self.link.clock_ahead().await;
        let mut report = CleanReport::default();
        let none = Images::default();
        clean_records(&self.link, &ownership, removal, &mut report, (&[], &none, &[]), &[ahead]).await?;
        Ok(report)
    }
}

impl ImageHost for BuildKit {
    fn only_builds(&self) -> bool {
        true
    }

    /// A base that was pulled, or what a build of the image's request gives now.
    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError> {
        if let Some(info) = self.pulled.borrow().get(reference) {
            return Ok(Some(info.clone()));
        }
        let Some(request) = self.requests.borrow().get(reference).cloned() else { return Ok(None) };
        match self.look(&request).await? {
            Ok((_, info)) => Ok(Some(info)),
            Err(failure) => Err(refused(format!("look at the image `{reference}`"), &failure.message)),
        }
    }

    /// Builds something on the image, so that its layers are fetched and unpacked.
    async fn pull(
        &self,
        reference: &str,
        platform: Option<&str>,
        deadline: Duration,
        _: &mut dyn FnMut(PullProgress),
    ) -> Result<(), EngineError> {
        let dockerfile = format!("FROM {reference}\nCOPY Dockerfile /tonnage-pull\n");
        let context = pack_files(&[("Dockerfile", dockerfile.as_bytes())])
            .map_err(|error| refused("pack a context", &error.to_string()))?;
        let request = BuildRequest {
            context,
            dockerfile: "Dockerfile".to_owned(),
            images: vec![reference.to_owned()],
            platform: platform.map(str::to_owned),
            builder: Builder::Buildkit,
            deadline,
            ..BuildRequest::default()
        };
        match self.look(&request).await? {
            Ok((solved, mut info)) => {
                info.diff_ids.pop();
                if !solved.base.is_empty() {
                    info.id.clone_from(&solved.base);
                    info.repo_digests = vec![format!("{reference}@{}", solved.base)];
                }
                self.pulled.borrow_mut().insert(reference.to_owned(), info);
                Ok(())
            }
            Err(failure) => {
                let refused = refused(format!("pull the image `{reference}`"), &failure.message);
                Err(auth::refusal(refused, reference, None))
            }
        }
    }

    /// One image as an OCI archive.
    fn export(&self, references: &[String]) -> ByteStream {
        let action = "export an image".to_owned();
        let request = match references {
            [one] => self.requests.borrow().get(one).cloned(),
            _ => None,
        };
        let Some(request) = request else {
            let reason = "one image that was built through this connection was expected".to_owned();
            return Box::pin(stream::iter([Err(EngineError::Unsupported { action, reason })]));
        };
        let (archive, pieces) = mpsc::channel::<Bytes>(WAITING);
        let builder = self.clone();
        let solving = async move {
            match solve(&builder, &request, Product::Archive(archive), &mut |_| {}).await {
                Ok(Ok(_)) => None,
                Ok(Err(failure)) => Some(Err(refused(action, &failure.message))),
                Err(error) => Some(Err(error)),
            }
        };
        let pieces = stream::unfold(pieces, async |mut pieces| Some((Ok(pieces.recv().await?), pieces)));
        Box::pin(stream::select(pieces, stream::once(solving).filter_map(std::future::ready)))
    }

    async fn start(&self, _: &ContainerSpec) -> Result<String, EngineError> {
        no_containers("start a container")
    }

    async fn make_network(&self, _: &str) -> Result<String, EngineError> {
        no_containers("make a network")
    }

    async fn remove_network(&self, _: &str) -> Result<(), EngineError> {
        no_containers("remove a network")
    }

    async fn container(&self, _: &str) -> Result<ContainerState, EngineError> {
        no_containers("look at a container")
    }

    async fn listens(&self, _: &str, _: u16) -> Result<Option<Listens>, EngineError> {
        no_containers("look at a container")
    }

    async fn used(&self, _: &str) -> Result<Used, EngineError> {
        no_containers("look at a container")
    }

    async fn logs(&self, _: &str, _: usize) -> Result<Vec<String>, EngineError> {
        no_containers("look at a container")
    }

    async fn remove_container(&self, _: &str) -> Result<(), EngineError> {
        no_containers("remove a container")
    }

    async fn running(&self) -> Result<Vec<record::RunningContainer>, EngineError> {
        Ok(Vec::new())
    }
}
