//! Matrices, and how handouts write them: rows of numbers between upright lines.

/// Rows of numbers.
pub(super) type Matrix = Vec<Vec<f64>>;

/// A line of a block that holds rows of matrices, side by side.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// The words before the first of them.
    pub(super) label: String,
    /// A row of each matrix.
    pub(super) rows: Vec<Vec<f64>>,
}

impl Line {
    /// Reads `label │ 1  0 │  │ ½  0 │`; none where the line is not such a one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('│').collect();
        if parts.len() < 3 || parts.len().is_multiple_of(2) {
            return None;
        }
        let rows = parts.iter().skip(1).step_by(2).map(|row| {
            let row: Option<Vec<f64>> = row.split_whitespace().map(number).collect();
            row.filter(|row| !row.is_empty())
        });
        Some(Self {
            label: parts[0].trim().to_owned(),
            rows: rows.collect::<Option<_>>()?,
        })
    }
}

/// A number as handouts write it.
pub(super) fn number(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix(['−', '-']) {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let fractions = [
        ("½", 1.0 / 2.0),
        ("¼", 1.0 / 4.0),
        ("¾", 3.0 / 4.0),
        ("⅓", 1.0 / 3.0),
        ("⅔", 2.0 / 3.0),
    ];
    let fraction = fractions.iter().find(|(sign, _)| *sign == digits);
    let value = match fraction {
        Some((_, value)) => *value,
        None => digits.parse().ok()?,
    };
    Some(sign * value)
}

/// The product of two matrices.
pub(super) fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let columns = b.first().map_or(0, Vec::len);
    let entry = |row: &Vec<f64>, column: usize| row.iter().zip(b).map(|(x, y)| x * y[column]).sum();
    let rows = a
        .iter()
        .map(|row| (0..columns).map(|column| entry(row, column)).collect());
    rows.collect()
}

/// Rows as columns.
pub(super) fn transposed(a: &Matrix) -> Matrix {
    let columns = a.first().map_or(0, Vec::len);
    let column = |j: usize| a.iter().map(|row| row[j]).collect();
    (0..columns).map(column).collect()
}

#[cfg(test)]
pub(super) fn assert_near(computed: &Matrix, written: &Matrix, tolerance: f64) {
    assert_eq!(computed.len(), written.len());
    for (computed, written) in computed.iter().zip(written) {
        assert_eq!(computed.len(), written.len());
        for (a, b) in computed.iter().zip(written) {
            assert!(
                (a - b).abs() <= tolerance,
                "{computed:?} is not {written:?}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_handouts_write_them() {
        let line = Line::read(" layer 1   c │ 1   −0.5 │   │ ½    ¾ │  why");
        let expected = Line {
            label: "layer 1   c".to_owned(),
            rows: vec![vec![1.0, -0.5], vec![0.5, 0.75]],
        };
        assert_eq!(line, Some(expected));
        assert_eq!(Line::read(" │ a │"), None);
        assert_eq!(Line::read(" 1 │ 2"), None);
    }

    #[test]
    fn products_are_rows_times_columns() {
        let (a, b) = (vec![vec![1.0, 2.0]], vec![vec![3.0, 0.0], vec![0.5, 1.0]]);
        assert_eq!(product(&a, &b), [[4.0, 2.0]]);
        assert_eq!(transposed(&a), [[1.0], [2.0]]);
    }
}
