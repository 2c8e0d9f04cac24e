//! The kind of an entry of a submission, judged by its name alone.

use super::{NameFault, Refusal};

/// The kind of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryRole {
    /// Below an exercise's `src/`.
    Source(SourcePath),
    /// A folder that leads to sources, as many wrappers deep: `exercises`, an exercise's, its `src`.
    Way(usize),
    /// Below a dot name or in build output: never looked at, whatever it is.
    Scrap,
    /// Anything else: not taken either.
    Elsewhere,
}

/// A place below an exercise's `src/`. Names are bytes, since those of wrappers may be in any encoding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SourcePath {
    /// The folder that holds the exercise: "", "exercises", "ada" or "ada/exercises".
    pub(super) prefix: Vec<u8>,
    /// The exercise's folder name.
    pub(super) exercise: String,
    /// Relative to `src/`.
    pub(super) path: Vec<u8>,
}

impl SourcePath {
    /// The whole name of the entry.
    pub(super) fn entry(&self) -> Vec<u8> {
        let Self {
            prefix,
            exercise,
            path,
        } = self;
        [prefix, exercise.as_bytes(), b"src", path]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(&b'/')
    }

    /// The number of folders around the exercises.
    pub(super) fn wrappers(&self) -> usize {
        let components = self.prefix.split(|byte| *byte == b'/');
        let components: Vec<_> = components.filter(|part| !part.is_empty()).collect();
        wrappers(&components)
    }
}

/// The number of folders around the exercises that lie in a folder: `exercises` itself is none of them.
fn wrappers(prefix: &[&[u8]]) -> usize {
    prefix.len() - usize::from(prefix.last() == Some(&EXERCISES))
}

/// The folder of all exercises.
pub(super) const EXERCISES: &[u8] = b"exercises";

/// Folders around the exercises, at most. Archives of archives' folders have two or three.
pub(super) const MOST_WRAPPERS: usize = 6;

/// Bytes of an entry's whole name, as many as a path has at most on Linux (PATH_MAX).
const MOST_OF_A_NAME: usize = 4096;

/// Folders that hold what tools left, not what a student wrote.
pub(super) fn is_scrap(component: &[u8]) -> bool {
    component.starts_with(b".") || component == b"target" || component == b"__MACOSX"
}

/// Returns whether the name of an entry in an archive is a folder's: it ends with a separator.
pub(super) fn is_of_a_folder(name: &[u8]) -> bool {
    name.last().is_some_and(is_separator)
}

/// Separators of folders in an archive, also the one that only Windows has: there, tools write it.
pub(super) fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

impl EntryRole {
    /// The place of an entry in an archive.
    ///
    /// # Errors
    ///
    /// Returns an error if the name does not stay inside the archive, or means different things to different tools.
    pub(super) fn in_archive(name: &[u8], exercises: &[&str]) -> Result<Self, Refusal> {
        let fault = |fault| Err(Refusal::name(name, fault));
        if name.len() > MOST_OF_A_NAME {
            return fault(NameFault::TooLong);
        }
        if name.is_empty() || name.contains(&0) {
            return fault(NameFault::NoName);
        }
        let drive = matches!(name, [letter, b':', ..] if letter.is_ascii_alphabetic());
        if name.first().is_some_and(is_separator) || drive {
            return fault(NameFault::Absolute);
        }
        let components: Vec<&[u8]> = name
            .split(is_separator)
            .filter(|part| !part.is_empty() && *part != b".")
            .collect();
        if components.contains(&b"..".as_slice()) {
            return fault(NameFault::Parent);
        }
        Ok(Self::of(&components, exercises))
    }

    /// `[wrapper/…][exercises/]NN-name/src/…` is a source.
    fn of(components: &[&[u8]], exercises: &[&str]) -> Self {
        if components.iter().any(|part| part.starts_with(b".")) {
            return Self::Scrap;
        }
        let named = |part: &[u8]| {
            let mut exercises = exercises.iter();
            exercises.find(|exercise| exercise.as_bytes() == part)
        };
        let spot = (0..=MOST_WRAPPERS + 1).find_map(|at| {
            let (prefix, rest) = components.split_at_checked(at)?;
            let [exercise, b"src", path @ ..] = rest else {
                return None;
            };
            let exercise = named(exercise)?;
            (wrappers(prefix) <= MOST_WRAPPERS && !path.is_empty()).then(|| SourcePath {
                prefix: prefix.join(&b'/'),
                exercise: (*exercise).to_owned(),
                path: path.join(&b'/'),
            })
        });
        match spot {
            // Below `src`, `target` is a module like any other.
            Some(spot) if !spot.prefix.split(|byte| *byte == b'/').any(is_scrap) => {
                return Self::Source(spot);
            }
            None if !components.iter().any(|part| is_scrap(part)) => {}
            _ => return Self::Scrap,
        }
        match components {
            [prefix @ .., exercise, b"src"] | [prefix @ .., exercise]
                if named(exercise).is_some() =>
            {
                Self::Way(wrappers(prefix))
            }
            [prefix @ .., b"exercises"] => Self::Way(prefix.len()),
            _ => Self::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> EntryRole {
        EntryRole::in_archive(name.as_bytes(), &["01-patchify", "03-msa"]).expect("a name to take")
    }

    fn source(prefix: &str, exercise: &str, path: &str) -> EntryRole {
        EntryRole::Source(SourcePath {
            prefix: prefix.into(),
            exercise: exercise.to_owned(),
            path: path.into(),
        })
    }

    #[test]
    fn sources_lie_below_wrappers_and_exercises() {
        let lib = |prefix| source(prefix, "01-patchify", "lib.rs");
        assert_eq!(place("01-patchify/src/lib.rs"), lib(""));
        assert_eq!(
            place("./exercises/01-patchify//src/./lib.rs"),
            lib("exercises")
        );
        for (prefix, around) in [
            ("exercises", 0),
            ("ada", 1),
            ("ada/exercises", 1),
            ("ada/work", 2),
            ("a/b/exercises", 2),
            ("a/b/c/exercises", 3),
            ("a/b/c/d/e/f/exercises", 6),
        ] {
            let found = place(&format!("{prefix}/01-patchify/src/lib.rs"));
            assert_eq!(found, lib(prefix));
            assert!(matches!(found, EntryRole::Source(spot) if spot.wrappers() == around));
        }
        let deeper = place("a/b/c/d/e/f/g/01-patchify/src/lib.rs");
        assert_eq!(deeper, EntryRole::Elsewhere);
    }

    #[test]
    fn backslashes_separate_folders() {
        let lib = source("ada/exercises", "01-patchify", "heads/split.rs");
        let name = r"ada\exercises\01-patchify\src\heads\split.rs";
        assert_eq!(place(name), lib);
        assert!(is_of_a_folder(br"ada\") && is_of_a_folder(b"ada/") && !is_of_a_folder(b"ada"));
    }

    #[test]
    fn what_leads_to_sources_is_told_from_the_rest() {
        for (name, around) in [
            ("exercises", 0),
            ("exercises/01-patchify", 0),
            ("01-patchify/src/", 0),
            ("ada/exercises/", 1),
            ("ada/exercises/03-msa/src", 1),
        ] {
            assert_eq!(place(name), EntryRole::Way(around), "{name}");
        }
    }

    #[test]
    fn only_src_of_a_known_exercise_is_a_source() {
        for name in [
            "01-patchify/Cargo.toml",
            "01-patchify/build.rs",
            "01-patchify/tests/shape.rs",
            "01-Patchify/src/lib.rs",
            "02-posenc/src/lib.rs",
            "src/lib.rs",
        ] {
            assert_eq!(place(name), EntryRole::Elsewhere, "{name}");
        }
    }

    #[test]
    fn dot_names_and_build_output_are_scrap() {
        for name in [
            ".cargo/config.toml",
            "01-patchify/src/.#lib.rs",
            "01-patchify/src/.git/x.rs",
            "target/debug/x",
            "__MACOSX/01-patchify/src/lib.rs",
            "target/01-patchify/src/lib.rs",
            "a/b/target/01-patchify/src/lib.rs",
            ".ada/01-patchify/src/lib.rs",
            r".git\objects\x",
        ] {
            assert_eq!(place(name), EntryRole::Scrap, "{name}");
        }
        assert_eq!(
            place("03-msa/src/target/mod.rs"),
            source("", "03-msa", "target/mod.rs")
        );
    }

    #[test]
    fn names_in_any_encoding_have_a_place() {
        let place = |name: &[u8]| EntryRole::in_archive(name, &["03-msa"]).expect("a name to take");
        assert_eq!(place(b"notes/\x9abung.txt"), EntryRole::Elsewhere);
        assert_eq!(place(b".git/\x9a"), EntryRole::Scrap);
        let spot = SourcePath {
            prefix: b"M\x81ller".to_vec(),
            exercise: "03-msa".to_owned(),
            path: b"\x9a.rs".to_vec(),
        };
        assert_eq!(spot.entry(), b"M\x81ller/03-msa/src/\x9a.rs");
        assert_eq!(place(&spot.entry()), EntryRole::Source(spot));
    }

    #[test]
    fn names_that_leave_the_archive_are_refused() {
        for (name, fault) in [
            (&b"a/../b"[..], NameFault::Parent),
            (b"..", NameFault::Parent),
            (b"..\\..\\x", NameFault::Parent),
            (b"a\\..", NameFault::Parent),
            (b"a/..\\\xff", NameFault::Parent),
            (b".git/../../x", NameFault::Parent),
            (b"/etc/passwd", NameFault::Absolute),
            (b"\\x", NameFault::Absolute),
            (b"\\\\server\\share\\x", NameFault::Absolute),
            (b"C:/x", NameFault::Absolute),
            (b"C:\\x", NameFault::Absolute),
            (b"a\0b", NameFault::NoName),
            (b"", NameFault::NoName),
            (&[b'a'; 4097], NameFault::TooLong),
        ] {
            match EntryRole::in_archive(name, &[]) {
                Err(Refusal::Name { fault: found, .. }) => assert_eq!(found, fault),
                other => panic!("{name:?} gives {other:?}"),
            }
        }
    }
}
