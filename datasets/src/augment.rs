//! Augmentation: images changed at random in ways that leave their class what it is.
//!
//! Use it on batches of the training set, before they are standardised, so that 0 is the background.

use ndarray::{Array2, Array4, ArrayView2, Axis, Slice};
use ndarray_rand::rand::Rng;

/// Moves each image by up to `most` pixels along each axis. What leaves the image is lost, and what
/// enters it is background.
pub fn shift(images: &mut Array4<f32>, most: u8, rng: &mut impl Rng) {
    let most = i32::from(most);
    for mut image in images.outer_iter_mut() {
        let (down, right) = (rng.gen_range(-most..=most), rng.gen_range(-most..=most));
        for mut channel in image.outer_iter_mut() {
            let moved = shifted(channel.view(), down as isize, right as isize);
            channel.assign(&moved);
        }
    }
}

fn shifted(image: ArrayView2<'_, f32>, down: isize, right: isize) -> Array2<f32> {
    Array2::from_shape_fn(image.dim(), |(row, column)| {
        let from = (
            row.wrapping_add_signed(-down),
            column.wrapping_add_signed(-right),
        );
        image.get(from).copied().unwrap_or(0.0)
    })
}

/// Turns each image about its centre by up to `most` degrees to either side, with bilinear
/// interpolation between pixels.
///
/// # Panics
/// Panics if `most` is negative or not finite.
pub fn rotate(images: &mut Array4<f32>, most: f32, rng: &mut impl Rng) {
    assert!(
        most >= 0.0 && most.is_finite(),
        "a rotation by up to {most} degrees"
    );
    for mut image in images.outer_iter_mut() {
        let angle = rng.gen_range(-most..=most).to_radians();
        // Those of the standard library may differ between systems in the last digit.
        let turn = (libm::sinf(angle), libm::cosf(angle));
        for mut channel in image.outer_iter_mut() {
            let turned = rotated(channel.view(), turn);
            channel.assign(&turned);
        }
    }
}

fn rotated(image: ArrayView2<'_, f32>, (sin, cos): (f32, f32)) -> Array2<f32> {
    let (height, width) = image.dim();
    let middle = ((height as f32 - 1.0) / 2.0, (width as f32 - 1.0) / 2.0);
    Array2::from_shape_fn(image.dim(), |(row, column)| {
        let (y, x) = (row as f32 - middle.0, column as f32 - middle.1);
        let from = (y * cos + x * sin + middle.0, x * cos - y * sin + middle.1);
        bilinear(image, from)
    })
}

/// The image between its pixels. Outside of it there is background.
fn bilinear(image: ArrayView2<'_, f32>, (y, x): (f32, f32)) -> f32 {
    let (top, left) = (y.floor(), x.floor());
    let (below, right) = (y - top, x - left);
    let pixel = |row: f32, column: f32| {
        let inside = row >= 0.0 && column >= 0.0;
        let place = (row as usize, column as usize);
        inside
            .then(|| image.get(place).copied())
            .flatten()
            .unwrap_or(0.0)
    };
    let upper = (1.0 - right) * pixel(top, left) + right * pixel(top, left + 1.0);
    let lower = (1.0 - right) * pixel(top + 1.0, left) + right * pixel(top + 1.0, left + 1.0);
    (1.0 - below) * upper + below * lower
}

/// Random erasing (Zhong et al., 2017, arXiv 1708.04896): with the given probability, replaces a
/// rectangle of an image, of up to `most` pixels a side and anywhere in it, by noise from 0 to 1.
///
/// # Panics
/// Panics if `probability` is not from 0 to 1, or `most` is 0 or larger than a side of the images.
pub fn erase(images: &mut Array4<f32>, probability: f64, most: u8, rng: &mut impl Rng) {
    assert!(
        (0.0..=1.0).contains(&probability),
        "an erasing with probability {probability}"
    );
    let (_, _, height, width) = images.dim();
    let most = u32::from(most);
    assert!(
        most > 0 && most as usize <= height.min(width),
        "an erasing of up to {most} pixels a side in images of {height} by {width}"
    );
    for mut image in images.outer_iter_mut() {
        if !rng.gen_bool(probability) {
            continue;
        }
        let rows = piece(height as u32, most, rng);
        let columns = piece(width as u32, most, rng);
        for mut channel in image.outer_iter_mut() {
            let mut band = channel.slice_axis_mut(Axis(0), rows);
            let mut area = band.slice_axis_mut(Axis(1), columns);
            area.mapv_inplace(|_| rng.gen_range(0.0..1.0));
        }
    }
}

/// A piece of 1 to `most` pixels of a side of `size`.
fn piece(size: u32, most: u32, rng: &mut impl Rng) -> Slice {
    let length = rng.gen_range(1..=most);
    let start = rng.gen_range(0..=size - length);
    Slice::from(start as usize..(start + length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use ndarray_rand::rand::SeedableRng;
    use ndarray_rand::rand::rngs::StdRng;

    fn rng() -> StdRng {
        StdRng::seed_from_u64(5)
    }

    /// Oblong images of two channels, with no two pixels alike.
    fn images() -> Array4<f32> {
        let shape = (6, 2, 8, 11);
        let numbers = (1..=6 * 2 * 8 * 11).map(|it| it as f32);
        Array4::from_shape_vec(shape, numbers.collect()).expect("as many as that")
    }

    #[test]
    fn a_shift_moves_down_and_to_the_right_and_brings_in_background() {
        let image = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let moved = array![[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]];
        assert_eq!(shifted(image.view(), 1, 1), moved);
        let moved = array![[2.0, 3.0, 0.0], [5.0, 6.0, 0.0]];
        assert_eq!(shifted(image.view(), 0, -1), moved);
        assert_eq!(shifted(image.view(), -2, 0), Array2::zeros((2, 3)));
    }

    #[test]
    fn images_are_shifted_each_in_its_own_way_and_channels_together() {
        let before = images();
        let mut after = before.clone();
        shift(&mut after, 2, &mut rng());
        let mut ways = Vec::new();
        for (before, after) in before.outer_iter().zip(after.outer_iter()) {
            let fits = |&(down, right): &(isize, isize)| {
                let pairs = before.outer_iter().zip(after.outer_iter());
                pairs
                    .into_iter()
                    .all(|(it, moved)| shifted(it, down, right) == moved)
            };
            let all = (-2..=2).flat_map(|down| (-2..=2).map(move |right| (down, right)));
            ways.push(all.into_iter().find(fits).expect("a shift by up to 2"));
        }
        assert_eq!(ways, [(-2, 0), (0, 2), (1, -1), (0, 1), (0, 0), (-2, 2)]);
    }

    #[test]
    fn a_quarter_turn_takes_the_right_to_the_top() {
        let image = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]];
        let turned = array![[3.0, 6.0, 9.0], [2.0, 5.0, 8.0], [1.0, 4.0, 7.0]];
        assert_eq!(rotated(image.view(), (1.0, 0.0)), turned);
        assert_eq!(rotated(image.view(), (0.0, 1.0)), image);
    }

    #[test]
    fn a_small_rotation_keeps_the_ink_of_what_is_in_the_middle() {
        let mut before = Array4::zeros((20, 1, 28, 28));
        before
            .slice_axis_mut(Axis(2), Slice::from(10..18))
            .slice_axis_mut(Axis(3), Slice::from(12..15))
            .fill(1.0);
        let mut after = before.clone();
        rotate(&mut after, 15.0, &mut rng());
        for (before, after) in before.outer_iter().zip(after.outer_iter()) {
            assert_ne!(before, after);
            // Interpolation gives and takes a little at the edges.
            assert!((after.sum() - 24.0).abs() < 1.0, "{}", after.sum());
        }
        let mut same = before.clone();
        rotate(&mut same, 0.0, &mut rng());
        assert_eq!(same, before);
    }

    #[test]
    fn half_way_between_pixels_lies_their_mean() {
        let image = array![[1.0, 2.0], [3.0, 6.0]];
        assert_eq!(bilinear(image.view(), (0.5, 0.5)), 3.0);
        assert_eq!(bilinear(image.view(), (0.0, 0.25)), 1.25);
        assert_eq!(bilinear(image.view(), (-0.5, 0.0)), 0.5); // half outside
        assert_eq!(bilinear(image.view(), (5.0, 0.0)), 0.0);
    }

    #[test]
    fn an_erased_area_is_a_rectangle_of_noise() {
        let before = images();
        let mut after = before.clone();
        erase(&mut after, 1.0, 5, &mut rng());
        for (before, after) in before.outer_iter().zip(after.outer_iter()) {
            let changed: Vec<(usize, usize, usize)> = before
                .indexed_iter()
                .filter(|(place, it)| after[*place] != **it)
                .map(|(place, _)| place)
                .collect();
            let side = |of: fn(&(usize, usize, usize)) -> usize| {
                let least = changed.iter().map(of).min().expect("something is erased");
                let most = changed.iter().map(of).max().expect("something is erased");
                most - least + 1
            };
            let (height, width) = (side(|it| it.1), side(|it| it.2));
            assert!(height <= 5 && width <= 5, "{height} by {width}");
            assert_eq!(changed.len(), 2 * height * width);
            assert!(changed.iter().all(|&it| (0.0..1.0).contains(&after[it])));
        }
    }

    #[test]
    fn the_probability_says_how_many_images_are_erased() {
        let changed = |probability| {
            let before = Array4::from_elem((1000, 1, 4, 4), 2.0);
            let mut after = before.clone();
            erase(&mut after, probability, 4, &mut rng());
            let pairs = before.outer_iter().zip(after.outer_iter());
            pairs.filter(|(before, after)| before != after).count()
        };
        assert_eq!((changed(0.0), changed(1.0)), (0, 1000));
        assert!((200..300).contains(&changed(0.25)), "{}", changed(0.25));
    }

    #[test]
    fn a_seed_gives_the_same_images() {
        let changed = |mut rng: StdRng| {
            let mut images = images();
            shift(&mut images, 2, &mut rng);
            rotate(&mut images, 10.0, &mut rng);
            erase(&mut images, 0.5, 3, &mut rng);
            images
        };
        assert_eq!(changed(rng()), changed(rng()));
        assert_ne!(changed(rng()), changed(StdRng::seed_from_u64(6)));
        assert_eq!(changed(rng())[[3, 0, 4, 5]], 576.92487); // on every machine
    }

    #[test]
    #[should_panic(expected = "an erasing of up to 9 pixels a side in images of 8 by 11")]
    fn an_erasing_larger_than_the_image_is_refused() {
        erase(&mut images(), 1.0, 9, &mut rng());
    }
}
