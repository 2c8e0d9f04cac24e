//! Fashion-MNIST: 70,000 articles of clothing in the sizes of MNIST (Xiao, Rasul and Vollgraf, 2017,
//! arXiv 1708.07747).

use std::path::Path;

use crate::dataset::Split;
#[cfg(feature = "fetch")]
use crate::fetch::Source;
use crate::idx::LoadError;
#[cfg(feature = "fetch")]
use crate::mnist::source_of;
use crate::mnist::{Published, load_published};

/// The names of the classes, by label.
pub const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

/// Only the checksums of the gzipped files are published, and anybody may have packed them anew:
/// `source` checks them when they are fetched, and loading checks all that can be seen of a file.
const FASHION_MNIST: Published = Published {
    name: "fashion-mnist",
    sums: [None; 4],
};

/// Loads Fashion-MNIST from the folder that holds its four files, gzipped or not: a training set of 50,000 images, a
/// validation set of 10,000, and the published test set of 10,000.
///
/// # Errors
/// Returns an error if a file is missing or malformed.
pub fn load(folder: &Path) -> Result<Split, LoadError> {
    load_published(folder, &FASHION_MNIST)
}

/// The source of Fashion-MNIST for `fetch`, 30.9 MB.
#[cfg(feature = "fetch")]
#[must_use]
pub fn source() -> Source {
    source_of(
        "fashion-mnist",
        &[
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ],
        [
            (
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            (
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            (
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            (
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ],
    )
}
