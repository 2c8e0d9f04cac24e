//! The reasons for refusing a submission, with the entry at fault and the remedy.

use std::io;

use super::EscapedText;

/// The reason for refusing a submission. Every name in it is escaped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The system would not let it be read.
    #[error("cannot read `{entry}`: {source}; check that it exists and that you may read it")]
    Unreadable {
        /// The file or folder.
        entry: EscapedText,
        /// The system's error.
        source: io::Error,
    },
    /// A link, device, pipe or socket where only files and folders may be.
    #[error("`{entry}` is {kind}; put a copy of the file itself there, or leave it out")]
    NotPlain {
        /// The entry.
        entry: EscapedText,
        /// The kind of the entry, with its article: "a symbolic link".
        kind: &'static str,
    },
    /// A name that does not stay inside the submission or cannot be taken.
    #[error("the name of `{entry}` {fault}")]
    Name {
        /// The entry.
        entry: EscapedText,
        /// The fault of its name.
        fault: NameFault,
    },
    /// One archive holds two entries of the same name.
    #[error("`{entry}` is in the archive twice; make the archive again from one folder")]
    Twice {
        /// The entry.
        entry: EscapedText,
    },
    /// Two source files that are one on some systems.
    #[error(
        "`{first}` and `{second}` are one name on some systems, which tell neither case nor the writing of accents; rename or delete one"
    )]
    CaseOnly {
        /// The entry seen first.
        first: EscapedText,
        /// The entry seen second.
        second: EscapedText,
    },
    /// A name that is both a file and a folder.
    #[error("`{entry}` is both a file and a folder; make the archive again from one folder")]
    FileAndFolder {
        /// The entry.
        entry: EscapedText,
    },
    /// Exercises lie in several folders, and it is not clear which are meant.
    #[error(
        "`{exercise}` is in {first} and exercises are also in {second}; hand in only one folder (where each is a person's, unpack this and grade it as a class)"
    )]
    TwoPlaces {
        /// An exercise in the first place.
        exercise: EscapedText,
        /// One place.
        first: EscapedText,
        /// Another.
        second: EscapedText,
    },
    /// See [`IntakeLimits::entries`](super::IntakeLimits::entries).
    #[error("more than {limit} entries; hand in only the exercises, without build output")]
    TooManyEntries {
        /// The limit.
        limit: usize,
    },
    /// See [`IntakeLimits::files`](super::IntakeLimits::files).
    #[error(
        "more than {limit} source files, the first too many is `{entry}`; hand in only the exercises"
    )]
    TooManyFiles {
        /// The first one beyond the limit.
        entry: EscapedText,
        /// The limit.
        limit: usize,
    },
    /// See [`IntakeLimits::file_bytes`](super::IntakeLimits::file_bytes).
    #[error("`{entry}` has more than {limit} bytes; keep data out of source files")]
    FileTooLarge {
        /// The file.
        entry: EscapedText,
        /// The limit.
        limit: u64,
    },
    /// See [`IntakeLimits::total_bytes`](super::IntakeLimits::total_bytes).
    #[error("with `{entry}` the source files have more than {limit} bytes; keep data out of them")]
    TooLarge {
        /// The file that goes beyond the limit.
        entry: EscapedText,
        /// The limit.
        limit: u64,
    },
    /// See [`IntakeLimits::archive_bytes`](super::IntakeLimits::archive_bytes).
    #[error(
        "the archive has more than {limit} bytes; hand in only the exercises, without build output"
    )]
    ArchiveTooLarge {
        /// The limit.
        limit: u64,
    },
    /// See [`IntakeLimits::unpacked_bytes`](super::IntakeLimits::unpacked_bytes).
    #[error(
        "the archive unpacks to more than {limit} bytes; hand in only the exercises, without build output"
    )]
    UnpacksTooLarge {
        /// The limit.
        limit: u64,
    },
    /// See [`IntakeLimits::ratio`](super::IntakeLimits::ratio).
    #[error("the archive grows more than {limit} times when unpacked; hand in only the exercises")]
    GrowsTooMuch {
        /// The limit.
        limit: u64,
    },
    /// See [`IntakeLimits::members`](super::IntakeLimits::members).
    #[error("more than {limit} gzip members one after the other; make the archive again with tar")]
    TooManyMembers {
        /// The limit.
        limit: usize,
    },
    /// See [`IntakeLimits::seconds`](super::IntakeLimits::seconds).
    #[error(
        "it takes more than {limit} s of processor time to take in; hand in only the exercises, in a plain archive"
    )]
    TooSlow {
        /// The limit.
        limit: u64,
    },
    /// The grader was interrupted, which is no fault of the submission.
    #[error("the grader was stopped while it was taken in")]
    Stopped,
    /// See [`IntakeLimits::depth`](super::IntakeLimits::depth).
    #[error("`{entry}` lies more than {limit} folders below src; move it up")]
    TooDeep {
        /// The file or folder.
        entry: EscapedText,
        /// The limit.
        limit: usize,
    },
    /// A source file that no compiler would read.
    #[error("`{entry}` is not a text file: {why}; save it as UTF-8")]
    NotText {
        /// The file.
        entry: EscapedText,
        /// The reason why it is not a text.
        why: String,
    },
    /// A source file in a zip archive that asks for a password.
    #[error("`{entry}` is encrypted; make the archive again without a password")]
    Encrypted {
        /// The file.
        entry: EscapedText,
    },
    /// A source file in a zip archive packed in an unusual way.
    #[error(
        "`{entry}` is packed with {method}; make the archive again with deflate, the usual method"
    )]
    Compression {
        /// The file.
        entry: EscapedText,
        /// The method's name or number.
        method: EscapedText,
    },
    /// An archive of a kind that is not read, or a file that only has an archive's name.
    #[error("`{entry}` is {kind}; hand in a .zip or .tar.gz, or the unpacked folder")]
    NoArchive {
        /// The file.
        entry: EscapedText,
        /// The kind, with its article: "a RAR archive".
        kind: &'static str,
    },
    /// An archive that holds archives and no exercise, as what a learning platform gives out.
    #[error("it holds no exercise, but archives: {archives}; unpack it, and grade the folder")]
    HoldsArchives {
        /// One of them, and the number of the others.
        archives: String,
    },
    /// A folder that holds archives and no exercise, and it is not clear which of them counts.
    #[error(
        "it holds no exercise, but archives, and neither a number in their names nor their times say which is the newest: {archives}; leave only the one that counts, or unpack it"
    )]
    WhichArchive {
        /// One of them, and the number of the others.
        archives: String,
    },
    /// Truncated, or no archive of this kind at all.
    #[error("not a readable {kind} archive: {why}; make it again and check that it unpacks")]
    Broken {
        /// "zip" or "tar.gz".
        kind: &'static str,
        /// The reason why it cannot be read.
        why: EscapedText,
    },
}

/// A fault of a name, with the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// It has `..` in it.
    #[error("leads out of the archive with `..`; make the archive from inside one folder")]
    Parent,
    /// It starts at the root or with a drive letter.
    #[error("is absolute; make the archive from inside one folder")]
    Absolute,
    /// It is empty or has a NUL.
    #[error("is empty or has a NUL; make the archive again")]
    NoName,
    /// It is not UTF-8.
    #[error("is not UTF-8; rename it with plain letters")]
    NotUtf8,
    /// It has characters that cannot be seen.
    #[error("has characters that cannot be seen; rename it with plain letters")]
    Hidden,
    /// See [`IntakeLimits::name_bytes`](super::IntakeLimits::name_bytes).
    #[error("is too long; give it a shorter one")]
    TooLong,
}

impl Refusal {
    /// Returns whether it is no fault of the submission: the system could not read it.
    pub fn is_of_the_machine(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }

    pub(super) fn not_plain(entry: impl Into<EscapedText>, kind: &'static str) -> Self {
        Self::NotPlain {
            entry: entry.into(),
            kind,
        }
    }

    pub(super) fn name(entry: impl Into<EscapedText>, fault: NameFault) -> Self {
        Self::Name {
            entry: entry.into(),
            fault,
        }
    }

    pub(super) fn no_archive(entry: impl Into<EscapedText>, kind: &'static str) -> Self {
        Self::NoArchive {
            entry: entry.into(),
            kind,
        }
    }

    pub(super) fn broken(kind: &'static str, why: impl Into<EscapedText>) -> Self {
        Self::Broken {
            kind,
            why: why.into(),
        }
    }
}
