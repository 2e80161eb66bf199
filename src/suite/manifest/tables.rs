//! The tables of a manifest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::limit::LimitValue;
use super::reference::ReferenceValue;
use crate::record::Scenario;

/// A whole `tonnage.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Manifest {
    pub suite: SuiteTable,
    pub build: BuildTable,
    pub serve: Option<Spanned<ServeTable>>,
    pub verify: Option<Spanned<VerifyTable>>,
    pub bases: BTreeMap<Spanned<String>, BTreeMap<String, String>>,
    #[serde(rename = "variant")]
    pub variants: Vec<Spanned<VariantTable>>,
    pub budget: BudgetTable,
    pub gate: GateTable,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct SuiteTable {
    pub name: Option<Spanned<String>>,
    pub title: String,
    pub source: String,
    pub context: Option<Spanned<String>>,
    pub src: Option<Spanned<String>>,
    pub deps: Option<Spanned<String>>,
    /// What a run measures unless it is told.
    pub scenarios: Vec<Scenario>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct BuildTable {
    pub args: BTreeMap<String, String>,
    pub target: Option<String>,
    pub platform: Option<Spanned<String>>,
    pub network: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub ca_files: Vec<Spanned<String>>,
    pub site_env: BTreeMap<String, String>,
    pub deadline: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct ServeTable {
    pub port: Option<Spanned<u16>>,
    pub path: Option<Spanned<String>>,
    pub expect: Option<String>,
    pub requests: Option<Vec<RequestTable>>,
    pub command: Option<Vec<String>>,
    pub timeout: Option<Spanned<String>>,
    pub memory: Option<Spanned<String>>,
    pub cpus: Option<Spanned<f64>>,
    pub read_only: Option<bool>,
    pub user: Option<String>,
    pub network: Option<String>,
    pub starts: Option<Spanned<u32>>,
    pub env: BTreeMap<String, String>,
}

/// One of `requests`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as `{ path = \"/health\" }`")]
pub struct RequestTable {
    pub path: Spanned<String>,
    #[serde(default)]
    pub expect: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct VerifyTable {
    pub command: Spanned<CommandValue>,
    pub timeout: Option<Spanned<String>>,
}

/// A command as a text for a shell, or as its words.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a text or a list of words")]
pub enum CommandValue {
    Text(String),
    Words(Vec<String>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct VariantTable {
    pub name: Spanned<String>,
    pub dockerfile: Option<Spanned<String>>,
    pub context: Option<Spanned<String>>,
    pub target: Option<String>,
    pub platform: Option<Spanned<String>>,
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    pub network: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    pub src: Option<Spanned<String>>,
    pub deps: Option<Spanned<String>>,
    pub serve: Option<Spanned<ServeTable>>,
    pub verify: Option<Spanned<VerifyTable>>,
    pub reference: Option<ReferenceValue>,
    pub budget: Option<Spanned<BudgetTable>>,
}

/// `[budget]`, `[budget.variant.NAME]`, or a variant's `budget`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of limits: `[budget]`")]
pub struct BudgetTable {
    pub size: Option<Spanned<LimitValue>>,
    pub own: Option<Spanned<LimitValue>>,
    pub base: Option<Spanned<LimitValue>>,
    #[serde(alias = "wire")]
    pub compressed: Option<Spanned<LimitValue>>,
    pub rootfs: Option<Spanned<LimitValue>>,
    pub reclaimable: Option<Spanned<LimitValue>>,
    pub duplicates: Option<Spanned<LimitValue>>,
    pub layers: Option<Spanned<LimitValue>>,
    pub layer_compressed: Option<Spanned<LimitValue>>,
    pub packages: Option<Spanned<LimitValue>>,
    pub package_bytes: Option<Spanned<LimitValue>>,
    pub update: UpdateTable,
    pub package: BTreeMap<Spanned<String>, Spanned<LimitValue>>,
    pub path: BTreeMap<Spanned<String>, Spanned<LimitValue>>,
    pub src_reruns: Option<Spanned<u32>>,
    pub pip_cached: Option<Spanned<bool>>,
    pub serve: Option<Spanned<bool>>,
    pub root: Option<Spanned<bool>>,
    pub noise: Option<Spanned<LimitValue>>,
    /// Of the suite's budget only.
    pub variant: BTreeMap<Spanned<String>, BudgetTable>,
}

/// `update` of a budget: what an edit makes everybody pull.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table of limits: `update.src`, `update.deps`, `update.base`")]
pub struct UpdateTable {
    pub src: Option<Spanned<LimitValue>>,
    pub deps: Option<Spanned<LimitValue>>,
    pub base: Option<Spanned<LimitValue>>,
}

/// `[gate]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct GateTable {
    pub baseline: Option<PathBuf>,
    pub vanished: Vanished,
    pub timing: TimingTable,
}

/// What a variant is worth that the baseline has and the record lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Vanished {
    /// It fails the gate: a variant that nobody measures any more is not an improvement.
    #[default]
    #[serde(rename = "fail")]
    Fails,
    /// It is noted.
    #[serde(rename = "allow")]
    Allowed,
}

/// `[gate.timing]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct TimingTable {
    pub mode: TimingMode,
    pub ratio: Option<Spanned<f64>>,
    pub floor: Option<Spanned<String>>,
    pub scenarios: Option<Spanned<Vec<Scenario>>>,
}

/// Whether times may fail the gate. Only those that were measured in the same job as what they are held against can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimingMode {
    /// They are said.
    #[default]
    Advisory,
    /// They fail.
    Gate,
    /// They are left out.
    Off,
}
