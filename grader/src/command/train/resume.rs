//! Continuing a run: from which checkpoint, with which code, and by which command.

use super::options::{clash, folder_of};
use crate::cli::Train;
use crate::exit::{Blame, Failure};
use crate::terminal;
use crate::train::checkpoint::{Checkpoint, LAST};
use crate::train::code::{CodeKind, TrainedCode};
use crate::train::device::DeviceChoice;
use anyhow::anyhow;
use clap::ValueEnum;
use hints::WithHint;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The run that is continued, if one is. Refuses what the options say against it, and a folder that holds another.
pub(super) fn resumed(
    course: Option<&Path>,
    arguments: &Train,
) -> Result<Option<Checkpoint>, Failure> {
    let resumed = match &arguments.resume {
        Some(folder) => Some(
            Checkpoint::read(&folder_of(folder))
                .hint("--resume takes the folder of an earlier run")
                .blame_arguments()?,
        ),
        None => None,
    };
    let clash = resumed
        .as_ref()
        .and_then(|from| clash(arguments, &from.plan));
    if let Some(fault) = clash {
        return Err(anyhow!(fault))
            .hint("leave the option out, or start a new run")
            .blame_arguments();
    }
    if let Some(folder) = arguments.out.as_ref().filter(|it| it.join(LAST).exists()) {
        let command = command(course, arguments, folder);
        return Err(anyhow!("{} holds a run", folder.display()))
            .hint(format!(
                "continue it with `{command}`, or choose another folder"
            ))
            .blame_arguments();
    }
    Ok(resumed)
}

/// Refuses to continue a run with other code than it was begun with, unless the options allow it.
pub(super) fn refuse_other_code(
    folder: &Path,
    begun: Option<&TrainedCode>,
    now: &TrainedCode,
    arguments: &Train,
) -> Result<(), Failure> {
    let difference = match begun {
        Some(begun) => now.difference_from(begun),
        None => Some("does not say which code it was begun with".to_owned()),
    };
    let Some(difference) = difference else {
        return Ok(());
    };
    let shown = folder.display();
    if arguments.allow_changed_code {
        note!("the run in {shown} {difference}; it continues all the same");
        return Ok(());
    }
    let own = begun.filter(|begun| begun.kind != now.kind);
    let own = own.map(|begun| match begun.kind {
        CodeKind::WorkingCopy => "leave out --solution and --submission",
        CodeKind::Solution => "continue it with --solution",
        CodeKind::Submission => "continue it with --submission PATH",
    });
    Err(anyhow!("the run in {shown} {difference}"))
        .hint(format!(
            "{}, or have it continue with this code by --allow-changed-code",
            own.unwrap_or("start a new run")
        ))
        .blame_arguments()
}

/// The command that continues the run in a folder, for a shell: all options that are not kept in its checkpoint. Paths are
/// whole, so that it holds in each folder.
pub(super) fn command(course: Option<&Path>, arguments: &Train, folder: &Path) -> String {
    let mut words: Vec<OsString> = ["cargo", "grader", "train"].map(OsString::from).into();
    let mut option = |name: &str, value: Option<OsString>| {
        words.extend([name.into()].into_iter().chain(value));
    };
    let whole = |path: &Path| Some(whole(path).into_os_string());
    if let Some(course) = course {
        option("--course", whole(course));
    }
    let subject = &arguments.subject;
    if subject.solution {
        option("--solution", None);
    }
    if let Some(submission) = &subject.submission {
        option("--submission", whole(submission));
    }
    if let Some(sandbox) = subject.sandbox {
        option("--sandbox", Some(word(sandbox)));
    }
    if let Some(folder) = &arguments.data_dir {
        option("--data-dir", whole(folder));
    }
    if arguments.device != DeviceChoice::default() {
        option("--device", Some(word(arguments.device)));
    }
    if let Some(epochs) = arguments.patience {
        option("--patience", Some(epochs.to_string().into()));
    }
    if arguments.allow_changed_code {
        option("--allow-changed-code", None);
    }
    option("--resume", whole(folder));
    terminal::in_shell(words.iter().map(AsRef::<OsStr>::as_ref))
}

fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The word that an option takes for a value.
fn word(value: impl ValueEnum) -> OsString {
    let value = value.to_possible_value();
    value.map_or_else(OsString::new, |value| value.get_name().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command, CommandLine};

    fn train(options: &[&str]) -> (Option<PathBuf>, Train) {
        let words = ["grader", "train"].iter().chain(options);
        let words: Vec<_> = words.map(OsString::from).collect();
        let cli = Cli::read(&words).expect("options of `train`");
        match cli.command {
            Some(Command::Train(arguments)) => (cli.course, *arguments),
            _ => unreachable!("it is `train`"),
        }
    }

    #[test]
    fn the_command_has_all_options_that_no_checkpoint_keeps_and_reads_as_it_was_meant() {
        let options = [
            "--course",
            "/c d",
            "--submission",
            "/it's/ada.zip",
            "--sandbox",
            "none",
            "--data-dir",
            "/data",
            "--device",
            "cpu",
            "--patience",
            "3",
            "--lr",
            "0.1",
        ];
        let (course, arguments) = train(&options);
        let expected = "cargo grader train --course '/c d' --submission '/it'\\''s/ada.zip' --sandbox none \
            --data-dir /data --device cpu --patience 3 --resume '/runs/my run'";
        let command = command(course.as_deref(), &arguments, Path::new("/runs/my run"));
        assert_eq!(command, expected);
    }

    #[test]
    fn what_is_usual_is_left_out_and_paths_are_whole() {
        let (course, arguments) = train(&["--solution", "--out", "run"]);
        let command = command(course.as_deref(), &arguments, Path::new("run"));
        let here = std::env::current_dir().expect("a folder");
        let folder = terminal::in_shell([here.join("run").as_os_str()]);
        let expected = format!("cargo grader train --solution --resume {folder}");
        assert_eq!(command, expected);
    }
}
