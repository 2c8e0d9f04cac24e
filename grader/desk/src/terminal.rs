//! Terminal output: results on standard output, everything else on standard error; tables.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, OnceLock, PoisonError};
use wire::printable;

/// The first write error.
static FAULT: Mutex<Option<(&'static str, io::Error)>> = Mutex::new(None);

static QUIET: OnceLock<bool> = OnceLock::new();

/// Leaves out notes, once for the whole run.
pub fn set_quiet(quiet: bool) {
    let _ = QUIET.set(quiet);
}

/// Sets the use of styles.
pub fn set_color(color: clap::ColorChoice) {
    match color {
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// Prints results on standard output. An error is kept as a [`fault`].
pub fn print(text: &str) {
    keep(
        "standard output",
        anstream::stdout().lock().write_all(text.as_bytes()),
    );
}

/// Prints bytes on standard output, as they are.
pub fn print_bytes(bytes: &[u8]) {
    keep("standard output", io::stdout().lock().write_all(bytes));
}

/// Prints a note on standard error, unless with `--quiet`.
pub fn note(text: &str) {
    if !QUIET.get().copied().unwrap_or_default() {
        warn(text);
    }
}

/// Prints a line on standard error.
pub fn warn(text: &str) {
    let line = format!("{text}\n");
    keep(
        "standard error",
        anstream::stderr().lock().write_all(line.as_bytes()),
    );
}

/// Keeps the first write error. A closed pipe (`| head`) is not one.
pub fn keep(stream: &'static str, written: io::Result<()>) {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let mut fault = FAULT.lock().unwrap_or_else(PoisonError::into_inner);
            fault.get_or_insert((stream, error));
        }
        _ => {}
    }
}

/// The error for lost output, if some was lost. Flushes standard output first.
pub fn fault() -> Option<anyhow::Error> {
    keep("standard output", io::stdout().flush());
    let fault = FAULT.lock().unwrap_or_else(PoisonError::into_inner).take();
    fault.map(|(stream, error)| anyhow::anyhow!("{stream} cannot be written: {error}"))
}

/// Points without needless zeros: `7`, `3.5`, `1.67`.
pub fn points(points: f64) -> String {
    let text = format!("{points:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

/// Rows below a header, as the grader's tables are; columns from `first_number` on hold numbers, but for the last
/// `texts` ones.
pub fn table(header: &[&str], rows: &[Vec<String>], first_number: usize, texts: usize) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(header.iter().copied());
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    let numbers = first_number..header.len().saturating_sub(texts);
    for column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_no_needless_zeros() {
        let shown = [7.0, 3.5, 5.0 / 3.0, 0.0, -0.001, 100.0].map(points);
        assert_eq!(shown, ["7", "3.5", "1.67", "0", "0", "100"]);
    }
}
