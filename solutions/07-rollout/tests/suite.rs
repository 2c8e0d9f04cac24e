//! The exercise's own tests, on the solution.

extern crate rollout_solution as rollout;

#[path = "../../../exercises/07-rollout/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/07-rollout/tests/property.rs"]
mod property;
#[path = "../../../exercises/07-rollout/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/07-rollout/tests/snapshot.rs"]
mod snapshot;
