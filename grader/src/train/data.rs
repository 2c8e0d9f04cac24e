//! The images of a run: training set, validation set and test set.

use crate::data::Set;
use datasets::digits::{DigitsConfig, generate};
use datasets::standardise::mean_and_std;
use datasets::{Dataset, Split, fashion_mnist, mnist};
use ndarray::{Array1, Array2, ArrayView3, Axis, Slice};
use std::ops::Range;
use std::path::Path;
use wire::{Dtype, RawTensor, TensorError};

/// The reason why there are no images.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// There is no folder that they could lie in.
    #[error("--data {0}: no folder to read from: {1:#}")]
    NoFolder(Set, anyhow::Error),
    /// The files are missing or are not what they should be.
    #[error("--data {0}: {1}")]
    Unreadable(Set, datasets::LoadError),
    /// Fewer images than a split takes.
    #[error("--train-images {0} is too few: 20 is the least")]
    TooFew(usize),
}

impl DataError {
    /// The hint for it, if there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoFolder(..) => Some("name its folder with --data-dir".to_owned()),
            Self::Unreadable(set, _) => Some(set.how_to_fetch()),
            Self::TooFew(_) => None,
        }
    }
}

/// The least images of a small run: a fifth of them is chosen by.
const LEAST: usize = 20;

/// Images in three sets, and what is known of them all.
#[derive(Debug)]
pub struct Data {
    /// The sets.
    pub split: Split,
    /// The names of the classes, by label.
    pub classes: Vec<String>,
    /// The mean of the training set's pixels, from 0 to 1.
    pub mean: f32,
    /// Their standard deviation.
    pub std: f32,
    /// The logits of a teacher for the training set, \[n, K\], if there is one.
    pub teacher: Option<Array2<f32>>,
}

impl Data {
    /// Loads or makes images. With `images`, the training set has that many, and validation set and test set each a
    /// fifth as many.
    ///
    /// # Errors
    /// Returns an error if the images are missing or too few.
    pub fn load(
        source: Set,
        folder: Option<&Path>,
        images: Option<usize>,
    ) -> Result<Self, DataError> {
        if let Some(few) = images.filter(|&images| images < LEAST) {
            return Err(DataError::TooFew(few));
        }
        let folder = || match folder {
            Some(folder) => Ok(source.folder_in(folder)),
            None => source
                .folder(None)
                .map_err(|why| DataError::NoFolder(source, why)),
        };
        let unreadable = |why| DataError::Unreadable(source, why);
        let whole = match source {
            Set::Digits => generate(&digits(images)),
            Set::Mnist => mnist::load(&folder()?).map_err(unreadable)?,
            Set::FashionMnist => fashion_mnist::load(&folder()?).map_err(unreadable)?,
        };
        let split = match images {
            None => whole,
            Some(images) => Split {
                train: whole.train.first(images),
                validation: whole.validation.first(images / 5),
                test: whole.test.first(images / 5),
            },
        };
        let (mean, std) = mean_and_std(&split.train);
        Ok(Self {
            split,
            classes: source.classes(),
            mean,
            std,
            teacher: None,
        })
    }

    /// Side of the images, in pixels.
    pub fn side(&self) -> usize {
        self.split.train.images.len_of(Axis(1))
    }
}

fn digits(images: Option<usize>) -> DigitsConfig {
    let usual = DigitsConfig::default();
    match images {
        None => usual,
        Some(images) => DigitsConfig {
            train: images,
            validation: images / 5,
            test: images / 5,
            ..usual
        },
    }
}

/// The number of images sent at once: 8 MB of MNIST's.
const PART: usize = 10_000;

/// The places of a set's images in parts that travel well.
pub fn parts(set: &Dataset) -> impl Iterator<Item = Range<usize>> {
    let count = set.len();
    (0..count)
        .step_by(PART)
        .map(move |start| start..count.min(start + PART))
}

/// Some of a set's images as they travel: u8 \[n, 1, H, W\].
///
/// # Errors
/// Never for images that are there.
pub fn pixels(set: &Dataset, places: Range<usize>) -> Result<RawTensor, TensorError> {
    let some: ArrayView3<'_, u8> = set.images.slice_axis(Axis(0), Slice::from(places));
    let (count, height, width) = some.dim();
    let bytes = some.iter().copied().collect();
    RawTensor::new(Dtype::U8, vec![count, 1, height, width], bytes)
}

/// Some of a set's labels as they travel: i64 \[n\].
pub fn labels(set: &Dataset, places: Range<usize>) -> RawTensor {
    let some: Array1<i64> = set
        .labels
        .slice_axis(Axis(0), Slice::from(places))
        .mapv(i64::from);
    (&some).into()
}

/// The logits of a teacher for some of the images, as they are sent: f32 \[n, K\].
pub fn sayings(teacher: &Array2<f32>, places: Range<usize>) -> RawTensor {
    (&teacher.slice_axis(Axis(0), Slice::from(places))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_set_is_cut_to_size_and_travels_in_its_order() {
        let data = Data::load(Set::Digits, None, Some(100)).expect("digits need no file");
        let Split {
            train,
            validation,
            test,
        } = &data.split;
        assert_eq!((train.len(), validation.len(), test.len()), (100, 20, 20));
        assert_eq!((data.side(), data.classes.len()), (28, 10));
        let some = pixels(train, 3..5).expect("images that are there");
        assert_eq!(some.shape(), [2, 1, 28, 28]);
        assert_eq!(
            some.bytes()[784..],
            *train
                .images
                .index_axis(Axis(0), 4)
                .as_slice()
                .expect("rows")
        );
        let label = f64::from(train.labels[4]);
        assert_eq!(labels(train, 3..5).to_f64()[1], label);
    }

    #[test]
    fn every_image_is_in_one_part() {
        let set = Dataset {
            name: "test",
            images: ndarray::Array3::zeros((25_000, 1, 1)),
            labels: Array1::zeros(25_000),
            classes: 1,
        };
        let parts: Vec<_> = parts(&set).collect();
        assert_eq!(parts, [0..10_000, 10_000..20_000, 20_000..25_000]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |source: Set, folder: Option<&str>, images| {
            let loaded = Data::load(source, folder.map(Path::new), images);
            loaded.expect_err("nothing to load").to_string()
        };
        let absent = error(Set::Mnist, Some("no/such/folder"), None);
        assert!(absent.contains("no/such/folder"), "{absent}");
        // The folder that `data --data-dir` was given is as good as the one that it made there.
        let folder = tempfile::tempdir().expect("a folder");
        let fetched = folder.path().join("mnist");
        std::fs::create_dir(&fetched).expect("a folder in it");
        let unfinished = error(Set::Mnist, folder.path().to_str(), None);
        let fetched = fetched.to_string_lossy();
        assert!(unfinished.contains(&*fetched), "{unfinished}");
        assert!(error(Set::Digits, None, Some(19)).contains("--train-images 19"));
    }
}
