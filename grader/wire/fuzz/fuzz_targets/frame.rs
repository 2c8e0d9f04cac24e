//! Any bytes are a frame or an error; a frame is read back from what is written of it, and so are the answer and the
//! request that it is.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use wire::{Frame, FrameLimits, Request, WireError, read_frame, write_frame};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // So low that a fuzzer passes them.
    let limits = FrameLimits {
        frame: 4096,
        header: 1024,
        tensors: 4,
        rank: 8,
        metadata: 4,
    };
    let frame = match Frame::decode(bytes, &limits) {
        Ok(frame) => frame,
        Err(error) => {
            assert!(!error.to_string().contains(wire::is_hidden), "{error:?}");
            return Corpus::Keep;
        }
    };
    assert_eq!(again(&frame), frame);
    stream(&frame);
    if let Ok(answer) = frame.clone().into_answer() {
        let frame = again(&Frame::of_answer(answer.clone()));
        assert_eq!(frame.into_answer().expect("an answer"), answer);
    }
    if let Ok(request) = Request::try_from(frame) {
        let frame = again(&Frame::from(request.clone()));
        assert_eq!(Request::try_from(frame).expect("a request"), request);
    }
    Corpus::Keep
});

/// The frame that is read of what is written of this one.
fn again(frame: &Frame) -> Frame {
    let blob = frame.encode().expect("what was read can be written");
    Frame::decode(&blob, &FrameLimits::default()).expect("what was written can be read")
}

fn stream(frame: &Frame) {
    let mut stream = Vec::new();
    write_frame(&mut stream, frame, &FrameLimits::default()).expect("written");
    assert_eq!(
        read_frame(&mut stream.as_slice(), &FrameLimits::default()).expect("read"),
        *frame
    );
    stream.pop();
    let cut = read_frame(&mut stream.as_slice(), &FrameLimits::default());
    assert!(matches!(cut, Err(WireError::Io(_))), "{cut:?}");
}
