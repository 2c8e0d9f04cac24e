//! The frames under `corpus/`: their parts, and the verdict that each must get.

use crate::blob::{blob, f32, limits, lying_blob};

/// One file of the corpus, `corpus/bad/NAME` or `corpus/good/NAME`.
pub(crate) struct Case {
    /// The file's name.
    pub(crate) name: &'static str,
    /// The safetensors blob, as [`Frame::decode`](wire::Frame::decode) takes it.
    pub(crate) blob: Vec<u8>,
    /// The verdict that it must get.
    pub(crate) verdict: Verdict,
}

/// The verdict that a frame must get.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    /// No frame at all: the error has these words.
    NoFrame(&'static str),
    /// A frame, but no answer: the error has these words.
    NoAnswer(&'static str),
    /// A frame, but no request: the error has these words.
    NoRequest(&'static str),
    /// Odd, but harmless: a frame.
    Accepted,
}

/// A frame of these entries.
fn of<const N: usize>(entries: [String; N], data: usize) -> Vec<u8> {
    blob(format!("{{{}}}", entries.join(",")), data)
}

/// A frame of one tensor `a` of f32.
fn one(shape: &str, offsets: &str, data: usize) -> Vec<u8> {
    of([f32("a", shape, offsets)], data)
}

/// A frame of metadata alone.
fn metadata(entries: &str) -> Vec<u8> {
    blob(format!(r#"{{"__metadata__":{{{entries}}}}}"#), 0)
}

/// Every frame of the corpus.
pub(crate) fn corpus() -> Vec<Case> {
    let limits = limits();
    let many = |count: usize, entry: &dyn Fn(usize) -> String| {
        (0..count).map(entry).collect::<Vec<_>>().join(",")
    };
    let a = || f32("a", "[1]", "[0,4]");
    use Verdict::{Accepted, NoAnswer, NoFrame, NoRequest};
    let cases = [
        // Lengths.
        ("empty", vec![], NoFrame("0 bytes are too few")),
        ("seven-bytes", vec![0; 7], NoFrame("7 bytes are too few")),
        (
            "header-of-0-bytes",
            blob("", 0),
            NoFrame("EOF while parsing"),
        ),
        (
            "header-longer-than-the-blob",
            lying_blob(64, b"{}", 0),
            NoFrame("header of 64 bytes in a frame of 10"),
        ),
        (
            "header-shorter-than-it-is",
            lying_blob(8, b"{\"a\":{}}  ", 0),
            NoFrame("missing field"),
        ),
        (
            "header-over-the-limit",
            blob(" ".repeat(limits.header + 1), 0),
            NoFrame("header bytes 1025, of at most 1024"),
        ),
        (
            "header-of-4-GiB",
            lying_blob(1 << 32, b"{}", 0),
            NoFrame("header bytes 4294967296"),
        ),
        (
            "header-of-u64-max",
            lying_blob(u64::MAX, b"{}", 0),
            NoFrame("header bytes 18446744073709551615"),
        ),
        (
            "frame-over-the-limit",
            one("[1024]", "[0,4096]", 4096),
            NoFrame("bytes 4164, of at most 4096"),
        ),
        (
            "truncated-header",
            lying_blob(60, b"{\"a\":{\"dtype\":\"F32\",", 0),
            NoFrame("header of 60 bytes in a frame of 28"),
        ),
        (
            "truncated-data",
            one("[4]", "[0,16]", 15),
            NoFrame("is said to end at byte 16 of 15"),
        ),
        (
            "trailing-bytes",
            one("[1]", "[0,4]", 5),
            NoFrame("tensors take 4 bytes of 5"),
        ),
        (
            "data-without-tensors",
            blob("{}", 1),
            NoFrame("tensors take 0 bytes of 1"),
        ),
        // JSON.
        (
            "not-an-object",
            blob("[]", 0),
            NoFrame("expected an object of tensors"),
        ),
        (
            "blank-before-the-object",
            blob(" {}", 0),
            NoFrame("does not begin with {"),
        ),
        (
            "two-objects",
            blob("{}{}", 0),
            NoFrame("trailing characters"),
        ),
        (
            "unfinished-object",
            blob("{", 0),
            NoFrame("EOF while parsing"),
        ),
        ("not-utf8", blob(b"{\"\xff\":{}}", 0), NoFrame("utf-8")),
        (
            "overlong-utf8",
            blob(b"{\"\xc0\x80\":{}}", 0),
            NoFrame("utf-8"),
        ),
        (
            "half-a-surrogate",
            of([f32(r"\ud800", "[1]", "[0,4]")], 4),
            NoFrame("hex escape"),
        ),
        (
            "raw-control-character",
            of([f32("\u{1}", "[1]", "[0,4]")], 4),
            NoFrame("control character"),
        ),
        (
            "nested-lists",
            blob(format!("{{\"a\":{}", "[".repeat(900)), 0),
            NoFrame("expected dtype, shape and data_offsets"),
        ),
        (
            "nested-objects",
            blob("{\"a\":".repeat(180), 0),
            NoFrame("unknown field"),
        ),
        (
            "nested-shape",
            one(&"[".repeat(900), "[0,4]", 4),
            NoFrame("invalid type: sequence"),
        ),
        (
            "nested-in-unknown-field",
            blob(format!(r#"{{"a":{{"x":{}"#, "[".repeat(900)), 0),
            NoFrame("unknown field"),
        ),
        (
            "nested-metadata",
            metadata(&format!(r#""a":{}"#, "[".repeat(900))),
            NoFrame("expected a string"),
        ),
        // Names.
        (
            "name-twice",
            of([a(), f32("a", "[1]", "[4,8]")], 8),
            NoFrame("\"a\" stands twice"),
        ),
        (
            "name-twice-once-escaped",
            of([a(), f32(r"\u0061", "[1]", "[4,8]")], 8),
            NoFrame("\"a\" stands twice"),
        ),
        (
            "name-with-nul",
            of([f32(r"a\u0000b", "[1]", "[0,4]")], 4),
            NoFrame("cannot be seen"),
        ),
        (
            "name-with-terminal-escape",
            of([f32(r"\u001b[2J", "[1]", "[0,4]")], 4),
            NoFrame("cannot be seen"),
        ),
        (
            "name-that-turns-the-line",
            of([f32("\u{202e}a", "[1]", "[0,4]")], 4),
            NoFrame("cannot be seen"),
        ),
        (
            "metadata-twice",
            blob(r#"{"__metadata__":{},"__metadata__":{}}"#, 0),
            NoFrame("\"__metadata__\" stands twice"),
        ),
        (
            "metadata-name-twice",
            metadata(r#""fault":"panicked","fault":"bad request""#),
            NoFrame("\"fault\" stands twice"),
        ),
        (
            "metadata-name-with-nul",
            metadata(r#""\u0000":"""#),
            NoFrame("cannot be seen"),
        ),
        (
            "metadata-is-null",
            blob(r#"{"__metadata__":null}"#, 0),
            NoFrame("expected texts by name"),
        ),
        (
            "metadata-is-a-list",
            blob(r#"{"__metadata__":[]}"#, 0),
            NoFrame("expected texts by name"),
        ),
        (
            "metadata-is-a-tensor",
            of([f32("__metadata__", "[1]", "[0,4]")], 4),
            NoFrame("expected a string"),
        ),
        (
            "metadata-of-a-number",
            metadata(r#""grid":7"#),
            NoFrame("expected a string"),
        ),
        // Counts.
        (
            "tensors-over-the-limit",
            blob(
                format!(
                    "{{{}}}",
                    many(limits.tensors + 1, &|i| f32(&i.to_string(), "[0]", "[0,0]"))
                ),
                0,
            ),
            NoFrame("tensors 5, of at most 4"),
        ),
        (
            "metadata-over-the-limit",
            metadata(&many(limits.metadata + 1, &|i| format!(r#""{i}":"""#))),
            NoFrame("metadata entries 5, of at most 4"),
        ),
        (
            "metadata-bomb",
            metadata(&many(100, &|i| format!(r#""{i}":"""#))),
            NoFrame("metadata entries 5, of at most 4"),
        ),
        (
            "rank-9",
            one("[1,1,1,1,1,1,1,1,1]", "[0,4]", 4),
            NoFrame("axes 9, of at most 8"),
        ),
        (
            "rank-400",
            one(&format!("[{}]", many(400, &|_| "1".into())), "[0,4]", 4),
            NoFrame("axes 9, of at most 8"),
        ),
        // A tensor's entry.
        (
            "unknown-dtype",
            blob(
                r#"{"a":{"dtype":"F128","shape":[1],"data_offsets":[0,16]}}"#,
                16,
            ),
            NoFrame("none of F32, F64, I64, U8"),
        ),
        (
            "dtype-that-does-not-travel",
            blob(
                r#"{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}"#,
                2,
            ),
            NoFrame("none of F32, F64, I64, U8"),
        ),
        (
            "dtype-in-small-letters",
            blob(
                r#"{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}"#,
                4,
            ),
            NoFrame("none of F32, F64, I64, U8"),
        ),
        (
            "dtype-is-a-number",
            blob(r#"{"a":{"dtype":0,"shape":[1],"data_offsets":[0,4]}}"#, 4),
            NoFrame("expected a string"),
        ),
        (
            "dtype-is-an-object",
            blob(
                r#"{"a":{"dtype":{"F32":null},"shape":[1],"data_offsets":[0,4]}}"#,
                4,
            ),
            NoFrame("expected a string"),
        ),
        (
            "dtype-twice",
            blob(
                r#"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
                4,
            ),
            NoFrame("duplicate field"),
        ),
        (
            "dtype-missing",
            blob(r#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, 4),
            NoFrame("missing field `dtype`"),
        ),
        (
            "shape-missing",
            blob(r#"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, 4),
            NoFrame("missing field `shape`"),
        ),
        (
            "offsets-missing",
            blob(r#"{"a":{"dtype":"F32","shape":[1]}}"#, 4),
            NoFrame("missing field `data_offsets`"),
        ),
        (
            "unknown-field",
            blob(
                r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":[[],[],[]]}}"#,
                4,
            ),
            NoFrame("unknown field"),
        ),
        (
            "entry-is-a-list",
            blob(r#"{"a":["F32",[1],[0,4]]}"#, 4),
            NoFrame("expected dtype, shape and data_offsets"),
        ),
        (
            "entry-is-null",
            blob(r#"{"a":null}"#, 0),
            NoFrame("expected dtype, shape and data_offsets"),
        ),
        // Shapes.
        (
            "shape-is-a-number",
            one("4", "[0,16]", 16),
            NoFrame("expected the sizes of the axes"),
        ),
        (
            "shape-is-null",
            one("null", "[0,4]", 4),
            NoFrame("expected the sizes of the axes"),
        ),
        (
            "shape-negative",
            one("[-1]", "[0,4]", 4),
            NoFrame("integer `-1`"),
        ),
        (
            "shape-minus-zero",
            one("[-0]", "[0,0]", 0),
            NoFrame("floating point"),
        ),
        (
            "shape-of-a-float",
            one("[1.0]", "[0,4]", 4),
            NoFrame("floating point"),
        ),
        (
            "shape-of-an-exponent",
            one("[1e0]", "[0,4]", 4),
            NoFrame("floating point"),
        ),
        (
            "shape-of-a-text",
            one("[\"1\"]", "[0,4]", 4),
            NoFrame("invalid type: string"),
        ),
        (
            "shape-of-2-to-the-64",
            one("[18446744073709551616]", "[0,4]", 4),
            NoFrame("floating point"),
        ),
        (
            "shape-of-1e999",
            one("[1e999]", "[0,4]", 4),
            NoFrame("number out of range"),
        ),
        (
            "shape-of-500-digits",
            one(&format!("[{}]", "9".repeat(500)), "[0,4]", 4),
            NoFrame("number out of range"),
        ),
        (
            "shape-product-overflows",
            one("[4294967296,4294967296]", "[0,0]", 0),
            NoFrame("takes more bytes than can be counted"),
        ),
        (
            "shape-bytes-overflow",
            one("[4611686018427387904]", "[0,0]", 0),
            NoFrame("takes more bytes than can be counted"),
        ),
        (
            "shape-wraps-to-its-bytes",
            one("[4611686018427387905]", "[0,4]", 4),
            NoFrame("takes more bytes than can be counted"),
        ),
        (
            "shape-beyond-i64-beside-0",
            one("[0,18446744073709551615]", "[0,0]", 0),
            NoFrame("takes more bytes than can be counted"),
        ),
        (
            "shape-overflows-before-0",
            one("[4294967296,4294967296,0]", "[0,0]", 0),
            NoFrame("takes more bytes than can be counted"),
        ),
        (
            "shape-larger-than-its-bytes",
            one("[2]", "[0,4]", 4),
            NoFrame("takes 8 bytes, not 4"),
        ),
        (
            "shape-smaller-than-its-bytes",
            one("[1]", "[0,8]", 8),
            NoFrame("takes 4 bytes, not 8"),
        ),
        (
            "shape-empty-with-bytes",
            one("[0]", "[0,4]", 4),
            NoFrame("takes 0 bytes, not 4"),
        ),
        // Offsets.
        (
            "offsets-overlap",
            of([f32("a", "[2]", "[0,8]"), f32("b", "[2]", "[4,12]")], 12),
            NoFrame("begins at byte 4, where byte 8 is next"),
        ),
        (
            "offsets-the-same",
            of([a(), f32("b", "[1]", "[0,4]")], 4),
            NoFrame("begins at byte 0, where byte 4 is next"),
        ),
        (
            "offsets-with-a-hole",
            of([a(), f32("b", "[1]", "[8,12]")], 12),
            NoFrame("begins at byte 8, where byte 4 is next"),
        ),
        (
            "offsets-after-a-hole",
            one("[1]", "[4,8]", 8),
            NoFrame("begins at byte 4, where byte 0 is next"),
        ),
        (
            "offsets-beyond-the-data",
            one("[2]", "[0,8]", 4),
            NoFrame("is said to end at byte 8 of 4"),
        ),
        (
            "offsets-far-beyond-the-data",
            one("[4503599627370496]", "[0,18014398509481984]", 4),
            NoFrame("is said to end at byte 18014398509481984 of 4"),
        ),
        (
            "offsets-of-nothing-beyond-the-data",
            of([a(), f32("b", "[0]", "[9,9]")], 4),
            NoFrame("is said to end at byte 9 of 4"),
        ),
        (
            "offsets-reversed",
            one("[1]", "[4,0]", 4),
            NoFrame("ends before it begins"),
        ),
        (
            "offsets-reversed-to-the-utmost",
            one("[1]", "[18446744073709551615,3]", 4),
            NoFrame("ends before it begins"),
        ),
        (
            "offsets-negative",
            one("[1]", "[-4,0]", 4),
            NoFrame("integer `-4`"),
        ),
        (
            "offsets-of-floats",
            one("[1]", "[0.0,4.0]", 4),
            NoFrame("floating point"),
        ),
        (
            "offsets-of-one-number",
            one("[1]", "[0]", 4),
            NoFrame("invalid length 1"),
        ),
        (
            "offsets-of-three-numbers",
            one("[1]", "[0,4,4]", 4),
            NoFrame("trailing characters"),
        ),
        // Answers and requests.
        (
            "answer-of-unknown-fault",
            metadata(r#""fault":"passed","message":"""#),
            NoAnswer("the fault \"passed\""),
        ),
        (
            "answer-of-fault-in-capitals",
            metadata(r#""fault":"Panicked","message":"""#),
            NoAnswer("the fault \"Panicked\""),
        ),
        (
            "answer-of-fault-and-tensors",
            blob(
                format!(
                    r#"{{"__metadata__":{{"fault":"panicked","message":""}},{}}}"#,
                    a()
                ),
                4,
            ),
            NoAnswer("a fault and tensors"),
        ),
        (
            "answer-of-fault-and-more",
            metadata(r#""fault":"panicked","message":"","score":"10""#),
            NoAnswer("the metadata \"score\""),
        ),
        (
            "answer-of-fault-without-message",
            metadata(r#""fault":"panicked""#),
            NoAnswer("a fault without a message"),
        ),
        (
            "answer-of-message-alone",
            metadata(r#""message":"""#),
            NoAnswer("the metadata \"message\""),
        ),
        (
            "answer-that-is-a-request",
            metadata(r#""operation":"patchify""#),
            NoAnswer("the metadata \"operation\""),
        ),
        (
            "request-without-operation",
            metadata(r#""argument.grid":"7""#),
            NoRequest("without an operation"),
        ),
        (
            "request-that-is-a-fault",
            metadata(r#""fault":"panicked","message":"""#),
            NoRequest("the metadata \"fault\""),
        ),
        (
            "request-with-more",
            metadata(r#""operation":"patchify","grid":"7""#),
            NoRequest("the metadata \"grid\""),
        ),
        // Odd, but harmless.
        ("no-tensors", blob("{}", 0), Accepted),
        ("no-metadata", one("[1]", "[0,4]", 4), Accepted),
        (
            "blanks-after-the-object",
            blob("{}                      ", 0),
            Accepted,
        ),
        (
            "name-of-no-letters",
            of([f32("", "[1]", "[0,4]")], 4),
            Accepted,
        ),
        (
            "name-in-letters-of-a-language",
            of([f32("李é−", "[1]", "[0,4]")], 4),
            Accepted,
        ),
        (
            "name-of-800-letters",
            of([f32(&"a".repeat(800), "[1]", "[0,4]")], 4),
            Accepted,
        ),
        ("number-without-axes", one("[]", "[0,4]", 4), Accepted),
        ("empty-axes", one("[0,3,0]", "[0,0]", 0), Accepted),
        (
            "empty-and-large",
            one("[0,4294967296]", "[0,0]", 0),
            Accepted,
        ),
        ("rank-8", one("[1,1,1,1,1,1,1,2]", "[0,8]", 8), Accepted),
        (
            "tensors-at-the-limit",
            blob(
                format!("{{{}}}", many(4, &|i| f32(&i.to_string(), "[0]", "[0,0]"))),
                0,
            ),
            Accepted,
        ),
        (
            "tensors-out-of-order",
            of([f32("a", "[1]", "[4,8]"), f32("b", "[1]", "[0,4]")], 8),
            Accepted,
        ),
        (
            "not-a-number",
            [
                blob(format!("{{{}}}", a()), 0),
                f32::NAN.to_le_bytes().into(),
            ]
            .concat(),
            Accepted,
        ),
        (
            "all-dtypes",
            blob(
                r#"{"c":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F64","shape":[1,1],"data_offsets":[8,16]}}"#,
                24,
            ),
            Accepted,
        ),
        (
            "metadata-of-one-long-text",
            metadata(&format!(
                r#""fault":"panicked","message":"{}""#,
                "a".repeat(900)
            )),
            Accepted,
        ),
        (
            "metadata-of-escapes",
            metadata(r#""fault":"panicked","message":"\u0000\u001b[2J\ud83d\ude00\n""#),
            Accepted,
        ),
        (
            "request",
            blob(
                format!(
                    r#"{{"__metadata__":{{"operation":"patchify","argument.grid":"7"}},{}}}"#,
                    a()
                ),
                4,
            ),
            Accepted,
        ),
        ("answer", of([f32("out", "[2,3]", "[0,24]")], 24), Accepted),
        (
            "answer-of-fault",
            metadata(
                r#""fault":"panicked","message":"index out of bounds","place":"src/lib.rs:1:2""#,
            ),
            Accepted,
        ),
    ];
    let case = |(name, blob, verdict)| Case {
        name,
        blob,
        verdict,
    };
    cases.into_iter().map(case).collect()
}
