//! MNIST: 70,000 handwritten digits of 28 × 28 pixels (LeCun, Cortes and Burges, 1998).

use std::fs;
use std::io;
use std::path::Path;

use ::mnist::MnistBuilder;
use ndarray::{Array1, Array3};

use crate::dataset::{Dataset, Split};
#[cfg(feature = "fetch")]
use crate::fetch::{RemoteFile, Source};
use crate::idx::{self, LoadError, SIDE};

/// The environment variable that names to tests and examples a folder with MNIST in it.
pub const DIR_VARIABLE: &str = "MNIST_DIR";

/// The number of images of the published training set that form the validation set. They are its last ones.
pub const VALIDATION: usize = 10_000;

const TRAIN: u32 = 60_000;
const TEST: u32 = 10_000;
const CLASSES: usize = 10;

/// A data set that is laid out as MNIST is, under the same names.
pub(crate) struct Published {
    pub(crate) name: &'static str,
    /// SHA-256 of the unpacked files, where it is known: training images and labels, then test's.
    pub(crate) sums: [Option<&'static str>; 4],
}

const MNIST: Published = Published {
    name: "mnist",
    sums: [
        Some("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        Some("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        Some("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        Some("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ],
};

/// Loads MNIST from the folder that holds its four files, gzipped or not: a training set of 50,000 images, a validation
/// set of 10,000, and the published test set of 10,000.
///
/// # Errors
/// Returns an error if a file is missing, malformed or not the published one.
pub fn load(folder: &Path) -> Result<Split, LoadError> {
    load_published(folder, &MNIST)
}

/// The source of MNIST for `fetch`: the files as they were first published, 11.6 MB together.
#[cfg(feature = "fetch")]
#[must_use]
pub fn source() -> Source {
    source_of(
        "mnist",
        &[
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ],
        [
            (
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            (
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            (
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            (
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ],
    )
}

/// Training images and labels, then test's, without `.gz`.
const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// A source of the gzipped files, of which sizes and SHA-256 are given.
#[cfg(feature = "fetch")]
pub(crate) fn source_of(name: &str, mirrors: &[&str], files: [(u64, &str); 4]) -> Source {
    let files = FILES.iter().zip(files).map(|(name, (bytes, sha256))| {
        let name = format!("{name}.gz");
        let sha256 = sha256.to_owned();
        RemoteFile {
            name,
            bytes,
            sha256,
        }
    });
    Source {
        name: name.to_owned(),
        mirrors: mirrors.iter().map(|&it| it.to_owned()).collect(),
        files: files.collect(),
    }
}

/// Checks the four files of a folder, and has the `mnist` crate parse them, which panics at any
/// fault. It reads from a private copy, so that nobody changes a file after it was checked.
pub(crate) fn load_published(folder: &Path, published: &Published) -> Result<Split, LoadError> {
    let scratch = tempfile::tempdir().map_err(scratch_error(&std::env::temp_dir()))?;
    let counts = [TRAIN, TRAIN, TEST, TEST];
    for ((name, count), sum) in FILES.into_iter().zip(counts).zip(published.sums) {
        let path = folder.join(name);
        let file = if name.contains("images") {
            idx::read_images(&path, count)?
        } else {
            idx::read_labels(&path, count)?
        };
        file.check_sum(sum)?;
        let copy = scratch.path().join(name);
        fs::write(copy, file.bytes()).map_err(scratch_error(scratch.path()))?;
    }

    let base_path = scratch.path().to_str().ok_or_else(|| {
        let why = io::Error::other("its name is not UTF-8, which the parser needs: set TMPDIR");
        scratch_error(scratch.path())(why)
    })?;
    // The crate joins train and test and cuts the three sets out of that, one after the other: only
    // these lengths leave the test set what it is.
    let parsed = MnistBuilder::new()
        .base_path(base_path)
        .label_format_digit()
        .training_set_length(TRAIN - VALIDATION as u32)
        .validation_set_length(VALIDATION as u32)
        .test_set_length(TEST)
        .finalize();
    let dataset = |images, labels| dataset(published.name, images, labels);
    Ok(Split {
        train: dataset(parsed.trn_img, parsed.trn_lbl),
        validation: dataset(parsed.val_img, parsed.val_lbl),
        test: dataset(parsed.tst_img, parsed.tst_lbl),
    })
}

fn dataset(name: &'static str, images: Vec<u8>, labels: Vec<u8>) -> Dataset {
    let side = SIDE as usize;
    let shape = (labels.len(), side, side);
    Dataset {
        name,
        images: Array3::from_shape_vec(shape, images).expect("sizes were checked"),
        labels: Array1::from_vec(labels),
        classes: CLASSES,
    }
}

fn scratch_error(path: &Path) -> impl Fn(io::Error) -> LoadError {
    move |why| LoadError::Scratch {
        path: path.to_owned(),
        why,
    }
}
