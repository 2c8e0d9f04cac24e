//! One call of a stand-in: arguments and tensors in, tensors out.

use crate::Exercise;
use crate::ask::{ask, dismiss, interrupt};
use ndarray::{Array, ArrayBase, Data, Dimension};
#[cfg(feature = "tch")]
use wire::words::GRADIENT;
use wire::{Answer, Element, RawTensor, Request, Tensors};

/// A value that is sent as arguments of a call.
pub trait Value {
    /// Adds the value to the call.
    #[must_use]
    fn put(&self, name: &str, call: Call) -> Call;
}

macro_rules! scalars {
    ($($type:ty),*) => {$(
        impl Value for $type {
            fn put(&self, name: &str, call: Call) -> Call {
                call.argument(name, self)
            }
        }
    )*};
}

scalars!(bool, f32, f64, i16, i32, i64, u8, u32, u64, usize);

macro_rules! sizes {
    ($($type:ty),*) => {$(
        /// Rows and columns as the worker reads them: `3x4`.
        impl Value for ($type, $type) {
            fn put(&self, name: &str, call: Call) -> Call {
                let (rows, columns) = self;
                call.argument(name, format!("{rows}x{columns}"))
            }
        }
    )*};
}

sizes!(usize, i64);

/// Whole numbers as the worker reads them: `2,2,6,2`.
impl Value for Vec<i64> {
    fn put(&self, name: &str, call: Call) -> Call {
        let numbers: Vec<_> = self.iter().map(i64::to_string).collect();
        call.argument(name, numbers.join(","))
    }
}

/// A call that is being put together.
#[derive(Debug)]
pub struct Call {
    pub(crate) exercise: &'static Exercise,
    pub(crate) request: Request,
}

impl Call {
    /// A call of the operation.
    pub fn new(exercise: &'static Exercise, operation: impl Into<String>) -> Self {
        Self {
            exercise,
            request: Request {
                operation: operation.into(),
                ..Request::default()
            },
        }
    }

    /// Adds a scalar argument.
    #[must_use]
    pub fn argument(mut self, name: &str, value: impl ToString) -> Self {
        self.request
            .arguments
            .insert(name.to_owned(), value.to_string());
        self
    }

    /// Adds a value as its type is sent: as one argument or as several.
    #[must_use]
    pub fn value(self, name: &str, value: &impl Value) -> Self {
        value.put(name, self)
    }

    /// Adds a tensor as it is.
    #[must_use]
    pub fn raw(mut self, name: &str, tensor: RawTensor) -> Self {
        self.request.tensors.insert(name.to_owned(), tensor);
        self
    }

    /// Adds an array.
    #[must_use]
    pub fn array<T: Element, D: Dimension>(
        self,
        name: &str,
        array: &ArrayBase<impl Data<Elem = T>, D>,
    ) -> Self {
        self.raw(name, array.into())
    }

    /// Adds arrays, numbered from 0 behind the beginning of their names.
    #[must_use]
    pub fn arrays<T: Element, D: Dimension>(self, start: &str, arrays: &[Array<T, D>]) -> Self {
        let arrays = arrays.iter().enumerate();
        arrays.fold(self, |call, (i, array)| {
            call.array(&format!("{start}{i}"), array)
        })
    }

    /// Adds a tensor of libtorch.
    ///
    /// # Panics
    /// Panics if its type is not one of the wire's. No test of the course makes such a tensor.
    #[cfg(feature = "tch")]
    #[must_use]
    pub fn tensor(self, name: &str, tensor: &tch::Tensor) -> Self {
        match RawTensor::try_from(tensor) {
            Ok(raw) => self.raw(name, raw),
            Err(error) => panic!("{name} {error}"),
        }
    }

    /// Adds a tensor of libtorch, if there is one.
    ///
    /// # Panics
    /// As [`Call::tensor`].
    #[cfg(feature = "tch")]
    #[must_use]
    pub fn optional_tensor(self, name: &str, tensor: Option<&tch::Tensor>) -> Self {
        match tensor {
            Some(tensor) => self.tensor(name, tensor),
            None => self,
        }
    }

    /// Asks the solution, within this process; None in a course without it.
    pub fn ask_reference(self) -> Option<Answer> {
        let reference = self.exercise.reference?;
        Some(workers::answer(reference, self.request))
    }

    /// Asks the worker.
    ///
    /// # Panics
    /// Panics with the submission's message if its function panicked; panics if the worker died, hung or broke the rules
    /// of the wire.
    pub fn send(self) -> Answered {
        let operation = self.request.operation.clone();
        Answered {
            tensors: ask(self.exercise, self.request),
            operation,
        }
    }

    /// Asks the worker, for gradients too where a test is asking for them of this call.
    ///
    /// # Panics
    /// As [`Call::send`].
    #[cfg(feature = "tch")]
    pub fn send_differentiable(self) -> Answered {
        use testkit::gradient::remote;
        let Some(cotangent) = remote::cotangent() else {
            return self.send();
        };
        let mut answered = self.tensor("cotangent", &cotangent).send();
        let names: Vec<String> = answered.tensors.keys().cloned().collect();
        let gradients = names.iter().filter_map(|name| {
            let input = name.strip_prefix(GRADIENT)?;
            Some((input.to_owned(), answered.tensor(name)))
        });
        remote::deliver(gradients.collect());
        answered
    }
}

/// The tensors that an operation returned.
#[derive(Debug)]
pub struct Answered {
    operation: String,
    tensors: Tensors,
}

impl Answered {
    /// All tensors that have not been taken out yet.
    #[cfg(feature = "tch")]
    pub(crate) fn into_tensors(self) -> Tensors {
        self.tensors
    }

    /// Takes an array out.
    ///
    /// # Panics
    /// Panics if there is none of that name, or its type or number of axes is another: an invalid response.
    pub fn array<T: Element, D: Dimension>(&mut self, name: &str) -> Array<T, D> {
        let operation = self.operation.clone();
        self.raw(name)
            .to_array()
            .unwrap_or_else(|error| forged(&operation, &format!("{name} {error}")))
    }

    /// Takes a tensor of libtorch out.
    ///
    /// # Panics
    /// Panics if there is none of that name: an invalid response.
    #[cfg(feature = "tch")]
    pub fn tensor(&mut self, name: &str) -> tch::Tensor {
        tch::Tensor::from(&self.raw(name))
    }

    /// Takes tensors of libtorch out that are numbered from 0 behind the beginning of their names: as many as there are.
    #[cfg(feature = "tch")]
    pub fn tensors(&mut self, start: &str) -> Vec<tch::Tensor> {
        let names = (0..).map(|i| format!("{start}{i}"));
        let names: Vec<_> = names
            .take_while(|name| self.tensors.contains_key(name))
            .collect();
        names.iter().map(|name| self.tensor(name)).collect()
    }

    fn raw(&mut self, name: &str) -> RawTensor {
        let tensor = self.tensors.remove(name);
        tensor.unwrap_or_else(|| forged(&self.operation, &format!("it has no {name}")))
    }
}

/// Fails the test for an answer that no worker of the course gives.
fn forged(operation: &str, how: &str) -> ! {
    dismiss();
    interrupt(&format!("the answer to {operation} is forged: {how}"))
}
