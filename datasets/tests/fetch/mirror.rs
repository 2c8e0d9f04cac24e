//! A mirror on this machine that answers as it is told, well or badly.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A way to answer a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// As it should be: with the range that was asked for, or all.
    Good,
    /// With all, whatever range was asked for.
    Whole,
    /// As it should be, but in so many pieces with pauses between them.
    Slow(u32, Duration),
    /// As it should be, up to the byte of the file where the connection is closed.
    BreakOff(usize),
    /// As it should be, up to the byte of the file where nothing more comes.
    FallSilent(usize),
    /// With an error and a page that tells of it.
    Status(u16),
    /// With 200 and a page that tells that the file has gone.
    Page,
    /// With as many bytes as the file has, but others.
    Rubbish,
    /// With more and more bytes, of which no number is announced.
    Endless,
    /// With another range than was asked for.
    OtherRange,
    /// Not in HTTP.
    Babble,
}

/// Answers one request after the other as it was told to, then no more. Ends when it is dropped.
pub(crate) struct Mirror {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    content: Vec<u8>,
    answers: VecDeque<Answer>,
    /// The range that each request asked for.
    ranges: Vec<Option<String>>,
    closed: bool,
}

impl Mirror {
    pub(crate) fn new(content: &[u8], answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
        let address = listener.local_addr().expect("it is bound");
        let state = Arc::new(Mutex::new(State {
            content: content.to_owned(),
            answers: answers.iter().cloned().collect(),
            ranges: Vec::new(),
            closed: false,
        }));
        let shared = Arc::clone(&state);
        let thread = Some(thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.lock().expect("no panic").closed {
                    break;
                }
                serve(stream, &shared).ok(); // the client may leave whenever it likes
            }
        }));
        Self {
            address,
            state,
            thread,
        }
    }

    /// The URL of its folder.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/data/", self.address)
    }

    /// The `Range` header of each request so far.
    pub(crate) fn ranges(&self) -> Vec<Option<String>> {
        self.state.lock().expect("no panic").ranges.clone()
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.state.lock().expect("no panic").closed = true;
        TcpStream::connect(self.address).ok(); // wakes the thread
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the mirror does not panic");
        }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    let mut range = None;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(line) = lines.next().transpose()?.filter(|it| !it.is_empty()) {
        let line = line.to_ascii_lowercase();
        range = line.strip_prefix("range: ").map(str::to_owned).or(range);
    }
    let (answer, content) = {
        let mut state = state.lock().expect("no panic");
        state.ranges.push(range.clone());
        let answer = state.answers.pop_front().unwrap_or(Answer::Status(503));
        (answer, state.content.clone())
    };

    let start = range.and_then(|it| it.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let start = match answer {
        Answer::Whole | Answer::Rubbish => None,
        _ => start,
    };
    let size = content.len();
    let from = start.unwrap_or(0).min(size);
    let head = match start {
        Some(start) => {
            let last = size - 1;
            format!("206 Partial Content\r\nContent-Range: bytes {start}-{last}/{size}")
        }
        None => "200 OK".to_owned(),
    };
    let head = format!(
        "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        size - from
    );
    match answer {
        Answer::Good | Answer::Whole => {
            stream.write_all(head.as_bytes())?;
            stream.write_all(&content[from..])
        }
        Answer::Slow(pieces, pause) => {
            stream.write_all(head.as_bytes())?;
            for piece in content[from..].chunks((size - from).div_ceil(pieces as usize)) {
                thread::sleep(pause);
                stream.write_all(piece)?;
            }
            Ok(())
        }
        Answer::BreakOff(end) => {
            stream.write_all(head.as_bytes())?;
            stream.write_all(&content[from..end.max(from)])
        }
        Answer::FallSilent(end) => {
            stream.write_all(head.as_bytes())?;
            stream.write_all(&content[from..end.max(from)])?;
            stream.read(&mut [0]).map(drop) // until the client has had enough
        }
        Answer::Status(status) => write!(
            stream,
            "HTTP/1.1 {status} No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nsad\n"
        ),
        Answer::Page => write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ngone\n"
        ),
        Answer::Rubbish => {
            stream.write_all(head.as_bytes())?;
            stream.write_all(&vec![b'?'; size])
        }
        Answer::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            for _ in 0..1000 {
                stream.write_all(&[b'!'; 1024])?;
            }
            Ok(())
        }
        Answer::OtherRange => write!(
            stream,
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/{size}\r\n\
             Content-Length: 4\r\nConnection: close\r\n\r\nsad\n"
        ),
        Answer::Babble => stream.write_all(b"220 ready when you are\r\n"),
    }
}
