//! The gradebook of a class: the results that `grade --out` wrote are imported as attempts; roster, policy and the decisions
//! of instructors turn them into grades, which can be explained and exported.
//!
//! ```text
//! results.json ── import ──▶ gradebook.sqlite ┐
//! roster.csv, policy.toml ────────────────────┼─ grade ──▶ Gradebook ──▶ tables, explanations, exports
//! extend, excuse, set, … ──▶ decisions ───────┘
//! ```

pub mod check;
pub mod cli;
pub mod command;
pub mod decision;
pub mod explain;
pub mod export;
pub mod failure;
pub mod files;
pub mod folder;
pub mod grading;
pub mod import;
pub mod policy;
pub mod results;
pub mod roster;
pub mod store;
pub mod terminal;
pub mod time;
