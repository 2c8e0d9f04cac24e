//! The exercise that a judge is of.

use wire::{Answer, Request};
use workers::Operation;

/// An exercise's solution as the judge has it within its own process: the same operations that a submission's worker
/// serves.
#[derive(Debug)]
pub struct Exercise {
    /// The operations, answered by the solution. None in a course that was given out without it: drawn results are then
    /// compared with the answers that are stored beside the tests, and stored cases have no twins.
    pub reference: Option<&'static [Operation]>,
    /// The same in double precision, with f64 on the wire wherever [`Self::reference`] has f32. None where the solution's
    /// functions take any precision.
    pub reference_in_f64: Option<&'static [Operation]>,
}

impl Exercise {
    /// The solution's answer. Without a solution, that of an exercise without operations: an error.
    pub(crate) fn answer(&self, request: Request) -> Answer {
        workers::answer(self.reference.unwrap_or_default(), request)
    }
}
