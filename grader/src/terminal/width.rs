//! The width of the terminal that results are shown on.

use rustix::stdio::stdout;
use rustix::termios::tcgetwinsize;

/// The columns of lines where no terminal says otherwise, and at most: longer ones are hard to read.
const USUAL: usize = 100;

/// The columns that even a narrow terminal is taken to have.
const LEAST: usize = 40;

/// The columns that lines on standard output may have.
pub fn output_width() -> usize {
    let size = tcgetwinsize(stdout());
    let columns = size.ok().map(|size| usize::from(size.ws_col));
    columns
        .filter(|it| *it > 0)
        .map_or(USUAL, |it| it.clamp(LEAST, USUAL))
}
