//! Subjects within the judge's own process, by which a course proves that its tests tell a function from less: the
//! reference, and lazy ones, which answer a single operation without implementing it.
//!
//! The grader asks for one by `JUDGE_SUBJECT`; a submission is always in another process and cannot.

use crate::Exercise;
use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use wire::words::{LAZY, REFERENCE, REQUEST_LOG, SUBJECT_VARIABLE, TABLE_VARIABLE};
use wire::{
    Answer, Fault, FaultKind, Frame, FrameLimits, RawTensor, Request, SEED, Tensors, read_frame,
    write_frame,
};

/// The name of a call in a table's frames.
const KEY: &str = "call";

/// A subject that answers in the judge's own process.
enum Subject {
    /// The reference, whose answers are written down.
    Reference { table: PathBuf },
    /// The reference. Its requests are logged, but for those with tensors: no two of these are the same.
    RequestLog { folder: PathBuf },
    /// The reference for all operations but one. That one's answers come from the table, and from a stand-in where the
    /// table has none.
    Lazy {
        operation: String,
        stand_in: StandIn,
        table: BTreeMap<u64, Answer>,
    },
}

/// A cheap replacement for an operation, with the shapes of its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StandIn {
    /// A stub.
    Todo,
    /// Zeros.
    Zeros,
    /// Ones.
    Ones,
    /// The same share for each entry of the last axis.
    Uniform,
    /// The mean of each column of the input.
    Mean,
    /// The identity matrix.
    Identity,
    /// The input's values, in their order.
    Input,
}

impl StandIn {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "todo" => Self::Todo,
            "zeros" => Self::Zeros,
            "ones" => Self::Ones,
            "uniform" => Self::Uniform,
            "mean" => Self::Mean,
            "identity" => Self::Identity,
            "input" => Self::Input,
            _ => return None,
        })
    }
}

/// The answer of the subject in this process; nothing where a worker is to be asked.
pub(crate) fn answer(exercise: &Exercise, request: &Request) -> Option<Answer> {
    static SUBJECT: OnceLock<Option<Subject>> = OnceLock::new();
    let subject = SUBJECT.get_or_init(Subject::asked_for).as_ref()?;
    Some(subject.answer(exercise, request))
}

impl Subject {
    /// The subject that the environment names.
    ///
    /// # Panics
    /// Panics if it names none, or its table cannot be read: the proof cannot be made.
    fn asked_for() -> Option<Self> {
        let text = env::var(SUBJECT_VARIABLE).ok()?;
        let table = PathBuf::from(env::var_os(TABLE_VARIABLE).unwrap_or_default());
        if text == REFERENCE {
            return Some(Self::Reference { table });
        }
        if text == REQUEST_LOG {
            return Some(Self::RequestLog { folder: table });
        }
        let mut words = text.split(' ');
        let (lazy, stand_in) = (words.next(), words.next().and_then(StandIn::named));
        let (Some(LAZY), Some(stand_in), Some(operation)) = (lazy, stand_in, words.next()) else {
            panic!("{SUBJECT_VARIABLE}={text:?} names no subject");
        };
        Some(Self::Lazy {
            operation: operation.to_owned(),
            stand_in,
            table: read_table(&table.join(operation)),
        })
    }

    fn answer(&self, exercise: &Exercise, request: &Request) -> Answer {
        let by_reference = || exercise.answer(request.clone());
        match self {
            Self::Reference { table } => {
                let answer = by_reference();
                write_entry(table, request, &answer);
                answer
            }
            Self::RequestLog { folder } => {
                if request.tensors.is_empty() {
                    log_request(folder, request);
                }
                by_reference()
            }
            Self::Lazy {
                operation,
                stand_in,
                table,
            } if *operation == request.operation => match table.get(&key(request)) {
                Some(answer) => answer.clone(),
                None => stand_in.answer(request, by_reference()),
            },
            Self::Lazy { .. } => by_reference(),
        }
    }
}

impl StandIn {
    /// Its answer in the place of the reference's, whose shapes are easily calculated, as are the checks of sizes
    /// for which the reference refuses.
    fn answer(self, request: &Request, expected: Answer) -> Answer {
        if self == Self::Todo {
            return Err(Fault {
                kind: FaultKind::NotImplemented,
                message: "not yet implemented: it was not in the table".to_owned(),
                place: None,
            });
        }
        let inputs: Vec<_> = request.tensors.values().collect();
        let results = expected?.into_iter();
        Ok(results
            .map(|(name, result)| {
                let values = self.values(result.shape(), &inputs);
                (name, of_dtype(&result, values))
            })
            .collect())
    }

    fn values(self, shape: &[usize], inputs: &[&RawTensor]) -> Vec<f64> {
        let count: usize = shape.iter().product();
        let width = shape.last().copied().unwrap_or(1).max(1);
        match self {
            Self::Todo | Self::Zeros => vec![0.0; count],
            Self::Ones => vec![1.0; count],
            Self::Uniform => vec![1.0 / width as f64; count],
            Self::Identity => {
                let rows = shape.iter().rev().nth(1).copied().unwrap_or(1).max(1);
                (0..count)
                    .map(|i| {
                        if i % width == i / width % rows {
                            1.0
                        } else {
                            0.0
                        }
                    })
                    .collect()
            }
            Self::Input => {
                let fits = inputs.iter().find(|input| input.to_f64().len() == count);
                let input = fits.or(inputs.first()).map(|input| input.to_f64());
                let input = input
                    .filter(|values| !values.is_empty())
                    .unwrap_or(vec![1.0]);
                input.iter().copied().cycle().take(count).collect()
            }
            Self::Mean => {
                let columns = inputs
                    .iter()
                    .find(|input| input.shape().last() == Some(&width));
                let Some(values) = columns.map(|input| input.to_f64()) else {
                    let all = inputs
                        .first()
                        .map(|input| input.to_f64())
                        .unwrap_or_default();
                    return vec![all.iter().sum::<f64>() / all.len().max(1) as f64; count];
                };
                let rows = (values.len() / width).max(1);
                let mean = |column: usize| {
                    values.iter().skip(column).step_by(width).sum::<f64>() / rows as f64
                };
                let means: Vec<_> = (0..width).map(mean).collect();
                means.into_iter().cycle().take(count).collect()
            }
        }
    }
}

/// Values in the type and shape of a tensor.
fn of_dtype(like: &RawTensor, values: Vec<f64>) -> RawTensor {
    let made = like.with_values(like.dtype(), values);
    made.unwrap_or_else(|_| like.clone())
}

/// A call, its seed included, as a number.
fn key(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.operation.hash(&mut hasher);
    request.arguments.hash(&mut hasher);
    for (name, tensor) in &request.tensors {
        (name, tensor.shape(), tensor.bytes()).hash(&mut hasher);
    }
    hasher.finish()
}

/// Appends a call and its answer to its operation's file in the table.
///
/// # Panics
/// Panics if it cannot be written: the proof cannot be made.
fn write_entry(table: &Path, request: &Request, answer: &Answer) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let key = Frame {
        metadata: [(KEY.to_owned(), key(request).to_string())].into(),
        tensors: Tensors::new(),
    };
    let mut options = OpenOptions::new();
    let file = options.append(true).create(true);
    let written = fs::create_dir_all(table)
        .and_then(|()| file.open(table.join(&request.operation)))
        .map_err(wire::WireError::from)
        .and_then(|file| {
            let mut file = BufWriter::new(file);
            write_frame(&mut file, &key, &FrameLimits::default())?;
            write_frame(
                &mut file,
                &Frame::of_answer(answer.clone()),
                &FrameLimits::default(),
            )?;
            Ok(file.flush()?)
        });
    if let Err(error) = written {
        panic!("the table cannot be written: {error}");
    }
}

/// Appends a request without tensors to its operation's file, a line of its arguments but for the seed.
///
/// # Panics
/// Panics if it cannot be written: the proof cannot be made.
fn log_request(folder: &Path, request: &Request) {
    let arguments = request.arguments.iter().filter(|it| it.0 != SEED);
    let arguments: Vec<_> = arguments
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut options = OpenOptions::new();
    let file = options.append(true).create(true);
    let written = file
        .open(folder.join(&request.operation))
        .and_then(|mut file| writeln!(file, "{}", arguments.join(" ")));
    if let Err(error) = written {
        panic!("a request cannot be logged: {error}");
    }
}

/// The answers of an operation, by call.
fn read_table(file: &Path) -> BTreeMap<u64, Answer> {
    let mut table = BTreeMap::new();
    let Ok(file) = File::open(file) else {
        return table;
    };
    let mut file = BufReader::new(file);
    let limits = FrameLimits::default();
    while let Ok(frame) = read_frame(&mut file, &limits) {
        let key = frame.metadata.get(KEY).and_then(|key| key.parse().ok());
        let answer = read_frame(&mut file, &limits).and_then(Frame::into_answer);
        if let (Some(key), Ok(answer)) = (key, answer) {
            table.insert(key, answer);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, arr1, arr2};
    use workers::{Call, CallResult, Operation, gives_all};

    fn halve(call: &Call) -> CallResult {
        let x: Array2<f32> = call.array("x")?;
        gives_all(vec![("y", (&(x / 2.0)).into())])
    }

    static OPERATIONS: &[Operation] = &[("halve", halve), ("other", halve)];
    static EXERCISE: Exercise = Exercise {
        reference: Some(OPERATIONS),
        reference_in_f64: None,
    };

    fn request(operation: &str, x: &Array2<f32>) -> Request {
        Request {
            operation: operation.to_owned(),
            tensors: [("x".to_owned(), x.into())].into(),
            ..Request::default()
        }
    }

    fn y(answer: Answer) -> Vec<f64> {
        answer.expect("an answer")["y"].to_f64()
    }

    #[test]
    fn a_lazy_subject_answers_from_its_table_and_else_by_its_stand_in() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = Subject::Reference {
            table: folder.path().to_owned(),
        };
        let (known, unknown) = (arr2(&[[2.0, 6.0]]), arr2(&[[1.0, 3.0], [5.0, 7.0]]));
        let asked = reference.answer(&EXERCISE, &request("halve", &known));
        assert_eq!(y(asked), [1.0, 3.0]);
        let answers = [
            ("zeros", vec![0.0; 4]),
            ("ones", vec![1.0; 4]),
            ("uniform", vec![0.5; 4]),
            ("mean", vec![3.0, 5.0, 3.0, 5.0]),
            ("identity", vec![1.0, 0.0, 0.0, 1.0]),
            ("input", vec![1.0, 3.0, 5.0, 7.0]),
        ];
        for (name, expected) in answers {
            let lazy = Subject::Lazy {
                operation: "halve".to_owned(),
                stand_in: StandIn::named(name).expect("a stand-in"),
                table: read_table(&folder.path().join("halve")),
            };
            let answer = |operation, x| y(lazy.answer(&EXERCISE, &request(operation, x)));
            assert_eq!(answer("halve", &known), [1.0, 3.0], "{name}");
            assert_eq!(answer("halve", &unknown), expected, "{name}");
            assert_eq!(answer("other", &unknown), [0.5, 1.5, 2.5, 3.5], "{name}");
        }
    }

    #[test]
    fn requests_without_tensors_are_logged_without_their_seeds() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = Subject::RequestLog {
            folder: folder.path().to_owned(),
        };
        let x = arr2(&[[2.0, 6.0]]);
        let mut sizes = request("other", &x);
        let arguments = [(SEED, "7"), ("n", "3"), ("m", "2x4")];
        sizes.arguments = arguments
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(y(log.answer(&EXERCISE, &request("other", &x))), [1.0, 3.0]);
        assert!(!folder.path().join("other").exists());
        sizes.tensors.clear();
        let _ = [(); 2].map(|()| log.answer(&EXERCISE, &sizes));
        let written = fs::read_to_string(folder.path().join("other")).expect("a file");
        assert_eq!(written, "m=2x4 n=3\nm=2x4 n=3\n");
    }

    #[test]
    fn a_stub_behind_a_table_is_not_implemented() {
        let answer = StandIn::Todo.answer(&request("halve", &arr2(&[[1.0]])), Ok(Tensors::new()));
        assert!(answer.is_err_and(|fault| fault.kind == FaultKind::NotImplemented));
    }

    #[test]
    fn a_stand_in_checks_sizes_as_the_function_does() {
        let refusal = Fault::wrong_shape("7 does not divide 28");
        let request = request("halve", &arr2(&[[1.0]]));
        assert_eq!(
            StandIn::Zeros.answer(&request, Err(refusal.clone())),
            Err(refusal)
        );
        let labels = Ok([("y".to_owned(), (&arr1(&[7_i64])).into())].into());
        assert_eq!(y(StandIn::Zeros.answer(&request, labels)), [0.0]);
    }
}
