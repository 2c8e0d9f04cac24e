//! The exercise's own tests, on the solution.

extern crate windows_solution as windows;

#[path = "../../../exercises/09-windows/tests/drawn.rs"]
mod drawn;
#[path = "../../../exercises/09-windows/tests/gradient.rs"]
mod gradient;
#[path = "../../../exercises/09-windows/tests/property.rs"]
mod property;
#[path = "../../../exercises/09-windows/tests/shape.rs"]
mod shape;
#[path = "../../../exercises/09-windows/tests/snapshot.rs"]
mod snapshot;
