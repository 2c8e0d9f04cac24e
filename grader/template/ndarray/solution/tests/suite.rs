//! The exercise's own tests, on the solution.

extern crate template_solution as template;

#[path = "../../../exercises/00-template/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/00-template/tests/property.rs"]
mod property;
#[path = "../../../exercises/00-template/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/00-template/tests/snapshot.rs"]
mod snapshot;
