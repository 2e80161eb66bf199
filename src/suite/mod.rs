//! What to measure: the manifest `tonnage.toml`, its variants, facts about their Dockerfiles, and the plan.
//!
//! In: a directory with a manifest and Dockerfiles. Out: a [`Suite`] with every default filled in, and with
//! [`plan`] the order in which its builds are made. It knows no engine: a Dockerfile that no builder accepts is
//! still a variant here, whose build will fail.
//!
//! # The manifest
//!
//! ```toml
//! [suite]
//! name = "flask-blog"              # names directories and files; default: the directory's name
//! title = "One app, four ways"     # a line for headings
//! source = "where references come from"
//! context = "."                    # build context of every variant, from the manifest's directory
//! src = "src/server.py"            # the context's file that the `src` scenario edits
//! deps = "requirements.txt"        # the one that the `deps` scenario edits
//!
//! [build]                          # defaults of every variant
//! args = { VERSION = "1" }
//! target = "runtime"
//! platform = "linux/arm64"
//! network = "host"
//! labels = { "org.example.team" = "web" }
//! ca_files = ["corporate-ca.pem"]  # PEM certificates, put into the bases for the build
//! site_env = { PIP_INDEX_URL = "https://pypi.example.org/simple" }
//! deadline = "30 min"              # of one build
//!
//! [serve]                          # how to ask whether the image works
//! port = 5000
//! path = "/"
//! expect = "Hello World!"          # part of the answer
//! timeout = "30 s"
//! command = ["python", "server.py"]  # instead of the image's own
//! memory = "256 MiB"               # limit of the container (1 GiB)
//! cpus = 0.5                       # limit of its CPU time; none by default
//! read_only = true                 # nothing can be written to its root file system
//! user = "10001"                   # instead of the image's own
//! network = "bridge"               # instead of one without a way out
//! starts = 6                       # how often it is started; fewer give no interval
//! requests = [{ path = "/health", expect = "ok" }]  # what else it is asked once it has answered
//! env = { DEBUG = "0" }
//!
//! [verify]                         # what else must hold: a command that succeeds in the image
//! command = "python -m pytest -q"  # for the image's shell, or a list of words
//! timeout = "1 min"
//!
//! [bases.july-2021]                # `--bases july-2021`: what to use for what a FROM says
//! "python:3.9" = "python:3.9.6-buster@sha256:…"
//!
//! [[variant]]                      # none: every subdirectory with a Dockerfile is one
//! name = "slim"
//! dockerfile = "slim/Dockerfile"   # default: NAME/Dockerfile
//! reference = "118MB"              # a figure to compare with, or several:
//!                                  # { size = "118MB", compressed = "43.5 MB", update_src = "380 B", cold = "141.7 s", startup = "0.4 s" }
//! args = { EXTRA = "1" }           # over those of [build]; so are target, platform, network, labels
//! context = "."                    # over that of [suite]; so are src and deps
//! serve = { port = 8000 }          # over those of [serve]; so is verify
//! ```
//!
//! Paths stay in the suite's repository ([`Boundary`]).
//!
//! `[budget]`, `[gate]` and a variant's `budget` are for the gate. Any other key is refused.

mod boundary;
mod checkout;
mod claim;
mod digest;
pub(crate) mod dockerfile;
mod dockerfiles;
mod error;
pub(crate) mod init;
mod load;
pub(crate) mod manifest;
mod model;
mod plan;
mod shard;

pub(crate) use boundary::{Boundary, BoundaryError};
pub(crate) use checkout::{Checkout, CheckoutError, check_out, commit_of, remove_checkouts};
pub(crate) use claim::Claim;
pub(crate) use dockerfiles::{name_of_dockerfile, of_dockerfiles};
pub(crate) use error::SuiteError;
#[cfg(feature = "testing")]
pub(crate) use load::from_text as read_text;
pub(crate) use load::{BASELINE_NAME, DEFAULT_MEMORY, MANIFEST_NAME, fit_name, folder_name, is_name};
pub(crate) use manifest::Document;
pub use model::Suite;
pub(crate) use model::{BuildOptions, ServeCheck, ServeRequest, SuiteVariant, Texts, Verify, tag_name};
pub use plan::PlanOptions;
pub(crate) use plan::{PlannedBuild, plan, plan_beside, rounds, turns};
pub(crate) use shard::{check_shards, plan_digest, variants as shard_variants};
