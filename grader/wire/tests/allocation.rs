//! The memory that a frame costs its reader: a small multiple of the bytes that arrived, whatever they claim.
//!
//! The measure is the most that is held at once. Data is copied out of the blob once. A header costs more than its
//! length: an entry for a tensor, of 55 bytes at least, becomes a name, a shape and a place in a tree, 3.4 times as
//! much. A text where there must be none costs the most, 13.3 times its length: serde quotes it, with up to 6
//! characters for a byte, in a message that grows by doubling, and while it grows it is held beside its half.

mod blob;

use blob::{blob, f32, limits, lying_blob};
use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wire::{Dtype, Frame, FrameLimits, RawTensor, Request, WireError, read_frame};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes held at once for each byte of the header, and whatever its length.
const PER_HEADER_BYTE: usize = 16;
const PER_DATA_BYTE: usize = 1;
const AT_LEAST: usize = 8 << 10;

/// Memory is counted for the whole process, so that one test at a time may use it.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most bytes held at once beyond those at the beginning.
fn peak<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let made = work();
    (MEMORY.peak_usage().saturating_sub(before), made)
}

/// The most bytes that a blob may cost.
fn allowance(blob: &[u8], limits: &FrameLimits) -> usize {
    let header = blob
        .first_chunk()
        .map_or(0, |length| u64::from_le_bytes(*length));
    let rest = blob.len().saturating_sub(8);
    let header = usize::try_from(header).map_or(0, |header| header.min(rest).min(limits.header));
    AT_LEAST + PER_HEADER_BYTE * header + PER_DATA_BYTE * (rest - header)
}

/// The most bytes held at once while a blob is decoded, and read as an answer and as a request; checked against the
/// allowance.
fn cost(name: &str, blob: &[u8], limits: &FrameLimits) -> usize {
    let (held, _) = peak(|| {
        let frame = Frame::decode(blob, limits)?;
        drop(Request::try_from(frame));
        Frame::decode(blob, limits)?.into_answer()
    });
    let allowed = allowance(blob, limits);
    assert!(
        held <= allowed,
        "{name}: {held} bytes held for {}, of at most {allowed}",
        blob.len()
    );
    held
}

/// Headers that are made to cost their reader as much as they can, each nearly as long as a header may be.
fn greedy() -> Vec<(&'static str, Vec<u8>)> {
    let room = FrameLimits::default().header - 200;
    let in_full = |entry: &dyn Fn(usize) -> String| {
        let mut entries = String::new();
        for i in 0.. {
            let entry = entry(i);
            if entries.len() + entry.len() > room {
                break;
            }
            write!(entries, "{entry},").expect("written");
        }
        entries.pop();
        entries
    };
    let tensors = |count: usize, shape: &str| {
        let entries: Vec<_> = (0..count)
            .map(|i| f32(&format!("{i:x}"), shape, "[0,0]"))
            .collect();
        format!("{{{}}}", entries.join(","))
    };
    let delete = "\u{7f}".repeat(room);
    vec![
        ("as many tensors as may be", tensors(2048, "[0]")),
        (
            "as many tensors of as many axes",
            tensors(2048, "[0,0,0,0,0,0,0,0]"),
        ),
        ("more tensors than may be", tensors(4500, "[0]")),
        (
            "a shape of many axes",
            format!(
                "{{{}}}",
                f32("a", &format!("[{}]", in_full(&|_| "0".into())), "[0,0]")
            ),
        ),
        (
            "many offsets",
            format!(
                "{{{}}}",
                f32("a", "[0]", &format!("[{}]", in_full(&|_| "0".into())))
            ),
        ),
        (
            "an unknown field of many lists",
            format!(r#"{{"a":{{"x":[{}]}}}}"#, in_full(&|_| "[]".into())),
        ),
        (
            "an unknown field of deep lists",
            format!(r#"{{"a":{{"x":{}"#, "[".repeat(room)),
        ),
        (
            "many unknown fields",
            format!(r#"{{"a":{{{}}}}}"#, in_full(&|i| format!(r#""{i:x}":0"#))),
        ),
        (
            "a shape of deep lists",
            format!(r#"{{"a":{{"shape":{}"#, "[".repeat(room)),
        ),
        (
            "a number of many digits",
            format!(
                "{{{}}}",
                f32("a", &format!("[{}]", "9".repeat(room)), "[0,0]")
            ),
        ),
        (
            "as many long texts as may be",
            format!(
                r#"{{"__metadata__":{{{}}}}}"#,
                (0..64)
                    .map(|i| format!(r#""{i}":"{}""#, "a".repeat(4000)))
                    .collect::<Vec<_>>()
                    .join(","),
            ),
        ),
        (
            "more texts than may be",
            format!(
                r#"{{"__metadata__":{{{}}}}}"#,
                in_full(&|i| format!(r#""{i:x}":"""#))
            ),
        ),
        (
            "one long text",
            format!(r#"{{"__metadata__":{{"a":"{}"}}}}"#, "a".repeat(room)),
        ),
        (
            "one long text of escapes",
            format!(r#"{{"__metadata__":{{"a":"{}"}}}}"#, "\\n".repeat(room / 2)),
        ),
        (
            "a long text with one escape",
            format!(r#"{{"__metadata__":{{"a":"\n{}"}}}}"#, "a".repeat(room)),
        ),
        (
            "a long fault",
            format!(r#"{{"__metadata__":{{"fault":"{delete}","message":""}}}}"#),
        ),
        (
            "a long name",
            format!("{{{}}}", f32(&"a".repeat(room), "[0]", "[0,0]")),
        ),
        (
            "a long name that is hidden",
            format!("{{{}}}", f32(&delete, "[0]", "[0,0]")),
        ),
        (
            "a long name with one escape",
            format!(
                "{{{}}}",
                f32(&format!("\\n{}", "a".repeat(room)), "[0]", "[0,0]")
            ),
        ),
        ("a long dtype", format!(r#"{{"a":{{"dtype":"{delete}"}}}}"#)),
        ("a long field", format!(r#"{{"a":{{"{delete}":0}}}}"#)),
        (
            "a long text for texts",
            format!(r#"{{"__metadata__":"{delete}"}}"#),
        ),
        ("a long text for an entry", format!(r#"{{"a":"{delete}"}}"#)),
        (
            "a long text for a shape",
            format!(r#"{{"a":{{"shape":"{delete}"}}}}"#),
        ),
        (
            "a long text with an escape for a shape",
            format!(r#"{{"a":{{"shape":"\n{delete}"}}}}"#),
        ),
        (
            "a long text for an axis",
            format!(r#"{{"a":{{"shape":["{delete}"]}}}}"#),
        ),
    ]
    .into_iter()
    .map(|(name, header)| (name, blob(header, 0)))
    .collect()
}

/// The files of `corpus/`, which `tests/hostile.rs` keeps.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let files: Vec<_> = ["bad", "good"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).expect("a folder"))
        .map(|file| {
            let file = file.expect("a file").path();
            (file.display().to_string(), fs::read(&file).expect("read"))
        })
        .collect();
    assert!(files.len() > 100, "a corpus of {} files", files.len());
    files
}

#[test]
fn a_greedy_header_costs_a_small_multiple_of_its_length() {
    let _alone = alone();
    for (name, blob) in greedy() {
        let held = cost(name, &blob, &FrameLimits::default());
        println!(
            "{:5.1} × {:6} {name}",
            held as f64 / blob.len() as f64,
            blob.len()
        );
    }
}

#[test]
fn the_corpus_costs_a_small_multiple_of_its_length() {
    let _alone = alone();
    for (name, blob) in corpus() {
        for limits in [limits(), FrameLimits::default()] {
            cost(&name, &blob, &limits);
        }
    }
}

#[test]
fn data_is_held_once() {
    let _alone = alone();
    let elements = (32 << 20) / 8;
    let tensor = |value: f64| {
        RawTensor::new(
            Dtype::F64,
            vec![elements],
            value.to_le_bytes().repeat(elements),
        )
    };
    let frame = Frame {
        tensors: [("a".into(), tensor(1.0).expect("a tensor"))].into(),
        ..Frame::default()
    };
    let blob = frame.encode().expect("encoded");
    let (held, decoded) = peak(|| Frame::decode(&blob, &FrameLimits::default()));
    assert_eq!(decoded.expect("decoded"), frame);
    assert!(
        held >= 32 << 20,
        "the measure must see what is held: {held}"
    );
    assert!(held <= allowance(&blob, &FrameLimits::default()), "{held}");
}

#[test]
fn a_stream_costs_what_arrives_and_not_what_it_promises() {
    let _alone = alone();
    let arrived = [0; 1000];
    for length in [
        0,
        1001,
        1 << 20,
        64 << 20,
        (64 << 20) + 1,
        4 << 30,
        1 << 40,
        u64::MAX,
    ] {
        for arrived in [&arrived[..], &[]] {
            let stream = [&length.to_le_bytes(), arrived].concat();
            let (held, frame) =
                peak(|| read_frame(&mut stream.as_slice(), &FrameLimits::default()));
            assert!(frame.is_err());
            assert!(
                held < 16 << 10,
                "{held} bytes held for a length of {length}"
            );
        }
    }
    // A header can lie as well.
    for length in [1 << 10, 256 << 10, 4 << 30, u64::MAX] {
        cost(
            "a lying header",
            &lying_blob(length, b"{}", 8),
            &FrameLimits::default(),
        );
    }
}

#[test]
fn a_stream_that_keeps_its_promise_costs_a_small_multiple_of_it() {
    let _alone = alone();
    let length = 33 << 20;
    let stream = [&(length as u64).to_le_bytes()[..], &vec![0xff; length]].concat();
    let (held, frame) = peak(|| read_frame(&mut stream.as_slice(), &FrameLimits::default()));
    assert!(
        matches!(frame, Err(WireError::Limit { .. })),
        "of its header"
    );
    // While it grows for the last time, what there was is held beside the whole.
    assert!(held <= 2 * length, "{held}");
}

#[test]
fn mutations_cost_a_small_multiple_of_their_length() {
    let _alone = alone();
    let mut blobs: Vec<_> = corpus().into_iter().map(|(_, blob)| blob).collect();
    blobs.extend(greedy().into_iter().map(|(_, blob)| blob));
    let change = (any::<prop::sample::Index>(), any::<u8>());
    let changes = proptest::collection::vec(change, 1..4);
    proptest!(|(blob in 0..blobs.len(), changes in changes)| {
        let mut blob = blobs[blob].clone();
        for (at, byte) in changes {
            if !blob.is_empty() {
                let at = at.index(blob.len());
                blob[at] = byte;
            }
        }
        cost("a mutation", &blob, &FrameLimits::default());
    });
}
