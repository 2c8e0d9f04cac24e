//! Fetches published files over HTTP, from the first mirror that has them, and keeps a file only if it is the published
//! one.

mod download;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::idx::hex;
use download::Download;

/// Files that are published together, with their mirrors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name of the files together.
    pub name: String,
    /// URLs of folders that hold all of the files, each with its last slash. They are tried in order.
    pub mirrors: Vec<String>,
    /// The files.
    pub files: Vec<RemoteFile>,
}

/// A file as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its name on the mirrors and here.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in small hexadecimal digits.
    pub sha256: String,
}

/// An event of a fetch, as it happens.
#[derive(Debug)]
pub enum FetchEvent<'a> {
    /// Another process fetches into the same folder; this one waits for it.
    Waiting,
    /// A part of a file has arrived.
    Received {
        /// The file.
        file: &'a RemoteFile,
        /// The number of its bytes that are here.
        bytes: u64,
    },
    /// A mirror did not give a file. Others, or the same once more, are tried.
    Failed {
        /// The URL that was asked.
        url: &'a str,
        /// The fault of the mirror.
        fault: &'a Fault,
    },
}

/// The time limits on mirrors, and the number of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The longest time for which a mirror may send nothing.
    pub silence: Duration,
    /// The number of rounds of all mirrors without a new byte after which fetching fails.
    pub rounds: u32,
    /// The pause before a round if the last one brought nothing.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(30),
            rounds: 3,
            pause: Duration::from_secs(2),
        }
    }
}

/// The reason why files could not be fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The folder cannot be written to.
    #[error("cannot {doing} {}: {why}", .path.display())]
    Io {
        /// The action that failed.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        why: io::Error,
    },
    /// A file of that name is there, and is another one.
    #[error(
        "{} is there, but is not the published file (SHA-256 {found} instead of {expected}): remove it or name another folder",
        .path.display()
    )]
    Occupied {
        /// The file.
        path: PathBuf,
        /// The published SHA-256.
        expected: String,
        /// The file's.
        found: String,
    },
    /// No mirror gave the file.
    #[error("no mirror gave {file}: {}", listed(.faults))]
    NoMirror {
        /// The file.
        file: String,
        /// The last fault of each mirror, with its URL.
        faults: Vec<(String, Fault)>,
    },
}

/// The fault of a mirror.
#[derive(Debug, Error)]
pub enum Fault {
    /// It answered with an error, such as 404.
    #[error("it answered {0}")]
    Status(u16),
    /// It offers something of another size, such as a page with a message that the file is gone.
    #[error("it offers {found} bytes, where the file has {expected}")]
    Size {
        /// The published size.
        expected: u64,
        /// The size that it announced, or had sent when it was stopped.
        found: u64,
    },
    /// It answered a request for the rest of a file with another part.
    #[error("asked for the bytes from {asked}, it sent something else: {got}")]
    Range {
        /// The first byte requested.
        asked: u64,
        /// The range that it claims to have sent, fit to be shown.
        got: String,
    },
    /// It broke off.
    #[error("it broke off after {bytes} bytes")]
    BrokeOff {
        /// The bytes of the file that were here then.
        bytes: u64,
    },
    /// It sent nothing for too long.
    #[error("it went silent after {bytes} bytes")]
    Silent {
        /// The bytes of the file that were here then.
        bytes: u64,
    },
    /// It cannot be reached, or does not speak HTTP.
    #[error("it cannot be asked: {0}")]
    Unreachable(String),
    /// The received file has the right size, and is not the published one.
    #[error("what it sent has SHA-256 {found}, and not the published {expected}")]
    Checksum {
        /// The published SHA-256.
        expected: String,
        /// The SHA-256 of the received file.
        found: String,
    },
}

impl Fault {
    /// Whether there is no point in asking again.
    fn is_final(&self) -> bool {
        match self {
            Self::Status(status) => (400..500).contains(status) && ![408, 429].contains(status),
            Self::Size { .. } | Self::Range { .. } | Self::Checksum { .. } => true,
            Self::BrokeOff { .. } | Self::Silent { .. } | Self::Unreachable(_) => false,
        }
    }
}

/// Fetches the files that are not in the folder yet, which is made where there is none. What breaks
/// off goes on where it was, be it from another mirror or on another day. A file appears under its
/// name once it is whole and has the published SHA-256; until then it is called `.partial`. An empty
/// `.fetch.lock` stays in the folder.
///
/// # Errors
/// Returns an error if the folder cannot be written, holds something else under a file's name, or no mirror gives a
/// file.
pub fn fetch(
    source: &Source,
    folder: &Path,
    progress: impl FnMut(FetchEvent<'_>),
) -> Result<(), FetchError> {
    fetch_patiently(source, folder, Patience::default(), progress)
}

/// As [`fetch()`], for mirrors that need more patience than usual, or deserve less.
///
/// # Errors
/// As of [`fetch()`].
pub fn fetch_patiently(
    source: &Source,
    folder: &Path,
    patience: Patience,
    mut progress: impl FnMut(FetchEvent<'_>),
) -> Result<(), FetchError> {
    fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
    let _held = hold(folder, &mut progress)?;
    for file in &source.files {
        let place = folder.join(&file.name);
        if !is_there(&place, file)? {
            let download = Download::new(file, &place, patience)?;
            download.fetch_from_any(&source.mirrors, &mut progress)?;
        }
        let bytes = file.bytes;
        progress(FetchEvent::Received { file, bytes });
    }
    Ok(())
}

/// Keeps other processes out of the folder until the file is dropped, or this process ends in
/// whatever way.
fn hold(folder: &Path, progress: &mut impl FnMut(FetchEvent<'_>)) -> Result<File, FetchError> {
    let path = folder.join(".fetch.lock");
    let file = File::create(&path).map_err(io_error("make", &path))?;
    let locked = match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            progress(FetchEvent::Waiting);
            file.lock()
        }
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => Ok(()),
    };
    locked.map_err(io_error("lock", &path))?;
    Ok(file)
}

/// Whether the published file is there already.
fn is_there(place: &Path, file: &RemoteFile) -> Result<bool, FetchError> {
    let mut content = match File::open(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other.map_err(io_error("read", place))?,
    };
    let mut sum = Sha256::new();
    io::copy(&mut content, &mut sum).map_err(io_error("read", place))?;
    let found = hex(&sum.finalize());
    if found == file.sha256 {
        return Ok(true);
    }
    Err(FetchError::Occupied {
        path: place.to_owned(),
        expected: file.sha256.clone(),
        found,
    })
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FetchError {
    move |why| FetchError::Io {
        doing,
        path: path.to_owned(),
        why,
    }
}

fn listed(faults: &[(String, Fault)]) -> String {
    let faults = faults.iter().map(|(url, fault)| format!("{url}: {fault}"));
    faults.collect::<Vec<_>>().join("; ")
}
