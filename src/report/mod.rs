//! The writing room: all text that a person reads is made here. Measures nothing.
//!
//! In: a record, a judgement, a comparison, a history. Out: text and bytes that are equal for equal input. A subject
//! (`run`, `weigh`, `gate`, `trend`, `doctor`) puts a `Doc` together, of lines, tables, and amounts; a writer (`terminal`,
//! `markdown`, the tables of `html`) gives it a form, and only writers escape. JSON is written from the data itself.
//! Charts are laid out once and painted twice.

mod baseline;
mod block;
mod caching;
pub mod charts;
mod clean;
mod compare;
mod doc;
mod doctor;
mod error;
mod escape;
mod facts;
mod files;
mod gate;
mod html;
mod improve;
mod init;
mod json;
mod layout;
mod markdown;
mod observed;
mod run;
mod shards;
mod startup;
mod table;
mod tables;
mod terminal;
#[cfg(test)]
mod tests;
mod trend;
mod weigh;
mod words;

pub(crate) use baseline::{accepted, verified};
pub(crate) use block::{BLOCK_BEGIN, BLOCK_END, replace_block};
pub use charts::Appearance;
pub(crate) use charts::{CHARTS, Theme, WantedChart};
#[cfg(any(test, feature = "testing"))]
pub use charts::{charts, charts_like};
pub(crate) use clean::{cache_cleared, clean_up_after, elsewhere, left_by, left_in_place, removed, would_remove};
#[cfg(test)]
pub(crate) use compare::verdict as because;
pub(crate) use doctor::{Examination, RegistryState, no_engine};
pub(crate) use error::ReportError;
pub(crate) use files::{export, export_weighing, write_observed};
pub use files::{history_beside, write_all};
pub(crate) use gate::{GateFormat, Look, compare_html, render_differences, render_judgement, times_table};
pub use html::html;
pub(crate) use improve::{
    improve_exit, improve_json, improve_markdown, improve_progress, improve_terminal, improved_file, patch,
};
pub(crate) use init::{ignored, next_steps, wrote_suite};
pub use json::json;
pub(crate) use observed::in_history;
pub(crate) use run::{FilesBeside, not_sent, screen, sizes, sizes_line, too_few_rounds};
pub use run::{block, markdown, terminal};
pub(crate) use shards::{mismatch, missing_shards};
pub use terminal::Style;
pub(crate) use terminal::terminal_width;
pub(crate) use trend::{trend_json, trend_markdown, trend_mermaid, trend_terminal};
pub(crate) use weigh::{
    PathSum, WeighRows, WeighSection, WeighShown, WeighSkipped, has_path, weigh_csv, weigh_html, weigh_json,
    weigh_markdown, weigh_ncdu, weigh_screen, weigh_terminal, why,
};
#[cfg(test)]
pub(crate) use words::causes;
