//! The width of the terminal that results are shown on.

use rustix::stdio::stdout;
use rustix::termios::tcgetwinsize;
use std::env;

/// The columns of lines where nobody says otherwise, and of prose at most: longer lines are hard to read.
const USUAL: usize = 100;

/// The columns that even a narrow terminal is taken to have.
const LEAST: usize = 40;

/// The columns that lines of prose on standard output may have.
pub fn output_width() -> usize {
    full_width().clamp(LEAST, USUAL)
}

/// The columns of standard output: those of the terminal, or what `COLUMNS` says where it is none.
pub(crate) fn full_width() -> usize {
    let size = tcgetwinsize(stdout()).ok();
    let columns = size.map(|size| usize::from(size.ws_col));
    let told = || env::var("COLUMNS").ok()?.parse().ok();
    let columns = columns.filter(|columns| *columns > 0).or_else(told);
    columns.filter(|columns| *columns > 0).unwrap_or(USUAL)
}
