//! That each relation is found, and that none is told that does not hold.

use super::{Groups, Relation, find};
use crate::{AsValues, Tolerance, Values, uniform};
use ndarray::{
    Array, Array1, Array2, Array3, ArrayD, Axis, Dimension, Ix2, Slice, Zip, arr1, arr2,
};
use proptest::prelude::*;

/// As the snapshots of f32 have it.
const TOLERANCE: Tolerance = Tolerance::new(1e-5, 1e-6);

fn relation(got: &impl AsValues, expected: &impl AsValues) -> Option<Relation> {
    find(&got.values(), &expected.values(), TOLERANCE)
}

fn told(got: &impl AsValues, expected: &impl AsValues) -> String {
    relation(got, expected).map_or_else(String::new, |relation| relation.to_string())
}

fn square() -> Array2<f32> {
    uniform("square", (4, 4))
}

fn cube() -> Array3<f32> {
    uniform("cube", (2, 3, 5))
}

#[test]
fn swapped_axes_are_found() {
    let square = square();
    let transposed = square.t().to_owned();
    assert_eq!(
        told(&transposed, &square),
        "your values are the expected ones, transposed"
    );
    let maps: Array3<f32> = uniform("maps", (2, 4, 4));
    let swapped = maps.view().permuted_axes([0, 2, 1]).to_owned();
    assert_eq!(
        told(&swapped, &maps),
        "your values are the expected ones, with axes 1 and 2 swapped"
    );
    let turned = maps.view().permuted_axes([1, 2, 0]).to_owned();
    assert!(told(&turned, &maps).ends_with("with the axes in the order [1, 2, 0]"));
}

#[test]
fn a_reshape_in_the_place_of_a_transpose_is_found() {
    let expected: Array2<f32> = uniform("x", (3, 4));
    let flat = expected.t().iter().copied().collect::<Vec<_>>();
    let got = Array::from_shape_vec((3, 4), flat).expect("as many values");
    assert_eq!(
        told(&got, &expected),
        "your values are the expected ones, transposed and then reshaped: reshape does not move axes"
    );
}

#[test]
fn reversed_rolled_and_reordered_axes_are_found() {
    let cube = cube();
    let mut reversed = cube.clone();
    reversed.invert_axis(Axis(2));
    assert_eq!(
        relation(&reversed, &cube),
        Some(Relation::Reversed { axis: 2 })
    );
    let order = |order: &[usize]| cube.select(Axis(2), order);
    let on = told(&order(&[4, 0, 1, 2, 3]), &cube);
    assert!(
        on.ends_with("moved on by 1 along axis 2, wrapped around"),
        "{on}"
    );
    let back = told(&order(&[2, 3, 4, 0, 1]), &cube);
    assert!(
        back.ends_with("moved back by 2 along axis 2, wrapped around"),
        "{back}"
    );
    let other = told(&order(&[1, 0, 2, 4, 3]), &cube);
    assert!(
        other.ends_with("with axis 2 in the order [1, 0, 2, 4, 3]"),
        "{other}"
    );
}

#[test]
fn sorted_and_rearranged_values_are_found() {
    let square = square();
    let mut sorted = square.clone();
    for mut row in sorted.rows_mut() {
        let mut values = row.to_vec();
        values.sort_by(f32::total_cmp);
        row.assign(&Array1::from(values));
    }
    let axis = 1;
    let found = Relation::Sorted {
        axis,
        descending: false,
    };
    assert_eq!(relation(&sorted, &square), Some(found));
    let cube = cube();
    let mut rearranged = cube.clone();
    rearranged.swap([0, 0, 0], [1, 2, 3]);
    rearranged.swap([0, 1, 0], [1, 2, 2]);
    assert_eq!(relation(&rearranged, &cube), Some(Relation::Rearranged));
}

#[test]
fn factors_are_found_and_named_where_they_have_a_name() {
    let cube = cube();
    let times = |factor: f64| told(&cube.mapv(|it| (f64::from(it) * factor) as f32), &cube);
    let expected = "your values are the expected ones times";
    assert_eq!(times(0.5), format!("{expected} 1/2"));
    assert_eq!(times(-2.0), format!("{expected} −2"));
    assert_eq!(
        times(-1.0),
        "your values are the expected ones with the opposite sign"
    );
    let five = "5 being the size of axis 2";
    assert_eq!(times(5_f64.sqrt()), format!("{expected} √5 ({five})"));
    assert_eq!(times(0.8), format!("{expected} (5 − 1)/5 ({five})"));
    assert_eq!(
        times(1.25_f64.sqrt()),
        format!("{expected} √(5/(5 − 1)) ({five})")
    );
    assert_eq!(times(1.0 / 8_f64.sqrt()), format!("{expected} 1/√8"));
    assert_eq!(times(0.123_41), format!("{expected} 0.1234"));
}

#[test]
fn offsets_are_found() {
    let cube = cube();
    assert_eq!(
        told(&(&cube + 1.0), &cube),
        "your values are the expected ones plus 1"
    );
    assert_eq!(
        told(&(&cube - 0.5), &cube),
        "your values are the expected ones plus −1/2"
    );
    assert_eq!(
        told(&(&cube + 0.123_41), &cube),
        "your values are the expected ones plus the same offset everywhere"
    );
}

#[test]
fn factors_and_offsets_of_rows_and_columns_are_found() {
    let expected: Array2<f32> = uniform("x", (3, 5));
    let of_rows = arr2(&[[1.0], [0.5], [-3.0]]);
    let of_columns = arr1(&[1.0, 0.5, -3.0, 2.0, 2.5]);
    let words = "your values are the expected ones";
    assert_eq!(
        told(&(&expected * &of_rows), &expected),
        format!("{words} times another factor for each row")
    );
    assert_eq!(
        told(&(&expected * &of_columns), &expected),
        format!("{words} times another factor for each column")
    );
    assert_eq!(
        told(&(&expected + &of_rows), &expected),
        format!("{words} plus another offset for each row")
    );
    let cube = cube();
    let along = Array::from_shape_fn((2, 3, 1), |(i, j, _)| (1 + i * 3 + j) as f32);
    assert_eq!(
        told(&(&cube * &along), &cube),
        format!("{words} times another factor for each line along axis 2")
    );
}

#[test]
fn functions_of_the_values_are_found() {
    let positive: Array2<f32> = uniform("x", (3, 5)).mapv(|it: f32| it + 1.5);
    for (function, words) in [
        ((|it| it * it) as fn(f32) -> f32, "the squares of"),
        (f32::sqrt, "the square roots of"),
        (f32::recip, "the reciprocals of"),
        (f32::exp, "the exponentials of"),
        (f32::ln, "the natural logarithms of"),
    ] {
        let told = told(&positive.mapv(function), &positive);
        assert_eq!(told, format!("your values are {words} the expected ones"));
    }
    let cube = cube();
    assert!(told(&cube.mapv(f32::abs), &cube).contains("absolute values"));
    assert!(told(&cube.mapv(|it| it.max(0.0)), &cube).contains("0 for each negative one"));
    let large = &cube * 50.0;
    assert!(told(&large.mapv(f32::trunc), &large).contains("without their fractions"));
}

#[test]
fn clamped_values_are_found_with_the_bounds_that_show() {
    let cube = cube();
    let clamped = told(&cube.mapv(|it| it.clamp(-0.5, 0.5)), &cube);
    assert!(clamped.ends_with("clamped below and above"), "{clamped}");
    let above = told(&(&cube * 3.0).mapv(|it| it.min(1.0)), &(&cube * 3.0));
    assert!(above.ends_with("clamped above at 1"), "{above}");
}

#[test]
fn a_softmax_over_the_other_axis_is_found() {
    let logits = square() * 3.0;
    let weights = |axis: usize| {
        let powers = logits.mapv(f32::exp);
        let sums = powers.sum_axis(Axis(axis)).insert_axis(Axis(axis));
        powers / sums
    };
    assert_eq!(
        told(&weights(0), &weights(1)),
        "the expected values sum to 1 along axis 1, your values along axis 0"
    );
}

#[test]
fn nan_exactly_where_zero_is_expected_is_found() {
    let mut expected = cube();
    for index in [[0, 0, 0], [0, 2, 1], [1, 1, 4]] {
        expected[index] = 0.0;
    }
    let got = expected.mapv(|it| it / it * it);
    assert_eq!(
        told(&got, &expected),
        "your values are NaN exactly where 0 is expected"
    );
    let mut elsewhere = got.clone();
    elsewhere[[1, 0, 0]] = f32::NAN;
    assert_eq!(relation(&elsewhere, &expected), None);
}

#[test]
fn a_row_of_nan_is_found_where_the_others_are_right() {
    let expected = square();
    let mut got = expected.clone();
    got.row_mut(2).fill(f32::NAN);
    assert_eq!(
        told(&got, &expected),
        "your values are not finite at index 2 of axis 0, and right everywhere else"
    );
    got[[0, 0]] += 1.0;
    assert_eq!(relation(&got, &expected), None);
}

#[test]
fn right_values_in_another_shape_are_found() {
    let cube = cube();
    let permuted = cube.view().permuted_axes([1, 0, 2]).to_owned();
    assert_eq!(
        told(&permuted, &cube),
        "your values are the expected ones, with axes 0 and 1 swapped"
    );
    let flat = Array::from_iter(cube.iter().copied());
    assert_eq!(
        told(&flat, &cube),
        "your values are the expected ones, in another shape"
    );
    let longer = cube.clone().insert_axis(Axis(1));
    assert!(told(&longer, &cube).ends_with("only an axis of length 1 is missing or too much"));
    let cut = cube.select(Axis(1), &[1, 2]);
    assert!(told(&cut, &cube).ends_with("without the first index of axis 1"));
    let cut = cube.select(Axis(2), &[0, 1, 2]);
    assert!(told(&cut, &cube).ends_with("without the last 2 indices of axis 2"));
    let part = cube.select(Axis(1), &[1, 2]);
    assert!(told(&cube, &part).ends_with("once the first index of axis 1 is left out"));
}

#[test]
fn few_or_equal_values_are_no_evidence() {
    for expected in [
        arr2(&[[0.0, 0.0], [0.0, 0.0]]),
        arr2(&[[3.0, 3.0], [3.0, 3.0]]),
        arr2(&[[1.0, 2.0], [2.0, 1.0]]),
    ] {
        for got in [
            &expected * 2.0,
            &expected + 1.0,
            -&expected,
            expected.mapv(f64::exp),
        ] {
            assert_eq!(relation(&got, &expected), None, "{got} and {expected}");
        }
    }
    // The differences are smaller than what is allowed.
    let expected: Array2<f32> = uniform("x", (4, 4)).mapv(|it: f32| 1.0 + 1e-7 * it);
    assert_eq!(relation(&(&expected * 2.0), &expected), None);
    assert_eq!(relation(&(&expected + 1.0), &expected), None);
}

#[test]
fn what_differs_in_one_element_from_a_relation_has_none() {
    let expected = cube();
    let spoilt = |mut got: Array3<f32>| {
        got[[1, 1, 1]] += 0.01;
        relation(&got, &expected)
    };
    assert_eq!(spoilt(&expected * 2.0), None);
    assert_eq!(spoilt(&expected + 2.0), None);
    assert_eq!(spoilt(-&expected), None);
    assert_eq!(spoilt(expected.clone()), None);
    assert_eq!(spoilt(expected.mapv(f32::exp)), None);
}

/// Returns whether a relation holds, by other means than it was found by.
fn holds(relation: &Relation, got: &Values, expected: &Values) -> bool {
    let array = |values: &Values| {
        ArrayD::from_shape_vec(values.shape.clone(), values.data.clone()).expect("its shape")
    };
    let (got, expected) = (array(got), array(expected));
    let close = |got: &ArrayD<f64>, of: &ArrayD<f64>| {
        got.shape() == of.shape()
            && Zip::from(got)
                .and(of)
                .all(|a, b| (a - b).abs() <= 1e-5 + 1e-4 * b.abs())
    };
    let parallel = |a: &[f64], b: &[f64]| {
        let pairs = || a.iter().zip(b);
        let product =
            |of: &dyn Fn(f64, f64) -> f64| -> f64 { pairs().map(|(a, b)| of(*a, *b)).sum() };
        let (ab, aa, bb) = (
            product(&|a, b| a * b),
            product(&|a, _| a * a),
            product(&|_, b| b * b),
        );
        (ab * ab - aa * bb).abs() <= 1e-3 * aa * bb + 1e-9
    };
    let each = |groups: Groups, test: &dyn Fn(&[f64], &[f64]) -> bool| match groups {
        Groups::Slices { axis, .. } => {
            let pairs = got
                .axis_iter(Axis(axis))
                .zip(expected.axis_iter(Axis(axis)));
            let mut pairs = pairs.map(|(a, b)| (flat(&a.to_owned()), flat(&b.to_owned())));
            pairs.all(|(a, b)| test(&a, &b))
        }
        Groups::Lines { axis, .. } => {
            let pairs = got
                .lanes(Axis(axis))
                .into_iter()
                .zip(expected.lanes(Axis(axis)));
            let mut pairs = pairs.map(|(a, b)| (a.to_vec(), b.to_vec()));
            pairs.all(|(a, b)| test(&a, &b))
        }
    };
    let constant = |a: &[f64], b: &[f64]| {
        let differences: Vec<_> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        differences
            .iter()
            .all(|it| (it - differences[0]).abs() < 1e-4)
    };
    match relation {
        Relation::Axes { order } => close(&got, &expected.permuted_axes(order.clone())),
        Relation::Refilled { order } => {
            let moved = flat(&expected.permuted_axes(order.clone()));
            flat(&got)
                .iter()
                .zip(moved)
                .all(|(a, b)| (a - b).abs() < 1e-4)
        }
        Relation::Negated => close(&got, &-&expected),
        Relation::Reversed { axis } => {
            let mut reversed = expected.clone();
            reversed.invert_axis(Axis(*axis));
            close(&got, &reversed)
        }
        Relation::Rolled { axis, by, size } => {
            let from: Vec<_> = (0..*size).map(|k| (k + size - by) % size).collect();
            close(&got, &expected.select(Axis(*axis), &from))
        }
        Relation::Reordered { axis, order } => {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            sorted.iter().copied().eq(0..expected.shape()[*axis])
                && close(&got, &expected.select(Axis(*axis), order))
        }
        Relation::Scaled { factor, .. } => close(&got, &(&expected * *factor)),
        Relation::Shifted { offset, .. } => close(&got, &(&expected + *offset)),
        Relation::ScaledEach(groups) => each(*groups, &parallel),
        Relation::ShiftedEach(groups) => each(*groups, &constant),
        Relation::Sorted { axis, descending } => {
            let mut lanes = got.lanes(Axis(*axis)).into_iter();
            lanes.all(|lane| {
                let steps: Vec<_> = lane.to_vec().windows(2).map(|it| it[1] - it[0]).collect();
                steps.iter().all(|step| {
                    if *descending {
                        *step <= 0.0
                    } else {
                        *step >= 0.0
                    }
                })
            }) && sorted(&got) == sorted(&expected)
        }
        Relation::Rearranged => sorted(&got) == sorted(&expected),
        Relation::OtherShape { .. } => flat(&got) == flat(&expected),
        Relation::Cut { axis, start, .. } => {
            let end = start + got.shape()[*axis];
            close(
                &got,
                &expected
                    .slice_axis(Axis(*axis), Slice::from(*start..end))
                    .to_owned(),
            )
        }
        Relation::Extended { axis, start, .. } => {
            let end = start + expected.shape()[*axis];
            close(
                &expected,
                &got.slice_axis(Axis(*axis), Slice::from(*start..end))
                    .to_owned(),
            )
        }
        Relation::Mapped(_) | Relation::Clamped { .. } => {
            // A function: equal values have equal values.
            let pairs = || flat(&expected).into_iter().zip(flat(&got));
            pairs().all(|(a, b)| pairs().all(|(c, d)| a != c || (b - d).abs() < 1e-4))
        }
        Relation::SumsToOne {
            expected: right,
            got: wrong,
        } => {
            let one = |of: &ArrayD<f64>, axis: usize| {
                of.sum_axis(Axis(axis))
                    .iter()
                    .all(|it| (it - 1.0).abs() < 1e-3)
            };
            one(&expected, *right) && one(&got, *wrong)
        }
        Relation::NotFiniteWhereZero { .. } | Relation::NotFiniteAt { .. } => false,
    }
}

fn flat(array: &ArrayD<f64>) -> Vec<f64> {
    array.iter().copied().collect()
}

fn sorted(array: &ArrayD<f64>) -> Vec<f64> {
    let mut values = flat(array);
    values.sort_by(f64::total_cmp);
    values
}

fn dynamic<D: Dimension>(array: Array<f32, D>) -> ArrayD<f32> {
    array.into_dyn()
}

/// Two arrays that have nothing to do with each other.
fn unrelated() -> impl Strategy<Value = (ArrayD<f32>, ArrayD<f32>)> {
    (prop::collection::vec(1..=4_usize, 1..=4), any::<u32>()).prop_map(|(shape, seed)| {
        let draw = |name: &str| uniform(&format!("{name} {seed}"), shape.clone());
        (draw("got"), draw("expected"))
    })
}

proptest! {
    #![proptest_config(crate::property::config(2000))]

    #[test]
    fn unrelated_values_have_no_relation((got, expected) in unrelated()) {
        prop_assert_eq!(relation(&got, &expected), None);
        // As an average of tokens, and as a nearly constant answer.
        let near = |it: f32| 1.0 + 1e-3 * it;
        prop_assert_eq!(relation(&got.mapv(near), &expected.mapv(near)), None);
    }

    #[test]
    fn a_relation_of_small_whole_numbers_holds((got, expected) in unrelated(), most in 1..4_u8) {
        let whole = |it: f32| (it * f32::from(most)).round();
        let (got, expected) = (got.mapv(whole), expected.mapv(whole));
        if got != expected && let Some(relation) = relation(&got, &expected) {
            prop_assert!(
                holds(&relation, &got.values(), &expected.values()),
                "{} and {}: {}", got, expected, relation
            );
        }
    }

    #[test]
    fn unrelated_symmetric_values_have_no_relation(size in 3..6_usize, seed in any::<u32>()) {
        let symmetric = |name: &str| {
            let half: Array2<f32> = uniform(&format!("{name} {seed}"), (size, size));
            dynamic(&half + &half.t())
        };
        prop_assert_eq!(relation(&symmetric("got"), &symmetric("expected")), None);
    }

    #[test]
    fn outer_products_have_no_relation_unless_they_share_a_factor(
        (rows, columns) in (3..6_usize, 3..6_usize),
        seed in any::<u32>(),
    ) {
        let vector = |name: &str, size: usize| -> Array1<f32> {
                // Away from 0: rows of zeros say nothing of their factor.
                let values: Array1<f32> = uniform(&format!("{name} {seed}"), size);
                values.mapv(|value| value + 0.1_f32.copysign(value))
        };
        let outer = |a: &Array1<f32>, b: &Array1<f32>| -> Array<f32, Ix2> {
            a.view().insert_axis(Axis(1)).dot(&b.view().insert_axis(Axis(0)))
        };
        let (a, b, c) = (vector("a", rows), vector("b", rows), vector("c", columns));
        let (got, expected) = (outer(&a, &c), outer(&b, &c));
        let other = outer(&a, &vector("d", columns));
        prop_assert_eq!(relation(&other, &expected), None);
        let shared = relation(&got, &expected);
        let of_rows = Groups::Slices { axis: 0, axes: 2 };
        let of_lines = Groups::Lines { axis: 1, axes: 2 };
        prop_assert!(
            shared == Some(Relation::ScaledEach(of_rows)) || shared == Some(Relation::ScaledEach(of_lines)),
            "{:?}", shared
        );
    }

    #[test]
    fn one_wrong_value_among_whole_numbers_is_no_relation(size in 4..30_usize, at in any::<prop::sample::Index>()) {
        let expected = Array1::from_iter((0..size).map(|it| it as f32));
        let mut got = expected.clone();
        got[at.index(size)] += 100.5;
        prop_assert_eq!(relation(&got, &expected), None);
    }
}
