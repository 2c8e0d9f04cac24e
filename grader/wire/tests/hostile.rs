//! Frames as an adversary writes them: each is refused with its fault named, or does no harm.

mod blob;
mod frames;

use blob::{blob, f32, limits};
use frames::{Case, Verdict, corpus};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::{env, fs};
use wire::{Dtype, Frame, FrameLimits, RawTensor, Request, WireError, read_frame, write_frame};

/// Set to rewrite `corpus/` from [`frames`].
const WRITE_CORPUS: &str = "WIRE_WRITE_CORPUS";

/// The error for a frame; `None` if it is accepted.
fn refusal(case: &Case) -> Option<String> {
    let frame = match Frame::decode(&case.blob, &limits()) {
        Err(error) => return Some(error.to_string()),
        Ok(frame) => frame,
    };
    match case.verdict {
        Verdict::NoAnswer(_) => frame.into_answer().err(),
        Verdict::NoRequest(_) => Request::try_from(frame).err(),
        Verdict::NoFrame(_) | Verdict::Accepted => None,
    }
    .map(|error| error.to_string())
}

#[test]
fn every_bad_frame_is_refused_for_its_fault() {
    let mut wrong = String::new();
    for case in corpus() {
        let refusal = refusal(&case);
        let right = match (case.verdict, &refusal) {
            (Verdict::Accepted, refusal) => refusal.is_none(),
            (_, None) => false,
            (
                Verdict::NoFrame(words) | Verdict::NoAnswer(words) | Verdict::NoRequest(words),
                Some(refusal),
            ) => refusal.contains(words),
        };
        if !right {
            wrong += &format!(
                "{}: must be {:?}, is {refusal:?}\n",
                case.name, case.verdict
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_files_of_the_corpus_are_these_frames() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut made = BTreeMap::new();
    for case in corpus() {
        let folder = match case.verdict {
            Verdict::Accepted => "good",
            _ => "bad",
        };
        let known = made.insert(format!("{folder}/{}", case.name), case.blob);
        assert_eq!(known, None, "two frames of the name {}", case.name);
    }
    if env::var_os(WRITE_CORPUS).is_some() {
        for folder in ["bad", "good"] {
            let folder = root.join(folder);
            if folder.exists() {
                fs::remove_dir_all(&folder).expect("removed");
            }
            fs::create_dir_all(&folder).expect("made");
        }
        for (name, blob) in &made {
            fs::write(root.join(name), blob).expect("written");
        }
    }
    let mut found = BTreeMap::new();
    for folder in ["bad", "good"] {
        for file in fs::read_dir(root.join(folder)).expect("a folder") {
            let file = file.expect("a file");
            let name = format!("{folder}/{}", file.file_name().to_string_lossy());
            found.insert(name, fs::read(file.path()).expect("read"));
        }
    }
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&found),
        names(&made),
        "set {WRITE_CORPUS} to write them"
    );
    for (name, blob) in &made {
        assert!(
            found[name] == *blob,
            "{name} is another; set {WRITE_CORPUS} to write it"
        );
    }
}

#[test]
fn what_an_adversary_wrote_is_shown_harmlessly_and_not_at_length() {
    let name = "\\u001b]0;\\u202e".repeat(9_000);
    let field = "\u{202e}".repeat(60_000);
    let hostile = [
        format!(r#"{{"{name}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#),
        format!(r#"{{"a":{{"dtype":"{name}","shape":[1],"data_offsets":[0,4]}}}}"#),
        format!(r#"{{"a":{{"{field}":1}}}}"#),
        format!(r#"{{"a":"{field}"}}"#),
        format!(r#"{{"__metadata__":"{field}"}}"#),
        format!(r#"{{"__metadata__":{{"fault":"{name}","message":""}}}}"#),
        format!(r#"{{"__metadata__":{{"fault":"{field}","message":""}}}}"#),
    ];
    for header in hostile {
        let answer =
            Frame::decode(&blob(header, 0), &FrameLimits::default()).and_then(Frame::into_answer);
        let refusal = answer.expect_err("hostile").to_string();
        assert!(refusal.len() < 3_000, "{} bytes", refusal.len());
        assert!(!refusal.contains(wire::is_hidden), "{refusal:?}");
    }
}

#[test]
fn the_usual_limits_hold() {
    let usual = FrameLimits::default();
    let entry = |i: usize| f32(&i.to_string(), "[0]", "[0,0]");
    let tensors = |count| {
        let entries: Vec<_> = (0..count).map(entry).collect();
        blob(format!("{{{}}}", entries.join(",")), 0)
    };
    let texts = |count| {
        let entries: Vec<_> = (0..count).map(|i| format!(r#""{i}":"""#)).collect();
        blob(
            format!(r#"{{"__metadata__":{{{}}}}}"#, entries.join(",")),
            0,
        )
    };
    let blanks = |count: usize| blob(format!("{{{}}}", " ".repeat(count - 2)), 0);
    for (blob, fits) in [
        (tensors(2048), true),
        (tensors(2049), false),
        (texts(64), true),
        (texts(65), false),
        (blanks(256 << 10), true),
        (blanks((256 << 10) + 1), false),
    ] {
        let frame = Frame::decode(&blob, &usual);
        assert_eq!(frame.is_ok(), fits, "{:?}", frame.map(|_| ()));
        assert!(matches!(frame, Ok(_) | Err(WireError::Limit { .. })));
    }
}

/// The result of [`read_frame`] on a stream of this length and these bytes.
fn read(length: u64, bytes: &[u8], limits: &FrameLimits) -> Result<Frame, WireError> {
    let stream = [&length.to_le_bytes(), bytes].concat();
    read_frame(&mut stream.as_slice(), limits)
}

#[test]
fn a_stream_that_lies_about_its_length_is_refused() {
    let usual = FrameLimits::default();
    let blob = Frame::default().encode().expect("a frame");
    let honest = blob.len() as u64;
    assert_eq!(
        read(honest, &blob, &usual).expect("a frame"),
        Frame::default()
    );

    let refusal = |length| read(length, &blob, &usual).expect_err("a lie").to_string();
    assert!(refusal(0).contains("0 bytes are too few"), "{}", refusal(0));
    assert!(
        refusal(honest - 1).contains("in a frame of"),
        "{}",
        refusal(honest - 1)
    );
    assert!(refusal(honest + 1).contains("ended inside a frame"));
    assert!(refusal(64 << 20).contains("ended inside a frame"));
    assert!(refusal((64 << 20) + 1).contains("bytes 67108865, of at most 67108864"));
    assert!(refusal(4 << 30).contains("bytes 4294967296, of at most 67108864"));
    assert!(refusal(u64::MAX).contains("bytes 18446744073709551615"));
}

#[test]
fn a_stream_that_ends_is_closed_between_frames_and_broken_inside_one() {
    let mut stream = Vec::new();
    write_frame(&mut stream, &Frame::default(), &FrameLimits::default()).expect("written");
    for end in 0..stream.len() {
        let mut cut = &stream[..end];
        match read_frame(&mut cut, &FrameLimits::default()) {
            Err(WireError::Closed) => assert_eq!(end, 0),
            Err(WireError::Io(error)) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof),
            other => panic!("{other:?} of {end} bytes"),
        }
    }
}

#[test]
fn an_answer_before_the_question_and_two_answers_stay_apart() {
    let answer = |text: &str| {
        let fault = wire::Fault::bad_request(text);
        Frame::of_answer(Err(fault))
    };
    let mut stream = Vec::new();
    for text in ["first", "second"] {
        write_frame(&mut stream, &answer(text), &FrameLimits::default()).expect("written");
    }
    // One byte at a time, and interrupted.
    let mut bytes = Trickle {
        bytes: &stream,
        interrupt: false,
    };
    for text in ["first", "second"] {
        let frame = read_frame(&mut bytes, &FrameLimits::default()).expect("a frame");
        assert_eq!(frame, answer(text));
    }
    let end = read_frame(&mut bytes, &FrameLimits::default());
    assert!(matches!(end, Err(WireError::Closed)));
}

struct Trickle<'a> {
    bytes: &'a [u8],
    interrupt: bool,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupt = !self.interrupt;
        if self.interrupt {
            return Err(ErrorKind::Interrupted.into());
        }
        let count = buffer.len().min(1);
        self.bytes.read(&mut buffer[..count])
    }
}

#[test]
fn nothing_is_written_that_its_reader_refuses() {
    let limits = limits();
    let scalar = |value: f32| RawTensor::new(Dtype::F32, vec![], value.to_le_bytes().into());
    let scalar = |value| scalar(value).expect("a scalar");
    let of_rank = |rank| {
        let tensor = RawTensor::new(Dtype::F32, vec![1; rank], vec![0; 4]).expect("a tensor");
        Frame {
            tensors: [("a".into(), tensor)].into(),
            ..Frame::default()
        }
    };
    let of_length = |length: usize| {
        let tensor =
            RawTensor::new(Dtype::F32, vec![length], vec![0; 4 * length]).expect("a tensor");
        Frame {
            tensors: [("a".into(), tensor)].into(),
            ..Frame::default()
        }
    };
    let named = |names: &[String]| Frame {
        tensors: names
            .iter()
            .map(|name| (name.clone(), scalar(1.0)))
            .collect(),
        ..Frame::default()
    };
    let texts = |names: &[String], text: &str| Frame {
        metadata: names
            .iter()
            .map(|name| (name.clone(), text.into()))
            .collect(),
        ..Frame::default()
    };
    let names = |count: usize| (0..count).map(|i| i.to_string()).collect::<Vec<_>>();
    for (frame, fault) in [
        (of_length(1024), "of at most 4096"),
        (of_rank(9), "axes 9, of at most 8"),
        (named(&names(5)), "tensors 5, of at most 4"),
        (named(&["__metadata__".into()]), "__metadata__"),
        (named(&["a\0".into()]), "cannot be seen"),
        (texts(&["a\u{202e}".into()], ""), "cannot be seen"),
        (texts(&names(5), ""), "metadata entries 5, of at most 4"),
        (texts(&names(1), &"a".repeat(1024)), "header bytes"),
    ] {
        let mut stream = Vec::new();
        let refusal = write_frame(&mut stream, &frame, &limits)
            .expect_err(fault)
            .to_string();
        assert!(refusal.contains(fault), "{refusal}");
        assert!(stream.is_empty(), "half a frame was written");
    }
    for frame in [
        of_length(512),
        of_rank(8),
        named(&names(4)),
        texts(&names(4), "a"),
    ] {
        let mut stream = Vec::new();
        write_frame(&mut stream, &frame, &limits).expect("written");
        assert_eq!(
            read_frame(&mut stream.as_slice(), &limits).expect("read"),
            frame
        );
    }
}

#[test]
fn a_name_that_no_reader_takes_is_not_encoded() {
    let scalar = RawTensor::new(Dtype::I64, vec![], vec![0; 8]).expect("a scalar");
    for name in ["\0", "a\n", "\u{1b}[2J", "\u{202e}", "__metadata__"] {
        let frame = Frame {
            tensors: [(name.into(), scalar.clone())].into(),
            ..Frame::default()
        };
        assert!(frame.encode().is_err(), "a tensor of the name {name:?}");
    }
    for name in ["\0", "\u{200b}fault"] {
        let frame = Frame {
            metadata: [(name.into(), String::new())].into(),
            ..Frame::default()
        };
        assert!(frame.encode().is_err(), "a text of the name {name:?}");
    }
}

#[test]
fn a_tensor_of_a_shape_that_no_library_takes_cannot_be_made() {
    for shape in [
        vec![0, usize::MAX],
        vec![usize::MAX, 0],
        vec![1 << 32, 1 << 32, 0],
    ] {
        let tensor = RawTensor::new(Dtype::F32, shape.clone(), vec![]);
        assert!(tensor.is_err(), "{shape:?}");
    }
    let tensor = RawTensor::new(Dtype::F32, vec![0, 1 << 40], vec![]).expect("a tensor");
    let array = tensor.to_array::<f32, ndarray::Ix2>().expect("an array");
    assert_eq!(array.dim(), (0, 1 << 40));
    assert_eq!(RawTensor::from(&array), tensor);
}
