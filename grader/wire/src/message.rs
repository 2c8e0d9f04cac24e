//! The messages in frames: a request for an operation, and its answer.

use crate::text::quoted;
use crate::{Frame, Tensors, WireError};
use std::collections::BTreeMap;
use std::fmt;

const OPERATION: &str = "operation";
const ARGUMENT: &str = "argument.";
const FAULT: &str = "fault";
const MESSAGE: &str = "message";
const PLACE: &str = "place";

/// The argument that every operation takes besides its own: the seed of what it draws, a whole number; 0 where it is
/// left out. No parameter's name has a dot.
pub const SEED: &str = "rng.seed";

/// The key of the metadata in the place of an answer, for a recorded call without one: its value is the reason.
pub const UNANSWERED: &str = "unanswered";

/// A request for one operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The operation's name: `patchify`, `attention`, ….
    pub operation: String,
    /// Its scalars, by parameter name: `grid` = `7`, `fusion` = `max`.
    pub arguments: BTreeMap<String, String>,
    /// Its tensors, by parameter or variable name.
    pub tensors: Tensors,
}

/// The answer to a request: named tensors, or the fault that kept it from having them.
pub type Answer = Result<Tensors, Fault>;

/// The reason why an operation gave no tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of fault.
    pub kind: FaultKind,
    /// The panic's message, or the fault of the request.
    pub message: String,
    /// File, line and column of a panic, where they are known.
    pub place: Option<String>,
}

impl Fault {
    /// A request that cannot be met as it is.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::BadRequest,
            message: message.into(),
            place: None,
        }
    }

    /// A tensor that does not fit.
    pub fn wrong_shape(message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::WrongShape,
            message: message.into(),
            place: None,
        }
    }
}

/// The sorts of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The function is still a `todo!()`.
    NotImplemented,
    /// The function panicked.
    Panicked,
    /// A tensor is of another shape, rank or dtype than the operation takes or gives.
    WrongShape,
    /// An unknown or missing operation, tensor or argument.
    BadRequest,
}

impl FaultKind {
    const ALL: [FaultKind; 4] = [
        FaultKind::NotImplemented,
        FaultKind::Panicked,
        FaultKind::WrongShape,
        FaultKind::BadRequest,
    ];
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FaultKind::NotImplemented => "not implemented",
            FaultKind::Panicked => "panicked",
            FaultKind::WrongShape => "wrong shape",
            FaultKind::BadRequest => "bad request",
        })
    }
}

impl From<Request> for Frame {
    fn from(request: Request) -> Self {
        let arguments = request.arguments.into_iter();
        let mut metadata: BTreeMap<_, _> = arguments
            .map(|(name, value)| (format!("{ARGUMENT}{name}"), value))
            .collect();
        metadata.insert(OPERATION.into(), request.operation);
        Frame {
            metadata,
            tensors: request.tensors,
        }
    }
}

/// A frame as a file of tensors for an operation.
impl Frame {
    /// The scalar arguments that its metadata holds; other entries are ignored.
    pub fn arguments(&self) -> BTreeMap<String, String> {
        let named = |(key, value): (&String, &String)| {
            let name = key.strip_prefix(ARGUMENT)?;
            Some((name.to_owned(), value.clone()))
        };
        self.metadata.iter().filter_map(named).collect()
    }
}

impl TryFrom<Frame> for Request {
    type Error = WireError;

    fn try_from(frame: Frame) -> Result<Self, WireError> {
        let mut operation = None;
        let mut arguments = BTreeMap::new();
        for (key, value) in frame.metadata {
            if key == OPERATION {
                operation = Some(value);
            } else if let Some(name) = key.strip_prefix(ARGUMENT) {
                arguments.insert(name.to_owned(), value);
            } else {
                return Err(WireError::malformed(format_args!(
                    "a request with the metadata {}",
                    quoted(&key)
                )));
            }
        }
        Ok(Request {
            operation: operation
                .ok_or_else(|| WireError::malformed("a request without an operation"))?,
            arguments,
            tensors: frame.tensors,
        })
    }
}

/// A frame as an answer.
impl Frame {
    /// The frame for `answer`.
    pub fn of_answer(answer: Answer) -> Frame {
        match answer {
            Ok(tensors) => Frame {
                metadata: BTreeMap::new(),
                tensors,
            },
            Err(fault) => {
                let mut metadata = BTreeMap::from([
                    (FAULT.into(), fault.kind.to_string()),
                    (MESSAGE.into(), fault.message),
                ]);
                metadata.extend(fault.place.map(|place| (PLACE.into(), place)));
                Frame {
                    metadata,
                    tensors: Tensors::new(),
                }
            }
        }
    }

    /// Parses an answer.
    ///
    /// # Errors
    /// Returns an error if the frame holds neither tensors alone nor a fault of a known kind alone.
    pub fn into_answer(mut self) -> Result<Answer, WireError> {
        let answer = match self.metadata.remove(FAULT) {
            None => Ok(self.tensors),
            Some(_) if !self.tensors.is_empty() => {
                return Err(WireError::malformed("an answer with a fault and tensors"));
            }
            Some(fault) => Err(Fault {
                kind: FaultKind::ALL
                    .into_iter()
                    .find(|kind| kind.to_string() == fault)
                    .ok_or_else(|| {
                        WireError::malformed(format_args!(
                            "an answer with the fault {}",
                            quoted(&fault)
                        ))
                    })?,
                message: self.metadata.remove(MESSAGE).ok_or_else(|| {
                    WireError::malformed("an answer with a fault without a message")
                })?,
                place: self.metadata.remove(PLACE),
            }),
        };
        match self.metadata.keys().next() {
            None => Ok(answer),
            Some(key) => Err(WireError::malformed(format_args!(
                "an answer with the metadata {}",
                quoted(key)
            ))),
        }
    }
}
