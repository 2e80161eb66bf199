//! Why a suite could not be read.

use std::path::PathBuf;

use super::BoundaryError;
use super::dockerfile::DockerfileError;
use crate::context::ContextError;
use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::FileError;
use crate::record::{ShardBy, ShardPart};

/// Why a suite could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that no line of the manifest names leads out of the repository.
    #[error(transparent)]
    Boundary(#[from] BoundaryError),
    /// There is no manifest.
    #[error("there is no `tonnage.toml` in `{}`", folder.display())]
    NoManifest {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The manifest is not TOML, or says something that it may not.
    #[error("{}:{line}:{column}: {message}", manifest.display())]
    Manifest {
        /// The manifest.
        manifest: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// What to write instead.
        hint: String,
    },
    /// The manifest lists no variants and no sub-folder has a Dockerfile.
    #[error("`{}` has no variants, and no directory next to it has a `Dockerfile`", manifest.display())]
    NoVariants {
        /// The manifest.
        manifest: PathBuf,
    },
    /// There is no such set of bases.
    #[error("the suite has no set of bases `{name}`")]
    NoSuchBases {
        /// As it was asked for.
        name: String,
        /// Those that there are.
        sets: Vec<String>,
    },
    /// Other base images are asked for, and it is not known which ones a Dockerfile needs.
    #[error("`--bases` cannot be used for variant `{variant}`: cannot read `{}`", dockerfile.display())]
    BasesUnknown {
        /// Which variant.
        variant: String,
        /// Its Dockerfile.
        dockerfile: PathBuf,
        /// Why.
        #[source]
        source: DockerfileError,
    },
    /// There is less to measure than there are shards.
    #[error("{there} cannot be split into {} shards", part.of)]
    TooManyShards {
        /// The part that was asked for.
        part: ShardPart,
        /// What there is to split: `7 rounds`.
        there: String,
    },
    /// A context could not be read.
    #[error("failed to read the context of variant `{variant}`")]
    Context {
        /// Whose context.
        variant: String,
        /// Why.
        #[source]
        source: ContextError,
    },
}

impl Diagnose for SuiteError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Boundary(error) => error.hint(),
            Self::NoManifest { .. } => {
                Some("`tonnage init` writes one for the Dockerfiles it finds; or give the suite's directory".into())
            }
            Self::Manifest { hint, .. } => (!hint.is_empty()).then(|| hint.clone()),
            Self::NoVariants { .. } => {
                Some("add a `[[variant]]` with `name` and `dockerfile`, or a directory with a `Dockerfile`".into())
            }
            Self::NoSuchBases { sets, .. } => Some(match sets.as_slice() {
                [] => "sets of bases are the `[bases.NAME]` tables of tonnage.toml; there are none".into(),
                sets => format!("those that there are: `default`, `{}`", sets.join("`, `")),
            }),
            Self::BasesUnknown { .. } => {
                Some("fix the Dockerfile, leave `--bases` out, or choose other variants with `--only`".into())
            }
            Self::TooManyShards { part, .. } => Some(match part.by {
                ShardBy::Rounds => {
                    "ask for more rounds with `--rounds`, or split the variants with `--shard-by variants`".into()
                }
                ShardBy::Variants => "use fewer shards".into(),
            }),
            Self::Context { source, .. } => source.hint(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoSuchBases { .. } | Self::TooManyShards { .. } => Exit::Usage,
            _ => Exit::Unreadable,
        }
    }
}
