//! Properties of images of every size, with any values.

use ndarray::{Array1, Array2, Array3, Axis, concatenate};
use patchify::{embed, patchify, unpatchify};
use proptest::prelude::*;
use testkit::strategies::{image_batch, square_image_batch};
use testkit::{Tolerance, assert_close, uniform};

/// Values are moved, never calculated with.
const MOVED: Tolerance = Tolerance::EXACT;

/// Arrays one after another along an axis.
fn join(arrays: impl IntoIterator<Item = Array3<f32>>, axis: Axis) -> Array3<f32> {
    let arrays: Vec<_> = arrays.into_iter().collect();
    let views: Vec<_> = arrays.iter().map(Array3::view).collect();
    concatenate(axis, &views).expect("arrays of one size")
}

proptest! {
    #![proptest_config(testkit::property::config(32))]

    /// Patch i·G + j is the rectangle of the image that begins at row i·P and column j·Q, laid flat: channel by
    /// channel, row by row.
    ///
    /// Look at: the first number of the index that is off is the image, the second the patch, the third the
    /// place inside it. All patches right but for the third: the order inside a patch is wrong.
    #[test]
    fn each_patch_is_a_rectangle_of_the_image(batch in image_batch()) {
        let (images, grid) = (batch.images, batch.grid);
        let (b, c, h, w) = images.dim();
        let (p, q) = (h / grid, w / grid);
        // ndarray goes over such rectangles from left to right, then down.
        let rectangles = images.exact_chunks((b, c, p, q));
        let flat = rectangles.into_iter().map(|rectangle| {
            let flat = rectangle.to_shape((b, c * p * q));
            flat.expect("c channels of p × q pixels").into_owned()
        });
        let expected = join(flat.map(|flat| flat.insert_axis(Axis(1))), Axis(1));
        let patches = patchify(images.view(), grid);
        assert_close!(&patches, &expected, MOVED);
    }

    /// Patches are numbered along the first row of the grid, then along the second. In an image where every
    /// pixel holds its patch's number, patch n is full of n, in whatever order a patch is laid flat.
    ///
    /// Look at: a patch with several numbers in it is no rectangle of the image. One number each, but the wrong
    /// one: the columns of the grid were taken first.
    #[test]
    fn patches_run_row_by_row(batch in image_batch()) {
        let (mut images, grid) = (batch.images, batch.grid);
        let (b, c, h, w) = images.dim();
        for ((_, _, y, x), pixel) in images.indexed_iter_mut() {
            *pixel = (y / (h / grid) * grid + x / (w / grid)) as f32;
        }
        let patches = patchify(images.view(), grid);
        let sizes = (b, grid * grid, c * h * w / (grid * grid));
        let expected = Array3::from_shape_fn(sizes, |(_, n, _)| n as f32);
        assert_close!(&patches, &expected, MOVED);
    }

    /// `unpatchify` gives square images back as they were before `patchify`.
    ///
    /// Look at: the order of the axes in the one that fails a snapshot. This test cannot tell which of the two
    /// is wrong, and where both make the same mistake it passes.
    #[test]
    fn unpatchify_undoes_patchify(batch in square_image_batch()) {
        let patches = patchify(batch.images.view(), batch.grid);
        let images = unpatchify(patches.view(), batch.images.dim().1, batch.grid);
        assert_close!(&images, &batch.images, MOVED);
    }

    /// The patches of an image do not depend on which images share its batch.
    ///
    /// Look at: the batch axis. It comes first and stays first, whatever moves behind it.
    #[test]
    fn an_image_has_the_same_patches_in_any_batch(batch in image_batch()) {
        let together = patchify(batch.images.view(), batch.grid);
        let images = batch.images.axis_chunks_iter(Axis(0), 1);
        let one_by_one = join(images.map(|image| patchify(image, batch.grid)), Axis(0));
        assert_close!(&together, &one_by_one, MOVED);
    }

    /// A patch that is 1 at place k and 0 elsewhere becomes column k of the weight plus the bias, in each image.
    /// No other tokens are needed to know a linear map.
    ///
    /// Look at: `weight[d, k]` belongs to value k of the patch and value d of the token. A panic over a memory
    /// layout: a product whose K is 1 comes back column by column, so reshape it in a way that may copy.
    #[test]
    fn a_unit_patch_picks_its_column_of_the_weight(
        (k, d) in (1..=12_usize, 1..=6_usize),
        seed in any::<u32>(),
    ) {
        let weight: Array2<f32> = uniform(&format!("weight {seed}"), (d, k));
        let bias: Array1<f32> = uniform(&format!("bias {seed}"), d);
        let twice = |rows: Array2<f32>| {
            let image = rows.insert_axis(Axis(0));
            join([image.clone(), image], Axis(0))
        };
        let units = twice(Array2::eye(k));
        let tokens = embed(units.view(), weight.view(), bias.view());
        let columns = twice(&weight.t() + &bias);
        // One product with 1, zeros, one sum: rounded once, here as there.
        assert_close!(&tokens, &columns, Tolerance::EXACT);
    }
}
