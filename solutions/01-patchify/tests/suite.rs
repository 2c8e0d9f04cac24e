//! The exercise's own tests, on the solution.

extern crate patchify_solution as patchify;

#[path = "../../../exercises/01-patchify/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/01-patchify/tests/property.rs"]
mod property;
#[path = "../../../exercises/01-patchify/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/01-patchify/tests/snapshot.rs"]
mod snapshot;
