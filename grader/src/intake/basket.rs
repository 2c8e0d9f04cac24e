//! The sources taken from one submission so far, checked against the limits.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use wire::is_hidden;

use sha2::{Digest, Sha256};

use super::effort::Effort;
use super::escape::look_of;
use super::place::Spot;
use super::{Escaped, IntakeLimits, NameFault, Refusal, Source, Submission};

/// Takes the sources that a walk over a folder or an archive offers, in any order.
pub(super) struct Basket<'a> {
    pub(super) exercises: &'a [&'a str],
    pub(super) limits: &'a IntakeLimits,
    pub(super) effort: &'a Effort<'a>,
    entries: usize,
    bytes: u64,
    taken: BTreeMap<Spot, Vec<u8>>,
    /// Every source name seen, by its look.
    seen: BTreeMap<String, Spot>,
}

impl<'a> Basket<'a> {
    pub(super) fn new(
        exercises: &'a [&'a str],
        limits: &'a IntakeLimits,
        effort: &'a Effort<'a>,
    ) -> Self {
        Self {
            exercises,
            limits,
            effort,
            entries: 0,
            bytes: 0,
            taken: BTreeMap::new(),
            seen: BTreeMap::new(),
        }
    }

    /// Counts one entry, of whatever kind.
    pub(super) fn count_entry(&mut self) -> Result<(), Refusal> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(Refusal::TooManyEntries {
                limit: self.limits.entries,
            });
        }
        self.effort.check()
    }

    /// Whether the file at `spot` is to be taken; to be asked once for each file.
    pub(super) fn wants(&mut self, spot: &Spot) -> Result<bool, Refusal> {
        let Some((_, ending)) = spot.path.rsplit_once('.') else {
            return Ok(false);
        };
        if !ending.eq_ignore_ascii_case("rs") {
            return Ok(false);
        }
        let entry = spot.entry();
        if spot.path.chars().any(is_hidden) {
            return Err(Refusal::name(entry.as_str(), NameFault::Hidden));
        }
        if spot.path.len() > self.limits.name_bytes {
            return Err(Refusal::name(entry.as_str(), NameFault::TooLong));
        }
        if spot.path.split('/').count() > self.limits.depth + 1 {
            return Err(Refusal::TooDeep {
                entry: entry.as_str().into(),
                limit: self.limits.depth,
            });
        }
        match self.seen.entry(look_of(&entry)) {
            Entry::Vacant(vacant) => {
                vacant.insert(spot.clone());
            }
            Entry::Occupied(first) if first.get() == spot => {
                return Err(Refusal::Twice {
                    entry: entry.as_str().into(),
                });
            }
            Entry::Occupied(first) => {
                return Err(Refusal::CaseOnly {
                    first: first.get().entry().as_str().into(),
                    second: entry.as_str().into(),
                });
            }
        }
        // `LIB.RS` was only seen for the sake of `lib.rs`: no module is called that.
        if ending != "rs" {
            return Ok(false);
        }
        if self.taken.len() == self.limits.files {
            return Err(Refusal::TooManyFiles {
                entry: entry.as_str().into(),
                limit: self.limits.files,
            });
        }
        Ok(true)
    }

    /// Reads the file at `spot` to its end or to the limit, and returns the number of its bytes.
    pub(super) fn take(
        &mut self,
        spot: Spot,
        reader: impl Read,
        unreadable: impl Fn(io::Error) -> Refusal,
    ) -> Result<u64, Refusal> {
        let entry = spot.entry();
        let left = self.limits.total_bytes.saturating_sub(self.bytes);
        let most = self.limits.file_bytes.min(left);
        let mut bytes = Vec::new();
        reader
            .take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        let length = bytes.len() as u64;
        if length > self.limits.file_bytes {
            return Err(Refusal::FileTooLarge {
                entry: entry.as_str().into(),
                limit: self.limits.file_bytes,
            });
        }
        if length > left {
            return Err(Refusal::TooLarge {
                entry: entry.as_str().into(),
                limit: self.limits.total_bytes,
            });
        }
        let fault = if bytes.contains(&0) {
            Some("it has a NUL")
        } else {
            str::from_utf8(&bytes).err().map(|_| "it is not UTF-8")
        };
        if let Some(why) = fault {
            return Err(Refusal::NotText {
                entry: entry.as_str().into(),
                why,
            });
        }
        self.bytes += length;
        self.taken.insert(spot, bytes);
        Ok(length)
    }

    /// The submission, once everything was offered.
    pub(super) fn finish(self, name: &str) -> Result<Submission, Refusal> {
        let home = self.home()?;
        let mut exercises = BTreeMap::<String, Vec<Source>>::new();
        let mut digest = Sha256::new();
        for (spot, bytes) in self.taken {
            if home.as_ref() != Some(&spot.prefix) {
                continue;
            }
            // With its length before each part, no two submissions give the same stream.
            for part in [spot.exercise.as_bytes(), spot.path.as_bytes(), &bytes] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
            exercises.entry(spot.exercise).or_default().push(Source {
                path: spot.path,
                bytes,
            });
        }
        Ok(Submission {
            name: name.to_owned(),
            exercises,
            digest: format!("{:x}", digest.finalize()),
        })
    }

    /// The one folder whose exercises count, if there are any.
    fn home(&self) -> Result<Option<String>, Refusal> {
        for spot in self.taken.keys() {
            let folders = spot.path.match_indices('/').map(|(at, _)| &spot.path[..at]);
            for folder in folders {
                let file = Spot {
                    path: folder.to_owned(),
                    ..spot.clone()
                };
                if self.taken.contains_key(&file) {
                    return Err(Refusal::FileAndFolder {
                        entry: file.entry().as_str().into(),
                    });
                }
            }
        }
        let mut prefixes = BTreeMap::<&str, BTreeSet<&str>>::new();
        for spot in self.taken.keys() {
            let exercises = prefixes.entry(&spot.prefix).or_default();
            exercises.insert(&spot.exercise);
        }
        // A whole course folder has `solutions/01-patchify` beside `exercises/01-patchify`.
        let is_exercises = |prefix: &str| prefix.rsplit('/').next() == Some("exercises");
        let Some((home, here)) = prefixes
            .iter()
            .min_by_key(|(prefix, _)| (!is_exercises(prefix), **prefix))
        else {
            return Ok(None);
        };
        for (prefix, there) in &prefixes {
            let covered = is_exercises(home) && !is_exercises(prefix) && there.is_subset(here);
            if prefix != home && !covered {
                let exercise = there.first().copied().unwrap_or_default();
                return Err(Refusal::TwoPlaces {
                    exercise: exercise.into(),
                    first: in_words(prefix),
                    second: in_words(home),
                });
            }
        }
        Ok(Some((*home).to_owned()))
    }
}

/// A prefix, to show it.
fn in_words(prefix: &str) -> Escaped {
    if prefix.is_empty() {
        Escaped::from("the top folder")
    } else {
        Escaped::from(format!("`{prefix}`").as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Dir, SOLVED, ZipEntry, refusal, tar_entry, tarball, zip};
    use super::*;

    const LIB: &str = "01-patchify/src/lib.rs";

    fn read(files: &[(&str, &[u8])]) -> Result<Submission, Refusal> {
        read_with(files, &IntakeLimits::default())
    }

    /// The same from a zip archive as from a folder.
    fn read_with(files: &[(&str, &[u8])], limits: &IntakeLimits) -> Result<Submission, Refusal> {
        let entries: Vec<_> = files.iter().map(|(n, b)| ZipEntry::file(n, b)).collect();
        let from_zip = zip(&entries).read_with(limits);
        let from_folder = Dir::folder(files).read_with(limits);
        match (&from_zip, &from_folder) {
            (Ok(one), Ok(other)) => assert_eq!(one, other),
            (one, other) => assert_eq!(
                std::mem::discriminant(one.as_ref().expect_err("as from a folder")),
                std::mem::discriminant(other.as_ref().expect_err("as from a zip archive")),
            ),
        }
        from_zip
    }

    #[test]
    fn the_digest_is_the_same_for_a_folder_and_its_archives() {
        let files = [(LIB, SOLVED), ("01-patchify/src/b.rs", b"//")];
        let taken = read(&files).expect("a good submission");
        let tar = tarball(&[
            &tar_entry(b'0', "ada/01-patchify/src/b.rs", b"//"),
            &tar_entry(b'0', "ada/01-patchify/src/lib.rs", SOLVED),
        ]);
        assert_eq!(tar.read().expect("a good archive"), taken);
        assert_eq!(taken.digest.len(), 64);
    }

    #[test]
    fn the_digest_tells_names_contents_and_exercises_apart() {
        let digests: BTreeSet<_> = [
            &[][..],
            &[(LIB, SOLVED)],
            &[(LIB, &SOLVED[1..])],
            &[("01-patchify/src/lib2.rs", SOLVED)],
            &[("03-msa/src/lib.rs", SOLVED)],
            &[(LIB, b"a"), ("01-patchify/src/m.rs", b"b")],
            &[(LIB, b"a01-patchifym.rsb")], // the one before, written without a gap
        ]
        .into_iter()
        .map(|files| read(files).expect("a good submission").digest)
        .collect();
        assert_eq!(digests.len(), 7);
    }

    #[test]
    fn a_source_must_be_text() {
        for (bytes, why) in [(&b"\xff"[..], "it is not UTF-8"), (b"a\0b", "it has a NUL")] {
            let found = refusal(read(&[(LIB, bytes)]));
            assert!(found.contains(LIB) && found.contains(why), "{found}");
        }
        // Escapes in the text are the business of who shows it.
        read(&[(LIB, "// \u{1b}[31m ü".as_bytes())]).expect("a good submission");
    }

    #[test]
    fn names_that_are_one_on_some_systems_are_refused() {
        for (one, other) in [
            (LIB, "01-patchify/src/LIB.rs"),
            (LIB, "01-patchify/src/lib.RS"),
            ("01-patchify/src/\u{eb}.rs", "01-patchify/src/e\u{308}.rs"),
        ] {
            let found = refusal(read(&[(one, SOLVED), (other, SOLVED)]));
            assert!(found.contains("are one name on some systems"), "{found}");
        }
        let taken = read(&[("01-patchify/src/LIB.RS", SOLVED)]).expect("no source");
        assert!(taken.exercises.is_empty());
    }

    #[test]
    fn a_name_that_cannot_be_seen_or_written_is_refused() {
        let found = read(&[("01-patchify/src/a\u{202e}b.rs", SOLVED)]);
        let fault = NameFault::Hidden;
        assert!(matches!(found, Err(Refusal::Name { fault: f, .. }) if f == fault));
        let long = format!("01-patchify/src/{0}/{0}.rs", "m".repeat(130));
        let found = read(&[(&long, SOLVED)]);
        let fault = NameFault::TooLong;
        assert!(matches!(found, Err(Refusal::Name { fault: f, .. }) if f == fault));
    }

    #[test]
    fn a_file_that_is_also_a_folder_is_refused() {
        let found = zip(&[
            ZipEntry::file("01-patchify/src/a.rs", SOLVED),
            ZipEntry::file("01-patchify/src/a.rs/b.rs", SOLVED),
        ])
        .read();
        assert!(refusal(found).starts_with("`01-patchify/src/a.rs` is both"));
    }

    #[test]
    fn exercises_in_two_places_are_refused() {
        for other in ["ada/01-patchify", "ada/exercises/03-msa", "ada/03-msa"] {
            let found = read(&[(LIB, SOLVED), (&format!("{other}/src/lib.rs"), SOLVED)]);
            assert!(matches!(found, Err(Refusal::TwoPlaces { .. })), "{other}");
        }
        let found = read(&[
            ("exercises/01-patchify/src/lib.rs", SOLVED),
            ("ada/exercises/01-patchify/src/lib.rs", SOLVED),
        ]);
        let why = refusal(found);
        assert!(
            why.contains("`ada/exercises`") && why.contains("`exercises`"),
            "{why}"
        );
    }

    #[test]
    fn in_a_whole_course_folder_the_exercises_count_and_not_the_solutions() {
        let course = [
            ("exercises/01-patchify/src/lib.rs", &b"// mine"[..]),
            ("solutions/01-patchify/src/lib.rs", SOLVED),
        ];
        let taken = read(&course).expect("a good submission");
        assert_eq!(taken.exercises["01-patchify"][0].bytes, b"// mine");
        // But a solution never stands in for an exercise that was left out.
        let found = read(&[course[0], ("solutions/03-msa/src/lib.rs", SOLVED)]);
        assert!(matches!(found, Err(Refusal::TwoPlaces { .. })), "{found:?}");
    }

    #[test]
    fn the_limits_hold_for_files_bytes_and_depth() {
        let files = [
            (LIB, &b"12345"[..]),
            ("01-patchify/src/a/b.rs", b"12345"),
            ("03-msa/src/lib.rs", b"12345"),
        ];
        let fits = IntakeLimits {
            files: 3,
            file_bytes: 5,
            total_bytes: 15,
            depth: 1,
            ..IntakeLimits::default()
        };
        read_with(&files, &fits).expect("it just fits");
        let over = |limits: IntakeLimits| refusal(read_with(&files, &limits));
        let fits = || fits.clone();
        let why = over(IntakeLimits { files: 2, ..fits() });
        assert!(why.starts_with("more than 2 source files"), "{why}");
        let why = over(IntakeLimits {
            file_bytes: 4,
            ..fits()
        });
        assert!(why.contains("has more than 4 bytes"), "{why}");
        let why = over(IntakeLimits {
            total_bytes: 14,
            ..fits()
        });
        assert!(why.contains("have more than 14 bytes"), "{why}");
        let why = over(IntakeLimits { depth: 0, ..fits() });
        assert!(why.contains("more than 0 folders below src"), "{why}");
    }
}
