//! `grader watch`: checks an exercise again each time that one of its files is saved.
//!
//! Events of the file system only wake the watcher (`alarm`): it then reads the sources, and checks the exercises whose
//! content has changed (`sources`), so that a touch or an editor's temporary file starts nothing. Files are also compared
//! every two seconds, in case the file system does not report a change. A thread of its own grades (`runs`); a save stops
//! the run that it makes void. `Model` is the state; a `View` shows it, drawn (`screen`) or as lines (`plain`). Hints, diffs
//! and the like are other commands of this program, run beside it (`aside`).

mod alarm;
mod aside;
mod event;
mod explanation;
mod keys;
mod model;
mod plain;
mod runs;
mod screen;
mod session;
mod sources;
mod text;
mod verdict;
mod view;

pub use runs::Prepare;
pub use session::{Options, run};
