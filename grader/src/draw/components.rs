//! The principal components of a few hundred numbers each: which filters a patch embedding is made of.

use ndarray::{Array1, Array2, Axis};

/// The directions in which the rows of a matrix [n, m] vary most about 0, the most first, as rows of length 1, and
/// each one's share of the whole. Found by orthogonal iteration (Golub and Van Loan, section 8.2.4) on the matrix of
/// second moments.
pub(in crate::draw) fn components(rows: &Array2<f32>, most: usize) -> (Array2<f32>, Array1<f32>) {
    /// Rounds: enough for directions to be told apart whose variances differ by a few per cent.
    const ROUNDS: usize = 200;
    let size = rows.ncols();
    let moments = rows.t().dot(rows); // [m, m]
    let whole: f32 = moments.diag().sum();
    let count = most.min(size);
    let start = super::numbers("components", count * size);
    let mut found =
        Array2::from_shape_fn((count, size), |(row, column)| start[row * size + column]);
    orthonormalise(&mut found);
    for _ in 0..ROUNDS {
        found = found.dot(&moments);
        orthonormalise(&mut found);
    }
    let variances = (&found.dot(&moments) * &found).sum_axis(Axis(1));
    let shares = variances.mapv(|variance| if whole > 0.0 { variance / whole } else { 0.0 });
    (found, shares)
}

/// Gram and Schmidt's, twice over, row by row. A row that is none of its own becomes 0.
fn orthonormalise(rows: &mut Array2<f32>) {
    for i in 0..rows.nrows() {
        let (before, mut rest) = rows.view_mut().split_at(Axis(0), i);
        let mut row = rest.row_mut(0);
        let length = row.dot(&row).sqrt();
        for _ in 0..2 {
            for other in before.outer_iter() {
                let along = other.dot(&row);
                row.scaled_add(-along, &other);
            }
        }
        let left = row.dot(&row).sqrt();
        // The remainder of a row that is a combination of the others is rounding.
        if left > 1e-5 * length && left.is_finite() {
            row.mapv_inplace(|value| value / left);
        } else {
            row.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn directions_come_in_the_order_of_their_variance() {
        // Along (3, 4)/5 by 5, along (−4, 3)/5 by 1, nothing along the third axis.
        let rows = array![
            [3.0, 4.0, 0.0],
            [-0.8, 0.6, 0.0],
            [-3.0, -4.0, 0.0],
            [0.8, -0.6, 0.0]
        ];
        let (found, shares) = components(&rows, 2);
        let along = |row: usize, x: f32, y: f32| (found[(row, 0)] * x + found[(row, 1)] * y).abs();
        assert!((along(0, 0.6, 0.8) - 1.0).abs() < 1e-4);
        assert!((along(1, -0.8, 0.6) - 1.0).abs() < 1e-4);
        assert!((shares[0] - 25.0 / 26.0).abs() < 1e-4);
        assert!((shares[1] - 1.0 / 26.0).abs() < 1e-4);
    }

    #[test]
    fn nothing_has_no_directions() {
        let (found, shares) = components(&Array2::zeros((4, 3)), 5);
        assert_eq!(found, Array2::<f32>::zeros((3, 3)));
        assert_eq!(shares, Array1::<f32>::zeros(3));
    }
}
