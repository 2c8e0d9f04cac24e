//! Standardisation: pixels with mean 0 and standard deviation 1 over the training set.

use ndarray::Array4;

use crate::dataset::Dataset;

/// Mean and standard deviation of all pixels, as numbers from 0 to 1. Take them from the training
/// set, and use the same for the others.
///
/// # Panics
/// Panics if there are no images.
#[must_use]
pub fn mean_and_std(dataset: &Dataset) -> (f32, f32) {
    assert!(!dataset.is_empty(), "the mean of no images");
    // Whole numbers, so that no order of adding up rounds otherwise than another.
    let (mut sum, mut squares) = (0, 0);
    for &pixel in &dataset.images {
        let pixel = u64::from(pixel);
        sum += pixel;
        squares += pixel * pixel;
    }
    let count = dataset.images.len() as f64;
    let mean = sum as f64 / count;
    let variance = squares as f64 / count - mean * mean;
    ((mean / 255.0) as f32, (variance.sqrt() / 255.0) as f32)
}

/// Takes the mean from each pixel and divides by the standard deviation.
pub fn standardise(images: &mut Array4<f32>, mean: f32, std: f32) {
    images.mapv_inplace(|it| (it - mean) / std);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batches;
    use ndarray::{Array1, Array3};

    fn dataset(pixels: &[u8]) -> Dataset {
        Dataset {
            name: "test",
            images: Array3::from_shape_fn((1, 1, pixels.len()), |(_, _, x)| pixels[x]),
            labels: Array1::zeros(1),
            classes: 1,
        }
    }

    #[test]
    fn the_figures_are_those_done_by_hand() {
        // In steps of 51: 3, 0, 2, 0, 0, with mean 1 and variance (4 + 1 + 1 + 1 + 1) / 5 = 1.6.
        let (mean, std) = mean_and_std(&dataset(&[153, 0, 102, 0, 0]));
        assert_eq!(mean, 0.2);
        assert!((std - 0.2 * 1.6_f32.sqrt()).abs() < 1e-6, "{std}"); // f32's rounding
    }

    #[test]
    fn standardised_pixels_have_mean_0_and_standard_deviation_1() {
        let dataset = dataset(&[0, 10, 200, 255, 30, 0, 0]);
        let (mean, std) = mean_and_std(&dataset);
        let mut images = Batches::in_order(&dataset, 1).next().expect("one").images;
        standardise(&mut images, mean, std);
        assert!(images.sum().abs() < 1e-5, "{images}"); // f32's rounding
        assert!((images.std(0.0) - 1.0).abs() < 1e-5, "{images}");
    }

    #[test]
    #[should_panic(expected = "the mean of no images")]
    fn nothing_has_no_mean() {
        let _ = mean_and_std(&dataset(&[0]).first(0));
    }
}
