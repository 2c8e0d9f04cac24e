//! `grader watch`: the exercise that was saved is checked again at once.
//!
//! Events of the file system only wake the watcher ([`alarm`]): it then reads the sources, and what differs from what was
//! read before is checked ([`sources`]), so that a touch or an editor's temporary file starts nothing, and a file system
//! that reports no changes costs a second and no verdict. A thread of its own grades ([`runs`]); a save ends the run that it
//! makes void. [`Model`](model::Model) is what is known; a [`View`](view::View) shows it, drawn ([`screen`]) or as lines ([`plain`]). Hints, diffs and
//! the like are other commands of this program, run beside it ([`aside`]).

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
