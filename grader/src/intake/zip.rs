//! Walks a submission that is a zip archive. Only sources are unpacked.

use std::io::{BufReader, Read, Seek, SeekFrom};

use rustix::fs::FileType;
use zip::{CompressionMethod, ZipArchive};

use super::basket::Basket;
use super::effort::Watched;
use super::folder::kind_in_words;
use super::place::Place;
use super::{Escaped, IntakeLimits, Refusal};

/// Offers every source in `file`, which has `length` bytes, to the basket.
pub(super) fn read(
    mut file: impl Read + Seek,
    length: u64,
    basket: &mut Basket<'_>,
) -> Result<(), Refusal> {
    let entries = declared_entries(&mut file, length, basket.limits)?;
    for _ in 0..entries {
        basket.count_entry()?;
    }
    let effort = basket.effort;
    let watched = Watched {
        inner: file,
        effort,
    };
    // The crate goes on to the next place that looks like an end record, whatever kept it from reading the last.
    let mut archive = ZipArchive::new(BufReader::new(watched))
        .map_err(|error| effort.check().err().unwrap_or_else(|| broken(error)))?;
    // The crate keeps the last of several entries that have one name.
    if archive.len() != usize::from(entries) {
        return Err(broken("it lists an entry twice"));
    }

    let (mut packed, mut unpacked) = (0_u64, 0_u64);
    for index in 0..archive.len() {
        effort.check()?;
        let entry = archive.by_index_data(index).map_err(broken)?;
        let name = entry.name_raw().to_vec();
        let place = Place::in_archive(&name, basket.exercises)?;
        // Whatever system is said to have made the archive: some tools heed the mode regardless.
        let kind = FileType::from_raw_mode(entry.external_attributes() >> 16);
        let is_plain = match kind {
            FileType::RegularFile | FileType::Directory => true,
            _ => entry.external_attributes() >> 28 == 0, // no kind given
        };
        if place != Place::Scrap && !is_plain {
            return Err(Refusal::not_plain(name.as_slice(), kind_in_words(kind)));
        }
        if name.ends_with(b"/") || kind == FileType::Directory {
            continue;
        }
        let Place::Source(spot) = place else {
            continue;
        };
        if !basket.wants(&spot)? {
            continue;
        }

        let shown = Escaped::from(name.as_slice());
        if entry.encrypted() {
            return Err(Refusal::Encrypted { entry: shown });
        }
        let method = entry.compression();
        if !matches!(
            method,
            CompressionMethod::Stored | CompressionMethod::Deflated
        ) {
            return Err(Refusal::Compression {
                entry: shown,
                method: method.to_string().as_str().into(),
            });
        }
        // Entries that share their bytes could be unpacked far more often than they were sent.
        packed = packed.saturating_add(entry.compressed_size());
        if packed > length {
            return Err(broken(format_args!("`{shown}` overlaps another entry")));
        }
        let in_entry = |why: &dyn std::fmt::Display| broken(format_args!("`{shown}`: {why}"));
        let reader = archive.by_index(index).map_err(|error| in_entry(&error))?;
        unpacked += basket.take(spot, reader, |error| in_entry(&error))?;
        if !basket.limits.allow_growth(packed, unpacked) {
            return Err(Refusal::GrowsTooMuch {
                limit: basket.limits.ratio,
            });
        }
    }
    Ok(())
}

/// The number of entries that the end record of the archive declares.
///
/// The zip crate makes room for as many entries as any record in the last 64 KiB declares, and
/// tools disagree on which of several records counts. So only the plain case is let through: one
/// directory, right before a record, right at the end, without the extension for huge archives.
fn declared_entries(
    file: &mut (impl Read + Seek),
    length: u64,
    limits: &IntakeLimits,
) -> Result<u16, Refusal> {
    const RECORD: usize = 22;
    const LOCATOR: usize = 20;
    const COMMENT: usize = u16::MAX as usize;
    const ENTRY: u64 = 400; // in the directory: 46, a name of some 100, a few dozen for times

    let tail_length = length.min((LOCATOR + RECORD + COMMENT) as u64);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(length - tail_length))
        .and_then(|_| file.take(tail_length).read_to_end(&mut tail))
        .and_then(|_| file.seek(SeekFrom::Start(0)))
        .map_err(broken)?;

    let at = tail
        .windows(RECORD)
        .rposition(|window| window.starts_with(b"PK\x05\x06"))
        .ok_or_else(|| broken("it has no end record, perhaps it was cut off"))?;
    let record = &tail[at..];
    let short = |at: usize| u16::from_le_bytes([record[at], record[at + 1]]);
    let long = |at: usize| u64::from(short(at)) | u64::from(short(at + 2)) << 16;
    let (entries, size, start, comment) = (short(10), long(12), long(16), short(20));

    if at >= LOCATOR && tail[at - LOCATOR..].starts_with(b"PK\x06\x07") {
        return Err(broken("it is a zip64 archive, which is for huge ones"));
    }
    if record.len() != RECORD + usize::from(comment) {
        return Err(broken("its end record is not at its end"));
    }
    if start + size != length - record.len() as u64 {
        return Err(broken("its directory is not right before its end record"));
    }
    // The crate holds it in memory, with ten times as many bytes where it has many extra fields.
    if size > limits.entries as u64 * ENTRY {
        return Err(broken("its directory is too large for its entries"));
    }
    Ok(entries)
}

fn broken(why: impl std::fmt::Display) -> Refusal {
    Refusal::broken("zip", why.to_string().as_str())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Dir, SOLVED, ZipEntry, refusal, zip, zip_bytes, zip_end};
    use super::super::{NameFault, Submission};
    use super::*;

    const LIB: &str = "01-patchify/src/lib.rs";

    fn lib() -> ZipEntry {
        ZipEntry::file(LIB, SOLVED)
    }

    fn read(entry: ZipEntry) -> Result<Submission, Refusal> {
        zip(&[ZipEntry::file("03-msa/src/lib.rs", SOLVED), entry]).read()
    }

    #[test]
    fn sources_are_taken_and_the_rest_is_left() {
        let taken = zip(&[
            ZipEntry {
                attributes: 0o040_755 << 16,
                ..ZipEntry::file("ada/", b"")
            },
            ZipEntry::file("ada/01-patchify/build.rs", b"fn main() {}"),
            ZipEntry::file("ada/01-patchify/src/lib.rs", SOLVED),
            ZipEntry::file("ada/01-patchify/src/deep/down.rs", SOLVED),
            ZipEntry::file("ada/01-patchify/src/more.zip", &zip_bytes(&[lib()])),
            ZipEntry::file("__MACOSX/01-patchify/src/._lib.rs", b"\xff\0"),
        ])
        .read()
        .expect("a good archive");
        let paths: Vec<_> = taken.exercises["01-patchify"]
            .iter()
            .map(|source| source.path.as_str())
            .collect();
        assert_eq!(paths, ["deep/down.rs", "lib.rs"]);
        assert_eq!(taken.exercises.len(), 1);
    }

    #[test]
    fn an_archive_without_exercises_or_entries_is_a_submission() {
        assert!(zip(&[]).read().expect("it is empty").exercises.is_empty());
        let taken = zip(&[ZipEntry::file("README.md", b"hello")]).read();
        assert!(taken.expect("it has no exercise").exercises.is_empty());
    }

    #[test]
    fn stored_entries_are_taken() {
        let entry = ZipEntry {
            method: 0,
            packed: SOLVED.to_vec(),
            ..lib()
        };
        let taken = read(entry).expect("a good archive");
        assert_eq!(taken.exercises["01-patchify"][0].bytes, SOLVED);
    }

    #[test]
    fn links_and_devices_are_refused_wherever_they_are() {
        for (mode, words) in [
            (0o120_777, "a symbolic link"),
            (0o020_666, "a device"),
            (0o060_666, "a device"),
            (0o010_666, "a pipe"),
            (0o140_666, "a socket"),
            (0o150_666, "of an unknown kind"),
        ] {
            for name in ["elsewhere", LIB] {
                let why = refusal(read(ZipEntry {
                    attributes: mode << 16,
                    ..ZipEntry::file(name, b"/etc/passwd")
                }));
                assert!(why.starts_with(&format!("`{name}` is {words};")), "{why}");
            }
        }
    }

    #[test]
    fn a_link_in_a_dot_folder_is_left() {
        read(ZipEntry {
            attributes: 0o120_777 << 16,
            ..ZipEntry::file(".libtorch", b"/elsewhere")
        })
        .expect("a good archive");
    }

    #[test]
    fn names_that_leave_the_archive_are_refused() {
        for (name, fault) in [
            (&b"../evil.rs"[..], NameFault::Parent),
            (b"/etc/passwd", NameFault::Absolute),
            (b"01-patchify\\src\\lib.rs", NameFault::Backslash),
            (b"01-patchify/src/\xff.rs", NameFault::NotUtf8),
            (b"01-patchify/src/a\x1bb.rs", NameFault::Hidden),
        ] {
            let found = read(ZipEntry {
                name: name.to_vec(),
                ..lib()
            });
            match found {
                Err(Refusal::Name { fault: found, .. }) => assert_eq!(found, fault),
                other => panic!("{name:?} gives {other:?}"),
            }
        }
    }

    #[test]
    fn an_entry_listed_twice_is_refused() {
        let found = zip(&[lib(), lib()]).read();
        assert!(refusal(found).contains("it lists an entry twice"));
        let found = zip(&[lib(), ZipEntry::file("./01-patchify/src/lib.rs", b"")]).read();
        assert!(matches!(found, Err(Refusal::Twice { .. })), "{found:?}");
    }

    #[test]
    fn encrypted_and_unusual_sources_are_refused() {
        let found = read(ZipEntry { flags: 1, ..lib() });
        assert!(matches!(found, Err(Refusal::Encrypted { .. })), "{found:?}");
        for method in [1, 9, 12, 14, 93, 99] {
            let found = read(ZipEntry { method, ..lib() });
            assert!(
                matches!(found, Err(Refusal::Compression { .. })),
                "{method}: {found:?}"
            );
        }
    }

    #[test]
    fn a_declared_size_is_not_trusted() {
        for declared in [0, 10, u32::MAX - 1] {
            let found = read(ZipEntry { declared, ..lib() });
            match found {
                Ok(taken) => assert_eq!(taken.exercises["01-patchify"][0].bytes, SOLVED),
                Err(refusal) => assert!(matches!(refusal, Refusal::Broken { .. }), "{refusal:?}"),
            }
        }
        // Even of what the crate would unpack, only as much as is allowed.
        let limits = IntakeLimits {
            file_bytes: 1000,
            ..IntakeLimits::default()
        };
        let found = zip(&[ZipEntry::file(LIB, &[b' '; 5000])]).read_with(&limits);
        assert!(
            matches!(found, Err(Refusal::FileTooLarge { limit: 1000, .. })),
            "{found:?}"
        );
    }

    #[test]
    fn a_bomb_is_refused() {
        let spaces = vec![b' '; 1 << 20];
        let bombs: Vec<_> = (0..3)
            .map(|n| ZipEntry::file(&format!("01-patchify/src/m{n}.rs"), &spaces))
            .collect();
        let found = zip(&bombs).read();
        assert!(
            matches!(found, Err(Refusal::GrowsTooMuch { limit: 200 })),
            "{found:?}"
        );
    }

    #[test]
    fn entries_that_share_their_bytes_are_refused() {
        let big = ZipEntry {
            method: 0,
            packed: vec![b' '; 5000],
            ..ZipEntry::file(LIB, &[b' '; 5000])
        };
        let twin = ZipEntry {
            name: b"03-msa/src/lib.rs".to_vec(),
            ..big.clone()
        };
        let mut bytes = zip_bytes(&[big, twin]);
        // Drop the second entry's own data and let its record in the directory point at the first.
        let local = 30 + LIB.len() + 5000;
        let second = 30 + 17 + 5000;
        bytes.drain(local..local + second);
        let directory = bytes.len() - 22 - (46 + LIB.len() + 46 + 17);
        let offset = directory + 46 + LIB.len() + 42;
        bytes[offset..offset + 4].fill(0);
        bytes.truncate(bytes.len() - 22);
        bytes.extend(zip_end(2, 46 + LIB.len() + 46 + 17, directory));
        let why = refusal(Dir::archive("ada.zip", &bytes).read());
        assert!(why.contains("overlaps another entry"), "{why}");
    }

    #[test]
    fn a_cut_or_broken_archive_is_refused() {
        let good = zip_bytes(&[lib()]);
        let mut in_data = good.clone();
        in_data[30 + LIB.len() + 3] ^= 0x55;
        let mut in_directory = good.clone();
        in_directory[good.len() - 22 - 46 - LIB.len()] = b'Q';
        for bytes in [
            &good[..good.len() - 1],
            &good[..good.len() - 30],
            b"",
            b"PK",
            b"not an archive at all, but long enough for an end record",
            &in_data,
            &in_directory,
        ] {
            let why = refusal(Dir::archive("ada.zip", bytes).read());
            assert!(why.starts_with("not a readable zip archive: "), "{why}");
        }
    }

    #[test]
    fn only_one_directory_right_before_the_end_is_read() {
        let good = zip_bytes(&[lib()]);
        let (body, end) = good.split_at(good.len() - 22);
        let directory = 46 + LIB.len();
        let start = body.len() - directory;
        let huge = [b"PK\x06\x07", &[0; 16][..]].concat();
        for (bytes, why) in [
            (
                [&good[..], b"more"].concat(),
                "end record is not at its end",
            ),
            ([b"before", &good[..]].concat(), "not right before"),
            ([body, b"between", end].concat(), "not right before"),
            (
                [body, &huge, &zip_end(1, directory + 20, start)].concat(),
                "zip64",
            ),
        ] {
            let found = refusal(Dir::archive("ada.zip", &bytes).read());
            assert!(found.contains(why), "{found}");
        }
    }

    #[test]
    fn more_entries_than_allowed_are_refused_before_they_are_read() {
        let limits = IntakeLimits {
            entries: 20,
            ..IntakeLimits::default()
        };
        // Only the record says so; to read the directory would fail first.
        let found = Dir::archive("ada.zip", &zip_end(21, 0, 0)).read_with(&limits);
        assert!(
            matches!(found, Err(Refusal::TooManyEntries { limit: 20 })),
            "{found:?}"
        );
    }

    #[test]
    fn a_bloated_directory_is_refused_before_it_is_read() {
        let limits = IntakeLimits {
            entries: 3,
            ..IntakeLimits::default()
        };
        let long = "x".repeat(1300);
        let found = zip(&[lib(), ZipEntry::file(&long, b"")]).read_with(&limits);
        assert!(refusal(found).contains("directory is too large"));
    }

    #[test]
    fn an_archive_too_large_is_not_opened() {
        let limits = IntakeLimits {
            archive_bytes: 50,
            ..IntakeLimits::default()
        };
        let found = zip(&[lib()]).read_with(&limits);
        assert!(
            matches!(found, Err(Refusal::ArchiveTooLarge { limit: 50 })),
            "{found:?}"
        );
    }
}
