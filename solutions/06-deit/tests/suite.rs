//! The exercise's own tests, on the solution.

extern crate deit_solution as deit;

#[path = "../../../exercises/06-deit/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/06-deit/tests/gradient.rs"]
mod gradient;
#[path = "../../../exercises/06-deit/tests/property.rs"]
mod property;
#[path = "../../../exercises/06-deit/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/06-deit/tests/snapshot.rs"]
mod snapshot;
