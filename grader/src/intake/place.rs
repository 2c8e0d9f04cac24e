//! The kind of an entry of a submission, judged by its name alone.

use super::{NameFault, Refusal};

/// The kind of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Below an exercise's `src/`.
    Source(Spot),
    /// Below a dot name or in build output: never looked at, whatever it is.
    Scrap,
    /// Anything else: not taken either, but in an archive it has to be a file or a folder.
    Elsewhere,
}

/// A place below an exercise's `src/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// The folder that holds the exercise: "", "exercises", "ada" or "ada/exercises".
    pub(super) prefix: String,
    /// The exercise's folder name.
    pub(super) exercise: String,
    /// Relative to `src/`.
    pub(super) path: String,
}

impl Spot {
    /// The whole name of the entry.
    pub(super) fn entry(&self) -> String {
        let Self {
            prefix,
            exercise,
            path,
        } = self;
        [prefix, exercise, "src", path]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/")
    }
}

/// Bytes of an entry's whole name, as many as a path has at most on Linux (PATH_MAX).
const MOST_OF_A_NAME: usize = 4096;

/// Folders that hold what tools left, not what a student wrote.
pub(super) fn is_scrap(component: &str) -> bool {
    component.starts_with('.') || component == "target" || component == "__MACOSX"
}

impl Place {
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
        let Ok(text) = str::from_utf8(name) else {
            return fault(NameFault::NotUtf8);
        };
        if text.is_empty() || text.contains('\0') {
            return fault(NameFault::NoName);
        }
        if text.contains('\\') {
            return fault(NameFault::Backslash);
        }
        let drive = matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if text.starts_with('/') || drive {
            return fault(NameFault::Absolute);
        }
        let components: Vec<&str> = text
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        if components.contains(&"..") {
            return fault(NameFault::Parent);
        }
        Ok(Self::of(&components, exercises))
    }

    /// `[wrapper/][exercises/]NN-name/src/…` is a source.
    fn of(components: &[&str], exercises: &[&str]) -> Self {
        if components.iter().any(|part| part.starts_with('.')) {
            return Self::Scrap;
        }
        let spot = (0..=2).find_map(|at| {
            let (prefix, rest) = components.split_at_checked(at)?;
            let [exercise, "src", path @ ..] = rest else {
                return None;
            };
            let at_home = at < 2 || prefix[1] == "exercises";
            (at_home && exercises.contains(exercise) && !path.is_empty()).then(|| Spot {
                prefix: prefix.join("/"),
                exercise: (*exercise).to_owned(),
                path: path.join("/"),
            })
        });
        match spot {
            // Below `src`, `target` is a module like any other.
            Some(spot) if !spot.prefix.split('/').any(is_scrap) => Self::Source(spot),
            None if !components.iter().any(|part| is_scrap(part)) => Self::Elsewhere,
            _ => Self::Scrap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> Place {
        Place::in_archive(name.as_bytes(), &["01-patchify", "03-msa"]).expect("a name to take")
    }

    fn source(prefix: &str, exercise: &str, path: &str) -> Place {
        Place::Source(Spot {
            prefix: prefix.to_owned(),
            exercise: exercise.to_owned(),
            path: path.to_owned(),
        })
    }

    #[test]
    fn sources_lie_below_at_most_one_wrapper_and_exercises() {
        let lib = |prefix| source(prefix, "01-patchify", "lib.rs");
        assert_eq!(place("01-patchify/src/lib.rs"), lib(""));
        assert_eq!(
            place("./exercises/01-patchify//src/./lib.rs"),
            lib("exercises")
        );
        assert_eq!(place("ada/01-patchify/src/lib.rs"), lib("ada"));
        assert_eq!(
            place("ada/exercises/01-patchify/src/lib.rs"),
            lib("ada/exercises")
        );
        assert_eq!(place("ada/work/01-patchify/src/lib.rs"), Place::Elsewhere);
        assert_eq!(
            place("a/b/exercises/01-patchify/src/lib.rs"),
            Place::Elsewhere
        );
    }

    #[test]
    fn only_src_of_a_known_exercise_is_a_source() {
        for name in [
            "01-patchify/Cargo.toml",
            "01-patchify/build.rs",
            "01-patchify/tests/shape.rs",
            "01-patchify/src",
            "01-Patchify/src/lib.rs",
            "02-posenc/src/lib.rs",
            "src/lib.rs",
        ] {
            assert_eq!(place(name), Place::Elsewhere, "{name}");
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
            ".ada/01-patchify/src/lib.rs",
        ] {
            assert_eq!(place(name), Place::Scrap, "{name}");
        }
        assert_eq!(
            place("03-msa/src/target/mod.rs"),
            source("", "03-msa", "target/mod.rs")
        );
    }

    #[test]
    fn names_that_leave_the_archive_are_refused() {
        for (name, fault) in [
            (&b"a/../b"[..], NameFault::Parent),
            (b"..", NameFault::Parent),
            (b".git/../../x", NameFault::Parent),
            (b"/etc/passwd", NameFault::Absolute),
            (b"C:/x", NameFault::Absolute),
            (b"a\\b", NameFault::Backslash),
            (b"a\xff", NameFault::NotUtf8),
            (b"a\0b", NameFault::NoName),
            (b"", NameFault::NoName),
            (&[b'a'; 4097], NameFault::TooLong),
        ] {
            match Place::in_archive(name, &[]) {
                Err(Refusal::Name { fault: found, .. }) => assert_eq!(found, fault),
                other => panic!("{name:?} gives {other:?}"),
            }
        }
    }
}
