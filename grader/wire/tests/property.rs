//! Properties of every frame, and of all bytes that are not frames.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::io;
use wire::{
    Answer, Dtype, Fault, FaultKind, Frame, FrameLimits, RawTensor, Request, Tensors, WireError,
    is_hidden, read_frame, write_frame,
};

/// Any text, also one of escapes and NULs.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,20}",
        "(\\PC|\n|\0|\u{1b}|\u{202e}){0,20}"
    ]
}

/// Any name that may travel.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z._0-9]{0,12}", 1 => "\\PC{0,12}"]
        .prop_map(|name: String| name.replace(is_hidden, "").replace("__metadata__", ""))
}

fn dtype() -> impl Strategy<Value = Dtype> {
    prop_oneof![
        Just(Dtype::F32),
        Just(Dtype::F64),
        Just(Dtype::I64),
        Just(Dtype::U8)
    ]
}

/// Any tensor of few elements: without axes, with empty ones, with an axis of any size beside an empty one.
fn tensor() -> impl Strategy<Value = RawTensor> {
    let few = vec(0..4_usize, 0..=4);
    let ones = vec(1..2_usize, 5..=8);
    let none = (0..=i64::MAX as usize).prop_map(|axis| vec![axis, 0]);
    let shape = prop_oneof![6 => few, 1 => ones, 1 => none];
    (dtype(), shape).prop_flat_map(|(dtype, shape)| {
        let elements = if shape.contains(&0) {
            0
        } else {
            shape.iter().product()
        };
        vec(any::<u8>(), elements * dtype.size())
            .prop_map(move |bytes| RawTensor::new(dtype, shape.clone(), bytes).expect("a tensor"))
    })
}

fn tensors() -> impl Strategy<Value = Tensors> {
    btree_map(name(), tensor(), 0..6)
}

fn texts() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(name(), text(), 0..6)
}

fn frame() -> impl Strategy<Value = Frame> {
    (texts(), tensors()).prop_map(|(metadata, tensors)| Frame { metadata, tensors })
}

fn request() -> impl Strategy<Value = Request> {
    (text(), texts(), tensors()).prop_map(|(operation, arguments, tensors)| Request {
        operation,
        arguments,
        tensors,
    })
}

fn answer() -> impl Strategy<Value = Answer> {
    let kind = prop_oneof![
        Just(FaultKind::NotImplemented),
        Just(FaultKind::Panicked),
        Just(FaultKind::WrongShape),
        Just(FaultKind::BadRequest),
    ];
    let fault =
        (kind, text(), proptest::option::of(text())).prop_map(|(kind, message, place)| Fault {
            kind,
            message,
            place,
        });
    prop_oneof![tensors().prop_map(Ok), fault.prop_map(Err)]
}

/// Mostly the right thing, now and then a wrong one.
fn mostly<T>(
    right: impl Strategy<Value = T>,
    wrong: impl Strategy<Value = T>,
) -> impl Strategy<Value = T>
where
    T: std::fmt::Debug,
{
    prop_oneof![19 => right, 1 => wrong]
}

/// Blobs that are nearly right: tensors that lie one after the other, unless a part of the header is wrong.
fn nearly_a_blob() -> impl Strategy<Value = Vec<u8>> {
    type Kind = (&'static str, &'static str, i64);
    const RIGHT: &[Kind] = &[
        (r#""F32""#, "[1]", 4),
        (r#""F32""#, "[2,3]", 24),
        (r#""F32""#, "[0,5]", 0),
        (r#""F64""#, "[]", 8),
        (r#""I64""#, "[2]", 16),
    ];
    const WRONG: &[Kind] = &[
        (r#""F16""#, "[2]", 4),
        (r#"{"F32":null}"#, "[1]", 4),
        (r#""F32""#, "[-1]", 4),
        (r#""F32""#, "[1.0]", 4),
        (r#""F32""#, "[[1]]", 4),
        (r#""F32""#, "[1", 4),
        (r#""F32""#, "[0,18446744073709551615]", 0),
        (r#""F32""#, "[4611686018427387905]", 4),
        (r#""F32""#, "[1,1,1,1,1,1,1,1,1]", 4),
    ];
    const NAMES: &[&str] = &["a", "b", "c", "d", "e", "f", "g", "h"];
    const NO_NAMES: &[&str] = &["__metadata__", "", "\\u0061", "\\ud800", "\\", "\"", "\\n"];
    const MORE: &[&str] = &[r#","x":1"#, r#","dtype":"F32""#, ",", "}", ":", " "];
    const TEXTS: &[&str] = &[r#""a":"b""#, r#""b":"\n""#, r#""":"""#];
    const NO_TEXTS: &[&str] = &[r#""a":1"#, r#""a""#, r#"null:"a""#, r#""\u0000":"""#];
    let of = proptest::sample::select::<&'static str>;
    let tensor = (
        mostly(of(NAMES), of(NO_NAMES)),
        mostly(
            proptest::sample::select(RIGHT),
            proptest::sample::select(WRONG),
        ),
        mostly(Just((0, 0)), (-8..8_i64, -8..8_i64)),
        mostly(Just(""), of(MORE)),
    );
    let texts = vec(mostly(of(TEXTS), of(NO_TEXTS)), 0..2);
    let lie = || mostly(Just(0), -8..8_i64);
    (vec(tensor, 0..4), proptest::option::of(texts), lie(), lie()).prop_map(|(tensors, texts, lie, data_lie)| {
        let mut next = 0;
        let texts = texts.map(|texts| format!(r#""__metadata__":{{{}}}"#, texts.join(",")));
        let tensors = tensors.into_iter().map(|(name, (dtype, shape, bytes), (early, late), more)| {
            let (begin, end) = (next + early, next + bytes + late);
            next += bytes;
            format!(r#""{name}":{{"dtype":{dtype},"shape":{shape},"data_offsets":[{begin},{end}]{more}}}"#)
        });
        let entries: Vec<_> = tensors.chain(texts).collect();
        let header = format!("{{{}}}", entries.join(","));
        let length = (header.len() as i64 + lie) as u64;
        let data = vec![1; (next + data_lie).max(0) as usize];
        [&length.to_le_bytes(), header.as_bytes(), &data].concat()
    })
}

/// Decodes, and holds what was accepted against safetensors' own reader and against its own encoding.
fn decode(blob: &[u8]) -> Result<(), TestCaseError> {
    let Ok(frame) = Frame::decode(blob, &FrameLimits::default()) else {
        return Ok(());
    };
    let (_, header) =
        SafeTensors::read_metadata(blob).expect("safetensors accepts what is accepted here");
    let metadata: BTreeMap<_, _> = header
        .metadata()
        .clone()
        .unwrap_or_default()
        .into_iter()
        .collect();
    prop_assert_eq!(&metadata, &frame.metadata);
    let reference = SafeTensors::deserialize(blob).expect("as above");
    prop_assert_eq!(reference.len(), frame.tensors.len());
    for (name, view) in reference.tensors() {
        let tensor = &frame.tensors[&name];
        prop_assert_eq!(view.shape(), tensor.shape());
        prop_assert_eq!(view.data(), tensor.bytes());
        prop_assert_eq!(
            format!("{:?}", view.dtype()).to_lowercase(),
            tensor.dtype().to_string()
        );
    }
    let again = Frame::decode(
        &frame.encode().expect("what was read can be written"),
        &FrameLimits::default(),
    );
    prop_assert_eq!(again.expect("what was written can be read"), frame);
    Ok(())
}

proptest! {
    #[test]
    fn a_frame_survives(frame in frame()) {
        let blob = frame.encode().expect("encoded");
        prop_assert_eq!(&Frame::decode(&blob, &FrameLimits::default()).expect("decoded"), &frame);
        decode(&blob)?;
    }

    #[test]
    fn frames_survive_a_stream(frames in vec(frame(), 0..4)) {
        let limits = FrameLimits::default();
        let mut stream = Vec::new();
        for frame in &frames {
            write_frame(&mut stream, frame, &limits).expect("written");
        }
        let mut stream = stream.as_slice();
        for frame in &frames {
            prop_assert_eq!(&read_frame(&mut stream, &limits).expect("read"), frame);
        }
        prop_assert!(matches!(read_frame(&mut stream, &limits), Err(WireError::Closed)));
    }

    #[test]
    fn a_request_survives(request in request()) {
        let blob = Frame::from(request.clone()).encode().expect("encoded");
        let frame = Frame::decode(&blob, &FrameLimits::default()).expect("decoded");
        prop_assert_eq!(Request::try_from(frame).expect("a request"), request);
    }

    #[test]
    fn a_files_arguments_are_those_of_its_request_whatever_else_it_says(
        request in request(),
        mut metadata in texts(),
    ) {
        metadata.retain(|key, _| !key.starts_with("argument."));
        metadata.extend(Frame::from(request.clone()).metadata);
        let file = Frame { metadata, ..Frame::default() };
        prop_assert_eq!(file.arguments(), request.arguments);
    }

    #[test]
    fn an_answer_survives(answer in answer()) {
        let blob = Frame::of_answer(answer.clone()).encode().expect("encoded");
        let frame = Frame::decode(&blob, &FrameLimits::default()).expect("decoded");
        prop_assert_eq!(frame.into_answer().expect("an answer"), answer);
    }

    #[test]
    fn any_bytes_are_a_frame_or_an_error(blob in vec(any::<u8>(), 0..200)) {
        decode(&blob)?;
    }

    #[test]
    fn any_header_is_one_or_an_error(header in "\\{\\PC{0,60}", data in vec(any::<u8>(), 0..16)) {
        let length = (header.len() as u64).to_le_bytes();
        decode(&[&length, header.as_bytes(), &data].concat())?;
    }

    #[test]
    fn what_is_nearly_a_header_is_one_or_an_error(blob in nearly_a_blob()) {
        decode(&blob)?;
    }

    #[test]
    fn a_part_of_a_frame_is_an_error(frame in frame()) {
        let blob = frame.encode().expect("encoded");
        for end in 0..blob.len() {
            prop_assert!(Frame::decode(&blob[..end], &FrameLimits::default()).is_err(), "{} of {}", end, blob.len());
        }
    }

}

proptest! {
    #[test]
    fn more_than_a_frame_is_an_error(frame in frame(), more in vec(any::<u8>(), 1..16)) {
        let mut blob = frame.encode().expect("encoded");
        blob.extend(more);
        prop_assert!(Frame::decode(&blob, &FrameLimits::default()).is_err());
    }

    #[test]
    fn a_frame_with_one_byte_changed_is_a_frame_or_an_error(
        frame in frame(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), "[{}\\[\\],:\"0-9-]".prop_map(|text| text.as_bytes()[0])],
    ) {
        let mut blob = frame.encode().expect("encoded");
        let at = at.index(blob.len());
        blob[at] = byte;
        decode(&blob)?;
    }

    #[test]
    fn a_stream_of_another_length_than_it_says_is_an_error(frame in frame(), length in prop_oneof![0..400_u64, any::<u64>()]) {
        let blob = frame.encode().expect("encoded");
        let honest = blob.len() as u64;
        prop_assume!(length != honest);
        let limits = FrameLimits { frame: 1 << 20, ..FrameLimits::default() };
        let stream = [&length.to_le_bytes(), blob.as_slice()].concat();
        match read_frame(&mut stream.as_slice(), &limits) {
            Err(WireError::Limit { got, .. }) => prop_assert!(got == length && got > 1 << 20),
            Err(WireError::Io(error)) => {
                prop_assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                prop_assert!(length > honest);
            }
            Err(WireError::Malformed(_)) => prop_assert!(length < honest),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn any_stream_is_frames_and_an_end(stream in vec(any::<u8>(), 0..200)) {
        let mut rest = stream.as_slice();
        while read_frame(&mut rest, &FrameLimits::default()).is_ok() {}
    }
}

/// Strategies that make nothing of interest would let everything hold.
#[test]
fn the_strategies_reach_what_they_are_for() {
    let mut runner = TestRunner::deterministic();
    let mut thousand = |strategy: BoxedStrategy<Frame>| {
        let made = |_| strategy.new_tree(&mut runner).expect("made").current();
        (0..1000).map(made).collect::<Vec<_>>()
    };
    let frames = thousand(frame().boxed());
    let with = |what: fn(&RawTensor) -> bool| {
        frames
            .iter()
            .filter(|frame| frame.tensors.values().any(what))
            .count()
    };
    assert!(with(|tensor| tensor.shape().is_empty()) > 100);
    assert!(with(|tensor| tensor.shape().contains(&0)) > 100);
    assert!(with(|tensor| tensor.shape().iter().any(|&axis| axis > 1 << 32)) > 100);
    assert!(with(|tensor| tensor.shape().len() == 8) > 40);
    assert!(with(|tensor| tensor.bytes().len() > 30) > 100);
    assert!(frames.contains(&Frame::default()));
    let nul = |frame: &&Frame| frame.metadata.values().any(|text| text.contains('\0'));
    assert!(frames.iter().filter(nul).count() > 100);

    let refused = Frame {
        metadata: [("refused".into(), String::new())].into(),
        ..Frame::default()
    };
    let decode = move |blob: Vec<u8>| {
        Frame::decode(&blob, &FrameLimits::default()).unwrap_or_else(|_| refused.clone())
    };
    let decoded = thousand(nearly_a_blob().prop_map(decode).boxed());
    let accepted = decoded
        .iter()
        .filter(|frame| !frame.tensors.is_empty())
        .count();
    let refused = decoded
        .iter()
        .filter(|frame| frame.metadata.contains_key("refused"))
        .count();
    assert!(
        accepted > 100 && refused > 100,
        "{accepted} accepted, {refused} refused"
    );
}
