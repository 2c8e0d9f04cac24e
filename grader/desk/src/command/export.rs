//! `desk export`: grades for other programs.

use crate::cli::{self, FeedbackContent, FeedbackZip, Fill, FillOne, ToFile, ToFolder};
use crate::export::canvas::Canvas;
use crate::export::csv::Csv;
use crate::export::dodona::Dodona;
use crate::export::feedback::{Feedback, Platform, Upload};
use crate::export::github::Github;
use crate::export::gitlab::Gitlab;
use crate::export::gradescope::Gradescope;
use crate::export::junit::Junit;
use crate::export::moodle::Moodle;
use crate::export::prairielearn::PrairieLearn;
use crate::export::sarif::Sarif;
use crate::export::{Class, Export, ExportOutput};
use crate::failure::{Blame, Exit, Failure};
use crate::files::write_whole;
use crate::folder::Desk;
use crate::terminal::{note, print, print_bytes, warn};
use crate::time::parse_time;
use anyhow::{Context, Result, anyhow};
use hints::WithHint;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// The destination of an export.
enum Destination<'a> {
    File(Option<&'a PathBuf>),
    Folder(&'a Path),
}

/// Runs the command.
pub(super) fn export(desk: &mut Desk, what: &cli::Export) -> Result<Exit, Failure> {
    let at = time(what, &desk.policy.zone)?;
    let (format, place): (Box<dyn Export>, _) = match what {
        cli::Export::Csv(ToFile { out, steps }) => (
            Box::new(Csv { steps: *steps }),
            Destination::File(out.as_ref()),
        ),
        cli::Export::Canvas(Fill { file, fill, out }) => {
            let format = Canvas {
                file: read(file)?,
                fill: fill
                    .iter()
                    .map(|it| pair(it))
                    .collect::<Result<_>>()
                    .blame_arguments()?,
            };
            (Box::new(format), Destination::File(out.as_ref()))
        }
        cli::Export::Moodle(FillOne {
            file,
            exercise,
            grade_column,
            out,
        }) => {
            let format = Moodle {
                file: read(file)?,
                exercise: exercise.clone(),
                grade_column: grade_column.clone(),
            };
            (Box::new(format), Destination::File(out.as_ref()))
        }
        cli::Export::Gradescope(ToFolder { out }) => {
            (Box::new(Gradescope), Destination::Folder(out))
        }
        cli::Export::Junit(ToFolder { out }) => (Box::new(Junit), Destination::Folder(out)),
        cli::Export::Feedback(cli::Feedback { out, content }) => {
            (Box::new(feedback(content)), Destination::Folder(out))
        }
        cli::Export::Github(to) => (Box::new(Github), Destination::Folder(&to.out)),
        cli::Export::Gitlab(to) => (Box::new(Gitlab), Destination::Folder(&to.out)),
        cli::Export::Sarif(to) => (Box::new(Sarif), Destination::Folder(&to.out)),
        cli::Export::PrairieLearn(to) => (Box::new(PrairieLearn), Destination::Folder(&to.out)),
        cli::Export::Dodona(to) => (Box::new(Dodona), Destination::Folder(&to.out)),
        cli::Export::FeedbackCanvas(zip) => upload(Platform::Canvas, zip)?,
        cli::Export::FeedbackMoodle(zip) => upload(Platform::Moodle, zip)?,
    };
    let grades = desk.grades()?;
    let class = Class {
        grades: &grades,
        policy: &desk.policy,
        store: &desk.store,
        at,
    };
    let exported = format.export(&class);
    let exported = match what {
        cli::Export::Canvas(Fill { file, .. }) | cli::Export::Moodle(FillOne { file, .. }) => {
            exported
                .with_context(|| format!("cannot fill in {}", file.display()))
                .blame_arguments()?
        }
        cli::Export::FeedbackCanvas(FeedbackZip { download, .. })
        | cli::Export::FeedbackMoodle(FeedbackZip { download, .. }) => exported
            .with_context(|| format!("cannot name feedback after {}", download.display()))
            .blame_arguments()?,
        _ => exported?,
    };
    write(&exported, &place)?;
    for skipped in &exported.skipped {
        warn(&format!(
            "{}: {}",
            wire::printable(&skipped.row),
            wire::printable(&skipped.why)
        ));
    }
    for text in &exported.notes {
        note(&wire::printable(text));
    }
    Ok(Exit::Success)
}

fn feedback(content: &FeedbackContent) -> Feedback {
    Feedback {
        with_reasons: content.reasons,
    }
}

/// The time of `--at`, or now.
fn time(what: &cli::Export, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let at = match what {
        cli::Export::Feedback(it) => &it.content.at,
        cli::Export::FeedbackCanvas(it) | cli::Export::FeedbackMoodle(it) => &it.content.at,
        cli::Export::Github(it)
        | cli::Export::Gitlab(it)
        | cli::Export::Sarif(it)
        | cli::Export::PrairieLearn(it)
        | cli::Export::Dodona(it) => &it.at,
        _ => &None,
    };
    let at = at.as_deref().map(|it| parse_time(it, zone));
    let at = at.transpose().context("--at").blame_arguments()?;
    Ok(at.unwrap_or_else(Timestamp::now))
}

fn upload<'a>(
    platform: Platform,
    zip: &'a FeedbackZip,
) -> Result<(Box<dyn Export>, Destination<'a>), Failure> {
    let download = names_in(&zip.download)
        .with_context(|| format!("cannot read {}", zip.download.display()))
        .hint("name the zip that the platform handed out, or the folder that it was unpacked to")
        .blame_arguments()?;
    let format = Upload {
        platform,
        download,
        feedback: feedback(&zip.content),
    };
    Ok((Box::new(format), Destination::File(Some(&zip.out))))
}

/// The names in a download: of a folder's entries, or the paths in a zip.
fn names_in(download: &Path) -> Result<Vec<String>> {
    if !download.is_dir() {
        let archive = ZipArchive::new(BufReader::new(File::open(download)?))?;
        let names = archive.file_names().map(|name| Ok(name?.into_owned()));
        return names.collect();
    }
    let mut names = vec![];
    for entry in fs::read_dir(download)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .blame_arguments()
}

/// `COLUMN=EXERCISE`; a title may hold `=`.
fn pair(text: &str) -> Result<(String, String)> {
    let pair = text.rsplit_once('=');
    let pair =
        pair.map(|(column, exercise)| (column.trim().to_owned(), exercise.trim().to_owned()));
    pair.ok_or_else(|| anyhow!("--fill {text}: there is no `=`"))
        .hint("write it as --fill \"COLUMN=EXERCISE\"")
}

fn write(exported: &ExportOutput, place: &Destination<'_>) -> Result<()> {
    match place {
        Destination::File(None) => {
            for (_, content) in &exported.files {
                print_bytes(content);
            }
        }
        Destination::File(Some(path)) => {
            for (_, content) in &exported.files {
                write_whole(path, content)?;
            }
        }
        Destination::Folder(folder) => {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
            for (name, content) in &exported.files {
                write_whole(&folder.join(name), content)?;
            }
            print(&format!(
                "{} files in {}\n",
                exported.files.len(),
                folder.display()
            ));
        }
    }
    Ok(())
}
