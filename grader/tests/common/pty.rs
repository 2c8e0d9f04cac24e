//! Pseudo-terminals.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;

/// Opens a terminal of this size. Returns the end that shows what is written and types, and the end of programs.
pub(crate) fn open(rows: u16, columns: u16) -> io::Result<(File, File)> {
    let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&main)?;
    unlockpt(&main)?;
    let name = ptsname(&main, vec![])?;
    let own = File::options()
        .read(true)
        .write(true)
        .open(OsStr::from_bytes(name.as_bytes()))?;
    tcsetwinsize(&main, size(rows, columns))?;
    Ok((main.into(), own))
}

/// A size in characters.
pub(crate) fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
