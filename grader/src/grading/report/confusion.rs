//! The confusion matrix, for the terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use ndarray::Array2;

/// A row for each class: its recall, and the predicted classes of its images. Cells of 0 are left blank.
pub fn confusion(counts: &Array2<u64>, classes: &[String]) -> String {
    let mut table = Table::new();
    let numbers = (0..classes.len()).map(|number| number.to_string());
    table.load_style(UTF8_FULL_CONDENSED).set_header(
        ["class", "recall"]
            .map(str::to_owned)
            .into_iter()
            .chain(numbers),
    );
    for (number, (name, row)) in classes.iter().zip(counts.outer_iter()).enumerate() {
        let class = if *name == number.to_string() {
            name.clone()
        } else {
            format!("{number} {name}")
        };
        let images: u64 = row.sum();
        let right = match images {
            0 => String::new(),
            _ => format!("{:.1} %", 100.0 * row[number] as f64 / images as f64),
        };
        let cells = row.iter().map(|&count| match count {
            0 => String::new(),
            _ => count.to_string(),
        });
        table.add_row([class, right].into_iter().chain(cells));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn each_class_has_its_share_and_its_errors() {
        let classes = ["0", "bag", "2"].map(str::to_owned);
        let counts = array![[3, 1, 0], [0, 7, 0], [0, 0, 0]];
        let table = confusion(&counts, &classes);
        let cells = |line: &str| -> Vec<String> {
            let inside = line.trim_matches('│').split('┆');
            inside.map(|cell| cell.trim().to_owned()).collect()
        };
        let rows: Vec<_> = table.lines().skip(3).map(cells).collect();
        assert_eq!(rows[0], ["0", "75.0 %", "3", "1", ""]);
        assert_eq!(rows[1], ["1 bag", "100.0 %", "", "7", ""]);
        assert_eq!(rows[2], ["2", "", "", "", ""]);
    }
}
