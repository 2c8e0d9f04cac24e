//! Images with their labels, and the three sets that a course of training needs.

use ndarray::{Array1, Array3, Axis, Slice};

/// Grey images, each with the number of its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// What it is, as one would call it in a table: `mnist`, `fashion-mnist`, `digits`.
    pub name: &'static str,
    /// `[N, H, W]`, 0 for the background and 255 for full ink.
    pub images: Array3<u8>,
    /// `[N]`, each below [`classes`](Self::classes).
    pub labels: Array1<u8>,
    /// How many classes there are, whether or not each has an image here.
    pub classes: usize,
}

impl Dataset {
    /// How many images there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many images each class has: `[classes]`.
    ///
    /// # Panics
    /// If a label is not below the number of classes.
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

/// What to learn from, what to choose by, and what to look at once at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Gradients come from these.
    pub train: Dataset,
    /// Learning rates, sizes and the moment to stop are chosen by these.
    pub validation: Dataset,
    /// The figure that is told comes from these.
    pub test: Dataset,
}
