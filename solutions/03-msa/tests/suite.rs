//! The exercise's own tests, on the solution.

extern crate msa_solution as msa;

#[path = "../../../exercises/03-msa/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/03-msa/tests/gradient.rs"]
mod gradient;
#[path = "../../../exercises/03-msa/tests/property.rs"]
mod property;
#[path = "../../../exercises/03-msa/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/03-msa/tests/snapshot.rs"]
mod snapshot;
