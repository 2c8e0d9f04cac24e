//! Several versions of an exercise in one program, each requested by its name: starting a program that links libtorch
//! takes longer than its requests.
//!
//! One more holds what several versions do, and does what those do that a request names: `no-scale+one-head/attention`.

use crate::{Operation, meet, serve_with};
use std::process::ExitCode;
use std::sync::{PoisonError, RwLock};
use wire::Fault;

/// The separator of a version's name and an operation's, in a request: `no-scale/attention`.
const BETWEEN: char = '/';

/// The separator of the names of several versions that are to be switched on together.
const JOINED_BY: char = '+';

/// The name of a version and the operations that its worker serves.
pub type Version = (&'static str, &'static [Operation]);

/// The versions that are switched on in the program that holds several.
static SWITCHED_ON: RwLock<Vec<String>> = RwLock::new(vec![]);

/// The number of the first of these versions that is switched on, for a function that each of them does otherwise.
pub fn switched_on(versions: &[&str]) -> Option<usize> {
    let on = SWITCHED_ON.read().unwrap_or_else(PoisonError::into_inner);
    versions
        .iter()
        .position(|version| on.iter().any(|it| it == version))
}

/// Meets requests as [`serve`](crate::serve) does, for the operations of all versions, and of the program `joined` that
/// holds several of them.
pub fn serve_versions(versions: &[Version], joined: &'static [Operation]) -> ExitCode {
    serve_with(|mut request| {
        let (wanted, operation) = request
            .operation
            .split_once(BETWEEN)
            .unwrap_or(("", &request.operation));
        if wanted.contains(JOINED_BY) {
            let names = wanted.split(JOINED_BY).map(str::to_owned).collect();
            *SWITCHED_ON.write().unwrap_or_else(PoisonError::into_inner) = names;
            request.operation = operation.to_owned();
            return meet(joined, request);
        }
        let Some((_, operations)) = versions.iter().find(|(name, _)| *name == wanted) else {
            return Err(Fault::bad_request(format!("no version {wanted:?}")));
        };
        request.operation = operation.to_owned();
        meet(operations, request)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_that_is_switched_on_is_found() {
        *SWITCHED_ON.write().expect("a lock") = ["b", "c"].map(str::to_owned).into();
        assert_eq!(switched_on(&["a", "b", "c"]), Some(1));
        assert_eq!(switched_on(&["a"]), None);
    }
}
