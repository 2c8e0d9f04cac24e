//! The reference as the judge of drawn tests: it computes in `f64` what a submission was asked, and how far a result of
//! the submission's type may be off.

use crate::Exercise;
use crate::memory::Place;
use crate::notes;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use testkit::drawn::Answers;
use testkit::drawn::remote::{Expectation, Oracle, answer_with};
use testkit::{Tolerance, Values};
use wire::words::{DRAWN_ANSWERS, GRADIENT, MARGIN_VARIABLE};
use wire::{Dtype, Frame, RawTensor, Request};

/// Rounding to nearest, relative: 2⁻²⁴ for f32, 2⁻⁵³ for f64.
const UNIT_F32: f64 = 1.0 / (1 << 24) as f64;
const UNIT_F64: f64 = 1.0 / (1_u64 << 53) as f64;

/// The tolerance, in units of the change that a rounding of the inputs makes. A sum of n terms, each rounded, is off by
/// up to √n times that, with n up to 1000 in the drawn cases: 32; four times that is to spare, for the order of a sum and
/// for steps that round once more.
const ROUNDINGS: f64 = 128.0;

/// Inputs that are rounded otherwise, of which each is evaluated.
const PERTURBATIONS: u64 = 3;

thread_local! {
    static CASE: RefCell<Option<Case>> = const { RefCell::new(None) };
    static TALLY: RefCell<Tally> = const { RefCell::new(Tally::new()) };
    /// Whether the first case that failed called with tensors, besides sizes: then sizes alone do not tell what it asked.
    static HAS_TENSORS: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Of each operation that a drawn test of this thread compared: the cases that agreed, and all.
type Tally = BTreeMap<String, (usize, usize)>;

/// A drawn case that runs in this thread.
#[derive(Default)]
struct Case {
    last: Option<(&'static Exercise, Request)>,
    /// The reference's results for the last call, once they are needed.
    known: Option<Result<Reference, String>>,
    compared: BTreeSet<String>,
}

/// The reference's results for one call.
#[derive(Debug, PartialEq)]
struct Reference {
    /// By name.
    results: BTreeMap<String, Precise>,
    /// The largest gradient's root mean square.
    gradients: f64,
}

/// A result of the reference.
#[derive(Debug, PartialEq)]
struct Precise {
    /// The type that the call itself gives.
    dtype: Dtype,
    /// The values in `f64`.
    values: RawTensor,
    /// The root mean square of the changes that other roundings of the inputs cause.
    sensitivity: f64,
}

struct OfTheJudge;

/// Takes a call of the drawn case that runs in this thread.
pub(crate) fn called(exercise: &'static Exercise, request: Request) {
    answer_with(&OfTheJudge);
    CASE.with_borrow_mut(|case| {
        let case = case.get_or_insert_default();
        case.last = Some((exercise, request));
        case.known = None;
    });
}

impl Oracle for OfTheJudge {
    fn expected(&self, key: &str, name: &str) -> Option<Expectation> {
        CASE.with_borrow_mut(|case| {
            let case = case.as_mut()?;
            let (exercise, request) = case.last.as_ref()?;
            case.compared.insert(request.operation.clone());
            // Without a reference, the answers that are stored beside the test are compared.
            exercise.reference?;
            let known = case
                .known
                .get_or_insert_with(|| Reference::recalled(exercise, request));
            let expectation = match known {
                Ok(reference) => reference.expectation(name),
                Err(why) => Err(why.clone()),
            };
            if let (Ok((values, tolerance)), Some(folder)) = (&expectation, notes::folder()) {
                store(
                    &folder.join(DRAWN_ANSWERS),
                    &Answers::line(key, values, *tolerance),
                );
            }
            Some(expectation)
        })
    }

    fn compared(&self) {
        CASE.with_borrow_mut(|case| {
            if let Some(case) = case
                && let Some((_, request)) = &case.last
            {
                case.compared.insert(request.operation.clone());
            }
        });
    }

    fn end(&self, has_agreed: bool) {
        let Some(mut case) = CASE.take() else { return };
        if let Some((_, request)) = case.last.filter(|_| !has_agreed) {
            if HAS_TENSORS.get().is_none() {
                HAS_TENSORS.set(Some(!request.tensors.is_empty()));
            }
            // It may have failed before anything was compared.
            case.compared.insert(request.operation);
        }
        TALLY.with_borrow_mut(|tally| {
            for operation in case.compared {
                let (agreed, of) = tally.entry(operation).or_default();
                *agreed += usize::from(has_agreed);
                *of += 1;
            }
        });
    }

    fn failed_with(&self, sizes: &str) {
        if HAS_TENSORS.take() == Some(true) {
            notes::sizes(sizes);
        }
    }

    fn finish(&self, cases: usize) {
        for (operation, (agreed, of)) in TALLY.take() {
            // Cases that were not run any more do not agree.
            notes::cases(operation, agreed, of.max(cases));
        }
    }
}

/// Appends a line to a file that exists: it does where answers are to be stored.
fn store(file: &Path, line: &str) {
    if let Ok(mut file) = OpenOptions::new().append(true).open(file) {
        // An error is not reported here: the reader of the file notices lines that are missing.
        let _ = file.write_all(line.as_bytes());
    }
}

/// The key of [`Reference::gradients`] among a frame's metadata; before a result's name, that of what else is known of it.
const GRADIENTS: &str = "gradients";
const RESULT: &str = "result.";

impl Reference {
    /// The results, computed unless they are known already.
    fn recalled(exercise: &Exercise, request: &Request) -> Result<Self, String> {
        let place = Place::of("drawn", request);
        if let Some(known) = place.recall().and_then(Self::from_frame) {
            return Ok(known);
        }
        let computed = Self::of(exercise, request)?;
        place.keep(|| computed.to_frame());
        Ok(computed)
    }

    fn of(exercise: &Exercise, request: &Request) -> Result<Self, String> {
        let answer = |operations, request: Request| {
            workers::answer(operations, request)
                .map_err(|fault| format!("the reference does not answer: {}", fault.message))
        };
        let reference = exercise.reference.ok_or("the course holds no reference")?;
        let plain = answer(reference, request.clone())?;
        let operations = exercise.reference_in_f64.unwrap_or(reference);
        let mut in_f64 = request.clone();
        in_f64.tensors = request.tensors.iter().map(widened).collect();
        let is_precise = exercise.reference_in_f64.is_none() && in_f64.tensors == request.tensors;
        let mut precise = match is_precise {
            true => plain.clone(),
            false => answer(operations, in_f64.clone())?,
        };
        let is_f32 = |tensor: &RawTensor| tensor.dtype() == Dtype::F32;
        let unit = match request.tensors.values().any(is_f32) {
            true => UNIT_F32,
            false => UNIT_F64,
        };
        let mut results: BTreeMap<_, _> = plain
            .into_iter()
            .filter_map(|(name, plain)| {
                let result = Precise {
                    dtype: plain.dtype(),
                    values: precise.remove(&name)?,
                    sensitivity: 0.0,
                };
                Some((name, result))
            })
            .collect();
        // Answers to requests without floats do not move.
        let is_rounded = |tensor: &RawTensor| tensor.dtype() == Dtype::F64;
        let perturbations = match in_f64.tensors.values().any(is_rounded) {
            true => PERTURBATIONS,
            false => 0,
        };
        for number in 0..perturbations {
            let mut rounded = in_f64.clone();
            for tensor in rounded.tensors.values_mut() {
                *tensor = perturbed(tensor, unit, number);
            }
            // An input that is refused because of a rounding says nothing of the others.
            let Ok(moved) = answer(operations, rounded) else {
                continue;
            };
            for (name, result) in &mut results {
                let changed = moved
                    .get(name)
                    .map_or(0.0, |moved| distance(&result.values, moved));
                result.sensitivity = result.sensitivity.max(changed);
            }
        }
        let gradients = results
            .iter()
            .filter(|(name, _)| name.starts_with(GRADIENT))
            .map(|(_, gradient)| root_mean_square(&gradient.values.to_f64()))
            .fold(0.0, f64::max);
        Ok(Self { results, gradients })
    }

    fn to_frame(&self) -> Frame {
        let mut frame = Frame::default();
        let gradients = self.gradients.to_string();
        frame.metadata.insert(GRADIENTS.to_owned(), gradients);
        for (name, result) in &self.results {
            let known = format!("{} {}", result.dtype, result.sensitivity);
            frame.metadata.insert(format!("{RESULT}{name}"), known);
            frame.tensors.insert(name.clone(), result.values.clone());
        }
        frame
    }

    fn from_frame(frame: Frame) -> Option<Self> {
        let mut results = BTreeMap::new();
        for (name, values) in frame.tensors {
            let known = frame.metadata.get(&format!("{RESULT}{name}"))?;
            let (dtype, sensitivity) = known.split_once(' ')?;
            let mut dtypes = [Dtype::F32, Dtype::F64, Dtype::I64, Dtype::U8].into_iter();
            let result = Precise {
                dtype: dtypes.find(|it| it.to_string() == dtype)?,
                values,
                sensitivity: sensitivity.parse().ok()?,
            };
            results.insert(name, result);
        }
        let gradients = frame.metadata.get(GRADIENTS)?.parse().ok()?;
        Some(Self { results, gradients })
    }

    fn expectation(&self, name: &str) -> Expectation {
        let Some(result) = self.results.get(name) else {
            let names: Vec<_> = self.results.keys().map(String::as_str).collect();
            return Err(format!("the reference gives {}", names.join(", ")));
        };
        let values = Values {
            dtype: result.dtype.to_string(),
            shape: result.values.shape().to_vec(),
            data: result.values.to_f64(),
        };
        let unit = match result.dtype {
            Dtype::F32 => UNIT_F32,
            Dtype::F64 => UNIT_F64,
            Dtype::I64 | Dtype::U8 => return Ok((values, Tolerance::EXACT)),
        };
        // A gradient may be 0 in truth, as that of a key's bias: what rounds there is of the size of the others.
        let size = match name.starts_with(GRADIENT) {
            true => self.gradients,
            false => root_mean_square(&values.data),
        };
        let margin = margin();
        let absolute = ROUNDINGS * (result.sensitivity + unit * size) / margin;
        Ok((values, Tolerance::new(ROUNDINGS * unit / margin, absolute)))
    }
}

fn margin() -> f64 {
    let margin = std::env::var(MARGIN_VARIABLE).ok();
    margin.and_then(|text| text.parse().ok()).unwrap_or(1.0)
}

/// A tensor of floats in `f64`; any other as it is.
fn widened((name, tensor): (&String, &RawTensor)) -> (String, RawTensor) {
    let tensor = match tensor.dtype() {
        Dtype::F32 => in_f64(tensor, tensor.to_f64()),
        _ => tensor.clone(),
    };
    (name.clone(), tensor)
}

/// A tensor of the same shape with these values.
fn in_f64(like: &RawTensor, values: Vec<f64>) -> RawTensor {
    let made = like.with_values(Dtype::F64, values);
    made.unwrap_or_else(|_| like.clone())
}

/// Each value moved by one rounding, up or down.
fn perturbed(tensor: &RawTensor, unit: f64, number: u64) -> RawTensor {
    if tensor.dtype() != Dtype::F64 {
        return tensor.clone();
    }
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number + 1);
    let moved = tensor.to_f64().into_iter().map(|value| {
        // Knuth's generator: its high bits are as good as is needed for a sign.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let sign = if state >> 63 == 0 { 1.0 } else { -1.0 };
        value * (1.0 + sign * unit)
    });
    in_f64(tensor, moved.collect())
}

fn distance(a: &RawTensor, b: &RawTensor) -> f64 {
    let pairs = a.to_f64().into_iter().zip(b.to_f64());
    let squares: Vec<_> = pairs.map(|(a, b)| a - b).collect();
    root_mean_square(&squares)
}

fn root_mean_square(values: &[f64]) -> f64 {
    let finite = values.iter().filter(|value| value.is_finite());
    let (count, sum) = finite.fold((0_u32, 0.0), |(count, sum), value| {
        (count + 1, sum + value * value)
    });
    (sum / f64::from(count.max(1))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Ix1, arr1};
    use workers::{Call, CallResult, Operation, gives_all};

    /// x − Σx / n, which loses digits where x is far from 0.
    fn centre(call: &Call) -> CallResult {
        let x: Array1<f64> = match call.array::<f32, Ix1>("x") {
            Ok(x) => x.mapv(f64::from),
            Err(_) => call.array("x")?,
        };
        let mean = x.mean().unwrap_or_default();
        let y = x - mean;
        match call.raw("x")?.dtype() {
            Dtype::F32 => gives_all(vec![("y", (&y.mapv(|y| y as f32)).into())]),
            _ => gives_all(vec![("y", (&y).into())]),
        }
    }

    static OPERATIONS: &[Operation] = &[("centre", centre)];
    static EXERCISE: Exercise = Exercise {
        reference: Some(OPERATIONS),
        reference_in_f64: None,
    };

    fn expectation(x: &[f32]) -> (Values, Tolerance) {
        let mut request = Request {
            operation: "centre".to_owned(),
            ..Request::default()
        };
        request.tensors.insert("x".to_owned(), (&arr1(x)).into());
        let reference = Reference::of(&EXERCISE, &request).expect("it answers");
        reference.expectation("y").expect("it has y")
    }

    #[test]
    fn expected_values_are_the_references_in_f64_and_of_the_calls_type() {
        let (values, tolerance) = expectation(&[1.0, 2.0, 4.5]);
        assert_eq!((values.dtype.as_str(), values.shape), ("f32", vec![3]));
        assert_eq!(values.data, [-1.5, -0.5, 2.0]);
        assert!(
            tolerance.absolute() > 1e-6 && tolerance.absolute() < 1e-4,
            "{tolerance}"
        );
    }

    #[test]
    fn without_a_reference_the_stored_answers_decide_and_the_operation_is_compared() {
        static WITHOUT: Exercise = Exercise {
            reference: None,
            reference_in_f64: None,
        };
        let request = Request {
            operation: "centre".to_owned(),
            ..Request::default()
        };
        called(&WITHOUT, request);
        assert!(OfTheJudge.expected("centre/0/y", "y").is_none());
        OfTheJudge.end(true);
        let tally = TALLY.take();
        assert_eq!(tally.get("centre"), Some(&(1, 1)));
    }

    #[test]
    fn the_tolerance_grows_with_the_condition_of_the_problem() {
        let (_, near) = expectation(&[1.0, 2.0, 4.5]);
        let (_, far) = expectation(&[10_001.0, 10_002.0, 10_004.5]);
        let ratio = far.absolute() / near.absolute();
        assert!(ratio > 500.0, "{ratio}");
    }

    #[test]
    fn a_result_that_the_reference_does_not_have_is_told() {
        let reference = Reference {
            results: BTreeMap::new(),
            gradients: 0.0,
        };
        assert!(reference.expectation("z").is_err());
    }

    #[test]
    fn results_are_known_again_as_they_were() {
        let mut request = Request {
            operation: "centre".to_owned(),
            ..Request::default()
        };
        let x = arr1(&[1.0_f32 / 3.0, 2.0, f32::INFINITY]);
        request.tensors.insert("x".to_owned(), (&x).into());
        for name in ["y", "grad.x"] {
            let mut reference = Reference::of(&EXERCISE, &request).expect("it answers");
            let y = reference.results.remove("y").expect("it has y");
            reference.results.insert(name.to_owned(), y);
            reference.gradients = 0.1 + 0.2;
            let known = Reference::from_frame(reference.to_frame()).expect("a whole frame");
            // NaN is not equal to itself.
            assert_eq!(format!("{known:?}"), format!("{reference:?}"));
        }
        assert_eq!(Reference::from_frame(Frame::default()), None);
    }
}
