//! Images with their labels, split into training set, validation set and test set.

use ndarray::{Array1, Array3, Axis, Slice};

/// Grey images, each with the number of its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The name, as in a table: `mnist`, `fashion-mnist`, `digits`.
    pub name: &'static str,
    /// `[N, H, W]`, 0 for the background and 255 for full ink.
    pub images: Array3<u8>,
    /// `[N]`, each below [`classes`](Self::classes).
    pub labels: Array1<u8>,
    /// The number of classes, whether or not each has an image here.
    pub classes: usize,
}

impl Dataset {
    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of images of each class: `[classes]`.
    ///
    /// # Panics
    /// Panics if a label is not below the number of classes.
    #[must_use]
    pub fn class_counts(&self) -> Array1<usize> {
        let mut counts = Array1::zeros(self.classes);
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// The first images, or all where there are no more than `most`: enough for a quick run.
    #[must_use]
    pub fn first(&self, most: usize) -> Self {
        let kept = Slice::from(..most.min(self.len()));
        Self {
            name: self.name,
            images: self.images.slice_axis(Axis(0), kept).to_owned(),
            labels: self.labels.slice_axis(Axis(0), kept).to_owned(),
            classes: self.classes,
        }
    }
}

/// Training set, validation set and test set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The training set, from which gradients are computed.
    pub train: Dataset,
    /// The validation set, by which learning rates, sizes and the moment to stop are chosen.
    pub validation: Dataset,
    /// The test set, on which the reported accuracy is measured.
    pub test: Dataset,
}
