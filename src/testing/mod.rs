//! Test equipment, and the parts of this crate that its integration tests, benches, and fuzz targets use.
//!
//! All other modules are private, so that rustc names what the program does not reach. This one exists only with the
//! feature `testing`, which is on wherever the crate's own tests and benches are built, and never in the program.
//!
//! [`ScriptedEngine`] is an engine in memory, [`fixture`] a made-up record, [`run_options`] a run of one round;
//! [`readers`] are the entries of the fuzz targets. The rest of the modules are parts of those of the same names.

#[cfg(test)]
pub(crate) mod files;
#[cfg(test)]
mod noise;
mod options;
mod scripted;

pub mod fixture;
pub mod readers;
pub mod registry;

pub use options::{Silent, run_options};
pub use scripted::{Fault, Script, ScriptedEngine, Trouble, TroubleKind};

/// What is computed from records.
pub mod analyse {
    pub use crate::analyse::overhead;
    /// What is judged of a build while it is measured.
    pub mod proof {
        pub use crate::analyse::proof::same_instruction;
    }

    /// Many runs.
    pub mod trend {
        pub use crate::analyse::trend::history_line;
    }

    /// Statistics of small samples.
    pub mod statistics {
        pub use crate::analyse::statistics::{
            Alternative, Interval, PointEstimate, autocorrelation, drift, hodges_lehmann, hodges_lehmann_shift, holm,
            median, median_interval, normal_cdf, normal_quantile, rank_sum_p, signed_rank_p, spread, theil_sen,
        };
    }
}

/// The build context.
pub mod context {
    pub use crate::context::{Context, Edit, Own, edit_line};
}

/// The user's credentials.
pub mod credentials {
    pub use crate::credentials::Places;
}

/// The container engine.
pub mod engine {
    pub use crate::engine::{
        BuildFailure, BuildOutput, BuildRequest, BuilderChoice, ConnectOptions, ContainerSpec, ContainerState,
        DockerEngine, Engine, EngineError, ImageBuilder, ImageHost, Listens, Ownership, Removal, Secrets, Snapshot,
        Surroundings, Used, connect, find, labels,
    };
}

/// Exit codes.
pub mod exit {
    pub use crate::exit::Exit;
}

/// Whole runs.
pub mod measure {
    pub use crate::measure::{Cancel, Event, Observer, RunOptions, RunOutcome, run};
}

/// Records.
pub mod record {
    pub use crate::record::{
        Against, Builder, Confirmation, Ended, FILE, Outcome, Package, PackageManager, PathSize, Record, Sample,
        SampleState, Scenario, ServeLimits, ServeState, Shard, ShardBy, ShardPart, read, write,
    };
}

/// Outputs of a report.
pub mod report {
    pub use crate::report::{Appearance, Style, charts_like};
    pub use crate::report::{block, charts, history_beside, html, json, markdown, terminal, write_all};
}

/// Suites and their Dockerfiles.
pub mod suite {
    pub use crate::suite::{PlanOptions, Suite};

    /// Facts about a Dockerfile.
    pub mod dockerfile {
        pub use crate::suite::dockerfile::{Arguments, Facts, platform_args, same_image};
    }
}

/// Bytes and times.
pub mod units {
    pub use crate::units::{Bytes, Nanos};
}
