//! From an attack to the folder or archive that is handed in.

use super::corpus::{Archive, Attack, Entry, EntryKind};
use super::surroundings;
use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use grader::course::{Course, Exercise};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write, repeat};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use tar::EntryType;
use zip::write::SimpleFileOptions;

/// The file of a solution that attacks change.
const LIBRARY: &str = "lib.rs";

/// A mark in an attack's text and what is put for it: `("{{secret}}", "/tmp/…/gradebook.csv")`.
pub(super) type Mark = (&'static str, String);

/// Hands an attack in below `folder`, with nothing set up outside that it could touch.
///
/// # Errors
/// Returns an error if the submission cannot be made.
pub fn hand_in(attack: &Attack, course: &Course, folder: &Path) -> Result<PathBuf> {
    let exercise = course.select(std::slice::from_ref(&attack.exercise))?;
    let exercise = exercise.first().context("no exercise")?;
    let nothing = "/nowhere".to_owned();
    let outside = ["{{gradebook}}", "{{variable}}", "{{tcp}}", "{{udp}}"];
    let more = ["{{socket}}", "{{abstract}}", "{{home}}", "{{cargo-home}}"];
    let outside = outside.iter().chain(&more);
    let mut marks: Vec<Mark> = outside.map(|mark| (*mark, nothing.clone())).collect();
    marks.push(("{{course}}", course.root.display().to_string()));
    marks.push(("{{exercise}}", exercise.folder.clone()));
    marks.push(("{{variables}}", surroundings::variables()));
    make(attack, course, exercise, &marks, folder)
}

/// Makes the attack's submission below `folder`, and gives its path.
pub(super) fn make(
    attack: &Attack,
    course: &Course,
    exercise: &Exercise,
    marks: &[Mark],
    folder: &Path,
) -> Result<PathBuf> {
    if let Some(archive) = &attack.archive {
        let path = folder.join(format!("{}.{}", attack.name, archive.format));
        pack(archive, &path)?;
        return Ok(path);
    }
    let path = folder.join(attack.called.as_ref().unwrap_or(&attack.name));
    let solution = course.root.join("solutions").join(&exercise.folder);
    let mut source = fs::read_to_string(solution.join("src").join(LIBRARY))
        .with_context(|| format!("the solution of {} cannot be read", exercise.folder))?;
    for edit in &attack.edit {
        if source.matches(&edit.find).count() != 1 {
            bail!(
                "{}: {:?} does not stand once in the solution",
                attack.name,
                edit.find
            );
        }
        source = source.replace(&edit.find, &filled(&edit.put, marks));
    }
    make_honest(course, exercise, &path)?;
    write(&place(&path, exercise).join(LIBRARY), source.as_bytes())?;
    for (name, from) in &attack.copy {
        let from = attack.folder.join(from);
        let bytes =
            fs::read(&from).with_context(|| format!("{} cannot be read", from.display()))?;
        write(&path.join(name), &bytes)?;
    }
    for (name, text) in &attack.file {
        write(&path.join(name), filled(text, marks).as_bytes())?;
    }
    Ok(path)
}

/// Hands in the solution, unchanged.
pub(super) fn make_honest(course: &Course, exercise: &Exercise, path: &Path) -> Result<()> {
    let sources = course.root.join("solutions").join(&exercise.folder);
    let sources = sources.join("src");
    let says = || format!("{} cannot be read", sources.display());
    for source in fs::read_dir(&sources).with_context(says)? {
        let source = source.with_context(says)?;
        let bytes = fs::read(source.path()).with_context(says)?;
        write(&place(path, exercise).join(source.file_name()), &bytes)?;
    }
    Ok(())
}

/// The folder of an exercise's sources in a submission.
fn place(submission: &Path, exercise: &Exercise) -> PathBuf {
    submission
        .join("exercises")
        .join(&exercise.folder)
        .join("src")
}

fn filled(text: &str, marks: &[Mark]) -> String {
    marks.iter().fold(text.to_owned(), |text, (mark, value)| {
        text.replace(mark, value)
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let says = || format!("{} cannot be written", path.display());
    fs::create_dir_all(path.parent().unwrap_or(path)).with_context(says)?;
    fs::write(path, bytes).with_context(says)
}

fn pack(archive: &Archive, path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    match archive.format.as_str() {
        "tar.gz" => {
            pack_tar(archive, GzEncoder::new(&file, Compression::fast()))?;
            let empty = GzEncoder::new(Vec::new(), Compression::fast()).finish()?;
            file.write_all(&empty.repeat(archive.empty_members))?;
        }
        "zip" => {
            // Each could be the end of an archive of entries that are not there.
            let record = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(), &[0; 10]].concat();
            file.write_all(&record.repeat(archive.end_records))?;
            pack_zip(archive, file)?;
        }
        other => bail!("an archive is zip or tar.gz, not {other}"),
    }
    Ok(())
}

fn names(entry: &Entry) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..entry.count).map(|i| bytes_of(&entry.name.replace("{i}", &i.to_string())))
}

/// A name with each `\xNN` as the byte it stands for.
fn bytes_of(name: &str) -> Vec<u8> {
    let mut parts = name.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(digits, 16));
        bytes.extend(rest.as_bytes());
    }
    bytes
}

fn pack_tar(archive: &Archive, out: impl Write) -> Result<()> {
    let mut tar = tar::Builder::new(out);
    for entry in &archive.entry {
        for name in names(entry) {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            // Written past the library's own checks, which would refuse `..` as well.
            let field = &mut header.as_old_mut().name;
            let length = name.len().min(field.len());
            field[..length].copy_from_slice(&name[..length]);
            let text = &bytes_of(&entry.text)[..];
            let (kind, size) = match entry.kind {
                EntryKind::File => (EntryType::Regular, text.len() + (entry.zeros << 20)),
                EntryKind::Link => (EntryType::Symlink, 0),
                EntryKind::Hardlink => (EntryType::Link, 0),
                EntryKind::Device => (EntryType::Char, 0),
            };
            header.set_entry_type(kind);
            if size == 0 {
                header.as_old_mut().linkname[..text.len()].copy_from_slice(text);
            }
            header.set_size(size as u64);
            header.set_cksum();
            let content = text.chain(repeat(0)).take(size as u64);
            tar.append(&header, content)?;
        }
    }
    tar.into_inner()?.flush()?;
    Ok(())
}

fn pack_zip(archive: &Archive, out: File) -> Result<()> {
    let mut zip = zip::ZipWriter::new(out);
    for entry in &archive.entry {
        for name in names(entry) {
            let name = OsStr::from_bytes(&name).to_string_lossy().into_owned();
            let options = SimpleFileOptions::default();
            if entry.kind == EntryKind::Link {
                zip.add_symlink(name, &entry.text, options)?;
                continue;
            }
            zip.start_file(name, options)?;
            zip.write_all(&bytes_of(&entry.text))?;
            std::io::copy(&mut repeat(0).take((entry.zeros as u64) << 20), &mut zip)?;
        }
    }
    zip.finish()?;
    Ok(())
}
