//! The exercise's own tests, on the solution.

extern crate flow_solution as flow;

#[path = "../../../exercises/08-flow/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/08-flow/tests/property.rs"]
mod property;
#[path = "../../../exercises/08-flow/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/08-flow/tests/snapshot.rs"]
mod snapshot;
