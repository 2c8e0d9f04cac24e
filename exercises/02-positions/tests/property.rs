//! Properties of tables and grids of every size, with any values.

use ndarray::{Array1, Array2, Array3, Axis};
use positions::{cosine_similarity, interpolate, sinusoidal};
use proptest::prelude::*;
use std::fmt;
use testkit::{Tolerance, assert_close, uniform};

/// Angles of up to 40 in f32 are off by up to 3 · 2⁻²⁴ · 40 = 7.2e-6, in each of two factors.
const TURNED: Tolerance = Tolerance::new(0.0, 2e-5);

/// Two squares that sum to 1, each of a value that is rounded by up to 2⁻²⁴: 2.4e-7. No angle comes in.
const CIRCLE: Tolerance = Tolerance::new(0.0, 1e-6);

/// Rates that were computed in f32 are off by up to 2 · 9.3 · 2⁻²⁴ = 1.2e-6 of their size, where 9.3 is ln 10000 and a
/// little; a ratio of two, twice that.
const RATIO: Tolerance = Tolerance::new(1e-5, 0.0);

/// Two roots, two divisions and a sum of up to 8 products that are no larger than 1: 20 · 2⁻²⁴ = 1.2e-6.
const SIMILARITY: Tolerance = Tolerance::new(0.0, 2e-6);

/// On grids of up to 8, s(i) in f32 is off by up to 3 · 8 · 2⁻²⁴ = 1.4e-6 a side, and neighbours differ by up to 2; the
/// four products and three sums add 1e-6.
const INTERPOLATED: Tolerance = Tolerance::new(0.0, 1e-5);

/// The table's pairs that have both columns: \[len, pairs, 2\].
fn pairs(table: &Array2<f32>) -> Array3<f32> {
    let (len, dim) = table.dim();
    Array3::from_shape_fn((len, dim / 2, 2), |(p, i, of_pair)| {
        table[[p, 2 * i + of_pair]]
    })
}

/// A square grid of positions, and the side of the grid that it is to become.
struct Resize {
    positions: Array2<f32>,
    side: usize,
    grid: usize,
}

impl fmt::Debug for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { side, grid, .. } = self;
        write!(f, "a grid of {side} × {side} to {grid} × {grid}")
    }
}

prop_compose! {
    /// Grids of 1 to 8 patches a side, in 1 to 4 dimensions.
    fn resizes()(
        side in 1..=8_usize,
        dim in 1..=4_usize,
        grid in 1..=8_usize,
        seed in any::<u32>(),
    ) -> Resize {
        let positions = uniform(&format!("grid {seed}"), (side * side, dim));
        Resize { positions, side, grid }
    }
}

/// Rows to compare. None is short: the first value of each is at least ½ away from 0.
struct Rows(Array2<f32>);

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows of {} values", self.0.nrows(), self.0.ncols())
    }
}

prop_compose! {
    /// 1 to 6 rows of 1 to 8 values.
    fn rows()(n in 1..=6_usize, d in 1..=8_usize, seed in any::<u32>()) -> Rows {
        let mut rows: Array2<f32> = uniform(&format!("rows {seed}"), (n, d));
        for first in rows.column_mut(0) {
            *first += 0.5_f32.copysign(*first);
        }
        Rows(rows)
    }
}

proptest! {
    #![proptest_config(testkit::property::config(24))]

    /// Sine and cosine of one angle: the squares of a pair's two columns sum to 1, so no value leaves \[−1, 1\].
    ///
    /// Look at: which columns share an angle. They are neighbours, 2i and 2i + 1.
    #[test]
    fn each_pair_of_columns_is_a_point_on_the_unit_circle(len in 1..=40_usize, dim in 2..=20_usize) {
        let squares = pairs(&sinusoidal(len, dim)).mapv(|value| value * value).sum_axis(Axis(2));
        assert_close!(&squares, &Array2::<f32>::ones((len, dim / 2)), CIRCLE);
    }

    /// Position p + k is position p, each pair turned by an angle that only k decides: sin (a + b) = sin a · cos b +
    /// cos a · sin b, and cos (a + b) = cos a · cos b − sin a · sin b, with b from position k itself. So a shift is a
    /// linear map, which attention can learn.
    ///
    /// Look at: position 0. It turns nothing: all sines are 0, all cosines 1.
    #[test]
    fn a_shift_of_positions_turns_each_pair(p in 0..20_usize, k in 0..20_usize, dim in 2..=12_usize) {
        let pairs = pairs(&sinusoidal(p + k + 1, dim));
        let turned = Array2::from_shape_fn((dim / 2, 2), |(i, of_pair)| {
            let [sin_p, cos_p] = [pairs[[p, i, 0]], pairs[[p, i, 1]]];
            let [sin_k, cos_k] = [pairs[[k, i, 0]], pairs[[k, i, 1]]];
            match of_pair {
                0 => sin_p * cos_k + cos_p * sin_k,
                _ => cos_p * cos_k - sin_p * sin_k,
            }
        });
        let shifted = pairs.index_axis(Axis(0), p + k).to_owned();
        assert_close!(&shifted, &turned, TURNED);
    }

    /// The first pair turns by 1 from one position to the next, and each other one 10000^(2/D) times slower than the pair
    /// before it. How far a pair turns is read from position 1.
    ///
    /// Look at: the exponent. 2i/D with i the pair, so that it runs from 0 to nearly 1; in numbers that are not whole; and
    /// with a minus.
    #[test]
    fn each_pair_turns_slower_than_the_one_before_by_the_same_factor(dim in 2..=40_usize) {
        let first = pairs(&sinusoidal(2, dim)).index_axis(Axis(0), 1).to_owned();
        let turns = first.map_axis(Axis(1), |pair| f64::from(pair[0]).atan2(f64::from(pair[1])));
        let factor = 10_000_f64.powf(-2.0 / dim as f64);
        let expected = Array1::from_shape_fn(dim / 2, |i| factor.powf(i as f64));
        assert_close!(&turns, &expected, RATIO);
    }

    /// A row is as similar to another as the other to it, and wholly similar to itself.
    ///
    /// Look at: both rows' lengths are divided by, each under its own root.
    #[test]
    fn similarity_is_symmetric_with_ones_on_the_diagonal(Rows(rows) in rows()) {
        let similarity = cosine_similarity(rows.view());
        assert_close!(&similarity, &similarity.t(), SIMILARITY);
        assert_close!(&similarity.diag(), &Array1::<f32>::ones(rows.nrows()), SIMILARITY);
    }

    /// Rows made longer or shorter are as similar as before: only where they point matters.
    ///
    /// Look at: what keeps rows of zeros from a division by 0 must be far smaller than any row.
    #[test]
    fn similarity_does_not_depend_on_lengths(Rows(rows) in rows(), seed in any::<u32>()) {
        // Powers of two, which round nothing: from 2⁻¹⁰, a thousandth, to 2¹⁰.
        let powers: Array1<f32> = uniform(&format!("lengths {seed}"), rows.nrows());
        let lengths = powers.mapv(|power| (10.0 * power).round().exp2());
        let stretched = &rows * &lengths.insert_axis(Axis(1));
        let similarity = cosine_similarity(stretched.view());
        assert_close!(&similarity, &cosine_similarity(rows.view()), SIMILARITY);
    }

    /// A row of zeros has the similarity 0 with every row, itself included: never NaN. The other rows do not notice it.
    ///
    /// Look at: 0 / 0. A length counts as ε at least.
    #[test]
    fn a_row_of_zeros_is_similar_to_nothing(Rows(rows) in rows(), at in 0..6_usize) {
        let at = at % rows.nrows();
        let mut with_zeros = rows.clone();
        with_zeros.row_mut(at).fill(0.0);
        let mut expected = cosine_similarity(rows.view());
        expected.row_mut(at).fill(0.0);
        expected.column_mut(at).fill(0.0);
        assert_close!(&cosine_similarity(with_zeros.view()), &expected, SIMILARITY);
    }

    /// Resized to the grid that they came from, positions are what they were.
    ///
    /// Look at: s(i) must be i then, and the neighbour on the other side must count nothing.
    #[test]
    fn the_same_grid_changes_nothing(resize in resizes()) {
        let Resize { positions, side, .. } = resize;
        assert_close!(&interpolate(positions.view(), side), &positions, INTERPOLATED);
    }

    /// Mirrored positions, left for right or top for bottom, give mirrored results: no side is preferred.
    ///
    /// Look at: the halves in s(i). Without them, everything moves up and to the left. And the two axes of the grid: the
    /// row is the slow one, in the old grid as in the new.
    #[test]
    fn a_mirrored_grid_gives_mirrored_positions(resize in resizes(), rows: bool) {
        let Resize { positions, side, grid } = resize;
        let mirrored = |positions: &Array2<f32>, side: usize| {
            Array2::from_shape_fn(positions.dim(), |(n, d)| {
                let (row, column) = (n / side, n % side);
                let (row, column) = if rows { (side - 1 - row, column) } else { (row, side - 1 - column) };
                positions[[row * side + column, d]]
            })
        };
        let before = interpolate(mirrored(&positions, side).view(), grid);
        let after = mirrored(&interpolate(positions.view(), grid), grid);
        assert_close!(&before, &after, INTERPOLATED);
    }

    /// Interpolated values lie between the smallest and the largest of their column: the shares of the old positions are
    /// not negative, and sum to 1.
    ///
    /// Look at: the edge. s(i) may lie outside the old grid, and must be brought back before the shares are computed.
    #[test]
    fn interpolated_values_lie_between_the_given_ones(resize in resizes()) {
        let Resize { positions, grid, .. } = resize;
        let resized = interpolate(positions.view(), grid);
        let smallest = positions.fold_axis(Axis(0), f32::INFINITY, |a, &b| a.min(b));
        let largest = positions.fold_axis(Axis(0), f32::NEG_INFINITY, |a, &b| a.max(b));
        let within = Array2::from_shape_fn(resized.dim(), |(n, d)| {
            resized[[n, d]].clamp(smallest[d], largest[d])
        });
        assert_close!(&resized, &within, INTERPOLATED);
    }
}
