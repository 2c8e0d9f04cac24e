//! `verify` and `attack` are a program of their own, and nobody notices: what is wrong with the command line is said before that
//! program is built, and signals and exit codes are the program's.

#[path = "common/program.rs"]
mod program;

use program::grader;
use rustix::process::{Pid, Signal, kill_process};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[test]
fn help_and_wrong_arguments_build_nothing() -> Result {
    for (arguments, code, words) in [
        (["verify", "--help"], 0, "--proofs-only"),
        (["attack", "--help"], 0, "--prove"),
        (["verify", "--prove"], 2, "--prove"),
        (["attack", "--proof=api"], 2, "--proof"),
    ] {
        // Without cargo.
        let output = grader(&arguments).env("PATH", "").output()?;
        let [said, errors] = [output.stdout, output.stderr].map(String::from_utf8);
        let said = said? + &errors?;
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words) && said.contains("Usage"), "{said}");
    }
    Ok(())
}

#[test]
fn the_exit_code_is_the_programs() -> Result {
    let output = grader(&["verify", "--proof=x"]).output()?;
    let errors = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("there is no proof \"x\""), "{errors}");
    Ok(())
}

#[test]
fn ctrl_c_ends_the_proofs_and_is_the_exit_code() -> Result {
    let proofs = ["--proof=catalogue", "--proof=misconceptions"];
    let arguments = [&["verify", "--exercise=patchify"][..], &proofs].concat();
    let mut child = grader(&arguments).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("a pipe")?;
    let mut lines = BufReader::new(output).lines();
    let first = lines.next().ok_or("a line")??;
    assert!(first.contains("catalogue"), "{first}");
    // The process that was started, and no other.
    kill_process(Pid::from_child(&child), Signal::INT)?;
    assert_eq!(child.wait()?.code(), Some(130));
    // It did not end before.
    assert!(lines.next().is_none());
    Ok(())
}
