//! From a submission's sources to a worker that is asked: what is built once for a class, compiling, sessions.

pub mod ask;
pub mod broken;
mod built;
pub mod compile;
pub mod incremental;
pub mod judges;
pub mod linker;
pub mod profiles;
pub mod session;
pub mod shelf;
pub mod workshop;
