//! The size of the terminal that results are printed on.

use anstream::{AutoStream, ColorChoice};
use rustix::termios::tcgetwinsize;
use std::env;
use std::io;

/// The columns where nobody says how many there are.
const COLUMNS: usize = 100;

/// The columns of standard output, and whether it shows colours. A width in `COLUMNS` counts where it is no terminal.
pub(crate) fn screen() -> (usize, bool) {
    let size = tcgetwinsize(io::stdout()).ok();
    let columns = size.map(|size| usize::from(size.ws_col));
    let columns = columns.filter(|columns| *columns > 0);
    let told = || env::var("COLUMNS").ok()?.parse().ok();
    let color = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    (columns.or_else(told).unwrap_or(COLUMNS), color)
}
