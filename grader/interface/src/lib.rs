//! The interface of an exercise: what its functions are called, take and give.
//!
//! `exercises/NN-name/interface.rs` describes it once, as signatures with names and shapes of tensors beside them. From
//! it come the source of the judge's stand-ins, which ask, that of the worker, which answers, for a submission as for the
//! solution, and what a reader is told of the operations. grader/README.md says how a description is written.

mod declared;
mod error;
mod items;
mod listing;
mod model;
pub mod place;
mod read;
pub mod rewrite;
mod stand_ins;
mod syntax;
mod worker;

pub use error::Error;
pub use items::{Item, ItemKind};
pub use listing::{Argument, Operation};
pub use model::Interface;
pub use read::{BY_HAND, DESCRIPTION};
pub use stand_ins::JudgeFiles;
pub use worker::TABLE;
