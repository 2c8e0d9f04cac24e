//! The exercise's own tests, on the solution.

extern crate positions_solution as positions;

#[path = "../../../exercises/02-positions/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/02-positions/tests/property.rs"]
mod property;
#[path = "../../../exercises/02-positions/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/02-positions/tests/snapshot.rs"]
mod snapshot;
