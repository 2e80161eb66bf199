//! The records of a builder's cache: listing them, and removing those that are a run's own.

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{
    BuildHistoryRequest, DiskUsageRequest, PruneRequest, UpdateBuildHistoryRequest, UsageRecord,
};

use super::link::Link;
use crate::engine::EngineError;
use crate::engine::clean::BuildCache;
use crate::engine::client::{QUICK, SLOW};
use crate::engine::snapshot::ListedRecord;

impl BuildCache for Link {
    async fn list(&self) -> Result<Vec<ListedRecord>, EngineError> {
        let mut control = self.control();
        let answer = self.ask("list its cache", SLOW, control.disk_usage(DiskUsageRequest::default())).await?;
        Ok(answer.into_inner().record.into_iter().map(listed).collect())
    }

    async fn remove(&self, ids: &[&str], _: &[ListedRecord]) -> Result<u64, EngineError> {
        // Without a filter it would remove every record.
        if ids.is_empty() {
            return Ok(0);
        }
        let filter = ids.iter().map(|id| format!("id=={id}")).collect();
        let mut control = self.control();
        let removing = async {
            let mut gone = 0;
            let mut coming =
                control.prune(PruneRequest { filter, all: true, ..PruneRequest::default() }).await?.into_inner();
            while coming.message().await?.is_some() {
                gone += 1;
            }
            Ok(gone)
        };
        self.ask("remove records of its cache", SLOW, removing).await
    }

    /// As in an engine with the containerd image store.
    fn forgets_keys(&self) -> bool {
        true
    }
}

impl Link {
    /// What the builder's clock is ahead of ours, in nanoseconds; none where it does not say.
    pub(super) async fn clock_ahead(&self) -> i128 {
        let mut control = self.control();
        let request = BuildHistoryRequest { early_exit: true, limit: 1, ..BuildHistoryRequest::default() };
        let answer = self.ask("tell its time", QUICK, control.listen_build_history(request)).await;
        let stamp = answer.ok().and_then(|answer| {
            let stamp = answer.metadata().get("buildkit-current-timestamp")?.to_str().ok()?;
            stamp.parse::<jiff::Timestamp>().ok()
        });
        stamp.map_or(0, |theirs| theirs.as_nanosecond() - jiff::Timestamp::now().as_nanosecond())
    }

    /// Takes a build out of the history; one that is not in it is not an error.
    pub(super) async fn forget_build(&self, reference: String) {
        let mut control = self.control();
        let request = UpdateBuildHistoryRequest { r#ref: reference, delete: true, ..Default::default() };
        let forgotten = self.ask("forget a build", QUICK, control.update_build_history(request)).await;
        if let Err(error) = forgotten {
            tracing::debug!(%error, "a build stays in the history");
        }
    }
}

fn listed(record: UsageRecord) -> ListedRecord {
    let stamp = |stamp: Timestamp| {
        let stamp = jiff::Timestamp::new(stamp.seconds, stamp.nanos).ok();
        stamp.map(|stamp| stamp.to_string()).unwrap_or_default()
    };
    ListedRecord {
        id: record.id,
        description: record.description,
        created_at: record.created_at.map(stamp).unwrap_or_default(),
        last_used_at: record.last_used_at.map(stamp),
        size: record.size,
        parent: String::new(),
        parents: Some(record.parents),
    }
}
