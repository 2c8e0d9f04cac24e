//! Walks a submission that is a folder. No link is followed and nothing but regular files opened.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::basket::Basket;
use super::place::{EXERCISES, MOST_WRAPPERS, SourcePath, is_scrap};
use super::survey::is_nearly;
use super::{EscapedText, OPEN_FILE, Refusal};

/// Offers every source below `path` to the basket: of exercises in it or in one folder of it, or else of those that have
/// the fewest folders around them.
pub(super) fn read(path: &Path, basket: &mut Basket<'_>) -> Result<(), Refusal> {
    let root = rustix::fs::openat(CWD, path, OPEN_FOLDER, Mode::empty())
        .map_err(|errno| unreadable(path.as_os_str(), errno))?;
    let mut level = vec![Vec::new()];
    for around in 0..=MOST_WRAPPERS {
        for wrapper in &level {
            let Some(folder) = open_below(&root, wrapper)? else {
                continue;
            };
            look(&folder, wrapper, basket)?;
        }
        if around >= 1 && !basket.is_empty() || around == MOST_WRAPPERS {
            break;
        }
        match wrappers_in(&root, &level, basket) {
            // Nothing was found so far: that is what there is to say.
            Err(Refusal::TooManyEntries { .. }) if around >= 1 => break,
            next => level = next?,
        }
    }
    Ok(())
}

/// The folders in the folders of one level.
fn wrappers_in(
    root: &OwnedFd,
    level: &[Vec<u8>],
    basket: &mut Basket<'_>,
) -> Result<Vec<Vec<u8>>, Refusal> {
    let mut next = vec![];
    for wrapper in level {
        let Some(folder) = open_below(root, wrapper)? else {
            continue;
        };
        let names = list(&folder, wrapper, basket)?;
        if !is_of_exercises(wrapper) {
            see_misplaced(&folder, wrapper, &names, basket)?;
        }
        for name in names {
            if is_scrap(&name) {
                continue;
            }
            let inner = join(wrapper, &name);
            if is_folder(&folder, &name) {
                next.push(inner);
            } else if is_file(&folder, &name) {
                basket.survey.see_file(&inner);
            }
        }
    }
    Ok(next)
}

/// Opens a folder that was one a moment ago, by its path below the root. None if it is none any more.
fn open_below(root: &OwnedFd, path: &[u8]) -> Result<Option<OwnedFd>, Refusal> {
    let mut folder = rustix::io::dup(root).map_err(|errno| unreadable(path, errno))?;
    let names = path.split(|byte| *byte == b'/');
    for name in names.filter(|name| !name.is_empty()) {
        if !is_folder(&folder, name) {
            return Ok(None);
        }
        folder = rustix::fs::openat(&folder, name, OPEN_FOLDER, Mode::empty())
            .map_err(|errno| unreadable(path, errno))?;
    }
    Ok(Some(folder))
}

/// Walks the exercises of a wrapper, in it and in its `exercises/`.
fn look(folder: &OwnedFd, wrapper: &[u8], basket: &mut Basket<'_>) -> Result<(), Refusal> {
    if !is_of_exercises(wrapper) {
        look_in(folder, wrapper, basket)?;
    }
    if let Some(inner) = enter(folder, EXERCISES, wrapper)? {
        let prefix = join(wrapper, EXERCISES);
        look_in(&inner, &prefix, basket)?;
        let names = list(&inner, &prefix, basket)?;
        see_misplaced(&inner, &prefix, &names, basket)?;
    }
    Ok(())
}

/// Returns whether a folder is the one of all exercises, which is looked at from the one that it is in.
fn is_of_exercises(wrapper: &[u8]) -> bool {
    wrapper.rsplit(|byte| *byte == b'/').next() == Some(EXERCISES)
}

/// Notes the sources in folders that are nearly called as an exercise.
fn see_misplaced(
    folder: &OwnedFd,
    prefix: &[u8],
    names: &[Vec<u8>],
    basket: &mut Basket<'_>,
) -> Result<(), Refusal> {
    let exercises = basket.exercises;
    let is_misplaced = |name: &&Vec<u8>| {
        !exercises.iter().any(|known| known.as_bytes() == **name)
            && exercises.iter().any(|known| is_nearly(name, known))
    };
    for name in names.iter().filter(is_misplaced) {
        for inner in [join(name, b"src"), name.clone()] {
            if let Some(place) = open_below(folder, &inner)?
                && is_file(&place, b"lib.rs")
            {
                let lib = join(&join(prefix, &inner), b"lib.rs");
                basket.survey.see_misplaced(&lib, exercises);
            }
        }
    }
    Ok(())
}

/// Walks the `src` of each exercise that lies directly in `folder`.
fn look_in(folder: &OwnedFd, prefix: &[u8], basket: &mut Basket<'_>) -> Result<(), Refusal> {
    for exercise in basket.exercises {
        let Some(inner) = enter(folder, exercise.as_bytes(), prefix)? else {
            continue;
        };
        let home = join(prefix, exercise.as_bytes());
        let Some(src) = enter(&inner, b"src", &home)? else {
            if is_file(&inner, b"lib.rs") {
                let lib = join(&home, b"lib.rs");
                basket.survey.see_misplaced(&lib, basket.exercises);
            }
            continue;
        };
        let spot = SourcePath {
            prefix: prefix.to_owned(),
            exercise: (*exercise).to_owned(),
            path: Vec::new(),
        };
        walk(&src, &spot, 0, basket)?;
    }
    Ok(())
}

/// Offers the files of a folder within `src`, then those of the folders in it.
fn walk(
    folder: &OwnedFd,
    at: &SourcePath,
    depth: usize,
    basket: &mut Basket<'_>,
) -> Result<(), Refusal> {
    if depth > basket.limits.depth {
        return Err(Refusal::TooDeep {
            entry: at.entry().as_slice().into(),
            limit: basket.limits.depth,
        });
    }
    for name in list(folder, &at.entry(), basket)? {
        if name.starts_with(b".") {
            continue;
        }
        let spot = SourcePath {
            path: join(&at.path, &name),
            ..at.clone()
        };
        let entry = spot.entry();
        let refuse = |errno| unreadable(entry.as_slice(), errno);
        let stat = stat(folder, &name).map_err(refuse)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                let inner = rustix::fs::openat(folder, &*name, OPEN_FOLDER, Mode::empty())
                    .map_err(refuse)?;
                walk(&inner, &spot, depth + 1, basket)?;
            }
            FileType::RegularFile => {
                if basket.wants(&spot)? {
                    let file = open_file(folder, &name, &entry)?;
                    basket.take(spot, file, |source| Refusal::Unreadable {
                        entry: entry.as_slice().into(),
                        source,
                    })?;
                }
            }
            other => return Err(Refusal::not_plain(entry.as_slice(), kind_in_words(other))),
        }
    }
    Ok(())
}

/// Opens a file that was regular a moment ago, and looks again at what was opened.
fn open_file(folder: &OwnedFd, name: &[u8], entry: &[u8]) -> Result<File, Refusal> {
    let refuse = |errno| unreadable(entry, errno);
    let fd = rustix::fs::openat(folder, name, OPEN_FILE, Mode::empty()).map_err(refuse)?;
    let stat = rustix::fs::fstat(&fd).map_err(refuse)?;
    match FileType::from_raw_mode(stat.st_mode) {
        // The other name may be a file that the submission's author could not read.
        FileType::RegularFile if stat.st_nlink > 1 => Err(Refusal::not_plain(entry, "a hard link")),
        FileType::RegularFile => Ok(File::from(fd)),
        other => Err(Refusal::not_plain(entry, kind_in_words(other))),
    }
}

/// Opens the folder `name` on the way to a `src`, if it is one. A link there is refused.
fn enter(folder: &OwnedFd, name: &[u8], prefix: &[u8]) -> Result<Option<OwnedFd>, Refusal> {
    let entry = join(prefix, name);
    let refuse = |errno| unreadable(entry.as_slice(), errno);
    let stat = match stat(folder, name) {
        Err(Errno::NOENT) => return Ok(None),
        stat => stat.map_err(refuse)?,
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => rustix::fs::openat(folder, name, OPEN_FOLDER, Mode::empty())
            .map(Some)
            .map_err(refuse),
        FileType::Symlink => Err(Refusal::not_plain(entry.as_slice(), "a symbolic link")),
        _ => Ok(None),
    }
}

/// The names in a folder, sorted. Each counts as an entry, so a huge folder is not read to its end.
fn list(folder: &OwnedFd, entry: &[u8], basket: &mut Basket<'_>) -> Result<Vec<Vec<u8>>, Refusal> {
    let refuse = |errno| unreadable(entry, errno);
    let mut names = Vec::new();
    for found in Dir::read_from(folder).map_err(refuse)? {
        let found = found.map_err(refuse)?;
        let name = found.file_name().to_bytes();
        if name != b"." && name != b".." {
            basket.count_entry()?;
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn stat(folder: &OwnedFd, name: &[u8]) -> Result<Stat, Errno> {
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

fn is_folder(folder: &OwnedFd, name: &[u8]) -> bool {
    is(folder, name, FileType::Directory)
}

fn is_file(folder: &OwnedFd, name: &[u8]) -> bool {
    is(folder, name, FileType::RegularFile)
}

fn is(folder: &OwnedFd, name: &[u8], kind: FileType) -> bool {
    stat(folder, name).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == kind)
}

fn unreadable(entry: impl Into<EscapedText>, errno: Errno) -> Refusal {
    Refusal::Unreadable {
        entry: entry.into(),
        source: errno.into(),
    }
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() {
        name.to_owned()
    } else {
        [folder, b"/", name].concat()
    }
}

/// The kind of an entry that is neither a file nor a folder, with its article.
pub(super) fn kind_in_words(kind: FileType) -> &'static str {
    match kind {
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Directory => "a folder",
        FileType::RegularFile => "a file",
        FileType::Unknown => "of an unknown kind",
    }
}

const OPEN_FOLDER: OFlags = OPEN_FILE.union(OFlags::DIRECTORY);

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::super::testing::{Dir, SOLVED, refusal};
    use super::super::{Candidate, IntakeLimits};
    use super::*;

    const LIB: &str = "01-patchify/src/lib.rs";

    fn pipe(path: &Path) {
        rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .expect("a new pipe");
    }

    #[test]
    fn sources_are_taken_and_the_rest_is_left() {
        let folder = Dir::folder(&[
            ("exercises/01-patchify/Cargo.toml", b"[lib]"),
            ("exercises/01-patchify/build.rs", b"fn main() {}"),
            ("exercises/01-patchify/.cargo/config.toml", b""),
            ("exercises/01-patchify/tests/shape.rs", b""),
            ("exercises/01-patchify/src/lib.rs", SOLVED),
            ("exercises/01-patchify/src/heads/split.rs", SOLVED),
            ("exercises/01-patchify/src/.#lib.rs", b"\0"),
            ("exercises/01-patchify/src/data.bin", b"\0"),
            ("exercises/02-unknown/src/lib.rs", b"\0"),
            ("target/01-patchify/src/lib.rs", b"\0"),
            ("a/b/c/01-patchify/src/lib.rs", b"\0"),
        ]);
        let taken = folder.read().expect("a good folder");
        let paths: Vec<_> = taken.exercises["01-patchify"]
            .iter()
            .map(|source| source.path.as_str())
            .collect();
        assert_eq!(paths, ["heads/split.rs", "lib.rs"]);
        assert_eq!(taken.exercises.len(), 1);
    }

    #[test]
    fn an_empty_folder_is_an_empty_submission() {
        let taken = Dir::folder(&[]).read().expect("an empty folder");
        assert!(taken.exercises.is_empty());
    }

    #[test]
    fn each_layout_gives_the_same_submission() {
        let read = |prefix: &str| {
            let folder = Dir::folder(&[(&format!("{prefix}{LIB}"), SOLVED)]);
            folder.read().expect("a good folder")
        };
        let plain = read("");
        assert_eq!(plain.exercises["01-patchify"][0].bytes, SOLVED);
        for prefix in [
            "exercises/",
            "ada/",
            "ada/exercises/",
            "a/b/",
            "a/b/exercises/",
            "a/b/c/exercises/",
        ] {
            assert_eq!(read(prefix), plain, "{prefix}");
        }
    }

    #[test]
    fn wrappers_in_any_encoding_are_looked_into() {
        let folder = Dir::folder(&[]);
        let wrapper = folder.path().join(OsStr::from_bytes(b"M\xfcller"));
        fs::create_dir_all(wrapper.join("01-patchify/src")).expect("a new folder");
        fs::write(wrapper.join(LIB), SOLVED).expect("a new file");
        let taken = folder.read().expect("a good folder");
        assert_eq!(taken.exercises["01-patchify"][0].bytes, SOLVED);
    }

    #[test]
    fn exercises_further_down_count_only_where_there_are_no_others() {
        let folder = Dir::folder(&[
            (LIB, SOLVED),
            ("a/b/03-msa/src/lib.rs", b"// old"),
            ("a/b/01-patchify/src/lib.rs", b"// old"),
        ]);
        let taken = folder.read().expect("a good folder");
        assert_eq!(taken.exercises.len(), 1);
        assert_eq!(taken.exercises["01-patchify"][0].bytes, SOLVED);
    }

    #[test]
    fn folders_without_end_are_not_looked_through() {
        let limits = IntakeLimits {
            entries: 10,
            ..IntakeLimits::default()
        };
        let folder = Dir::folder(&[]);
        for n in 0..9 {
            folder.add(&format!("data/{n}/{n}.txt"), b"");
        }
        let taken = folder.read_with(&limits).expect("nothing is found");
        assert!(taken.exercises.is_empty());
    }

    #[test]
    fn links_on_the_way_to_a_source_are_refused() {
        for (inside, link) in [
            ("lib.rs", LIB),
            ("src/lib.rs", "01-patchify/src"),
            ("src/lib.rs", "01-patchify"),
            ("01-patchify/src/lib.rs", "exercises"),
            ("x.rs", "01-patchify/src/heads"),
        ] {
            let folder = Dir::folder(&[]);
            let target = folder.outside().join("elsewhere").join(inside);
            fs::create_dir_all(target.parent().expect("a parent")).expect("a new folder");
            fs::write(&target, SOLVED).expect("a new file");
            let link_path = folder.path().join(link);
            fs::create_dir_all(link_path.parent().expect("a parent")).expect("a new folder");
            let target = if link == LIB {
                target
            } else {
                folder.outside().join("elsewhere")
            };
            symlink(target, link_path).expect("a new link");
            let why = refusal(folder.read());
            let start = format!("`{link}` is a symbolic link;");
            assert!(why.starts_with(&start), "{why}");
        }
    }

    #[test]
    fn links_elsewhere_are_not_followed() {
        let folder = Dir::folder(&[(LIB, SOLVED)]);
        let other = folder.outside().join("other");
        fs::create_dir_all(other.join("03-msa/src")).expect("a new folder");
        fs::write(other.join("03-msa/src/lib.rs"), SOLVED).expect("a new file");
        symlink(&other, folder.path().join("wrapper")).expect("a new link");
        symlink("/nowhere", folder.path().join("01-patchify/src/.#lib.rs")).expect("a new link");
        symlink("/nowhere", folder.path().join("01-patchify/tests")).expect("a new link");
        let taken = folder.read().expect("a good folder");
        assert!(!taken.exercises.contains_key("03-msa"));
    }

    #[test]
    fn a_hard_link_is_refused() {
        let folder = Dir::folder(&[(LIB, SOLVED)]);
        let other = folder.outside().join("other.rs");
        fs::hard_link(folder.path().join(LIB), other).expect("a new link");
        assert!(refusal(folder.read()).contains("is a hard link"));
    }

    #[test]
    fn pipes_and_sockets_are_refused_and_never_waited_for() {
        let folder = Dir::folder(&[("01-patchify/src/x.txt", b"")]);
        pipe(&folder.path().join(LIB));
        assert!(refusal(folder.read()).contains("is a pipe"));

        let folder = Dir::folder(&[("01-patchify/src/x.txt", b"")]);
        let _socket = UnixListener::bind(folder.path().join(LIB)).expect("a new socket");
        assert!(refusal(folder.read()).contains("is a socket"));
    }

    #[test]
    fn a_file_swapped_for_a_pipe_or_link_is_not_read() {
        let folder = Dir::folder(&[]);
        pipe(&folder.path().join("pipe"));
        symlink("/etc/passwd", folder.path().join("link")).expect("a new link");
        let root = rustix::fs::open(folder.path(), OPEN_FOLDER, Mode::empty()).expect("a folder");
        let why = open_file(&root, b"pipe", b"pipe").expect_err("it is a pipe");
        assert!(matches!(why, Refusal::NotPlain { .. }), "{why:?}");
        let why = open_file(&root, b"link", b"link").expect_err("it is a link");
        assert!(matches!(why, Refusal::Unreadable { .. }), "{why:?}");
    }

    #[test]
    fn an_archive_that_is_a_pipe_or_link_is_refused() {
        let folder = Dir::folder(&[]);
        let read = |name: &str| {
            let candidate = Candidate::new("ada", folder.path().join(name));
            refusal(candidate.read(&[], &IntakeLimits::default()))
        };
        pipe(&folder.path().join("pipe.zip"));
        assert!(read("pipe.zip").contains("is a pipe"));
        fs::write(folder.path().join("x"), b"").expect("a new file");
        symlink("x", folder.path().join("link.tgz")).expect("a new link");
        assert!(read("link.tgz").starts_with("cannot read "));
        assert!(read("none.zip").starts_with("cannot read "));
        assert!(read("none").starts_with("cannot read "));
    }

    #[test]
    fn a_source_whose_name_is_not_utf8_costs_its_exercise_alone() {
        let broken = OsStr::from_bytes(b"\xff.rs");
        let folder = Dir::folder(&[(LIB, SOLVED), ("03-msa/src/lib.rs", SOLVED)]);
        for beside in [broken, OsStr::from_bytes(b"01-patchify/src/\xff.txt")] {
            fs::write(folder.path().join(beside), b"").expect("a new file");
        }
        let taken = folder.read().expect("a good folder");
        assert!(taken.left_out.is_empty() && taken.exercises.len() == 2);
        fs::write(folder.path().join("01-patchify/src").join(broken), b"").expect("a new file");
        let taken = folder.read().expect("one good exercise");
        assert_eq!(taken.exercises.keys().collect::<Vec<_>>(), ["03-msa"]);
        let why = &taken.left_out["01-patchify"];
        let start = r"the name of `01-patchify/src/\xff.rs` is not UTF-8;";
        assert!(why.starts_with(start), "{why}");
    }

    #[test]
    fn folders_that_are_too_deep_are_refused_even_if_empty() {
        let limits = IntakeLimits {
            depth: 2,
            ..IntakeLimits::default()
        };
        let folder = Dir::folder(&[("01-patchify/src/a/b/lib.rs", SOLVED)]);
        folder.read_with(&limits).expect("a good folder");
        fs::create_dir(folder.path().join("01-patchify/src/a/b/c")).expect("a new folder");
        let found = folder.read_with(&limits);
        assert!(
            matches!(found, Err(Refusal::TooDeep { limit: 2, .. })),
            "{found:?}"
        );
    }

    #[test]
    fn too_many_entries_are_refused_at_the_top_and_below() {
        let limits = IntakeLimits {
            entries: 10,
            ..IntakeLimits::default()
        };
        for place in ["", "01-patchify/src/"] {
            let folder = Dir::folder(&[(LIB, SOLVED)]);
            folder.read_with(&limits).expect("a good folder");
            for n in 0..10 {
                folder.add(&format!("{place}{n}.txt"), b"");
            }
            let found = folder.read_with(&limits);
            assert!(
                matches!(found, Err(Refusal::TooManyEntries { limit: 10 })),
                "{found:?}"
            );
        }
    }
}
