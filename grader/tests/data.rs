//! `grader data` as a user runs it, against a server of the test's own.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn grader(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    command
        .arg("data")
        .args(arguments)
        .arg("--data-dir")
        .arg(folder)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("MNIST_DIR");
    command
}

fn said(output: &Output) -> String {
    let of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", of(&output.stdout), of(&output.stderr))
}

/// A mirror that answers each request so: its URL.
fn mirror(answer: fn(&mut TcpStream) -> std::io::Result<()>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let Ok(incoming) = stream.try_clone() else {
                return;
            };
            let lines = BufReader::new(incoming).lines();
            let is_over =
                |line: &std::io::Result<String>| !line.as_ref().is_ok_and(|it| it.is_empty());
            lines.take_while(is_over).for_each(drop);
            // The other side may be gone.
            let _ = answer(&mut stream);
        }
    });
    Ok(url)
}

/// The first file of MNIST: its name, and its size.
const FIRST: &str = "train-images-idx3-ubyte.gz";
const SIZE: u64 = 9_912_422;

#[test]
fn a_list_says_what_is_there_begun_and_missing() -> Result {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("mnist"))?;
    fs::File::create(folder.path().join("mnist").join(FIRST))?.set_len(SIZE)?;
    let output = grader(&["list"], folder.path()).output()?;
    assert!(output.status.success());
    let said = said(&output);
    for text in [
        "made from a seed",
        "3 of 4 files missing; 9.9 MB is here",
        "30.9 MB",
        "missing ",
    ] {
        assert!(said.contains(text), "{text} in\n{said}");
    }
    Ok(())
}

#[test]
fn digits_are_not_fetched() -> Result {
    let folder = tempfile::tempdir()?;
    let output = grader(&["fetch", "digits"], folder.path()).output()?;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("made from a seed: there is nothing to fetch"));
    Ok(())
}

#[test]
fn a_mirror_that_has_nothing_is_named() -> Result {
    let folder = tempfile::tempdir()?;
    let url = mirror(|stream| {
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    })?;
    let output = grader(&["fetch", "mnist", "--mirror", &url], folder.path()).output()?;
    assert_eq!(output.status.code(), Some(3));
    let said = said(&output);
    assert!(
        said.contains(&format!("{url}{FIRST}: it answered 404")),
        "{said}"
    );
    assert!(said.contains("the same command continues"), "{said}");
    Ok(())
}

#[test]
fn ctrl_c_keeps_what_came() -> Result {
    let folder = tempfile::tempdir()?;
    // A thousand bytes of ten million, then silence.
    let url = mirror(|stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")?;
        stream.write_all(&[7; 1000])?;
        thread::sleep(Duration::from_secs(600));
        Ok(())
    })?;
    let mut child = grader(&["fetch", "mnist", "--mirror", &url], folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let partial = folder.path().join(format!("mnist/{FIRST}.partial"));
    while !fs::metadata(&partial).is_ok_and(|about| about.len() == 1000) {
        if let Some(status) = child.try_wait()? {
            return Err(format!("it ended with {status} before anything came").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT)?;
    let output = child.wait_with_output()?;
    assert_eq!(output.status.code(), Some(130));
    assert!(
        said(&output).contains("stopped; what was downloaded is kept in"),
        "{}",
        said(&output)
    );
    assert_eq!(fs::read(&partial)?, [7; 1000]);
    Ok(())
}

#[test]
fn what_is_not_there_cannot_be_shown() -> Result {
    let folder = tempfile::tempdir()?;
    let output = grader(&["show", "fashion-mnist"], folder.path()).output()?;
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains("`cargo grader data fetch fashion-mnist` downloads it"));
    Ok(())
}

#[test]
fn digits_are_shown() -> Result {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let shown = out.to_string_lossy().into_owned();
    let output = grader(&["show", "digits", "--out", &shown], folder.path()).output()?;
    assert!(output.status.success(), "{}", said(&output));
    let svg = fs::read_to_string(out.join("digits.svg"))?;
    assert_eq!(svg.matches("<image").count(), 140);
    let png = image::open(out.join("digits.png"))?;
    assert!(png.width() > 1000 && png.height() > 1000);
    Ok(())
}
