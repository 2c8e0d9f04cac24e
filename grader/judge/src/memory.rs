//! Answers that the reference gave before to the same question. All that is drawn follows from a class's seed, so that each of
//! its submissions is asked the same, and the reference need not compute the answers for each of them anew.
//!
//! They lie in the folder that [`ANSWERS_VARIABLE`] names, a file for each question, by its digest. The judge that
//! tries the reference itself may write there; one that tries a submission can only read. Without the folder, or a
//! file, or if a file is damaged, the reference is asked.

use sha2::{Digest, Sha256};
use std::env;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use wire::words::ANSWERS_VARIABLE;
use wire::{Frame, FrameLimits, RawTensor, Request, SEED, WireError, read_frame, write_frame};

/// Bytes of an answer, beyond which it is not kept: those of a large model's gradients still are.
const MOST: usize = 32 << 20;

/// A question's file.
pub(crate) struct Place(Option<PathBuf>);

impl Place {
    /// The file for `request`, asked as `purpose` says.
    pub(crate) fn of(purpose: &str, request: &Request) -> Self {
        Self(folder().map(|folder| folder.join(digest(purpose, request))))
    }

    /// The answer, if it is known.
    pub(crate) fn recall(&self) -> Option<Frame> {
        let file = File::open(self.0.as_ref()?).ok()?;
        read_frame(&mut BufReader::new(file), &FrameLimits::default()).ok()
    }

    /// Keeps the answer, where this judge may.
    pub(crate) fn keep(&self, answer: impl FnOnce() -> Frame) {
        let Some(path) = &self.0 else { return };
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let begun = path.with_extension(format!("{}-{number}", process::id()));
        // An error means that it is not to be written here; it is computed again the next time.
        let Ok(file) = File::create_new(&begun) else {
            return;
        };
        if write(file, &answer()).is_err() || fs::rename(&begun, path).is_err() {
            let _ = fs::remove_file(begun);
        }
    }
}

fn write(file: File, answer: &Frame) -> Result<(), WireError> {
    let limits = FrameLimits {
        frame: MOST,
        ..FrameLimits::default()
    };
    let mut file = BufWriter::new(file);
    write_frame(&mut file, answer, &limits)?;
    Ok(file.flush()?)
}

fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| env::var_os(ANSWERS_VARIABLE).map(PathBuf::from));
    folder.as_deref()
}

/// A digest of all that the answer depends on, the reference aside: the seed of a call counts where it is served. Each
/// part is preceded by its length.
fn digest(purpose: &str, request: &Request) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(purpose.as_bytes());
    part(request.operation.as_bytes());
    for (name, value) in request.arguments.iter().filter(|it| it.0 != SEED) {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    part(b"tensors");
    for (name, tensor) in &request.tensors {
        part(name.as_bytes());
        part(kind(tensor).as_bytes());
        part(tensor.bytes());
    }
    format!("{:x}", hash.finalize())
}

fn kind(tensor: &RawTensor) -> String {
    format!("{} {:?}", tensor.dtype(), tensor.shape())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;
    use wire::Tensors;

    fn request(values: &[f32]) -> Request {
        Request {
            operation: "double".to_owned(),
            tensors: [("x".to_owned(), (&arr1(values)).into())].into(),
            ..Request::default()
        }
    }

    fn answer(value: f64) -> Frame {
        let tensors: Tensors = [("y".to_owned(), (&arr1(&[value])).into())].into();
        Frame::of_answer(Ok(tensors))
    }

    #[test]
    fn an_answer_is_recalled_as_it_was_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = || Place(Some(folder.path().join(digest("twin", &request(&[1.0])))));
        assert!(place().recall().is_none());
        place().keep(|| answer(2.0));
        assert_eq!(place().recall(), Some(answer(2.0)));
        let files = fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(files, 1, "nothing is left of the way there");
    }

    #[test]
    fn what_is_damaged_or_may_not_be_written_is_not_known() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("answer");
        fs::write(&path, "no frame").expect("a file");
        assert!(Place(Some(path)).recall().is_none());
        let nowhere = Place(Some(folder.path().join("no/such/folder")));
        nowhere.keep(|| unreachable!("it cannot be written"));
        assert!(nowhere.recall().is_none());
        assert!(Place(None).recall().is_none());
    }

    #[test]
    fn another_question_has_another_digest() {
        let asked = digest("twin", &request(&[1.0, 2.0]));
        let mut same = request(&[1.0, 2.0]);
        same.arguments.insert(SEED.to_owned(), "7".to_owned());
        assert_eq!(asked, digest("twin", &same));
        let mut others = vec![digest("drawn", &request(&[1.0, 2.0]))];
        others.push(digest("twin", &request(&[2.0, 1.0])));
        let mut other = request(&[1.0, 2.0]);
        other.operation = "halve".to_owned();
        others.push(digest("twin", &other));
        let mut other = request(&[1.0, 2.0]);
        other.arguments.insert("p".to_owned(), "0".to_owned());
        others.push(digest("twin", &other));
        let mut other = request(&[1.0, 2.0]);
        let x = other.tensors.remove("x").expect("a tensor");
        other.tensors.insert("z".to_owned(), x);
        others.push(digest("twin", &other));
        assert!(others.iter().all(|other| *other != asked), "{others:?}");
    }
}
