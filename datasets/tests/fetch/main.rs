//! Fetching from mirrors that are slow, break off, answer 404 or send rubbish.

mod mirror;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use datasets::fetch::{
    Fault, FetchError, FetchEvent, Patience, RemoteFile, Source, fetch, fetch_patiently,
};
use mirror::{Answer, Mirror};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const NAME: &str = "images.gz";

/// Enough that it does not come in one piece.
fn content() -> Vec<u8> {
    (0..300_000_u32)
        .map(|it| (it.wrapping_mul(it) >> 7) as u8)
        .collect()
}

/// A folder to fetch into, and what to fetch into it.
struct Errand {
    folder: TempDir,
    source: Source,
    failures: Vec<String>,
    received: Vec<u64>,
}

impl Errand {
    fn to(mirrors: &[&Mirror]) -> Self {
        let content = content();
        let sha256 = Sha256::digest(&content);
        let file = RemoteFile {
            name: NAME.to_owned(),
            bytes: content.len() as u64,
            sha256: sha256.iter().map(|it| format!("{it:02x}")).collect(),
        };
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            source: Source {
                name: "test".to_owned(),
                mirrors: mirrors.iter().map(|it| it.url()).collect(),
                files: vec![file],
            },
            failures: Vec::new(),
            received: Vec::new(),
        }
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    fn partial(&self) -> PathBuf {
        self.folder.path().join(format!("{NAME}.partial"))
    }

    /// Fetches with little patience between rounds and enough for a busy machine within them.
    fn run(&mut self) -> Result<(), FetchError> {
        self.run_with_silence(Duration::from_secs(20))
    }

    fn run_with_silence(&mut self, silence: Duration) -> Result<(), FetchError> {
        let patience = Patience {
            silence,
            rounds: 2,
            pause: Duration::ZERO,
        };
        fetch_patiently(
            &self.source,
            self.folder.path(),
            patience,
            |progress| match progress {
                FetchEvent::Failed { fault, .. } => self.failures.push(fault.to_string()),
                FetchEvent::Received { bytes, .. } => self.received.push(bytes),
                FetchEvent::Waiting => {}
            },
        )
    }

    fn succeeds(&mut self) {
        let result = self.run();
        assert!(result.is_ok(), "{result:?}");
        self.is_done();
    }

    fn is_done(&self) {
        assert!(read(&self.place()) == content(), "another file arrived");
        assert!(!self.partial().exists(), "the partial file is left");
        assert_eq!(self.received.last(), Some(&300_000));
    }

    /// Fails because of its only mirror, and leaves nothing under the file's name.
    fn fails(&mut self) -> Fault {
        let result = self.run();
        assert!(!self.place().exists(), "something lies in the file's place");
        match result {
            Err(FetchError::NoMirror { mut faults, .. }) if faults.len() == 1 => faults.remove(0).1,
            other => panic!("{other:?}"),
        }
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("a file")
}

fn range(start: u64) -> Option<String> {
    Some(format!("bytes={start}-"))
}

#[test]
fn a_file_arrives_whole() {
    let mirror = Mirror::new(&content(), &[Answer::Good]);
    let mut errand = Errand::to(&[&mirror]);
    errand.succeeds();
    assert!(errand.received.is_sorted() && errand.received.len() > 1);
    assert_eq!(mirror.ranges(), [None]);
}

#[test]
fn a_mirror_that_answers_404_is_asked_once_and_the_next_one_gives_the_file() {
    let gone = Mirror::new(&[], &[Answer::Status(404)]);
    let good = Mirror::new(&content(), &[Answer::BreakOff(1000), Answer::Good]);
    let mut errand = Errand::to(&[&gone, &good]);
    errand.succeeds();
    assert_eq!(errand.failures[0], "it answered 404");
    assert_eq!(gone.ranges().len(), 1);
}

#[test]
fn a_busy_mirror_is_asked_again() {
    let mirror = Mirror::new(&content(), &[Answer::Status(503), Answer::Good]);
    Errand::to(&[&mirror]).succeeds();
}

#[test]
fn what_breaks_off_goes_on_where_it_was_as_long_as_more_comes() {
    let ends = [50_000, 100_000, 150_000, 200_000];
    let mut answers = ends.map(Answer::BreakOff).to_vec();
    answers.push(Answer::Good);
    let mirror = Mirror::new(&content(), &answers);
    Errand::to(&[&mirror]).succeeds();
    let asked = [None, range(50_000), range(100_000), range(150_000)];
    assert_eq!(mirror.ranges()[..4], asked);
}

#[test]
fn a_mirror_that_always_breaks_off_at_the_same_place_is_given_up() {
    let mirror = Mirror::new(&content(), &vec![Answer::BreakOff(70_000); 100]);
    let fault = Errand::to(&[&mirror]).fails();
    assert!(matches!(fault, Fault::BrokeOff { bytes: 70_000 }));
    assert_eq!(mirror.ranges().len(), 3); // one round that gave something, two that did not
}

#[test]
fn another_mirror_goes_on_where_one_broke_off() {
    let first = Mirror::new(&content(), &[Answer::BreakOff(123_456)]);
    let second = Mirror::new(&content(), &[Answer::Good]);
    Errand::to(&[&first, &second]).succeeds();
    assert_eq!(second.ranges(), [range(123_456)]);
}

#[test]
fn what_an_earlier_process_left_is_gone_on_with() {
    let mirror = Mirror::new(&content(), &[Answer::Good]);
    let mut errand = Errand::to(&[&mirror]);
    fs::write(errand.partial(), &content()[..200_000]).expect("written");
    errand.succeeds();
    assert_eq!(mirror.ranges(), [range(200_000)]);
}

#[test]
fn a_whole_file_that_was_not_put_in_place_is_not_fetched_again() {
    let mirror = Mirror::new(&[], &[]);
    let mut errand = Errand::to(&[&mirror]);
    fs::write(errand.partial(), content()).expect("written");
    errand.succeeds();
    assert!(mirror.ranges().is_empty());
}

#[test]
fn a_bad_beginning_of_a_good_mirrors_file_is_thrown_away() {
    for left in [10, 300_000, 400_000] {
        let mirror = Mirror::new(&content(), &[Answer::Good, Answer::Good]);
        let mut errand = Errand::to(&[&mirror]);
        fs::write(errand.partial(), vec![b'?'; left]).expect("written");
        errand.succeeds();
        assert_eq!(mirror.ranges().last(), Some(&None), "{left} bytes left");
    }
}

#[test]
fn a_mirror_that_knows_no_ranges_sends_all_again() {
    let mirror = Mirror::new(&content(), &[Answer::BreakOff(1000), Answer::Whole]);
    Errand::to(&[&mirror]).succeeds();
    assert_eq!(mirror.ranges(), [None, range(1000)]);
}

#[test]
fn another_range_than_was_asked_for_is_not_taken() {
    let mirror = Mirror::new(&content(), &[Answer::BreakOff(1000), Answer::OtherRange]);
    let mut errand = Errand::to(&[&mirror]);
    let fault = errand.fails();
    let expected = "asked for the bytes from 1000, it sent something else: bytes 0-3/300000";
    assert_eq!(fault.to_string(), expected);
    assert!(read(&errand.partial()) == content()[..1000]);
}

#[test]
fn rubbish_of_the_right_size_is_not_taken() {
    let mirror = Mirror::new(&content(), &[Answer::Rubbish]);
    let mut errand = Errand::to(&[&mirror]);
    let fault = errand.fails();
    assert!(matches!(fault, Fault::Checksum { .. }), "{fault}");
    assert!(read(&errand.partial()).is_empty());
}

#[test]
fn a_page_instead_of_the_file_costs_nothing_of_what_is_here() {
    let mirror = Mirror::new(&content(), &[Answer::BreakOff(1000), Answer::Page]);
    let mut errand = Errand::to(&[&mirror]);
    let fault = errand.fails();
    assert_eq!(
        fault.to_string(),
        "it offers 5 bytes, where the file has 300000"
    );
    assert!(read(&errand.partial()) == content()[..1000]);
}

#[test]
fn what_does_not_end_is_stopped_where_the_file_would() {
    let mirror = Mirror::new(&content(), &[Answer::Endless]);
    let mut errand = Errand::to(&[&mirror]);
    let fault = errand.fails();
    let Fault::Size { expected, found } = fault else {
        panic!("{fault}");
    };
    assert!(read(&errand.partial()).is_empty());
    assert_eq!(expected, 300_000);
    assert!(found > 300_000 && found < 400_000, "{found}");
}

#[test]
fn a_slow_mirror_is_waited_for_as_long_as_it_sends_something() {
    // Four seconds in all, which is more than the silence that is borne, but never one at a time.
    let pauses = Answer::Slow(8, Duration::from_millis(500));
    let mirror = Mirror::new(&content(), &[pauses]);
    let mut errand = Errand::to(&[&mirror]);
    let result = errand.run_with_silence(Duration::from_secs(3));
    assert!(result.is_ok(), "{result:?}");
    errand.is_done();
    assert!(errand.failures.is_empty(), "{:?}", errand.failures);
}

#[test]
fn a_mirror_that_falls_silent_is_left_for_the_next() {
    for end in [0, 1000] {
        let silent = Mirror::new(&content(), &[Answer::FallSilent(end)]);
        let good = Mirror::new(&content(), &[Answer::Good]);
        let mut errand = Errand::to(&[&silent, &good]);
        let result = errand.run_with_silence(Duration::from_secs(1));
        assert!(result.is_ok(), "{result:?}");
        errand.is_done();
        let expected = format!("it went silent after {end} bytes");
        assert_eq!(errand.failures[0], expected);
    }
}

#[test]
fn what_does_not_speak_http_is_no_mirror() {
    let mirror = Mirror::new(&[], &[Answer::Babble, Answer::Babble]);
    let fault = Errand::to(&[&mirror]).fails();
    assert!(matches!(fault, Fault::Unreachable(_)), "{fault}");
}

#[test]
fn where_all_mirrors_fail_each_is_named_with_its_fault() {
    let gone = Mirror::new(&[], &[Answer::Status(404)]);
    let rubbish = Mirror::new(&content(), &[Answer::Rubbish]);
    let mut errand = Errand::to(&[&gone, &rubbish]);
    let error = errand.run().expect_err("nobody has it").to_string();
    let start = format!(
        "no mirror gave {NAME}: {}{NAME}: it answered 404; {}{NAME}: what it sent has SHA-256 ",
        gone.url(),
        rubbish.url()
    );
    assert!(error.starts_with(&start), "{error}");
}

#[test]
fn a_file_that_is_there_is_not_asked_for() {
    let mirror = Mirror::new(&[], &[]);
    let mut errand = Errand::to(&[&mirror]);
    fs::write(errand.place(), content()).expect("written");
    errand.succeeds();
    assert!(mirror.ranges().is_empty());
}

#[test]
fn a_file_of_somebody_elses_is_left_alone() {
    let mirror = Mirror::new(&content(), &[Answer::Good]);
    let mut errand = Errand::to(&[&mirror]);
    fs::write(errand.place(), "my own").expect("written");
    let error = errand.run().expect_err("the place is taken");
    assert!(matches!(error, FetchError::Occupied { .. }), "{error}");
    assert_eq!(read(&errand.place()), b"my own");
    assert!(mirror.ranges().is_empty());
}

#[test]
fn of_two_that_fetch_the_same_one_waits_for_the_other() {
    let mirror = Mirror::new(&content(), &[Answer::Slow(4, Duration::from_millis(50))]);
    let errand = Errand::to(&[&mirror]);
    let (source, folder) = (&errand.source, errand.folder.path());
    std::thread::scope(|scope| {
        let two = [(); 2].map(|()| scope.spawn(|| fetch(source, folder, |_| {})));
        for it in two {
            let result = it.join().expect("no panic");
            assert!(result.is_ok(), "{result:?}");
        }
    });
    assert!(read(&errand.place()) == content());
    assert_eq!(mirror.ranges().len(), 1);
}

#[test]
fn the_published_sources_name_four_files_with_sizes_and_checksums() {
    for source in [datasets::mnist::source(), datasets::fashion_mnist::source()] {
        assert_eq!(source.files.len(), 4);
        assert!(source.mirrors.len() > 1);
        assert!(source.mirrors.iter().all(|it| it.ends_with('/')));
        for file in source.files {
            let hexadecimal = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
            assert!(file.sha256.len() == 64 && file.sha256.bytes().all(hexadecimal));
            assert!(file.name.ends_with("-ubyte.gz"));
        }
    }
}
