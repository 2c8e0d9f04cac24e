//! Intake: finds submissions and takes a student's source files out of folders and archives.
//!
//! A submission is a name, and for each exercise the `.rs` files below that exercise's `src/`.
//! Nothing else of what was handed in gets past here, and nothing is written to disk.
//!
//! | file | about |
//! |---|---|
//! | `discover` | the paths that are submissions, and their names |
//! | `platform` | the downloads of learning platforms, recognised by their names |
//! | `packing` | the kinds of archive, those that are not read among them |
//! | `place` | the kind of an entry, judged by its name alone |
//! | `folder`, `zip`, `tarball` | the walk over the entries of each kind of submission |
//! | `basket` | the sources taken so far, checked against the limits; the digest |
//! | `survey` | the entries outside of the exercises, named where an exercise is missing |
//! | `limits`, `refusal`, `escape` | the limits, the reasons for refusing, and names that are safe to show |
//! | `effort` | the time that it takes, and its interruption |
//!
//! Rules bend so that what people hand in can be taken. What lies outside of the exercises is not looked at: a link
//! or a name in another encoding there refuses nothing. Where an exercise is both in `exercises/` and in another folder
//! (`solutions/`), as in a whole course folder, `exercises/` counts. Exercises that have more than one folder around
//! them count where no others are there. And a file that is no text costs its exercise, not the others.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::iter;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};

mod basket;
mod digest;
mod discover;
mod effort;
mod escape;
mod folder;
mod limits;
mod packing;
mod place;
mod platform;
mod refusal;
mod survey;
mod tarball;
mod zip;

#[cfg(test)]
mod testing;

pub use digest::PartsDigest;
pub use discover::{DiscoverError, Discovery, FolderReading, Reading, SkippedEntry, discover};
pub use escape::EscapedText;
pub use limits::IntakeLimits;
pub use platform::Platform;
pub use refusal::{NameFault, Refusal};

use basket::{Basket, NEAR};
use effort::Effort;
use packing::{FRONT, Packing, disguised, foreign};

/// Something that was handed in and has not been read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Unique among the candidates found together, and safe as a file name.
    pub name: String,
    /// The folder or archive.
    pub path: PathBuf,
    /// Further archives of the same submission: platforms hand out each file of a person by itself.
    pub further: Vec<PathBuf>,
}

/// The sources taken from one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The candidate's name.
    pub name: String,
    /// The sources of each exercise handed in, sorted by path. Empty if there are none.
    pub exercises: BTreeMap<String, Vec<Source>>,
    /// The exercises handed in that cannot be taken, and the file at fault with the remedy.
    pub left_out: BTreeMap<String, String>,
    /// Remarks on the exercises that were not found, each with the remedy.
    pub remarks: Vec<String>,
    /// A description of what lies outside of the exercises.
    pub elsewhere: Option<String>,
    /// SHA-256 over the sorted paths and contents, in hex: the same for a folder and its archives.
    pub digest: String,
}

/// One `.rs` file. It is UTF-8 and has no NUL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Relative to the exercise's `src/`, with `/` between folders: `lib.rs`, `heads/split.rs`.
    pub path: String,
    /// The contents.
    pub bytes: Vec<u8>,
}

impl Candidate {
    /// The submission that is one folder or archive.
    pub fn new(name: impl Into<String>, path: PathBuf) -> Self {
        Self {
            name: name.into(),
            path,
            further: vec![],
        }
    }

    /// Takes the sources of `exercises` (folder names such as `01-patchify`) from this candidate.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] that names the entry at fault, if anything breaks a rule of this module or a
    /// limit. Nothing of a refused submission is kept.
    pub fn read(&self, exercises: &[&str], limits: &IntakeLimits) -> Result<Submission, Refusal> {
        self.read_unless(&|| false, exercises, limits)
    }

    /// As [`read`](Self::read), until it is interrupted: the refusal is then [`Refusal::Stopped`].
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_unless(
        &self,
        stop: &dyn Fn() -> bool,
        exercises: &[&str],
        limits: &IntakeLimits,
    ) -> Result<Submission, Refusal> {
        let effort = Effort::new(limits, stop);
        let mut basket = Basket::new(exercises, limits, &effort, NEAR);
        let is_folder = self.path.is_dir();
        self.fill(&mut basket)?;
        if let Some(around) = basket.deeper().filter(|_| !is_folder) {
            basket = Basket::new(exercises, limits, &effort, around..=around);
            self.fill(&mut basket)?;
        }
        match basket.survey.archives.in_words() {
            Some(archives) if basket.is_empty() => Err(if is_folder {
                Refusal::WhichArchive { archives }
            } else {
                Refusal::HoldsArchives { archives }
            }),
            _ => basket.finish(&self.name),
        }
    }

    /// Offers the sources of the folder or of all archives to the basket.
    fn fill(&self, basket: &mut Basket<'_>) -> Result<(), Refusal> {
        for path in iter::once(&self.path).chain(&self.further) {
            let name = path.file_name().unwrap_or_default();
            let packing = Packing::of(path).filter(|_| !path.is_dir());
            match packing {
                Some(packing) => read_archive(path, packing, basket)?,
                None => match foreign(name.as_encoded_bytes()).filter(|_| path.is_file()) {
                    Some(kind) => return Err(Refusal::no_archive(name, kind)),
                    None => folder::read(path, basket)?,
                },
            }
        }
        Ok(())
    }
}

/// Offers the sources of an archive to the basket.
fn read_archive(path: &Path, packing: Packing, basket: &mut Basket<'_>) -> Result<(), Refusal> {
    let (file, bytes) = open_archive(path, basket.limits)?;
    let mut archive = Archive { file, fault: None };
    let taken = match packing {
        Packing::Zip => zip::read(&mut archive, bytes, basket),
        Packing::TarGz => tarball::read(&mut archive, basket),
    };
    // Whatever was made of it: what could not be read is not broken.
    if let Some(source) = archive.fault {
        let entry = EscapedText::from(path.as_os_str());
        return Err(Refusal::Unreadable { entry, source });
    }
    let Err(Refusal::Broken { .. }) = taken else {
        return taken;
    };
    let name = path.file_name().unwrap_or_default();
    let kind = front(archive.file).and_then(|front| disguised(&front, packing));
    kind.map_or(taken, |kind| Err(Refusal::no_archive(name, kind)))
}
/// The first bytes of a file, if they can be read.
fn front(mut file: File) -> Option<Vec<u8>> {
    let mut front = Vec::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(FRONT as u64).read_to_end(&mut front).ok()?;
    Some(front)
}

/// An archive that is read, and why the system did not let it be read on.
#[derive(Debug)]
struct Archive<R> {
    file: R,
    fault: Option<io::Error>,
}

impl<R: Read> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.fault = Some(same(error));
            }
        })
    }
}

/// Seeking beyond the ends, which a submission can ask for, is no fault of the system.
impl<R: Seek> Seek for Archive<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// The same error once more.
fn same(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// Opens an archive and returns its length in bytes. Never waits, follows no link.
fn open_archive(path: &Path, limits: &IntakeLimits) -> Result<(File, u64), Refusal> {
    let shown = EscapedText::from(path.as_os_str());
    let unreadable = |source: rustix::io::Errno| Refusal::Unreadable {
        entry: shown.clone(),
        source: source.into(),
    };
    let fd = rustix::fs::openat(CWD, path, OPEN_FILE, Mode::empty()).map_err(unreadable)?;
    let stat = rustix::fs::fstat(&fd).map_err(unreadable)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::RegularFile {
        return Err(Refusal::not_plain(shown, folder::kind_in_words(kind)));
    }
    let bytes = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
    if bytes > limits.archive_bytes {
        return Err(Refusal::ArchiveTooLarge {
            limit: limits.archive_bytes,
        });
    }
    Ok((File::from(fd), bytes))
}

/// The flags for opening anything but a folder: `NOFOLLOW` and `NONBLOCK` matter if a file was swapped for a link or a
/// pipe after it was looked at.
const OPEN_FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

#[cfg(test)]
mod tests {
    use super::testing::{SOLVED, ZipEntry, tar_entry, tarball, zip};
    use super::*;

    /// A disk that gives so many bytes, and then fails.
    struct FailingReader<R> {
        disk: R,
        left: usize,
    }

    impl<R: Read> Read for FailingReader<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.left == 0 {
                return Err(rustix::io::Errno::IO.into());
            }
            let most = buffer.len().min(self.left);
            let count = self.disk.read(&mut buffer[..most])?;
            self.left -= count;
            Ok(count)
        }
    }

    impl<R: Seek> Seek for FailingReader<R> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.disk.seek(to)
        }
    }

    /// Reads an archive of `bytes` from a disk that fails after `left` of them; gives whether the fault was noticed.
    fn fault(bytes: &[u8], packing: Packing, left: usize) -> Option<io::Error> {
        let (limits, exercises) = (IntakeLimits::default(), ["01-patchify"]);
        let never = || false;
        let effort = Effort::new(&limits, &never);
        let mut basket = Basket::new(&exercises, &limits, &effort, NEAR);
        let disk = io::Cursor::new(bytes);
        let mut archive = Archive {
            file: FailingReader { disk, left },
            fault: None,
        };
        let taken = match packing {
            Packing::Zip => zip::read(&mut archive, bytes.len() as u64, &mut basket),
            Packing::TarGz => tarball::read(&mut archive, &mut basket),
        };
        assert_eq!(taken.is_err(), archive.fault.is_some(), "{taken:?}");
        archive.fault
    }

    #[test]
    fn an_archive_on_a_disk_that_fails_is_not_broken() {
        let lib = "01-patchify/src/lib.rs";
        let zipped = zip(&[ZipEntry::file(lib, SOLVED)]);
        let tarred = tarball(&[&tar_entry(b'0', lib, SOLVED)]);
        for (folder, packing) in [(zipped, Packing::Zip), (tarred, Packing::TarGz)] {
            let bytes = std::fs::read(folder.path()).expect("the archive");
            for left in [0, 10, bytes.len() - 1] {
                let fault = fault(&bytes, packing, left);
                let code = fault.as_ref().and_then(io::Error::raw_os_error);
                assert_eq!(
                    code,
                    Some(rustix::io::Errno::IO.raw_os_error()),
                    "{packing:?} after {left}: {fault:?}"
                );
            }
            assert!(fault(&bytes, packing, usize::MAX).is_none(), "{packing:?}");
        }
    }

    #[test]
    fn what_is_gone_or_closed_is_the_machines_fault_and_what_is_broken_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let read = |name: &str| {
            let candidate = Candidate::new("ada", folder.path().join(name));
            let refusal = candidate.read(&["01-patchify"], &IntakeLimits::default());
            refusal.expect_err("a refusal").is_of_the_machine()
        };
        assert!(read("gone") && read("gone.zip") && read("gone.tgz"));
        for broken in ["a.zip", "a.tgz"] {
            std::fs::write(folder.path().join(broken), "no archive").expect("a new file");
            assert!(!read(broken), "{broken}");
        }
    }
}
