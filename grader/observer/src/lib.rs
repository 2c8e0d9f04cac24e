//! An observer of libtorch's operators. Where one is called that the operation being served asks to write, it ends the
//! process, with [`wire::words::FORBIDDEN`](../wire/words/constant.FORBIDDEN.html) and a line that names the operator.
//!
//! libtorch itself calls it before each operator (`at::RecordFunction`), in every thread, whether Rust, TorchScript or
//! another operator asks for it. What is forbidden stands in the exercises' manifests: an operator belongs to a *family*
//! where its name contains the family's. The observer is C++, since libtorch's is; this crate is the one place of the
//! workspace that calls something of its own that is not Rust.

use torch_sys as _; // which links libtorch

/// The operations of one exercise, and the numbers that the observer knows them by.
struct Exercise {
    operations: &'static [(&'static str, usize)],
}

include!(concat!(env!("OUT_DIR"), "/operations.rs"));

/// The name that stands for all that a worker serves besides the exercise's operations.
const OTHERS: &str = "*";

mod cpp {
    // None takes or gives more than plain numbers: there is nothing that a caller could do wrong.
    #![expect(unsafe_code, reason = "declares functions of observer.cpp")]

    unsafe extern "C" {
        pub(crate) safe fn observer_start() -> bool;
        pub(crate) safe fn observer_serve(operation: usize);
        pub(crate) safe fn observer_end_at_once();
    }
}

#[cfg(test)]
mod tests;

/// Has this process end at once when it exits, without the clean-up of libtorch. For a process whose results are written by
/// then: a judge.
pub fn end_at_once() {
    cpp::observer_end_at_once();
}

/// An observer that has been started. Nothing ends it.
#[derive(Debug)]
pub struct Observer {
    operations: &'static [(&'static str, usize)],
}

impl Observer {
    /// Starts the observer of a worker that serves operations of these names. To be called once, by the first thread.
    ///
    /// # Errors
    /// Returns an error if these are not the operations of one exercise, or libtorch does not tell of its operators.
    pub fn start(served: &[&str]) -> Result<Self, String> {
        let operations = operations(served)?;
        if !cpp::observer_start() {
            return Err("libtorch does not tell of its operators".to_owned());
        }
        Ok(Self { operations })
    }

    /// Says which operation is served from now on. `msa.forward` is a part of `msa`.
    pub fn serve(&self, operation: &str) {
        cpp::observer_serve(number(self.operations, operation));
    }
}

/// The operations of the one exercise all of whose operations are served.
fn operations(served: &[&str]) -> Result<&'static [(&'static str, usize)], String> {
    let serves = |name: &str| name == OTHERS || served.contains(&name);
    let is_whole = |it: &&Exercise| it.operations.iter().all(|(name, _)| serves(name));
    let mut whole = EXERCISES.iter().filter(is_whole);
    match (whole.next(), whole.next()) {
        (Some(exercise), None) => Ok(exercise.operations),
        _ => Err(format!(
            "what is served is not the operations of one exercise: {}",
            served.join(", ")
        )),
    }
}

fn number(operations: &[(&str, usize)], operation: &str) -> usize {
    let whole = operation.split('.').next().unwrap_or(operation);
    let find = |wanted: &str| operations.iter().find(|(name, _)| *name == wanted);
    let found = find(operation).or_else(|| find(whole));
    // `*` is always there: it stands last in every list.
    found
        .or_else(|| operations.last())
        .map_or(0, |&(_, number)| number)
}
