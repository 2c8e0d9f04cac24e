//! The exercise that a judge is of.

use workers::Operation;

/// An exercise's solution as the judge has it within its own process: the same operations that a submission's worker
/// serves.
#[derive(Debug)]
pub struct Exercise {
    /// The operations, answered by the solution.
    pub reference: &'static [Operation],
    /// The same in double precision, with f64 on the wire wherever [`Self::reference`] has f32. None where the solution's
    /// functions take any precision.
    pub reference_in_f64: Option<&'static [Operation]>,
}
