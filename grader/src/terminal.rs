//! Terminal output: results on standard output, everything else on standard error.
//!
//! | macro | writes to | shown |
//! |---|---|---|
//! | `say!` | standard output | always: results |
//! | `warn!` | standard error | always: what went wrong |
//! | `note!` | standard error | unless `--quiet` |
//! | `detail!` | standard error | with `--verbose` |
//!
//! Styles reach a terminal alone, unless `--color` or the environment says otherwise. Output that cannot be written is
//! kept as a [`fault`], and the work goes on: results also go to files.

/// Prints a line on standard output.
#[macro_export]
macro_rules! say {
    () => {
        $crate::say!("")
    };
    ($($arguments:tt)*) => {
        $crate::terminal::line($crate::terminal::Stream::Output, format_args!($($arguments)*))
    };
}

/// Prints a line on standard error.
macro_rules! warn {
    ($($arguments:tt)*) => {
        $crate::terminal::line($crate::terminal::Stream::Error, format_args!($($arguments)*))
    };
}

/// Prints a line on standard error, unless with `--quiet`.
macro_rules! note {
    ($($arguments:tt)*) => {
        if $crate::terminal::verbosity() != $crate::terminal::Verbosity::Quiet {
            warn!($($arguments)*);
        }
    };
}

/// Prints a line on standard error, with `--verbose` alone.
#[macro_export]
macro_rules! detail {
    ($($arguments:tt)*) => {
        if $crate::terminal::verbosity() == $crate::terminal::Verbosity::Verbose {
            $crate::terminal::line($crate::terminal::Stream::Error, format_args!($($arguments)*))
        }
    };
}

mod cargo;
pub mod full_screen;
mod progress;
mod shell;
mod stream;
pub mod style;
mod suggestion;
mod width;

pub(crate) use cargo::cargo_options;
pub use cargo::running;
pub use hints::error;
pub(crate) use progress::{Part, ProgressLog, fitting, logs_progress, progress, style_of};
pub(crate) use shell::in_shell;
pub use stream::{Stream, fault, keep_fault, write};
pub use suggestion::suggestion;
pub(crate) use width::full_width;
pub use width::output_width;

use anstream::ColorChoice;
use std::sync::OnceLock;

/// The amount of output besides results and errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Nothing.
    Quiet,
    /// Progress, and notes on what is done.
    #[default]
    Normal,
    /// The commands that are run and how long each stage took, too.
    Verbose,
}

static VERBOSITY: OnceLock<Verbosity> = OnceLock::new();

/// Sets the amount of output, once for the whole run.
pub fn set_verbosity(verbosity: Verbosity) {
    // A second call would come from a test that parses in-process; the first one counts.
    let _ = VERBOSITY.set(verbosity);
}

/// The amount of output.
pub fn verbosity() -> Verbosity {
    VERBOSITY.get().copied().unwrap_or_default()
}

/// Sets the use of styles, here and in help.
pub fn set_color(color: clap::ColorChoice) {
    let color = match color {
        clap::ColorChoice::Auto => ColorChoice::Auto,
        clap::ColorChoice::Always => ColorChoice::Always,
        clap::ColorChoice::Never => ColorChoice::Never,
    };
    color.write_global();
}

/// Prints a line.
pub fn line(stream: Stream, line: std::fmt::Arguments<'_>) {
    write(stream, &format!("{line}\n"));
}
