//! Snapshots: values stored from PyTorch, compared by insta within a tolerance.
//!
//! A stored file is written by the exercise's `tests/snapshots/expected.py`, never by a test. After insta's
//! front matter it holds dtype and shape, then a line of numbers for each run of the last axis. The test program holds it
//! ([`stored!`](crate::stored!)): a checkout that was moved, or a file that cannot be read, changes no result.

use crate::panics::fault;
use crate::{AsValues, Tolerance, Values, close, same_form};
use insta::_macro_support::{InlineValue, assert_snapshot};
use insta::comparator::Comparator;
use insta::internals::SnapshotContents;
use insta::{Settings, Snapshot, allow_duplicates};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The text of a snapshot file, and the file's name without `.snap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The name.
    pub name: &'static str,
    /// The text, with insta's front matter.
    pub text: &'static str,
}

impl Stored {
    /// The snapshot of a name among `all`, for tests whose names are put together.
    ///
    /// # Panics
    /// Panics if there is none of the name.
    #[track_caller]
    pub fn find(all: &[Self], name: &str) -> Self {
        let mut all = all.iter();
        let found = all.find(|stored| stored.name == name);
        *found.unwrap_or_else(|| panic!("no values are stored for {name}"))
    }

    /// The text after insta's front matter.
    fn contents(self) -> &'static str {
        let front_matter = self.text.strip_prefix("---\n");
        let contents = front_matter.and_then(|text| text.split_once("\n---\n"));
        contents.map_or(self.text, |(_, contents)| contents)
    }
}

/// The folder of insta's configuration. There can be none in it, and insta can write nothing to it.
const NO_FOLDER: &str = "/dev/null";

/// Compares with stored values; see [`snapshot!`](crate::snapshot!).
///
/// # Panics
/// Panics if the values differ, stating where.
#[track_caller]
pub fn check(stored: Stored, got: &impl AsValues, tolerance: Tolerance) {
    let is_within = Arc::<AtomicBool>::default();
    let mut settings = Settings::new();
    settings.set_comparator(Box::new(WithinTolerance {
        name: stored.name,
        tolerance,
        is_within: Arc::clone(&is_within),
    }));
    // Before insta has all values written out. What cannot be read is told when the values are compared.
    let form = read(stored.contents()).map_or(Ok(()), |expected| same_form(got, &expected));
    if let Err(difference) = form {
        panic!(
            "{}, against the values that are stored\n{difference}",
            stored.name
        );
    }
    let got = written(&got.values());
    // As insta wants several lines between a macro's parentheses.
    let expected = format!("\n{}\n", stored.contents().trim_end());
    let value = (InlineValue(&expected), got.as_str());
    // The function behind insta's macro: the macro takes stored values as a literal or from a file at a path that was
    // compiled in, and runs cargo to find its folder.
    let compare = || {
        assert_snapshot(
            value.into(),
            Path::new(NO_FOLDER),
            stored.name,
            module_path!(),
            stored.name,
            line!(),
            "",
        )
    };
    let compared = settings.bind(|| allow_duplicates!(compare()));
    // With INSTA_UPDATE=force, insta fails to write what was within the tolerance: that changes no result.
    if !is_within.load(Ordering::Relaxed) {
        fault(&format!(
            "insta did not compare {}: {compared:?}",
            stored.name
        ));
    }
}

/// Stands in the place of insta's comparison of texts. It panics with an explanation instead of saying "no",
/// for insta would tell a student to review the snapshot, and can be told to let a "no" pass.
#[derive(Clone)]
struct WithinTolerance {
    name: &'static str,
    tolerance: Tolerance,
    is_within: Arc<AtomicBool>,
}

impl Comparator for WithinTolerance {
    fn matches(&self, stored: &Snapshot, got: &Snapshot) -> bool {
        let values = |snapshot: &Snapshot| match snapshot.contents() {
            SnapshotContents::Text(text) => read(&text.to_string()),
            SnapshotContents::Binary(_) => Err("not a text".to_owned()),
        };
        let expected = values(stored).unwrap_or_else(|why| {
            fault(&format!(
                "the snapshot {} is not readable: {why}",
                self.name
            ))
        });
        let got = values(got).unwrap_or_else(|why| panic!("the values of {}: {why}", self.name));
        if let Err(difference) = close(&got, &expected, self.tolerance) {
            panic!(
                "{}, against the values that are stored\n{difference}",
                self.name
            );
        }
        self.is_within.store(true, Ordering::Relaxed);
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
    use ndarray::arr1;

    #[test]
    fn written_values_read_back_as_they_were() {
        for values in [
            uniform("x", (2, 3, 4)).values(),
            uniform("x", 5).values(),
            uniform("x", (2, 0)).values(),
            1.25_f64.values(),
            arr1(&[f64::INFINITY, 1e-300, -0.0]).values(),
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

    const PAIR: Stored = Stored {
        name: "pair",
        text: "---\nsource: expected.py\n---\nf32 [2]\n1.000000000e+00 2.000000000e+00\n",
    };

    #[test]
    fn values_within_the_tolerance_pass_again_and_again() {
        for _ in 0..3 {
            check(PAIR, &arr1(&[1.0_f32, 2.0]), Tolerance::EXACT);
            check(PAIR, &arr1(&[1.0_f32, 2.5]), Tolerance::new(0.0, 0.6));
        }
    }

    #[test]
    #[should_panic(expected = "pair, against the values that are stored")]
    fn a_value_beyond_the_tolerance_fails() {
        check(PAIR, &arr1(&[1.0_f32, 2.5]), Tolerance::EXACT);
    }

    #[test]
    #[should_panic(expected = "the course is at fault: the snapshot pair is not readable")]
    fn stored_values_that_cannot_be_read_are_the_courses_fault() {
        let stored = Stored {
            text: "f32 [2]\n1.0",
            ..PAIR
        };
        check(stored, &arr1(&[1.0_f32, 2.0]), Tolerance::EXACT);
    }

    #[test]
    fn a_name_that_was_put_together_is_found() {
        assert_eq!(Stored::find(&[PAIR], "pair"), PAIR);
    }
}
