//! The end of a worker, in words.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use wire::words::{FORBIDDEN, forbidden_operator};

/// The end of a worker.
#[derive(Debug)]
pub struct End {
    pub(crate) status: io::Result<ExitStatus>,
    /// Whether it ended before it was killed.
    pub(crate) by_itself: bool,
    /// The bytes that it was allowed to print, if it printed more.
    pub(crate) flooded: Option<usize>,
    pub(crate) printed: String,
}

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;
const SIGXCPU: i32 = 24;

impl End {
    /// The end of what it printed.
    pub fn printed(&self) -> &str {
        &self.printed
    }

    /// Its exit code, if it ended by itself and has not printed too much.
    pub fn code(&self) -> Option<i32> {
        let status = self.status.as_ref().ok()?;
        status.code().filter(|_| self.flooded.is_none())
    }

    /// The operator of libtorch at which it ended, and the operation, as [`forbidden_operator`] gives them: the operation has
    /// to be written. Empty if it did not name it; `None` if it ended otherwise.
    pub fn forbidden(&self) -> Option<&str> {
        let code = self.status.as_ref().ok()?.code()?;
        let named = || forbidden_operator(&self.printed).unwrap_or_default();
        (code == i32::from(FORBIDDEN)).then(named)
    }

    /// The end in words, and the last that it printed as `shown` shows it: below, from a new line on.
    pub fn told(&self, shown: impl FnOnce(&str) -> String) -> String {
        if let Some(most) = self.flooded {
            return format!("it printed more than {} MiB and was stopped", most >> 20);
        }
        let end = match &self.status {
            Ok(status) => in_words(*status, self.by_itself),
            Err(error) => format!("it ended: {error}"),
        };
        match self.printed.trim() {
            "" => end,
            printed => format!("{end}; the last it printed:\n{}", shown(printed)),
        }
    }
}

/// The end in words.
fn in_words(status: ExitStatus, by_itself: bool) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended the process with exit code {code}"),
        // One that was ending already ends as it was about to, whoever kills it.
        (_, Some(SIGKILL)) if !by_itself => "it was stopped".to_owned(),
        (_, Some(SIGKILL)) => "it was killed (SIGKILL): out of memory, or over a limit".to_owned(),
        (_, Some(SIGABRT)) => "it aborted the process (SIGABRT)".to_owned(),
        (_, Some(SIGSEGV)) => {
            "it crashed the process (SIGSEGV): a stack overflow, most likely".to_owned()
        }
        (_, Some(SIGXCPU)) => {
            "it was killed (SIGXCPU): over the limit of processor time".to_owned()
        }
        (_, signal) => format!("it ended by signal {signal:?}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::start;
    use std::process::Command;
    use std::thread;
    use std::time::{Duration, Instant};

    /// The end of a shell's script, in words, with what it printed in brackets; and its exit code.
    fn end_of(script: &str, most_printed: usize) -> (String, Option<i32>) {
        let mut command = Command::new("/bin/sh");
        let (mut process, channel) =
            start(command.args(["-c", script]), most_printed).expect("a shell");
        drop(channel);
        let end = process.end();
        (end.told(|printed| format!("[{printed}]")), end.code())
    }

    #[test]
    fn an_end_is_told_with_the_last_that_was_printed() {
        let told = [
            ("exit 3", "it ended the process with exit code 3", Some(3)),
            ("kill -ABRT $$", "it aborted the process (SIGABRT)", None),
            (
                "echo farewell >&2; kill -KILL $$",
                "it was killed (SIGKILL): out of memory, or over a limit; the last it printed:\n[farewell]",
                None,
            ),
            ("exec sleep 9", "it was stopped", None),
        ];
        for (script, words, code) in told {
            assert_eq!(end_of(script, 1000), (words.to_owned(), code), "{script}");
        }
    }

    #[test]
    fn the_end_of_a_long_output_is_kept() {
        let (told, _) = end_of("seq 100000 >&2", 1 << 20);
        assert!(told.ends_with("\n99999\n100000]"), "{told}");
        assert!(told.len() < 5000, "{} bytes", told.len());
    }

    #[test]
    fn who_prints_too_much_is_stopped_and_has_no_exit_code() {
        let flood = "seq 100000 >&2; exit 3";
        let (told, code) = end_of(flood, 1 << 10);
        assert!(told.starts_with("it printed more than"), "{told}");
        assert_eq!(code, None);
    }

    #[test]
    fn a_forbidden_operator_is_named_as_it_was_printed_last() {
        let script = |code: i32| {
            format!(
                "echo 'forbidden operator: aten::a in x' >&2; echo 'forbidden operator: aten::b in y' >&2; exit {code}"
            )
        };
        for (code, named) in [(124, Some("aten::b in y")), (1, None)] {
            let mut command = Command::new("/bin/sh");
            let started = start(command.args(["-c", &script(code)]), 1000);
            let (mut process, _channel) = started.expect("a shell");
            assert_eq!(process.end().forbidden(), named);
        }
    }

    #[test]
    fn a_worker_is_killed_when_it_is_dropped() {
        let mut command = Command::new("/bin/sh");
        let started = start(command.args(["-c", "exec sleep 9"]), 1000);
        let (process, mut channel) = started.expect("a shell");
        let begin = Instant::now();
        let killer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            drop(process);
        });
        assert!(channel.exchange(&wire::Frame::default(), 1000).is_err());
        assert!(begin.elapsed() < Duration::from_secs(5));
        killer.join().expect("a thread that ends");
    }
}
