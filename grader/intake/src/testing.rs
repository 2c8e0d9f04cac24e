//! Helpers for the tests of intake: folders and archives made on the spot, byte by byte where no tool would make them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use tempfile::TempDir;

use super::{Candidate, IntakeLimits, Refusal, Submission};

pub(super) const EXERCISES: [&str; 2] = ["01-patchify", "03-msa"];
pub(super) const SOLVED: &[u8] = b"pub fn patchify() {}\n";

/// A temporary folder, and the submission that lies in it.
pub(super) struct Dir {
    dir: TempDir,
    submission: PathBuf,
}

impl Dir {
    /// A submission that is a folder with these files.
    pub(super) fn folder(files: &[(&str, &[u8])]) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let submission = dir.path().join("ada");
        fs::create_dir(&submission).expect("a new folder");
        let made = Self { dir, submission };
        for (name, bytes) in files {
            made.add(name, bytes);
        }
        made
    }

    /// A submission that is an archive with this file name.
    pub(super) fn archive(name: &str, bytes: &[u8]) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let submission = dir.path().join(name);
        fs::write(&submission, bytes).expect("a new file");
        Self { dir, submission }
    }

    /// Adds a file to the folder.
    pub(super) fn add(&self, name: &str, bytes: &[u8]) {
        let path = self.submission.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a new folder");
        fs::write(path, bytes).expect("a new file");
    }

    /// The path of the submission.
    pub(super) fn path(&self) -> &Path {
        &self.submission
    }

    /// The folder around it.
    pub(super) fn outside(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn read(&self) -> Result<Submission, Refusal> {
        self.read_with(&IntakeLimits::default())
    }

    pub(super) fn read_with(&self, limits: &IntakeLimits) -> Result<Submission, Refusal> {
        let candidate = Candidate::new("ada", self.submission.clone());
        candidate.read(&EXERCISES, limits)
    }
}

/// The message of a refusal.
pub(super) fn refusal(read: Result<Submission, Refusal>) -> String {
    read.expect_err("this is to be refused").to_string()
}

/// A submission that is a `.tar.gz` of these entries.
pub(super) fn tarball(entries: &[&[u8]]) -> Dir {
    let tar = [entries.concat(), vec![0; 1024]].concat();
    Dir::archive("ada.tar.gz", &gzip(&tar))
}

/// A tar header and its data, padded.
pub(super) fn tar_entry(kind: u8, name: impl AsRef<[u8]>, data: &[u8]) -> Vec<u8> {
    let name = name.as_ref();
    let mut entry = vec![0; 512];
    entry[..name.len()].copy_from_slice(name);
    entry[100..108].copy_from_slice(b"0000644\0");
    entry[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
    entry[156] = kind;
    entry[257..265].copy_from_slice(b"ustar\x0000");
    set_checksum(&mut entry);
    entry.extend(data);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

/// Makes the header at the front of `entry` valid again.
pub(super) fn set_checksum(entry: &mut [u8]) {
    entry[148..156].fill(b' ');
    let sum: u32 = entry[..512].iter().map(|byte| u32::from(*byte)).sum();
    entry[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A pax header (`x` for the next entry, `g` for all) with one record.
pub(super) fn pax(kind: u8, key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let length = (0..)
        .find(|length: &usize| length.to_string().len() + rest.len() == *length)
        .expect("some length fits");
    tar_entry(kind, "pax", format!("{length}{rest}").as_bytes())
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("a Vec takes it");
    encoder.finish().expect("a Vec takes it")
}

/// An entry of a zip archive, to be bent into any shape.
#[derive(Clone)]
pub(super) struct ZipEntry {
    pub(super) name: Vec<u8>,
    /// The version of the format that a reader has to know.
    pub(super) needs: u8,
    /// With the flag 8, sizes and checksum follow the data, and are missing before it.
    pub(super) flags: u16,
    /// Whether sizes before and after the data are those of a huge file.
    pub(super) is_zip64: bool,
    pub(super) method: u16,
    /// Unix mode in the upper half.
    pub(super) attributes: u32,
    pub(super) crc: u32,
    pub(super) declared: u32,
    pub(super) packed: Vec<u8>,
}

impl ZipEntry {
    /// A deflated file.
    pub(super) fn file(name: &str, data: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).expect("a Vec takes it");
        let mut crc = flate2::Crc::new();
        crc.update(data);
        Self {
            name: name.as_bytes().to_vec(),
            needs: 20,
            flags: 0,
            is_zip64: false,
            method: 8,
            attributes: 0o100_644 << 16,
            crc: crc.sum(),
            declared: u32::try_from(data.len()).expect("a small file"),
            packed: encoder.finish().expect("a Vec takes it"),
        }
    }

    /// The part that the local and the central header have in common.
    fn header(&self) -> Vec<u8> {
        let mut header = vec![self.needs, 0];
        for short in [self.flags, self.method, 0, 0x21] {
            header.extend(short.to_le_bytes());
        }
        let packed = u32::try_from(self.packed.len()).expect("a small file");
        for long in [self.crc, packed, self.declared] {
            header.extend(long.to_le_bytes());
        }
        let name = u16::try_from(self.name.len()).expect("a short name");
        header.extend(name.to_le_bytes());
        header.extend([0, 0]); // no extra field
        header
    }

    /// The parts before the data, and after it.
    fn local(&self) -> (Vec<u8>, Vec<u8>) {
        let mut front = self.header();
        let mut extra = vec![];
        if self.is_zip64 {
            front[14..22].fill(0xff);
            front[24] = 20;
            extra = vec![1, 0, 16, 0];
            extra.extend([0; 16]);
        }
        let mut back = vec![];
        if self.flags & 8 != 0 {
            front[10..14].fill(0);
            if !self.is_zip64 {
                front[14..22].fill(0);
            }
            back = b"PK\x07\x08".to_vec();
            back.extend(self.crc.to_le_bytes());
            let packed = u32::try_from(self.packed.len()).expect("a small file");
            for long in [packed, self.declared] {
                back.extend(long.to_le_bytes());
                if self.is_zip64 {
                    back.extend([0; 4]);
                }
            }
        }
        (
            [b"PK\x03\x04", front.as_slice(), &self.name, &extra].concat(),
            back,
        )
    }
}

/// The bytes of a zip archive of these entries.
pub(super) fn zip_bytes(entries: &[ZipEntry]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let start = u32::try_from(zip.len()).expect("a small archive");
        let (front, back) = entry.local();
        zip.extend(front);
        zip.extend(&entry.packed);
        zip.extend(back);
        directory.extend(b"PK\x01\x02\x14\x03"); // made on unix
        directory.extend(entry.header());
        directory.extend([0; 6]); // no comment, disk 0, internal attributes
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(&entry.name);
    }
    let start = zip.len();
    zip.extend(&directory);
    let count = u16::try_from(entries.len()).expect("few entries");
    zip.extend(zip_end(count, directory.len(), start));
    zip
}

/// The end record of a zip archive.
pub(super) fn zip_end(entries: u16, size: usize, start: usize) -> Vec<u8> {
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend(entries.to_le_bytes());
    end.extend(entries.to_le_bytes());
    for long in [size, start] {
        end.extend(u32::try_from(long).expect("a small archive").to_le_bytes());
    }
    end.extend([0, 0]); // no comment
    end
}

/// A submission that is a zip archive of these entries.
pub(super) fn zip(entries: &[ZipEntry]) -> Dir {
    Dir::archive("ada.zip", &zip_bytes(entries))
}
