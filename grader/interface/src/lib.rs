//! The interface of an exercise: what its functions are called, take and give. From it comes the source of what asks
//! them, the judge's stand-ins, and of what serves them, the worker's operations, for the crate of a submission as for
//! the solution.

pub mod rewrite;
