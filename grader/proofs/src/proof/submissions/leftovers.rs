//! Leftovers of a batch: files in its scratch folder, and processes that live there. There must be none.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The time that the kernel may take to end a killed process. If nothing is left, there is no wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// The files and processes left below a scratch folder.
pub(super) fn below(scratch: &Path) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left: Vec<_> = files(scratch)
            .into_iter()
            .chain(processes(scratch))
            .collect();
        if left.is_empty() || Instant::now() > deadline {
            return shortened(left);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A bomb leaves hundreds: the first few say as much.
fn shortened(mut left: Vec<String>) -> Vec<String> {
    const SHOWN: usize = 5;
    if left.len() > SHOWN {
        let more = format!("and {} more are left", left.len() - SHOWN);
        left.truncate(SHOWN);
        left.push(more);
    }
    left
}

fn files(scratch: &Path) -> Vec<String> {
    let entries = fs::read_dir(scratch).into_iter().flatten().flatten();
    entries
        .map(|entry| format!("{} is left in the scratch folder", entry.path().display()))
        .collect()
}

/// Processes whose program or working folder lies, or lay, in the scratch folder.
fn processes(scratch: &Path) -> Vec<String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut left = vec![];
    for entry in entries {
        let process = entry.path();
        // Those of other users do not say, and are none of ours.
        for link in ["exe", "cwd"] {
            if let Ok(place) = fs::read_link(process.join(link))
                && place.starts_with(scratch)
            {
                let number = entry.file_name();
                left.push(format!(
                    "process {} is left, in {}",
                    number.to_string_lossy(),
                    place.display()
                ));
                break;
            }
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn an_empty_scratch_folder_has_nothing_left() {
        let scratch = tempfile::TempDir::new().expect("a temporary folder");
        assert_eq!(below(scratch.path()), [""; 0]);
    }

    #[test]
    fn a_file_is_found() {
        let scratch = tempfile::TempDir::new().expect("a temporary folder");
        fs::create_dir(scratch.path().join("ada")).expect("a new folder");
        assert_eq!(files(scratch.path()).len(), 1);
    }

    #[test]
    fn many_are_counted_and_a_few_shown() {
        let left = |count: usize| shortened(vec!["one".to_owned(); count]);
        assert_eq!(left(5), ["one"; 5]);
        assert_eq!(left(7).len(), 6);
        assert_eq!(left(7)[5], "and 2 more are left");
    }

    #[test]
    fn a_process_is_found_by_its_folder_even_when_that_is_gone() {
        let scratch = tempfile::TempDir::new().expect("a temporary folder");
        let folder = scratch.path().join("ada");
        fs::create_dir(&folder).expect("a new folder");
        let mut sleeper = Command::new("sleep")
            .arg("600")
            .current_dir(&folder)
            .spawn()
            .expect("sleep starts");
        fs::remove_dir(&folder).expect("an empty folder");
        let left = processes(scratch.path());
        sleeper.kill().expect("it runs");
        sleeper.wait().expect("it was started here");
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(left[0].starts_with(&format!("process {} ", sleeper.id())));
        assert_eq!(processes(scratch.path()), [""; 0]);
    }
}
