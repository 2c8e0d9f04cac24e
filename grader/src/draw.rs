//! Pictures of the results of an exercise's functions, made by sending requests to a worker.
//!
//! The file `pictures.rs` of an exercise sends the requests for its pictures; the build script finds it. If a function
//! is not written yet, or fails, the pictures that need it are left out, and the others are drawn. Each answer is
//! checked against its expected shape before it is used.

mod components;
mod formats;
mod model;
mod models;
mod photo;
#[cfg(test)]
mod testing;

/// The exercises' own files, and `ALL`: the function `draw` of each, by the exercise's name.
mod exercises {
    include!(concat!(env!("OUT_DIR"), "/pictures.rs"));
}

pub use model::Model;
pub use models::attention;
pub use photo::Photo;

use anyhow::{Context, Result};
use ndarray::{Array, Array3, Dimension};
use pictures::Picture;
use std::collections::BTreeMap;
use std::fmt;
use wire::{Answer, Fault, Mixer, RawTensor, Request, Tensors, printable, printable_lines};

/// Draws all that can be drawn of an exercise.
type Draw = fn(&mut Material<'_>, &mut Drawings) -> Result<()>;

fn of(exercise: &str) -> Option<Draw> {
    let mut all = exercises::ALL.iter();
    all.find(|(name, _)| *name == exercise)
        .map(|(_, draw)| *draw)
}

/// Returns whether there are pictures of an exercise.
pub fn is_drawn(exercise: &str) -> bool {
    of(exercise).is_some()
}

/// The inputs of an exercise's pictures.
pub struct Material<'a> {
    /// Asks the worker.
    pub ask: &'a mut dyn FnMut(Request) -> Result<Answer>,
    /// The image that is looked at.
    pub photo: Photo,
    /// A trained model, if one was given.
    pub model: Option<Model>,
    /// The model's attention to the image, layer by layer `[h, N, N]`, if the exercise's own worker has no model.
    pub attention: Option<Vec<Array3<f32>>>,
}

/// The pictures drawn, and the reasons for those that are missing.
#[derive(Debug, Default)]
pub struct Drawings {
    /// The pictures, each with a name for its files.
    pub pictures: Vec<(&'static str, Picture)>,
    /// The reasons why others are missing, fit to be shown.
    pub missing: Vec<String>,
    /// Further remarks.
    pub notes: Vec<String>,
}

/// Draws all that can be drawn of an exercise.
///
/// # Errors
/// Returns an error if there are no pictures of it, or the worker cannot be asked.
pub fn draw(exercise: &str, material: &mut Material<'_>) -> Result<Drawings> {
    let draw = of(exercise).with_context(|| {
        let known: Vec<_> = exercises::ALL.iter().map(|(name, _)| *name).collect();
        let known = known.join(", ");
        format!("there are no pictures of {exercise}; there are of {known}")
    })?;
    let mut drawn = Drawings::default();
    draw(material, &mut drawn)?;
    Ok(drawn)
}

/// The reason why a picture is missing.
#[derive(Debug)]
pub enum Missing {
    /// A function failed, or the worker refused the request.
    Fault {
        /// The operation.
        operation: String,
        /// Its fault.
        fault: Fault,
    },
    /// A function returned something else than the picture shows.
    Answer {
        /// The operation.
        operation: String,
        /// The difference to what the picture shows.
        fault: Fault,
    },
    /// The values cannot be drawn: the functions returned nothing finite, or the model lacks something.
    Undrawable(anyhow::Error),
    /// Something else failed.
    Error(anyhow::Error),
}

impl From<anyhow::Error> for Missing {
    fn from(error: anyhow::Error) -> Self {
        Missing::Error(error)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Undrawable(error) | Missing::Error(error) => write!(f, "{error:#}"),
            Missing::Fault { operation, fault } | Missing::Answer { operation, fault } => {
                let place = fault.place.as_deref().map(printable);
                let place = place
                    .map(|place| format!(" at {place}"))
                    .unwrap_or_default();
                let message = printable_lines(&fault.message);
                write!(
                    f,
                    "{}: {}{place}: {message}",
                    printable(operation),
                    fault.kind
                )
            }
        }
    }
}

impl Drawings {
    /// Keeps a picture, or why it is missing.
    fn take(&mut self, name: &'static str, picture: Result<Picture, Missing>) -> Result<()> {
        match picture {
            Ok(picture) => self.pictures.push((name, picture)),
            Err(Missing::Error(error)) => return Err(error),
            Err(missing) => {
                let missing = missing.to_string();
                if !self.missing.contains(&missing) {
                    self.missing.push(missing);
                }
            }
        }
        Ok(())
    }
}

/// An operation's name, scalars and tensors.
struct Question<'a> {
    operation: &'a str,
    arguments: BTreeMap<String, String>,
    tensors: Tensors,
}

impl<'a> Question<'a> {
    fn new(operation: &'a str) -> Self {
        Self {
            operation,
            arguments: BTreeMap::new(),
            tensors: Tensors::new(),
        }
    }

    fn argument(mut self, name: &str, value: impl ToString) -> Self {
        self.arguments.insert(name.to_owned(), value.to_string());
        self
    }

    fn tensor(mut self, name: &str, tensor: impl Into<RawTensor>) -> Self {
        self.tensors.insert(name.to_owned(), tensor.into());
        self
    }

    fn with(mut self, tensors: &Tensors, arguments: &BTreeMap<String, String>) -> Self {
        self.tensors.extend(tensors.clone());
        self.arguments.extend(arguments.clone());
        self
    }

    fn ask(self, material: &mut Material<'_>) -> Result<OperationAnswer, Missing> {
        let operation = self.operation.to_owned();
        let answer = (material.ask)(Request {
            operation: operation.clone(),
            arguments: self.arguments,
            tensors: self.tensors,
        })?;
        match answer {
            Ok(tensors) => Ok(OperationAnswer { operation, tensors }),
            Err(fault) => Err(Missing::Fault { operation, fault }),
        }
    }
}

/// The answer of an operation.
#[derive(Debug)]
struct OperationAnswer {
    operation: String,
    tensors: Tensors,
}

impl OperationAnswer {
    fn wrong(&self, message: String) -> Missing {
        Missing::Answer {
            operation: self.operation.clone(),
            fault: Fault::wrong_shape(message),
        }
    }

    /// So many counts, to the unit.
    fn counts<const N: usize>(&self, name: &str) -> Result<[f64; N], Missing> {
        let tensor = self.tensors.get(name);
        let counts = tensor.map(RawTensor::to_f64);
        counts
            .filter(|counts| {
                counts
                    .iter()
                    .all(|count| count.is_finite() && *count >= 0.0)
            })
            .and_then(|counts| counts.try_into().ok())
            .ok_or_else(|| self.wrong(format!("it gave no {N} counts {name}")))
    }

    /// A tensor of that name, which must have that shape.
    fn array<D: Dimension>(&self, name: &str, shape: D) -> Result<Array<f32, D>, Missing> {
        let wrong = |message: String| self.wrong(message);
        let Some(tensor) = self.tensors.get(name) else {
            return Err(wrong(format!("it gave no {name}")));
        };
        if tensor.shape() != shape.slice() {
            let (got, expected) = (tensor.shape(), shape.slice());
            return Err(wrong(format!(
                "{name} is {got:?}, where {expected:?} was expected"
            )));
        }
        let values = tensor.to_f64().into_iter().map(|value| value as f32);
        Array::from_shape_vec(shape, values.collect())
            .map_err(|error| wrong(format!("{name}: {error}")))
    }
}

/// A title with a capital letter first.
fn capital(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Numbers in [−1, 1) that depend on a name alone, so that a picture is the same each time.
fn numbers(name: &str, count: usize) -> Vec<f32> {
    let mut mixer = Mixer::new(name);
    (0..count).map(|_| mixer.uniform() as f32).collect()
}

/// Weights of a module with the names and shapes of `like`: of a norm 1, biases 0, others drawn from their names with
/// variance `gain`² over the number of inputs.
fn weights(like: &Tensors, salt: &str, gain: f32) -> Tensors {
    let of = |name: &str, tensor: &RawTensor| {
        let shape = tensor.shape().to_vec();
        let inputs = shape.iter().skip(1).product::<usize>().max(1);
        let count = shape.iter().product();
        let values = if name.ends_with("bias") {
            vec![0.0; count]
        } else if name.contains("norm") {
            vec![1.0; count]
        } else {
            // A uniform number from −1 to 1 has the variance 1/3.
            let scale = gain * (3.0 / inputs as f32).sqrt();
            let drawn = numbers(&format!("{salt}{name}"), count).into_iter();
            drawn.map(|number| number * scale).collect()
        };
        Array::from_shape_vec(shape, values).map(|array| RawTensor::from(&array))
    };
    let named = like.iter();
    named
        .filter_map(|(name, tensor)| Some((name.clone(), of(name, tensor).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::testing::{fault, material};
    use super::*;
    use ndarray::{Ix1, Ix2, arr1};
    use std::path::Path;

    #[test]
    fn what_fails_is_named_and_the_rest_is_drawn() {
        let mut drawn = Drawings::default();
        let mut material = material(|_| Err(fault("\u{1b}[2J")));
        let mut failed = || Question::new("embed").ask(&mut material);
        for _ in 0..2 {
            let picture = failed().map(|_| unreachable!("it failed"));
            drawn.take("picture", picture).expect("a fault is no error");
        }
        // The same function fails once, however many pictures need it; what it says is escaped.
        assert_eq!(drawn.missing, ["embed: panicked: \\u{1b}[2J"]);
        assert!(drawn.pictures.is_empty());
    }

    #[test]
    fn a_tensor_of_another_shape_is_said_and_never_looked_into() {
        let given = OperationAnswer {
            operation: "patchify".to_owned(),
            tensors: Tensors::from([("patches".to_owned(), (&arr1(&[1.0_f32, 2.0])).into())]),
        };
        let says = |missing: Missing| missing.to_string();
        let error = given.array("patches", Ix1(3)).expect_err("it has two");
        assert_eq!(
            says(error),
            "patchify: wrong shape: patches is [2], where [3] was expected"
        );
        let error = given
            .array("patches", Ix2(1, 2))
            .expect_err("it has one axis");
        assert_eq!(
            says(error),
            "patchify: wrong shape: patches is [2], where [1, 2] was expected"
        );
        let error = given
            .array("tokens", Ix1(2))
            .expect_err("it has another name");
        assert_eq!(says(error), "patchify: wrong shape: it gave no tokens");
        assert_eq!(given.array("patches", Ix1(2)).ok(), Some(arr1(&[1.0, 2.0])));
    }

    #[test]
    fn weights_depend_on_names_alone() {
        let tensor = |shape: &[usize]| RawTensor::from(&Array::<f32, _>::zeros(shape));
        let like = Tensors::from([
            ("qkv.weight".to_owned(), tensor(&[30, 100])),
            ("qkv.bias".to_owned(), tensor(&[30])),
            ("norm1.weight".to_owned(), tensor(&[10])),
        ]);
        let drawn = weights(&like, "", 2.0);
        assert_eq!(drawn, weights(&like, "", 2.0));
        assert_ne!(drawn, weights(&like, "1.", 2.0));
        let values = drawn["qkv.weight"].to_f64();
        let variance = values.iter().map(|value| value * value).sum::<f64>() / 3000.0;
        assert!((variance - 0.04).abs() < 0.004, "{variance}");
        assert!(drawn["qkv.bias"].to_f64().iter().all(|&value| value == 0.0));
        assert!(
            drawn["norm1.weight"]
                .to_f64()
                .iter()
                .all(|&value| value == 1.0)
        );
    }

    #[test]
    fn an_exercise_without_pictures_is_said() {
        let mut material = material(|_| Err(fault("never asked")));
        let error = draw("other", &mut material).expect_err("there is none");
        assert!(
            error
                .to_string()
                .starts_with("there are no pictures of other; there are of patchify,")
        );
    }

    #[test]
    fn an_exercise_that_is_saved_does_not_rebuild_the_grader() {
        let said = Path::new(env!("OUT_DIR")).with_file_name("output");
        let said = std::fs::read_to_string(&said).expect("what the build script said");
        let watched = said
            .lines()
            .filter_map(|line| line.strip_prefix("cargo::rerun-if-changed="));
        // A whole folder would be watched with all that lies in it.
        let (pictures, others): (Vec<_>, Vec<_>) =
            watched.partition(|path| path.ends_with("/pictures.rs"));
        assert_eq!(others, ["../Cargo.lock"]);
        assert_eq!(pictures.len(), exercises::ALL.len());
    }
}
