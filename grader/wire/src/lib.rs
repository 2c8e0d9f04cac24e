//! The protocol between a judge and a submission: frames of safetensors.
//!
//! A *frame* is a length (`u64`, little endian) and one [safetensors] blob of that many bytes. The blob
//! holds named tensors; its `__metadata__` holds the operation and its scalar arguments ([`Request`]), or the outcome
//! ([`Answer`]). The same blobs are files, so a call can be stored, read from Python, and repeated.
//!
//! The bytes that arrive are not trusted. [`Frame::decode`] and [`read_frame`] check every length, count, dtype and
//! shape against [`FrameLimits`] before they allocate for it, and return a [`WireError`]; no input makes them panic.
//!
//! Besides, it holds the little that the grader, the tests and the workers must do in the same way: the deterministic
//! numbers of a name ([`Mixer`]), and the text of a panic ([`panic_text`]).
//!
//! [safetensors]: https://github.com/huggingface/safetensors

mod frame;
mod header;
mod message;
mod mixer;
mod panics;
mod tensor;
mod text;
pub mod words;

pub use frame::{Frame, FrameLimits, WireError, read_frame, write_frame};
pub use message::{Answer, Fault, FaultKind, Request, SEED, UNANSWERED};
pub use mixer::Mixer;
pub use panics::panic_text;
pub use tensor::{Dtype, Element, RawTensor, TensorError};
pub use text::{is_command, is_hidden, printable, printable_lines};

/// Named tensors, in the order of their names.
pub type Tensors = std::collections::BTreeMap<String, RawTensor>;
