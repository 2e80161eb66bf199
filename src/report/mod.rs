//! Analysis turned into terminal tables, Markdown, charts and a page. Measures nothing.

mod block;
pub mod charts;
mod error;
mod escape;
mod table;
mod words;

pub use block::{BLOCK_BEGIN, BLOCK_END, replace_block};
pub use error::ReportError;
