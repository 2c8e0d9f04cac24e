//! One request as an operation sees it: its tensors and scalars, by name.

use ndarray::{Array, Dimension};
use std::fmt::Display;
use std::str::FromStr;
use wire::{Fault, RawTensor, Request, Tensors};

/// The result of an operation: named tensors, or the fault that kept it from returning them.
pub type CallResult = Result<Tensors, Fault>;

/// One request.
#[derive(Debug)]
pub struct Call {
    request: Request,
}

impl Call {
    pub(crate) fn new(request: Request) -> Self {
        Self { request }
    }

    /// All tensors of the request.
    pub fn tensors(&self) -> &Tensors {
        &self.request.tensors
    }

    /// A tensor of the request, unconverted.
    ///
    /// # Errors
    /// Returns an error if no tensor has that name.
    pub fn raw(&self, name: &str) -> Result<&RawTensor, Fault> {
        self.tensors().get(name).ok_or_else(|| {
            let there: Vec<_> = self.tensors().keys().map(String::as_str).collect();
            Fault::bad_request(format!(
                "the tensor {name:?} is missing; there are {there:?}"
            ))
        })
    }

    /// A tensor as an array.
    ///
    /// # Errors
    /// Returns an error if no tensor has that name, or it has another dtype or number of axes.
    pub fn array<T: wire::Element, D: Dimension>(&self, name: &str) -> Result<Array<T, D>, Fault> {
        self.raw(name)?
            .to_array()
            .map_err(|error| Fault::wrong_shape(format!("{name} {error}")))
    }

    /// Arrays whose names begin so, and end with the numbers from 0.
    ///
    /// # Errors
    /// Returns an error if a number is left out, or one is of another dtype or number of axes.
    pub fn arrays<T: wire::Element, D: Dimension>(
        &self,
        start: &str,
    ) -> Result<Vec<Array<T, D>>, Fault> {
        let names = self.tensors().keys();
        let count = names.filter(|name| name.starts_with(start)).count();
        (0..count)
            .map(|i| self.array(&format!("{start}{i}")))
            .collect()
    }

    /// A tensor for libtorch.
    ///
    /// # Errors
    /// Returns an error if no tensor has that name.
    #[cfg(feature = "tch")]
    pub fn tensor(&self, name: &str) -> Result<tch::Tensor, Fault> {
        self.raw(name).map(tch::Tensor::from)
    }

    /// A tensor for libtorch, if the request has one of that name.
    ///
    /// # Errors
    /// Never returns an error; the type is that of [`tensor`](Self::tensor).
    #[cfg(feature = "tch")]
    pub fn optional_tensor(&self, name: &str) -> Result<Option<tch::Tensor>, Fault> {
        Ok(self.tensors().get(name).map(tch::Tensor::from))
    }

    /// A scalar argument.
    ///
    /// # Errors
    /// Returns an error if no argument has that name, or it does not parse.
    pub fn argument<T: FromStr>(&self, name: &str) -> Result<T, Fault>
    where
        T::Err: Display,
    {
        let text = self
            .request
            .arguments
            .get(name)
            .ok_or_else(|| Fault::bad_request(format!("the argument {name:?} is missing")))?;
        text.parse()
            .map_err(|error| Fault::bad_request(format!("the argument {name}={text:?}: {error}")))
    }

    /// An argument of two numbers, as `3x4`: rows and columns.
    ///
    /// # Errors
    /// Returns an error if there is none of that name, or it does not parse.
    pub fn size<T: FromStr>(&self, name: &str) -> Result<(T, T), Fault> {
        let Size(rows, columns) = self.argument(name)?;
        Ok((rows, columns))
    }

    /// An argument of whole numbers, as `2,2,6,2`.
    ///
    /// # Errors
    /// Returns an error if there is none of that name, or it does not parse.
    pub fn list(&self, name: &str) -> Result<Vec<i64>, Fault> {
        let List(numbers) = self.argument(name)?;
        Ok(numbers)
    }

    /// An argument that is one of a few words.
    ///
    /// # Errors
    /// Returns an error if no argument has that name, or its value is none of the words, which are then listed.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T, Fault> {
        let word: String = self.argument(name)?;
        let chosen = choices.iter().find(|(known, _)| *known == word);
        chosen.map(|&(_, choice)| choice).ok_or_else(|| {
            let mut known: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
            let last = known.pop().unwrap_or_default();
            Fault::bad_request(format!(
                "{name}={word:?}: it must be {} or {last}",
                known.join(", ")
            ))
        })
    }
}

/// Rows and columns, written as `3x4`.
struct Size<T>(T, T);

impl<T: FromStr> FromStr for Size<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sides = text.split_once('x');
        let sides =
            sides.and_then(|(rows, columns)| Some((rows.parse().ok()?, columns.parse().ok()?)));
        let (rows, columns) = sides.ok_or("it must be rows and columns, as 14x14")?;
        Ok(Self(rows, columns))
    }
}

/// Whole numbers, written as `2,2,6,2`; none, as nothing.
struct List(Vec<i64>);

impl FromStr for List {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split(',').filter(|_| !text.is_empty());
        let numbers: Result<_, _> = numbers.map(str::parse).collect();
        let numbers = numbers.map_err(|_| "it must be whole numbers, as 2,2,6,2")?;
        Ok(Self(numbers))
    }
}

/// The outcome of an operation: its results by their names.
///
/// # Errors
/// Never returns an error; the type is that of an operation's last line.
pub fn gives_all(tensors: Vec<(&str, RawTensor)>) -> CallResult {
    let named = tensors.into_iter();
    Ok(named
        .map(|(name, tensor)| (name.to_owned(), tensor))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(argument: &str) -> Call {
        Call::new(Request {
            arguments: [("it".to_owned(), argument.to_owned())].into(),
            ..Request::default()
        })
    }

    #[test]
    fn sizes_and_lists_are_read_as_they_are_written() {
        assert_eq!(call("3x4").size::<usize>("it").ok(), Some((3, 4)));
        assert_eq!(call("3x4").size::<i64>("it").ok(), Some((3, 4)));
        assert_eq!(call("2,2,-6").list("it").ok(), Some(vec![2, 2, -6]));
        assert_eq!(call("7").list("it").ok(), Some(vec![7]));
        assert_eq!(call("").list("it").ok(), Some(vec![]));
    }

    #[test]
    fn what_is_no_size_or_list_is_told_with_an_example() {
        for (text, wanted) in [
            ("3,4", "as 14x14"),
            ("3x", "as 14x14"),
            ("-1x2", "as 14x14"),
        ] {
            let fault = call(text).size::<usize>("it").expect_err("no size");
            assert!(fault.message.contains(wanted), "{}", fault.message);
        }
        for text in ["2,,2", "2x2", "a"] {
            let fault = call(text).list("it").expect_err("no list");
            assert!(fault.message.contains("as 2,2,6,2"), "{}", fault.message);
        }
    }
}
