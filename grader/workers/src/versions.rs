//! Several versions of an exercise in one program, each asked for by its name: starting a program that links libtorch
//! takes longer than what it is asked.

use crate::{Operation, meet, serve_with};
use std::process::ExitCode;
use wire::Fault;

/// What stands between a version's name and an operation's, in a request: `no-scale/attention`.
const BETWEEN: char = '/';

/// A version's name and what its worker serves.
pub type Version = (&'static str, &'static [Operation]);

/// Meets requests as [`serve`](crate::serve) does, for the operations of all versions.
pub fn serve_versions(versions: &[Version]) -> ExitCode {
    serve_with(|mut request| {
        let (wanted, operation) = request
            .operation
            .split_once(BETWEEN)
            .unwrap_or(("", &request.operation));
        let Some((_, operations)) = versions.iter().find(|(name, _)| *name == wanted) else {
            return Err(Fault::bad_request(format!("no version {wanted:?}")));
        };
        request.operation = operation.to_owned();
        meet(operations, request)
    })
}
