//! Assertions and inputs for the course's tests.
//!
//! - [`assert_shape!`] and [`assert_close!`] compare arrays and tensors, and explain a difference;
//!   where the values are the expected ones transposed, scaled or in another order, they say so.
//! - [`snapshot!`] compares with values stored from PyTorch, within a tolerance.
//! - [`uniform`] makes the same numbers here and in PyTorch, from a name.
//! - [`panic_message`] catches the panic that a bad size must get, and [`assert_names`] looks for numbers in its message.
//! - [`drawn!`] compares a function with the reference on drawn sizes and values.
//! - [`property`] and [`strategies`] are for property tests: fixed seeds, small inputs that print well.
//! - [`distribution`] compares random values with the distribution that they are to have.
//! - `tensor` and `gradient` (feature `tch`) do the same for modules and their gradients, `initialisation` and `dropout` for
//!   what a Vision Transformer draws.
//!
//! The tests run on a student's crate, on a solution, and in the judge on stand-ins that ask another
//! process; nothing here knows which of the three it is, but for [`panics::interrupt`] and
//! `gradient::remote`, through which the judge says so.

mod compare;
pub mod distribution;
pub mod drawn;
#[cfg(feature = "tch")]
pub mod dropout;
#[cfg(feature = "tch")]
pub mod gradient;
#[cfg(feature = "tch")]
pub mod initialisation;
pub mod panics;
pub mod property;
mod relation;
pub mod snapshot;
pub mod strategies;
#[cfg(feature = "tch")]
pub mod tensor;
mod values;

pub use compare::{Tolerance, close, same_form, same_shape};
pub use panics::{assert_names, panic_message};
pub use values::{AsValues, Form, Values, uniform};

/// Fails unless an array or tensor has the given shape: `assert_shape!(&patches, [2, 4, 196])`.
#[macro_export]
macro_rules! assert_shape {
    ($got:expr, $shape:expr) => {
        if let Err(difference) = $crate::same_shape($got, &$shape) {
            panic!("{}\n{difference}", stringify!($got).trim_start_matches('&'));
        }
    };
}

/// Fails unless two arrays or tensors agree in dtype, shape and, within a [`Tolerance`], in each value:
/// `assert_close!(&got, &expected, Tolerance::new(1e-6, 1e-7))`.
#[macro_export]
macro_rules! assert_close {
    ($got:expr, $expected:expr, $tolerance:expr) => {
        if let Err(difference) = $crate::close($got, $expected, $tolerance) {
            panic!("{}\n{difference}", stringify!($got).trim_start_matches('&'));
        }
    };
}

/// Fails unless an array or tensor agrees with the values stored in `snapshots/NAME.snap` beside the test file:
/// `snapshot!("two_images", &patches, Tolerance::EXACT)`. A name that is not a literal is looked up:
/// `snapshot!(Stored::find(&ALL, &name), …)`, with [`stored!`] for each of `ALL`.
#[macro_export]
macro_rules! snapshot {
    ($name:literal, $got:expr, $tolerance:expr) => {
        $crate::snapshot::check($crate::stored!($name), $got, $tolerance)
    };
    ($stored:expr, $got:expr, $tolerance:expr) => {
        $crate::snapshot::check($stored, $got, $tolerance)
    };
}

/// The values of `snapshots/NAME.snap` beside the test file, compiled into the test: `stored!("two_images")`.
#[macro_export]
macro_rules! stored {
    ($name:literal) => {
        $crate::snapshot::Stored {
            name: $name,
            text: include_str!(concat!("snapshots/", $name, ".snap")),
        }
    };
}
