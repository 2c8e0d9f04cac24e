//! The exercise's own tests, on the solution.

extern crate blocks_solution as blocks;

#[path = "../../../exercises/04-blocks/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/04-blocks/tests/gradient.rs"]
mod gradient;
#[path = "../../../exercises/04-blocks/tests/property.rs"]
mod property;
#[path = "../../../exercises/04-blocks/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/04-blocks/tests/snapshot.rs"]
mod snapshot;
