//! The IDX format of MNIST's files, read with every check that the `mnist` crate would panic over.
//!
//! A file starts with a magic number, 0x803 for images and 0x801 for labels, the number of items
//! and, for images, their height and width, all of four bytes with the highest first. The items
//! follow, a byte each pixel or label.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The reason why a data set's files cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Neither the file nor its gzipped form is there.
    #[error(
        "neither {0} nor {0}.gz is there",
        .path.display()
    )]
    Missing {
        /// The file, without `.gz`.
        path: PathBuf,
    },
    /// The file cannot be read, or is not whole gzip.
    #[error("cannot read {}: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system or the decoder.
        why: io::Error,
    },
    /// The file is of another kind.
    #[error(
        "{} starts with magic number {found:#010x}, where {expected:#010x} belongs: it is another file",
        .path.display()
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// The number that belongs there.
        expected: u32,
        /// The number that is there.
        found: u32,
    },
    /// The header declares another number of images.
    #[error("{} holds {found} images, where {expected} belong", .path.display())]
    ImageCount {
        /// The file.
        path: PathBuf,
        /// The expected number of images.
        expected: u32,
        /// The number in the header.
        found: u32,
    },
    /// The header declares images of another size.
    #[error(
        "{} holds images of {height} by {width} pixels, where {side} by {side} belong",
        .path.display()
    )]
    ImageSize {
        /// The file.
        path: PathBuf,
        /// The height in the header.
        height: u32,
        /// The width in the header.
        width: u32,
        /// The expected height and width.
        side: u32,
    },
    /// The header declares more or fewer labels than there are images.
    #[error("{} holds {found} labels for {images} images", .path.display())]
    LabelCount {
        /// The file.
        path: PathBuf,
        /// The number of images.
        images: u32,
        /// The number of labels in the header.
        found: u32,
    },
    /// The file ends too early.
    #[error("{} ends after {found} bytes, where {expected} belong: fetch it again", .path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The expected number of bytes, unpacked.
        expected: u64,
        /// The actual number of bytes.
        found: u64,
    },
    /// The file goes on after its last item.
    #[error("{} goes on after the {expected} bytes that belong there", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The expected number of bytes, unpacked.
        expected: u64,
    },
    /// A label names no class.
    #[error("label {index} of {} is {label}, where 9 is the highest", .path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// The index of the label, from 0.
        index: usize,
        /// The label.
        label: u8,
    },
    /// The file is well formed and yet not the published one.
    #[error(
        "{} has SHA-256 {found} unpacked, and not the published {expected}: fetch it again",
        .path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The published checksum.
        expected: &'static str,
        /// The file's.
        found: String,
    },
    /// The checked files cannot be put where the `mnist` crate can read them.
    #[error("cannot keep unpacked files in {}: {why}", .path.display())]
    Scratch {
        /// The temporary folder.
        path: PathBuf,
        /// The system's error.
        why: io::Error,
    },
}

/// Height and width of an image.
pub(crate) const SIDE: u32 = 28;

const HIGHEST_LABEL: u8 = 9;
const IMAGES: u32 = 0x803;
const LABELS: u32 = 0x801;

/// A file that was found, unpacked.
pub(crate) struct Idx {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Idx {
    /// Reads a file, or else its gzipped form, up to one byte more than belongs there: enough to see
    /// that it is too long, and no more however far a crafted file unpacks.
    fn read(path: &Path, expected: u64) -> Result<Self, LoadError> {
        let (path, file) = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let packed = with_gz(path);
                let file = File::open(&packed).map_err(|why| match why.kind() {
                    io::ErrorKind::NotFound => LoadError::Missing {
                        path: path.to_owned(),
                    },
                    _ => LoadError::Unreadable {
                        path: packed.clone(),
                        why,
                    },
                })?;
                (packed, file)
            }
            Err(why) => {
                let path = path.to_owned();
                return Err(LoadError::Unreadable { path, why });
            }
            Ok(file) => (path.to_owned(), file),
        };
        let mut bytes = Vec::new();
        let read = if path.extension().is_some_and(|it| it == "gz") {
            let unpacked = MultiGzDecoder::new(file);
            unpacked.take(expected + 1).read_to_end(&mut bytes)
        } else {
            file.take(expected + 1).read_to_end(&mut bytes)
        };
        match read {
            // gzip that breaks off: what there is of the file says more than the decoder would
            Err(why) if why.kind() != io::ErrorKind::UnexpectedEof => {
                Err(LoadError::Unreadable { path, why })
            }
            _ => Ok(Self { path, bytes }),
        }
    }

    /// A number of the header.
    fn header(&self, place: usize, expected: u64) -> Result<u32, LoadError> {
        let bytes = self.bytes.get(4 * place..4 * place + 4);
        let bytes = bytes.and_then(|it| it.try_into().ok());
        let bytes = bytes.ok_or_else(|| self.truncated(expected))?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn check_magic(&self, magic: u32, expected: u64) -> Result<(), LoadError> {
        let found = self.header(0, expected)?;
        if found == magic {
            return Ok(());
        }
        Err(LoadError::Magic {
            path: self.path.clone(),
            expected: magic,
            found,
        })
    }

    fn check_length(&self, expected: u64) -> Result<(), LoadError> {
        let found = self.bytes.len() as u64;
        if found < expected {
            return Err(self.truncated(expected));
        }
        if found > expected {
            let path = self.path.clone();
            return Err(LoadError::TooLong { path, expected });
        }
        Ok(())
    }

    fn truncated(&self, expected: u64) -> LoadError {
        LoadError::Truncated {
            path: self.path.clone(),
            expected,
            found: self.bytes.len() as u64,
        }
    }

    /// Holds the file against the published checksum, where one is known.
    pub(crate) fn check_sum(&self, published: Option<&'static str>) -> Result<(), LoadError> {
        let Some(expected) = published else {
            return Ok(());
        };
        let found = hex(&Sha256::digest(&self.bytes));
        if found == expected {
            return Ok(());
        }
        let path = self.path.clone();
        Err(LoadError::Checksum {
            path,
            expected,
            found,
        })
    }

    /// The whole file, unpacked, header and all.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a file of so many images.
pub(crate) fn read_images(path: &Path, count: u32) -> Result<Idx, LoadError> {
    let expected = 16 + u64::from(count) * u64::from(SIDE) * u64::from(SIDE);
    let file = Idx::read(path, expected)?;
    file.check_magic(IMAGES, expected)?;
    let found = file.header(1, expected)?;
    if found != count {
        return Err(LoadError::ImageCount {
            path: file.path,
            expected: count,
            found,
        });
    }
    let (height, width) = (file.header(2, expected)?, file.header(3, expected)?);
    if (height, width) != (SIDE, SIDE) {
        return Err(LoadError::ImageSize {
            path: file.path,
            height,
            width,
            side: SIDE,
        });
    }
    file.check_length(expected)?;
    Ok(file)
}

/// Reads a file of the labels of so many images.
pub(crate) fn read_labels(path: &Path, images: u32) -> Result<Idx, LoadError> {
    let expected = 8 + u64::from(images);
    let file = Idx::read(path, expected)?;
    file.check_magic(LABELS, expected)?;
    let found = file.header(1, expected)?;
    if found != images {
        return Err(LoadError::LabelCount {
            path: file.path,
            images,
            found,
        });
    }
    file.check_length(expected)?;
    let mut labels = file.bytes[8..].iter().enumerate();
    if let Some((index, &label)) = labels.find(|&(_, &it)| it > HIGHEST_LABEL) {
        let path = file.path;
        return Err(LoadError::Label { path, index, label });
    }
    Ok(file)
}

fn with_gz(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

/// Bytes as small hexadecimal digits, two for each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}
