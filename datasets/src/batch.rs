//! A data set in batches, in its own order or shuffled.

use std::ops::Range;

use ndarray::{Array1, Array4, Axis};
use ndarray_rand::rand::seq::SliceRandom;

use crate::dataset::Dataset;
use crate::random::generator;

/// Images as a model takes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[B, 1, H, W]`, 0 for the background and 1 for full ink.
    pub images: Array4<f32>,
    /// `[B]`
    pub labels: Array1<i64>,
}

/// The batches of a data set, each image in one of them. The last is short where the size does not
/// divide the number of images.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    dataset: &'a Dataset,
    order: Vec<usize>,
    size: usize,
    done: usize,
}

impl<'a> Batches<'a> {
    /// Batches of `size` images in the order of the data set.
    ///
    /// # Panics
    /// Panics if `size` is 0.
    #[must_use]
    pub fn in_order(dataset: &'a Dataset, size: usize) -> Self {
        assert!(size > 0, "a batch of 0 images");
        Self {
            dataset,
            order: (0..dataset.len()).collect(),
            size,
            done: 0,
        }
    }

    /// Batches of `size` images in an order drawn from the seed, another one for each epoch.
    ///
    /// # Panics
    /// Panics if `size` is 0.
    #[must_use]
    pub fn shuffled(dataset: &'a Dataset, size: usize, seed: u64, epoch: u64) -> Self {
        let mut batches = Self::in_order(dataset, size);
        batches.order = shuffled_order(dataset.len(), seed, epoch);
        batches
    }

    /// The indices in `order` of the images of the next batch.
    fn next_places(&self) -> Range<usize> {
        self.done..self.order.len().min(self.done + self.size)
    }
}

/// The places of `len` images in an order drawn from the seed, another one for each epoch: that of
/// [`Batches::shuffled`].
#[must_use]
pub fn shuffled_order(len: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut generator(seed, epoch));
    order
}

impl Iterator for Batches<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let places = self.next_places();
        if places.is_empty() {
            return None;
        }
        self.done = places.end;
        let chosen = &self.order[places];
        let images = self.dataset.images.select(Axis(0), chosen);
        let labels = self.dataset.labels.select(Axis(0), chosen);
        Some(Batch {
            images: images.mapv(|it| f32::from(it) / 255.0).insert_axis(Axis(1)),
            labels: labels.mapv(i64::from),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.order.len() - self.done).div_ceil(self.size);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    /// Images of one pixel, each with its own brightness, which is its label too.
    fn dataset(size: u8) -> Dataset {
        let labels: Array1<u8> = (0..size).collect();
        let images = Array3::from_shape_fn((size.into(), 1, 1), |(i, _, _)| labels[i]);
        Dataset {
            name: "test",
            images,
            labels,
            classes: size.into(),
        }
    }

    fn labels(batches: Batches<'_>) -> Vec<i64> {
        batches.flat_map(|it| it.labels).collect()
    }

    #[test]
    fn the_last_batch_is_short() {
        let dataset = dataset(10);
        let mut batches = Batches::in_order(&dataset, 4);
        assert_eq!(batches.len(), 3);
        let sizes: Vec<usize> = batches.by_ref().map(|it| it.labels.len()).collect();
        assert_eq!(sizes, [4, 4, 2]);
        assert_eq!(batches.len(), 0);
        assert_eq!(batches.next(), None);
    }

    #[test]
    fn a_size_that_divides_leaves_no_empty_batch() {
        let dataset = dataset(8);
        let sizes = Batches::in_order(&dataset, 4).map(|it| it.labels.len());
        assert_eq!(sizes.collect::<Vec<_>>(), [4, 4]);
        assert_eq!(Batches::in_order(&dataset.first(0), 4).count(), 0);
    }

    #[test]
    fn shuffling_keeps_each_image_once_and_with_its_label() {
        let dataset = dataset(100);
        for batch in Batches::shuffled(&dataset, 7, 1, 0) {
            assert_eq!(batch.images.dim(), (batch.labels.len(), 1, 1, 1));
            let brightness = batch.labels.mapv(|it| it as f32 / 255.0);
            assert_eq!(batch.images.flatten(), brightness);
        }
        let mut all = labels(Batches::shuffled(&dataset, 7, 1, 0));
        assert_ne!(all, labels(Batches::in_order(&dataset, 7)));
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_is_that_of_the_seed_and_the_epoch() {
        let dataset = dataset(10);
        let order = |seed, epoch| labels(Batches::shuffled(&dataset, 3, seed, epoch));
        assert_eq!(order(1, 0), [6, 4, 2, 9, 5, 7, 1, 0, 8, 3]);
        assert_eq!(shuffled_order(10, 1, 0), [6, 4, 2, 9, 5, 7, 1, 0, 8, 3]);
        assert_ne!(order(1, 0), order(1, 1));
        assert_ne!(order(1, 0), order(2, 0));
    }

    #[test]
    #[should_panic(expected = "a batch of 0 images")]
    fn a_batch_of_nothing_is_refused() {
        let _ = Batches::in_order(&dataset(1), 0);
    }
}
