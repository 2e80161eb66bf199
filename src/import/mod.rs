//! Builds of others: what a file that CI keeps of its builds says, as a record.
//!
//! In: a build record of `docker buildx history export` (an OCI layout), or the output of `--progress=rawjson`. Out: a
//! [`Record`](crate::record::Record) whose samples are of the scenario `observed`. Nothing is built or measured; what the
//! files hold is hostile. It knows nothing of reports.
//!
//! [`file`] tells what a file is, [`layout`] finds the builds in a layout, and [`compose`] makes the record.

mod compose;
mod error;
mod file;
mod layout;

pub(crate) use compose::record_of;
pub(crate) use file::ImportFile;
