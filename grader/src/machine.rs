//! The machine: libtorch, cargo and its settings, scratch folders, signals, and what `setup` and `doctor` do.

pub mod cargo;
pub mod checkout;
pub mod doctor;
pub mod files;
pub mod lanes;
pub mod libtorch;
pub mod platform;
pub mod processors;
pub mod scratch;
pub mod settings;
pub mod setup;
pub mod signals;
pub mod tools;
