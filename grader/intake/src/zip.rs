//! Walks a submission that is a zip archive. Only sources are unpacked.

use std::collections::HashSet;
use std::io::{BufReader, Read, Seek, SeekFrom};

use rustix::fs::{FileType, RawMode};
use zip::{CompressionMethod, ZipArchive};

use super::basket::Basket;
use super::effort::MeteredReader;
use super::folder::kind_in_words;
use super::place::{EntryRole, is_of_a_folder};
use super::{EscapedText, IntakeLimits, Refusal};

/// Offers every source in `file`, which has `length` bytes, to the basket.
pub(super) fn read(
    mut file: impl Read + Seek,
    length: u64,
    basket: &mut Basket<'_>,
) -> Result<(), Refusal> {
    let directory = Directory::of(&mut file, length, basket.limits)?;
    for _ in 0..directory.entries {
        basket.count_entry()?;
    }
    let unique = directory.check_names(&mut file, basket.exercises)?;
    let effort = basket.effort;
    let watched = MeteredReader {
        inner: file,
        effort,
    };
    // The crate goes on to the next place that looks like an end record, whatever kept it from reading the last.
    let mut archive = ZipArchive::new(BufReader::new(watched))
        .map_err(|error| effort.check().err().unwrap_or_else(|| broken(error)))?;
    if archive.offset() != 0 || archive.central_directory_start() != directory.start {
        return Err(broken("it has more than one directory"));
    }
    // The crate keeps the last of several entries that have one name.
    if archive.len() != unique {
        return Err(broken("it lists an entry twice"));
    }

    let (mut packed, mut unpacked) = (0_u64, 0_u64);
    for index in 0..archive.len() {
        effort.check()?;
        let entry = archive.by_index_data(index).map_err(broken)?;
        let name = entry.name_raw().to_vec();
        // Whatever system is said to have made the archive: some tools heed the mode regardless.
        let kind = FileType::from_raw_mode((entry.external_attributes() >> 16) as RawMode);
        let is_plain = match kind {
            FileType::RegularFile | FileType::Directory => true,
            _ => entry.external_attributes() >> 28 == 0, // no kind given
        };
        let is_folder = is_of_a_folder(&name) || kind == FileType::Directory;
        let place = basket.place(&name, is_plain && !is_folder)?;
        if !is_plain && matches!(place, EntryRole::Source(_) | EntryRole::Way(_)) {
            return Err(Refusal::not_plain(name.as_slice(), kind_in_words(kind)));
        }
        if is_folder || !is_plain {
            continue;
        }
        let EntryRole::Source(spot) = place else {
            continue;
        };
        if !basket.wants(&spot)? {
            continue;
        }

        let shown = EscapedText::from(name.as_slice());
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

/// The directory of an archive, as its end records declare it.
struct Directory {
    entries: u64,
    start: u64,
    size: u64,
}

impl Directory {
    /// Reads the end records.
    ///
    /// The zip crate makes room for as many entries as any record in the last 64 KiB declares, and
    /// tools disagree on which of several records counts. So only the plain case is let through: one
    /// directory, right before the records, right at the end. A second record for huge archives (zip64),
    /// which tools also write into small ones that they could not seek in, must lie right between them, say the
    /// same as the first one, and nothing else.
    fn of(
        file: &mut (impl Read + Seek),
        length: u64,
        limits: &IntakeLimits,
    ) -> Result<Self, Refusal> {
        const RECORD: usize = 22;
        const LOCATOR: usize = 20;
        const RECORD_64: usize = 56;
        const COMMENT: usize = u16::MAX as usize;
        const ENTRY: u64 = 400; // in the directory: 46, a name of some 100, a few dozen for times

        let tail_length = length.min((RECORD_64 + LOCATOR + RECORD + COMMENT) as u64);
        let tail_start = length - tail_length;
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(tail_start))
            .and_then(|_| file.take(tail_length).read_to_end(&mut tail))
            .and_then(|_| file.seek(SeekFrom::Start(0)))
            .map_err(broken)?;

        let at = tail
            .windows(RECORD)
            .rposition(|window| window.starts_with(b"PK\x05\x06"))
            .ok_or_else(|| broken("it has no end record, perhaps it was cut off"))?;
        let record = &tail[at..];
        let [entries, size, start] = [
            number(&record[10..12]),
            number(&record[12..16]),
            number(&record[16..20]),
        ];
        if record.len() as u64 != RECORD as u64 + number(&record[20..22]) {
            return Err(broken("its end record is not at its end"));
        }

        let (before, locator) = tail[..at].split_at(at.saturating_sub(LOCATOR));
        let (mut declared, mut end) = ([entries, size, start], at);
        if locator.len() == LOCATOR && locator.starts_with(b"PK\x06\x07") {
            let unclear = || broken("its zip64 record is not the one that it needs");
            end = before.len().checked_sub(RECORD_64).ok_or_else(unclear)?;
            let record = &before[end..];
            declared = [
                number(&record[32..40]),
                number(&record[40..48]),
                number(&record[48..56]),
            ];
            // A value that is too large for a field of the first record, or left to the second, is all ones there.
            let all_ones = [
                u64::from(u16::MAX),
                u64::from(u32::MAX),
                u64::from(u32::MAX),
            ];
            let mut pairs = [entries, size, start]
                .into_iter()
                .zip(declared)
                .zip(all_ones);
            let is_one = record.starts_with(b"PK\x06\x06")
                && number(&record[4..12]) == (RECORD_64 - 12) as u64
                && number(&record[16..24]) == 0 // its disk, and the directory's
                && number(&record[24..32]) == declared[0]
                && number(&locator[8..16]) == tail_start + end as u64
                && pairs.all(|((first, second), ones)| first == second || first == ones);
            if !is_one {
                return Err(unclear());
            }
        }
        let [entries, size, start] = declared;
        if start.checked_add(size) != Some(tail_start + end as u64) {
            return Err(broken("its directory is not right before its end record"));
        }
        if entries > limits.entries as u64 {
            return Err(Refusal::TooManyEntries {
                limit: limits.entries,
            });
        }
        // The crate holds it in memory, with ten times as many bytes where it has many extra fields.
        if size > limits.entries as u64 * ENTRY {
            return Err(broken("its directory is too large for its entries"));
        }
        Ok(Self {
            entries,
            start,
            size,
        })
    }

    /// The number of names that it lists.
    ///
    /// # Errors
    /// Returns an error if it lists a source twice, of which tools take one or the other. Elsewhere that is no matter.
    fn check_names(
        &self,
        file: &mut (impl Read + Seek),
        exercises: &[&str],
    ) -> Result<usize, Refusal> {
        const HEADER: usize = 46;
        let mut directory = Vec::new();
        file.seek(SeekFrom::Start(self.start))
            .and_then(|_| file.take(self.size).read_to_end(&mut directory))
            .and_then(|_| file.seek(SeekFrom::Start(0)))
            .map_err(broken)?;
        let mut names = HashSet::new();
        let mut rest = directory.as_slice();
        for _ in 0..self.entries {
            let damaged = || broken("its directory is damaged");
            let (header, after) = rest.split_at_checked(HEADER).ok_or_else(damaged)?;
            if !header.starts_with(b"PK\x01\x02") {
                return Err(damaged());
            }
            // Each takes two bytes.
            let [name, extra, comment] =
                [28, 30, 32].map(|at| number(&header[at..at + 2]) as usize);
            let (name, after) = after.split_at_checked(name).ok_or_else(damaged)?;
            rest = after.get(extra + comment..).ok_or_else(damaged)?;
            if !names.insert(name)
                && !is_of_a_folder(name)
                && let EntryRole::Source(_) | EntryRole::Way(_) =
                    EntryRole::in_archive(name, exercises)?
            {
                let entry = name.into();
                return Err(Refusal::Twice { entry });
            }
        }
        Ok(names.len())
    }
}

/// A number of up to eight bytes, the lowest first.
fn number(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
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
    fn links_and_devices_are_refused_where_sources_lie_and_left_elsewhere() {
        for (mode, words) in [
            (0o120_777, "a symbolic link"),
            (0o020_666, "a device"),
            (0o060_666, "a device"),
            (0o010_666, "a pipe"),
            (0o140_666, "a socket"),
            (0o150_666, "of an unknown kind"),
        ] {
            let with = |name: &str| {
                read(ZipEntry {
                    attributes: mode << 16,
                    ..ZipEntry::file(name, b"/etc/passwd")
                })
            };
            for name in [
                LIB,
                "01-patchify/src/data",
                "01-patchify/src",
                "01-patchify",
                "exercises",
            ] {
                let why = refusal(with(name));
                assert!(why.starts_with(&format!("`{name}` is {words};")), "{why}");
            }
            for name in ["venv/bin/python3", "build/b.bin", ".libtorch", "x.rs"] {
                let taken = with(name).expect("a good archive");
                assert_eq!(taken.exercises.len(), 1, "{name}");
            }
        }
    }

    #[test]
    fn names_that_leave_the_archive_are_refused() {
        for (name, fault) in [
            (&b"../evil.rs"[..], NameFault::Parent),
            (b"/etc/passwd", NameFault::Absolute),
            (b"..\\..\\evil.rs", NameFault::Parent),
            (b"01-patchify\\src\\..\\..\\..\\x.rs", NameFault::Parent),
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
    fn names_in_any_encoding_are_taken_or_left() {
        for name in [
            &b"notes/\x9abung.txt"[..],
            b".git/\x9a",
            b"01-patchify/bild\x84.png",
            b"01-patchify/src/bild\x84.png",
            b"\x9a/",
        ] {
            let taken = read(ZipEntry {
                name: name.to_vec(),
                ..ZipEntry::file("x", b"x")
            });
            assert_eq!(
                taken.expect("a good archive").exercises.len(),
                1,
                "{name:?}"
            );
        }
        let wrapped = zip(&[ZipEntry {
            name: b"M\x81ller/exercises/01-patchify/src/lib.rs".to_vec(),
            ..lib()
        }]);
        let taken = wrapped.read().expect("a good archive");
        assert_eq!(taken.exercises["01-patchify"][0].bytes, SOLVED);
    }

    #[test]
    fn a_source_whose_name_is_not_utf8_costs_its_exercise_alone() {
        let taken = read(ZipEntry {
            name: b"01-patchify/src/\xff.rs".to_vec(),
            ..lib()
        });
        let taken = taken.expect("a good archive");
        assert_eq!(taken.exercises.keys().collect::<Vec<_>>(), ["03-msa"]);
        let why = &taken.left_out["01-patchify"];
        let start = r"the name of `01-patchify/src/\xff.rs` is not UTF-8; rename it";
        assert!(why.starts_with(start), "{why}");
    }

    #[test]
    fn backslashes_separate_folders() {
        let taken = zip(&[
            ZipEntry::file(r"ada\", b""),
            ZipEntry::file(r"ada\exercises\01-patchify\src\lib.rs", SOLVED),
            ZipEntry::file(r"ada\exercises\01-patchify\src\heads\split.rs", SOLVED),
        ])
        .read()
        .expect("a good archive");
        let sources = &taken.exercises["01-patchify"];
        let paths: Vec<_> = sources.iter().map(|source| source.path.as_str()).collect();
        assert_eq!(paths, ["heads/split.rs", "lib.rs"]);
        // One and the same name, however it is written.
        let found = zip(&[lib(), ZipEntry::file(r"01-patchify\src\lib.rs", b"")]).read();
        assert!(matches!(found, Err(Refusal::Twice { .. })), "{found:?}");
    }

    #[test]
    fn what_a_tool_writes_that_cannot_seek_is_read() {
        for entry in [
            ZipEntry { flags: 8, ..lib() },
            ZipEntry {
                flags: 8,
                is_zip64: true,
                needs: 45,
                ..lib()
            },
            ZipEntry { needs: 63, ..lib() },
        ] {
            let bytes = zip_bytes(&[ZipEntry::file("README.md", b"hello"), entry]);
            let mut huge = bytes.clone();
            widen(&mut huge, |_| {});
            for bytes in [bytes, huge] {
                let taken = Dir::archive("ada.zip", &bytes).read();
                let taken = taken.expect("a good archive");
                assert_eq!(taken.exercises["01-patchify"][0].bytes, SOLVED);
            }
        }
    }

    /// Adds a zip64 record, bent by `bend`, and its locator to an archive, and leaves all to them.
    fn widen(zip: &mut Vec<u8>, bend: impl Fn(&mut [u8])) {
        let at = zip.len() - 22;
        let end = zip.split_off(at);
        let mut record = b"PK\x06\x06".to_vec();
        record.extend(44_u64.to_le_bytes());
        record.extend([45, 3, 45, 0]);
        record.extend([0; 8]);
        for field in [&end[10..12], &end[10..12], &end[12..16], &end[16..20]] {
            record.extend(number(field).to_le_bytes());
        }
        record.extend(b"PK\x06\x07\0\0\0\0");
        record.extend((at as u64).to_le_bytes());
        record.extend(1_u32.to_le_bytes());
        bend(&mut record);
        zip.extend(record);
        zip.extend(b"PK\x05\x06\0\0\0\0");
        zip.extend([0xff; 12]);
        zip.extend([0, 0]);
    }

    #[test]
    fn a_zip64_record_that_is_not_the_one_needed_is_refused() {
        for bend in [
            |record: &mut [u8]| record[4] += 1,   // its own size
            |record: &mut [u8]| record[24] += 1,  // entries of this disk
            |record: &mut [u8]| record[32] += 1,  // entries
            |record: &mut [u8]| record[48] += 1,  // where the directory begins
            |record: &mut [u8]| record[0] = b'Q', // what it is
            |record: &mut [u8]| record[64] += 1,  // where it lies itself
        ] {
            let mut bytes = zip_bytes(&[lib()]);
            widen(&mut bytes, bend);
            let why = refusal(Dir::archive("ada.zip", &bytes).read());
            assert!(why.starts_with("not a readable zip archive: "), "{why}");
        }
        // As many entries as would fill the memory are not made room for.
        let mut bytes = zip_bytes(&[lib()]);
        widen(&mut bytes, |record| record[24..40].fill(0x7f));
        let found = Dir::archive("ada.zip", &bytes).read();
        assert!(
            matches!(found, Err(Refusal::TooManyEntries { .. })),
            "{found:?}"
        );
    }

    #[test]
    fn an_entry_listed_twice_is_refused() {
        let found = zip(&[lib(), lib()]).read();
        assert!(matches!(found, Err(Refusal::Twice { .. })), "{found:?}");
        for name in ["notes/a.txt", "01-patchify/src/", "README.md"] {
            let entry = || ZipEntry::file(name, b"");
            let taken = zip(&[entry(), lib(), entry()]).read();
            assert_eq!(taken.expect("a good archive").exercises.len(), 1, "{name}");
        }
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
                "zip64 record",
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
