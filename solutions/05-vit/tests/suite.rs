//! The exercise's own tests, on the solution.

extern crate vit_solution as vit;

#[path = "../../../exercises/05-vit/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/05-vit/tests/gradient.rs"]
mod gradient;
#[path = "../../../exercises/05-vit/tests/property.rs"]
mod property;
#[path = "../../../exercises/05-vit/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/05-vit/tests/snapshot.rs"]
mod snapshot;
#[path = "../../../exercises/05-vit/tests/training.rs"]
mod training;
