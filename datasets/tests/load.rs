//! Loading MNIST's files, and files in the same layout: complete, and with every fault.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use datasets::{LoadError, Split, fashion_mnist, mnist};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// A folder with four well-formed files. The first pixels of an image are its place in its file;
/// its label is the last digit of that.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        for (images, labels, count) in [
            (TRAIN_IMAGES, TRAIN_LABELS, 60_000_u32),
            (TEST_IMAGES, TEST_LABELS, 10_000),
        ] {
            let mut bytes = header(&[0x803, count, 28, 28]);
            for place in 0..count {
                let image = bytes.len();
                bytes.extend(place.to_be_bytes());
                bytes.resize(image + 28 * 28, 0);
            }
            folder.write(images, &bytes);
            let mut bytes = header(&[0x801, count]);
            bytes.extend((0..count).map(|place| (place % 10) as u8));
            folder.write(labels, &bytes);
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("written");
    }

    /// Writes over a part of a file.
    fn patch(&self, name: &str, place: u64, bytes: &[u8]) {
        let mut file = self.open(name);
        file.seek(SeekFrom::Start(place)).expect("a place");
        file.write_all(bytes).expect("written");
    }

    /// Cuts a file off, or adds zeros to it.
    fn resize(&self, name: &str, size: u64) {
        self.open(name).set_len(size).expect("resized");
    }

    fn open(&self, name: &str) -> File {
        let file = OpenOptions::new().write(true).open(self.path(name));
        file.expect("a file")
    }

    /// Puts the gzipped form in a file's place.
    fn pack(&self, name: &str) {
        let bytes = fs::read(self.path(name)).expect("a file");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&bytes).expect("packed");
        self.write(&format!("{name}.gz"), &encoder.finish().expect("packed"));
        fs::remove_file(self.path(name)).expect("removed");
    }

    fn load(&self) -> Result<Split, LoadError> {
        fashion_mnist::load(self.0.path())
    }

    /// The error of loading, with the folder's name taken out.
    fn fault(&self) -> String {
        let error = self.load().expect_err("a faulty file").to_string();
        error.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn header(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|it| it.to_be_bytes()).collect()
}

/// That the sets are cut where they should be.
fn is_cut_as_documented(split: &Split) {
    let sets = [
        (&split.train, 50_000, 0),
        (&split.validation, 10_000, 50_000),
        (&split.test, 10_000, 0),
    ];
    for (set, size, start) in sets {
        assert_eq!(set.images.dim(), (size, 28, 28));
        assert_eq!((set.len(), set.classes), (size, 10));
        for place in [0, 1, size - 1] {
            let number = (start + place) as u32;
            let first_pixels = [0, 1, 2, 3].map(|x| set.images[[place, 0, x]]);
            assert_eq!(first_pixels, number.to_be_bytes());
            assert_eq!(u32::from(set.labels[place]), number % 10);
        }
    }
}

#[test]
fn the_last_ten_thousand_training_images_are_kept_for_validation() {
    let split = Folder::new().load().expect("well-formed files");
    is_cut_as_documented(&split);
    assert_eq!(split.train.name, "fashion-mnist");
}

#[test]
fn gzipped_files_are_as_good() {
    let folder = Folder::new();
    folder.pack(TRAIN_IMAGES);
    folder.pack(TEST_LABELS);
    is_cut_as_documented(&folder.load().expect("well-formed files"));
}

#[test]
fn a_missing_file_is_named() {
    let folder = Folder::new();
    fs::remove_file(folder.path(TEST_IMAGES)).expect("removed");
    assert!(
        matches!(folder.load(), Err(LoadError::Missing { path }) if path == folder.path(TEST_IMAGES))
    );
    let end = "t10k-images-idx3-ubyte.gz is there";
    assert!(folder.fault().ends_with(end), "{}", folder.fault());
}

#[test]
fn a_folder_in_a_files_place_cannot_be_read() {
    let folder = Folder::new();
    fs::remove_file(folder.path(TRAIN_LABELS)).expect("removed");
    fs::create_dir(folder.path(TRAIN_LABELS)).expect("made");
    assert!(matches!(folder.load(), Err(LoadError::Unreadable { .. })));
}

#[test]
fn what_is_called_gz_and_is_not_cannot_be_read() {
    let folder = Folder::new();
    let from = folder.path(TRAIN_LABELS);
    fs::rename(from, folder.path("train-labels-idx1-ubyte.gz")).expect("renamed");
    let expected = "cannot read train-labels-idx1-ubyte.gz: invalid gzip header";
    assert_eq!(folder.fault(), expected);
}

#[test]
fn a_truncated_file_is_named_with_both_sizes() {
    let folder = Folder::new();
    folder.resize(TRAIN_IMAGES, 47_040_015);
    let expected =
        "train-images-idx3-ubyte ends after 47040015 bytes, where 47040016 belong: fetch it again";
    assert_eq!(folder.fault(), expected);
}

#[test]
fn a_file_that_ends_within_its_header_is_truncated() {
    for size in [0, 3, 4, 7, 15] {
        let folder = Folder::new();
        folder.resize(TRAIN_IMAGES, size);
        let error = folder.load();
        assert!(
            matches!(error, Err(LoadError::Truncated { found, .. }) if found == size),
            "{size}: {error:?}"
        );
    }
}

#[test]
fn a_truncated_gzipped_file_is_truncated_too() {
    let folder = Folder::new();
    folder.pack(TRAIN_IMAGES);
    folder.resize("train-images-idx3-ubyte.gz", 50_000);
    let error = folder.load();
    assert!(
        matches!(error, Err(LoadError::Truncated { .. })),
        "{error:?}"
    );
}

#[test]
fn a_file_that_goes_on_is_too_long() {
    for name in [TRAIN_IMAGES, TEST_LABELS] {
        let folder = Folder::new();
        let size = fs::metadata(folder.path(name)).expect("a file").len();
        folder.resize(name, size + 1);
        let expected = format!("{name} goes on after the {size} bytes that belong there");
        assert_eq!(folder.fault(), expected);
    }
}

#[test]
fn a_wrong_magic_number_is_shown() {
    let folder = Folder::new();
    fs::copy(folder.path(TEST_LABELS), folder.path(TEST_IMAGES)).expect("copied");
    let expected = "t10k-images-idx3-ubyte starts with magic number 0x00000801, where 0x00000803 belongs: it is another file";
    assert_eq!(folder.fault(), expected);
    let folder = Folder::new();
    folder.patch(TRAIN_LABELS, 0, b"GIF8");
    let expected = "train-labels-idx1-ubyte starts with magic number 0x47494638, where 0x00000801 belongs: it is another file";
    assert_eq!(folder.fault(), expected);
}

#[test]
fn another_number_of_images_is_shown() {
    let folder = Folder::new();
    fs::copy(folder.path(TEST_IMAGES), folder.path(TRAIN_IMAGES)).expect("copied");
    let expected = "train-images-idx3-ubyte holds 10000 images, where 60000 belong";
    assert_eq!(folder.fault(), expected);
}

#[test]
fn images_of_another_size_are_shown() {
    for (height, width) in [(14, 56), (28, 14), (14, 28)] {
        let folder = Folder::new();
        folder.patch(TEST_IMAGES, 8, &header(&[height, width]));
        let expected = format!(
            "t10k-images-idx3-ubyte holds images of {height} by {width} pixels, where 28 by 28 belong"
        );
        assert_eq!(folder.fault(), expected);
    }
}

#[test]
fn fewer_labels_than_images_are_counted() {
    let folder = Folder::new();
    folder.patch(TRAIN_LABELS, 4, &header(&[59_999]));
    let expected = "train-labels-idx1-ubyte holds 59999 labels for 60000 images";
    assert_eq!(folder.fault(), expected);
}

#[test]
fn a_label_over_nine_is_shown_with_its_place() {
    let folder = Folder::new();
    folder.patch(TEST_LABELS, 8 + 1234, &[10]);
    let expected = "label 1234 of t10k-labels-idx1-ubyte is 10, where 9 is the highest";
    assert_eq!(folder.fault(), expected);
}

#[test]
fn well_formed_files_that_are_not_mnist_are_not_loaded_as_mnist() {
    let folder = Folder::new();
    let error = mnist::load(folder.0.path());
    let Err(LoadError::Checksum { path, expected, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(path, folder.path(TRAIN_IMAGES));
    assert!(expected.starts_with("ba891046"));
}

#[test]
fn mnist_itself_is_loaded_from_the_folder_that_the_environment_names() {
    let Some(folder) = std::env::var_os(mnist::DIR_VARIABLE) else {
        let message = "skipped: MNIST itself is not loaded, as MNIST_DIR names no folder with it\n";
        // Past the capture of what a passing test prints.
        std::io::stderr().write_all(message.as_bytes()).ok();
        return;
    };
    let split = mnist::load(Path::new(&folder)).expect("the published files");
    let first_labels =
        |it: &datasets::Dataset| it.labels.iter().take(5).copied().collect::<Vec<_>>();
    assert_eq!(first_labels(&split.train), [5, 0, 4, 1, 9]);
    assert_eq!(first_labels(&split.test), [7, 2, 1, 0, 4]);
    let counts = split.test.class_counts().to_vec();
    assert_eq!(
        counts,
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    );
    let (mean, std) = datasets::standardise::mean_and_std(&split.train);
    // The figures that all use are of the 60,000: 0.1307 and 0.3081.
    assert!(
        (mean - 0.1307).abs() < 0.001 && (std - 0.3081).abs() < 0.001,
        "{mean} {std}"
    );
}
