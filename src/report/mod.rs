//! Analysis turned into terminal tables, Markdown, charts and a page. Measures nothing.
//!
//! In: a [`Record`](crate::record::Record), from which `analyse` computes every figure. Out: text and bytes that are
//! equal for equal records. Tables are made once (`tables`) and rendered thrice; charts are laid out once and painted
//! twice. Everything that comes from an image or an engine is escaped where it is rendered.

mod block;
pub mod charts;
mod compare;
mod error;
mod escape;
mod facts;
mod files;
mod gate;
mod html;
mod json;
mod layout;
mod markdown;
mod table;
mod tables;
mod terminal;
#[cfg(test)]
mod tests;
mod trend;
mod weigh;
mod words;

pub use block::{BLOCK_BEGIN, BLOCK_END, replace_block};
pub use charts::charts;
#[cfg(test)]
pub use compare::verdict as because;
pub use error::ReportError;
pub use files::{export, history_beside, write_all};
pub use gate::{GateFormat, Look, render_differences, render_judgement, times_table};
pub use html::html;
pub use json::json;
pub use markdown::{block, markdown};
pub use terminal::{Style, terminal, terminal_width};
pub use trend::{trend_chart, trend_json, trend_markdown, trend_mermaid, trend_terminal};
pub use weigh::{
    WeighRows, WeighSection, WeighShown, WeighSkipped, weigh_csv, weigh_json, weigh_markdown, weigh_terminal,
};
