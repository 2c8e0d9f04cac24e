//! Snapshots: values stored from PyTorch, compared by insta within a tolerance.
//!
//! A stored file is written by the exercise's `tests/snapshots/expected.py`, never by a test. After insta's
//! front matter it holds dtype and shape, then a line of numbers for each run of the last axis.

use crate::{AsValues, Tolerance, Values, close};
use insta::comparator::Comparator;
use insta::internals::SnapshotContents;
use insta::{Settings, Snapshot};
use std::path::PathBuf;

/// Compares with `tests/snapshots/NAME.snap` of the exercise that `test_file` belongs to; see
/// [`snapshot!`](crate::snapshot!).
///
/// # Panics
/// With what differs; with the path and what to do where nothing readable is stored.
#[track_caller]
pub fn check(test_file: &str, name: &str, got: &impl AsValues, tolerance: Tolerance) {
    let folder = folder_of(test_file);
    let path = folder.join(format!("{name}.snap"));
    assert!(
        path.is_file(),
        "no values are stored at {}: run expected.py beside it",
        path.display()
    );
    let mut settings = Settings::new();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_comparator(Box::new(WithinTolerance {
        name: name.to_owned(),
        tolerance,
    }));
    settings.bind(|| insta::assert_snapshot!(name, written(&got.values())));
}

/// `…/exercises/NN-name/tests/snapshots`, whichever crate compiles the test file.
fn folder_of(test_file: &str) -> PathBuf {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let exercise = test_file
        .rsplit_once("exercises/")
        .and_then(|(_, below)| below.split('/').next())
        .unwrap_or_else(|| panic!("{test_file} is not below exercises/"));
    root.join("exercises")
        .join(exercise)
        .join("tests/snapshots")
}

/// Stands in the place of insta's comparison of texts. It panics with an explanation instead of saying "no",
/// for insta would tell a student to review the snapshot, and can be told to let a "no" pass.
#[derive(Clone)]
struct WithinTolerance {
    name: String,
    tolerance: Tolerance,
}

impl Comparator for WithinTolerance {
    fn matches(&self, stored: &Snapshot, got: &Snapshot) -> bool {
        let values = |snapshot: &Snapshot, what: &str| {
            let SnapshotContents::Text(text) = snapshot.contents() else {
                panic!("{what} of {} are not text", self.name);
            };
            read(&text.to_string())
                .unwrap_or_else(|fault| panic!("{what} of {} are not readable: {fault}", self.name))
        };
        let expected = values(stored, "the stored values");
        if let Err(difference) = close(&values(got, "the values"), &expected, self.tolerance) {
            panic!(
                "{}, against the values that are stored\n{difference}",
                self.name
            );
        }
        true
    }

    fn dyn_clone(&self) -> Box<dyn Comparator> {
        Box::new(self.clone())
    }
}

/// Values as they are stored; reads back as the same values.
fn written(values: &Values) -> String {
    let row = values.shape.last().copied().unwrap_or(1).max(1);
    let mut text = format!("{} {:?}", values.dtype, values.shape);
    for run in values.data.chunks(row) {
        let run: Vec<_> = run.iter().map(|value| format!("{value:e}")).collect();
        text.push('\n');
        text.push_str(&run.join(" "));
    }
    text
}

/// The reverse of [`written`].
fn read(text: &str) -> Result<Values, String> {
    let (header, body) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
    let (dtype, shape) = header.split_once(' ').ok_or("no dtype and shape")?;
    let shape = shape
        .trim_matches(['[', ']'])
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty())
        .map(|axis| axis.parse().map_err(|_| format!("{axis:?} is no size")))
        .collect::<Result<Vec<usize>, _>>()?;
    // Ten digits name one f32, but as an f64 they are another number.
    let number = |value: &str| match dtype {
        "f32" => value.parse::<f32>().map(f64::from),
        _ => value.parse::<f64>(),
    };
    let data = body
        .split_whitespace()
        .map(|value| number(value).map_err(|_| format!("{value:?} is no number")))
        .collect::<Result<Vec<_>, _>>()?;
    if data.len() != shape.iter().product::<usize>() {
        return Err(format!("{} values for the shape {shape:?}", data.len()));
    }
    Ok(Values {
        dtype: dtype.to_owned(),
        shape,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uniform;

    #[test]
    fn written_values_read_back_as_they_were() {
        for values in [
            uniform("x", (2, 3, 4)).values(),
            uniform("x", 5).values(),
            uniform("x", (2, 0)).values(),
            1.25_f64.values(),
            ndarray::arr1(&[f64::INFINITY, 1e-300, -0.0]).values(),
        ] {
            assert_eq!(read(&written(&values)), Ok(values));
        }
    }

    #[test]
    fn ten_digits_are_the_f32_that_they_name() {
        let value = 0.1_f32;
        let stored = format!("f32 [1]\n{value:.9e}");
        assert_eq!(
            read(&stored).map(|values| values.data),
            Ok(vec![f64::from(value)])
        );
    }

    #[test]
    fn text_that_holds_no_values_is_refused() {
        for text in ["", "f32", "f32 [2]\n1.0", "f32 [1]\none", "f32 [-1]\n1"] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn snapshots_lie_with_the_exercise_whichever_crate_compiles_the_test() {
        let own = folder_of("exercises/01-patchify/tests/snapshot.rs");
        let judge =
            folder_of("grader/judge/tests/../../../exercises/01-patchify/tests/snapshot.rs");
        assert_eq!(own, judge);
        assert!(own.ends_with("exercises/01-patchify/tests/snapshots"));
    }
}
