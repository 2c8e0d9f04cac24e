//! The sandbox: what confines every process that compiles or runs the code of strangers, or reads what such code sends.
//!
//! A [`Confinement`] says what one process may use. [`Confinement::command`] starts this program itself again, or the one that
//! [`confine_with`] named, as `PROGRAM confined … -- OTHER`: the program's command of that name calls [`enter`], takes its
//! limits on and becomes the other program. So they are in force before that one's first instruction, and nothing
//! has to be done between fork and exec. [`reach`] finds out which layers this machine offers, by trying them. [`process`]
//! runs a confined program to its end, under a [`watch`] from outside.
//!
//! All that is Linux's is in `linux`. Without it (the feature `layers` is off, or the system is another one), `limits_only`
//! stands in its place, with the same functions.

mod confinement;
mod level;
#[cfg(not(all(feature = "layers", target_os = "linux")))]
mod limits_only;
#[cfg(all(feature = "layers", target_os = "linux"))]
mod linux;
pub mod process;
mod program;
mod resources;
pub mod watch;

#[cfg(not(all(feature = "layers", target_os = "linux")))]
use limits_only as system;
#[cfg(all(feature = "layers", target_os = "linux"))]
use linux as system;

pub use confinement::{Confinement, enter};
pub use level::{Author, Layer, Level, Sandbox, reach, why_no_namespaces};
pub use program::{confine_with, confining_program, this_program};
