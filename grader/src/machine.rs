//! The machine: libtorch, scratch folders, signals, and what `setup` and `doctor` do.

pub mod doctor;
pub mod files;
pub mod lanes;
pub mod libtorch;
pub mod scratch;
pub mod setup;
pub mod signals;
pub mod tools;
