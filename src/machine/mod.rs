//! The machine that this program runs on, read from `/proc` and the file system.
//!
//! Out: facts for a record, the time, and counters of network interfaces. It knows nothing of engines.

mod facts;
mod traffic;

pub(crate) use facts::{disk_free, facts, load_average, now_utc, unix_nanos};
pub(crate) use traffic::{TrafficReading, has_address, has_interface, is_in_another_network, listener};
