//! A stand-in for zip 0.6 with the items that tch 0.24 and torch-sys 0.24 use, and without archives: numpy's `.npz` files, which
//! tch would read and write with it, are refused.
//!
//! zip 0.6 brings seventeen crates along, some of them in C, for kinds of compression and encryption that nothing here uses, and
//! all are compiled before libtorch's binding. Without them a first `cargo test` is half a minute shorter. And cargo runs this
//! crate's build script before that of torch-sys, so it can say in one line that libtorch is missing, where that would end in a
//! C++ compiler's output.
//!
//! It depends on nothing, so that nothing which is selected besides changes it: the binding would be compiled again.

use result::{ZipError, ZipResult};
use std::io::{self, Read, Seek, Write};
use std::marker::PhantomData;
use std::path::PathBuf;

/// The error of every use.
pub mod result {
    use std::{error, fmt};

    /// Archives are not read or written.
    #[derive(Clone, Copy, Debug)]
    pub struct ZipError;

    /// A result that is always the error.
    pub type ZipResult<T> = Result<T, ZipError>;

    impl fmt::Display for ZipError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("this course builds tch without zip: keep tensors in .npy or safetensors files, not in .npz")
        }
    }

    impl error::Error for ZipError {}
}

/// Options of a file that is written.
pub mod write {
    use super::CompressionMethod;

    /// Nothing to choose.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct FileOptions;

    impl FileOptions {
        /// Changes nothing.
        #[must_use]
        pub fn compression_method(self, _: CompressionMethod) -> Self {
            self
        }
    }
}

/// The ways to keep a file.
#[derive(Clone, Copy, Debug)]
pub enum CompressionMethod {
    /// As it is.
    Stored,
}

/// No archive: there is no value of it.
#[derive(Debug)]
enum Never {}

/// An archive that cannot be opened.
#[derive(Debug)]
pub struct ZipArchive<R> {
    never: Never,
    reader: PhantomData<R>,
}

#[allow(clippy::len_without_is_empty)] // as zip 0.6 calls them
impl<R: Read + Seek> ZipArchive<R> {
    /// Opens nothing.
    ///
    /// # Errors
    /// Returns the error, always.
    pub fn new(_: R) -> ZipResult<Self> {
        Err(ZipError)
    }

    /// The number of files.
    pub fn len(&self) -> usize {
        match self.never {}
    }

    /// A file.
    ///
    /// # Errors
    /// Returns the error, always.
    pub fn by_index(&mut self, _: usize) -> ZipResult<ZipFile> {
        match self.never {}
    }
}

/// A file of an archive that cannot be opened.
#[derive(Debug)]
pub struct ZipFile {
    never: Never,
}

impl ZipFile {
    /// Its name.
    pub fn name(&self) -> &str {
        match self.never {}
    }

    /// Its name as a path.
    pub fn mangled_name(&self) -> PathBuf {
        match self.never {}
    }

    /// Its size.
    pub fn size(&self) -> u64 {
        match self.never {}
    }
}

impl Read for ZipFile {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.never {}
    }
}

/// A writer that begins no file.
#[derive(Debug)]
pub struct ZipWriter<W>(PhantomData<W>);

impl<W: Write + Seek> ZipWriter<W> {
    /// Writes nothing.
    pub fn new(_: W) -> Self {
        Self(PhantomData)
    }

    /// Begins no file.
    ///
    /// # Errors
    /// Returns the error, always.
    pub fn start_file(&mut self, _: impl Into<String>, _: write::FileOptions) -> ZipResult<()> {
        Err(ZipError)
    }
}

impl<W> Write for ZipWriter<W> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other(ZipError))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn archives_are_refused_by_an_error_that_says_what_to_use() {
        let read = ZipArchive::new(Cursor::new(vec![])).map(|archive| archive.len());
        let mut writer = ZipWriter::new(Cursor::new(vec![]));
        let options = write::FileOptions.compression_method(CompressionMethod::Stored);
        let begun = writer.start_file("a.npy", options);
        for error in [read.err(), begun.err()] {
            assert!(error.is_some_and(|it| it.to_string().contains("safetensors")));
        }
        assert!(writer.write(b"x").is_err());
    }
}
