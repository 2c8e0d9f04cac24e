//! The sources taken from one submission so far, checked against the limits.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::ops::RangeInclusive;
use wire::is_hidden;

use crate::PartsDigest;

use super::effort::Effort;
use super::escape::look_of_bytes;
use super::place::{EXERCISES, EntryRole, SourcePath};
use super::survey::Survey;
use super::{EscapedText, IntakeLimits, NameFault, Refusal, Source, Submission};

/// Takes the sources that a walk over a folder or an archive offers, in any order.
pub(super) struct Basket<'a> {
    pub(super) exercises: &'a [&'a str],
    pub(super) limits: &'a IntakeLimits,
    pub(super) effort: &'a Effort<'a>,
    /// The entries outside of the exercises.
    pub(super) survey: Survey,
    /// The number of folders that may lie around exercises in an archive.
    around: RangeInclusive<usize>,
    entries: usize,
    bytes: u64,
    taken: BTreeMap<SourcePath, Vec<u8>>,
    /// Every source name seen, by its look.
    seen: BTreeMap<String, SourcePath>,
    /// The reasons why exercises cannot be taken, by the folder that holds the exercise, and its name.
    faults: BTreeMap<(Vec<u8>, String), Refusal>,
}

/// The number of folders around exercises that are looked at first: none, or the one that an archive's maker packs along.
pub(super) const NEAR: RangeInclusive<usize> = 0..=1;

impl<'a> Basket<'a> {
    pub(super) fn new(
        exercises: &'a [&'a str],
        limits: &'a IntakeLimits,
        effort: &'a Effort<'a>,
        around: RangeInclusive<usize>,
    ) -> Self {
        Self {
            exercises,
            limits,
            effort,
            survey: Survey::default(),
            around,
            entries: 0,
            bytes: 0,
            taken: BTreeMap::new(),
            seen: BTreeMap::new(),
            faults: BTreeMap::new(),
        }
    }

    /// Returns whether no exercise was found.
    pub(super) fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.faults.is_empty()
    }

    /// The number of folders around the exercises that are there, if all have more than was looked below.
    pub(super) fn deeper(&self) -> Option<usize> {
        self.survey.nearest.filter(|_| self.is_empty())
    }

    /// The place of an archive's entry, as far as it is looked at.
    ///
    /// # Errors
    /// Returns an error if the name does not stay inside the archive.
    pub(super) fn place(&mut self, name: &[u8], is_file: bool) -> Result<EntryRole, Refusal> {
        let place = EntryRole::in_archive(name, self.exercises)?;
        let around = match &place {
            EntryRole::Source(spot) => spot.wrappers(),
            EntryRole::Way(around) => *around,
            EntryRole::Elsewhere | EntryRole::Scrap => 0,
        };
        if self.around.contains(&around) {
            if is_file && matches!(place, EntryRole::Elsewhere | EntryRole::Way(_)) {
                self.survey.see_file(name);
                self.survey.see_misplaced(name, self.exercises);
            }
            return Ok(place);
        }
        if let EntryRole::Source(spot) = place
            && spot.path.ends_with(b".rs")
        {
            self.survey.see_exercise(around);
        }
        Ok(EntryRole::Elsewhere)
    }

    /// Leaves the exercise at `spot` out, for a fault of one of its files.
    pub(super) fn leave_out(&mut self, spot: SourcePath, fault: Refusal) {
        let exercise = (spot.prefix, spot.exercise);
        self.faults.entry(exercise).or_insert(fault);
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
    pub(super) fn wants(&mut self, spot: &SourcePath) -> Result<bool, Refusal> {
        let dot = spot.path.iter().rposition(|byte| *byte == b'.');
        let Some(ending) = dot.map(|dot| &spot.path[dot + 1..]) else {
            return Ok(false);
        };
        if !ending.eq_ignore_ascii_case(b"rs") {
            return Ok(false);
        }
        let entry = spot.entry();
        let shown = || EscapedText::from(entry.as_slice());
        if spot.path.len() > self.limits.name_bytes {
            return Err(Refusal::name(shown(), NameFault::TooLong));
        }
        if spot.path.split(|byte| *byte == b'/').count() > self.limits.depth + 1 {
            return Err(Refusal::TooDeep {
                entry: shown(),
                limit: self.limits.depth,
            });
        }
        let Ok(path) = str::from_utf8(&spot.path) else {
            self.leave_out(spot.clone(), Refusal::name(shown(), NameFault::NotUtf8));
            return Ok(false);
        };
        if path.chars().any(is_hidden) {
            return Err(Refusal::name(shown(), NameFault::Hidden));
        }
        match self.seen.entry(look_of_bytes(&entry)) {
            Entry::Vacant(vacant) => {
                vacant.insert(spot.clone());
            }
            Entry::Occupied(first) if first.get() == spot => {
                return Err(Refusal::Twice { entry: shown() });
            }
            Entry::Occupied(first) => {
                return Err(Refusal::CaseOnly {
                    first: first.get().entry().as_slice().into(),
                    second: shown(),
                });
            }
        }
        // `LIB.RS` was only seen for the sake of `lib.rs`: no module is called that.
        if ending != b"rs" {
            return Ok(false);
        }
        if self.taken.len() == self.limits.files {
            return Err(Refusal::TooManyFiles {
                entry: shown(),
                limit: self.limits.files,
            });
        }
        Ok(true)
    }

    /// Reads the file at `spot` to its end or to the limit, and returns the number of its bytes.
    pub(super) fn take(
        &mut self,
        spot: SourcePath,
        reader: impl Read,
        unreadable: impl Fn(io::Error) -> Refusal,
    ) -> Result<u64, Refusal> {
        let entry = spot.entry();
        let shown = || EscapedText::from(entry.as_slice());
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
                entry: shown(),
                limit: self.limits.file_bytes,
            });
        }
        if length > left {
            return Err(Refusal::TooLarge {
                entry: shown(),
                limit: self.limits.total_bytes,
            });
        }
        self.bytes += length;
        if let Some(why) = no_text(&bytes) {
            let entry = shown();
            self.leave_out(spot.clone(), Refusal::NotText { entry, why });
        }
        self.taken.insert(spot, bytes);
        Ok(length)
    }

    /// The submission, once everything was offered.
    pub(super) fn finish(mut self, name: &str) -> Result<Submission, Refusal> {
        let home = self.home()?;
        let is_home = |prefix: &Vec<u8>| home.as_ref() == Some(prefix);
        let mut exercises = BTreeMap::<String, Vec<Source>>::new();
        let mut digest = PartsDigest::default();
        let mut digest_parts = |parts: [&[u8]; 3]| parts.iter().for_each(|part| digest.add(part));
        for (spot, bytes) in std::mem::take(&mut self.taken) {
            if !is_home(&spot.prefix) {
                continue;
            }
            digest_parts([spot.exercise.as_bytes(), &spot.path, &bytes]);
            // A name that is not UTF-8 is among the faults.
            let Ok(path) = String::from_utf8(spot.path) else {
                continue;
            };
            let sources = exercises.entry(spot.exercise).or_default();
            sources.push(Source { path, bytes });
        }
        let mut left_out = BTreeMap::new();
        for ((prefix, exercise), fault) in std::mem::take(&mut self.faults) {
            if !is_home(&prefix) {
                continue;
            }
            let fault = fault.to_string();
            digest_parts([exercise.as_bytes(), b"", fault.as_bytes()]);
            exercises.remove(&exercise);
            left_out.insert(exercise, fault);
        }
        let is_missing =
            |exercise: &str| !exercises.contains_key(exercise) && !left_out.contains_key(exercise);
        let misplaced = self.survey.misplaced.iter();
        let misplaced = misplaced.filter(|(exercise, _)| is_missing(exercise));
        let remarks = misplaced.filter_map(|(exercise, names)| {
            let names = names.in_words()?;
            Some(format!(
                "{exercise} was not found, but {names}; it has to lie in exercises/{exercise}/src"
            ))
        });
        Ok(Submission {
            name: name.to_owned(),
            remarks: remarks.collect(),
            elsewhere: self.survey.in_words(),
            exercises,
            left_out,
            digest: digest.hex(),
        })
    }

    /// The one folder whose exercises count, if there are any.
    fn home(&self) -> Result<Option<Vec<u8>>, Refusal> {
        for spot in self.taken.keys() {
            let slashes = spot.path.iter().enumerate();
            let slashes = slashes.filter(|(_, byte)| **byte == b'/');
            for folder in slashes.map(|(at, _)| &spot.path[..at]) {
                let file = SourcePath {
                    path: folder.to_owned(),
                    ..spot.clone()
                };
                if self.taken.contains_key(&file) {
                    return Err(Refusal::FileAndFolder {
                        entry: file.entry().as_slice().into(),
                    });
                }
            }
        }
        let mut prefixes = BTreeMap::<&[u8], BTreeSet<&str>>::new();
        let taken = self.taken.keys().map(|spot| (&spot.prefix, &spot.exercise));
        let left_out = self
            .faults
            .keys()
            .map(|(prefix, exercise)| (prefix, exercise));
        for (prefix, exercise) in taken.chain(left_out) {
            prefixes.entry(prefix).or_default().insert(exercise);
        }
        // A whole course folder has `solutions/01-patchify` beside `exercises/01-patchify`.
        let is_exercises =
            |prefix: &[u8]| prefix.rsplit(|byte| *byte == b'/').next() == Some(EXERCISES);
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

/// The reason why a source is no text that a compiler reads, if it is none.
fn no_text(bytes: &[u8]) -> Option<String> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Some("it is UTF-16".to_owned());
    }
    let line = |at: usize| 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Some(format!("it has a NUL in line {}", line(at)));
    }
    let error = str::from_utf8(bytes).err()?;
    Some(format!(
        "it is not UTF-8 in line {}",
        line(error.valid_up_to())
    ))
}

/// A prefix, to show it.
fn in_words(prefix: &[u8]) -> EscapedText {
    if prefix.is_empty() {
        EscapedText::from("the top folder")
    } else {
        EscapedText::from([b"`", prefix, b"`"].concat().as_slice())
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
            // In a folder, less is looked at.
            (Ok(one), Ok(other)) => {
                let (one, elsewhere) = (one.clone(), other.elsewhere.clone());
                assert_eq!(Submission { elsewhere, ..one }, *other);
            }
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
    fn a_source_that_is_no_text_costs_its_exercise_alone() {
        let other = "03-msa/src/lib.rs";
        let beside = "01-patchify/src/heads.rs";
        for (bytes, why) in [
            (&b"// 1\n// f\xfcr\n"[..], "it is not UTF-8 in line 2"),
            (b"// 1\na\0b", "it has a NUL in line 2"),
            (b"\xff\xfep\0u\0b\0", "it is UTF-16"),
        ] {
            let taken = read(&[(LIB, bytes), (beside, b"//"), (other, SOLVED)]);
            let taken = taken.expect("one good exercise");
            assert_eq!(taken.exercises.keys().collect::<Vec<_>>(), ["03-msa"]);
            let expected = format!("`{LIB}` is not a text file: {why}; save it as UTF-8");
            assert_eq!(taken.left_out["01-patchify"], expected);
            let alone = read(&[(other, SOLVED)]).expect("a good submission");
            assert_ne!(taken.digest, alone.digest);
        }
        // Escapes in the text are the business of who shows it.
        read(&[(LIB, "// \u{1b}[31m ü".as_bytes())]).expect("a good submission");
    }

    #[test]
    fn what_is_no_text_outside_of_the_exercises_that_count_costs_nothing() {
        let taken = read(&[
            ("exercises/01-patchify/src/lib.rs", SOLVED),
            ("solutions/01-patchify/src/lib.rs", b"\xff"),
        ]);
        let taken = taken.expect("a good submission");
        assert!(taken.left_out.is_empty());
        assert_eq!(taken.exercises["01-patchify"][0].bytes, SOLVED);
        // As where it is a text, it counts where there is nothing else.
        let found = read(&[
            ("exercises/01-patchify/src/lib.rs", SOLVED),
            ("solutions/03-msa/src/lib.rs", b"\xff"),
        ]);
        assert!(matches!(found, Err(Refusal::TwoPlaces { .. })), "{found:?}");
    }

    #[test]
    fn exercises_may_have_folders_around_them() {
        let plain = read(&[(LIB, SOLVED)]).expect("a good submission");
        for around in ["a/b", "a/b/exercises", "a/b/c/exercises", "a/b/c/d/e/f"] {
            let lib = format!("{around}/{LIB}");
            // A copy that lies further down is none of the submission.
            let old = format!("{around}/old/03-msa/src/lib.rs");
            for files in [
                &[(lib.as_str(), SOLVED)][..],
                &[(&lib, SOLVED), (&old, b"\xff")],
            ] {
                let taken = read(files).expect("a good submission");
                assert_eq!(taken.exercises, plain.exercises, "{around}");
                assert_eq!(taken.digest, plain.digest, "{around}");
            }
        }
        let two = [
            ("a/b/01-patchify/src/lib.rs", SOLVED),
            ("a/c/03-msa/src/lib.rs", SOLVED),
        ];
        let found = read(&two);
        assert!(matches!(found, Err(Refusal::TwoPlaces { .. })), "{found:?}");
        let deep = format!("a/b/c/d/e/f/g/{LIB}");
        let found = read_from_zip(&[(&deep, SOLVED)]).expect("a submission");
        assert!(found.exercises.is_empty() && found.remarks[0].contains(&deep));
    }

    #[test]
    fn an_exercise_that_lies_elsewhere_is_named() {
        for (place, named) in [
            ("patchify/src/lib.rs", "patchify/src/lib.rs"),
            (
                "exercises/01-patchify (1)/src/lib.rs",
                "exercises/01-patchify (1)/src/lib.rs",
            ),
            (
                "exercises/01-patchify/lib.rs",
                "exercises/01-patchify/lib.rs",
            ),
        ] {
            let alone = read(&[(place, SOLVED)]).expect("a submission");
            assert!(alone.exercises.is_empty());
            let remark = format!(
                "01-patchify was not found, but `{named}`; it has to lie in exercises/01-patchify/src"
            );
            assert_eq!(alone.remarks, [remark.as_str()]);
            let home = place.split('/').next().expect("a folder");
            let home = if home == "exercises" {
                "exercises/"
            } else {
                ""
            };
            let msa = format!("{home}03-msa/src/lib.rs");
            let taken = read(&[(place, SOLVED), (&msa, SOLVED)]).expect("a submission");
            assert_eq!(taken.remarks, [remark.as_str()]);
            let patchify = format!("{home}{LIB}");
            let whole = read(&[(place, SOLVED), (&patchify, SOLVED)]).expect("a submission");
            assert_eq!(whole.remarks, [""; 0]);
        }
        let inside = read(&[("src/lib.rs", SOLVED), ("Cargo.toml", b"")]).expect("a submission");
        let found = inside.elsewhere.as_deref();
        assert_eq!(found, Some("its .rs files lie elsewhere: `src/lib.rs`"));
    }

    #[test]
    fn archives_instead_of_exercises_are_named() {
        let one: (&str, &[u8]) = ("Ada_1_file_/work.zip", b"PK");
        let why = refusal(read_from_zip(&[one, ("Bob_2_file_/work.rar", b"Rar!")]));
        assert_eq!(
            why,
            "it holds no exercise, but archives: `Ada_1_file_/work.zip` and 1 more; unpack it, and grade the folder"
        );
        let why = refusal(Dir::folder(&[one]).read());
        assert!(
            why.contains("which is the newest: `Ada_1_file_/work.zip`;"),
            "{why}"
        );
        read(&[(LIB, SOLVED), ("data.zip", b"PK")]).expect("a good submission");
    }

    fn read_from_zip(files: &[(&str, &[u8])]) -> Result<Submission, Refusal> {
        let entries: Vec<_> = files.iter().map(|(n, b)| ZipEntry::file(n, b)).collect();
        zip(&entries).read()
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
