//! The teacher that students are given: the same file in exercise and solution, and a network that learns.

use deit_solution::teacher::Teacher;
use tch::nn::{OptimizerConfig, Sgd, VarStore};
use tch::{Device, Kind, Tensor, no_grad};
use testkit::{Tolerance, assert_close, assert_shape, tensor};
use vit::accuracy;

/// Convolutions of up to 576 terms in f32, in an order that depends on the batch.
const F32: Tolerance = Tolerance::new(1e-4, 1e-5);

#[test]
fn exercise_and_solution_hold_the_same_file() {
    let given = include_str!("../../../exercises/06-deit/src/teacher.rs");
    assert_eq!(given, include_str!("../src/teacher.rs"));
}

#[test]
fn the_variables_are_those_of_the_table() {
    let vs = VarStore::new(Device::Cpu);
    let _teacher = Teacher::new(&vs.root(), 1, 10);
    let mut expected: Vec<(String, Vec<i64>)> = vec![
        ("head.bias".to_owned(), vec![10]),
        ("head.weight".to_owned(), vec![10, 128]),
    ];
    for (stage, [inputs, outputs]) in [[1, 32], [32, 64], [64, 128]].into_iter().enumerate() {
        let conv = vec![outputs, inputs, 3, 3];
        expected.push((format!("stages.{stage}.conv.weight"), conv));
        for name in ["bias", "running_mean", "running_var", "weight"] {
            expected.push((format!("stages.{stage}.norm.{name}"), vec![outputs]));
        }
    }
    let variables = tensor::variables(&vs).into_iter();
    let variables: Vec<_> = variables
        .map(|(name, variable)| (name, variable.size()))
        .collect();
    assert_eq!(variables, expected);
}

#[test]
fn images_of_any_size_and_colour_give_logits() {
    for (channels, side) in [(1, 28), (3, 32), (2, 5), (1, 1)] {
        let vs = VarStore::new(Device::Cpu);
        let teacher = Teacher::new(&vs.root(), channels, 7);
        let images = tensor::uniform("images", &[3, channels, side, side], Kind::Float);
        assert_shape!(&teacher.forward_t(&images, false), [3, 7]);
    }
}

#[test]
fn at_work_each_image_is_on_its_own_and_nothing_is_remembered() {
    let vs = VarStore::new(Device::Cpu);
    let teacher = Teacher::new(&vs.root(), 1, 10);
    let images = tensor::uniform("images", &[4, 1, 12, 12], Kind::Float);
    let before = tensor::variables(&vs)
        .iter()
        .map(|(_, it)| it.copy())
        .collect::<Vec<_>>();
    let together = no_grad(|| teacher.forward_t(&images, false));
    for i in 0..4 {
        let alone = no_grad(|| teacher.forward_t(&images.narrow(0, i, 1), false));
        assert_close!(&together.narrow(0, i, 1), &alone, F32);
    }
    for ((_, after), before) in tensor::variables(&vs).iter().zip(&before) {
        assert_close!(after, before, Tolerance::EXACT);
    }
}

/// The purpose of the teacher's convolutions: strokes are told apart wherever they lie.
#[test]
fn it_learns_strokes_and_knows_them_in_places_where_it_never_saw_them() {
    tch::manual_seed(1);
    let vs = VarStore::new(Device::Cpu);
    let teacher = Teacher::new(&vs.root(), 1, 2);
    let mut descent = Sgd::default().build(&vs, 0.1).expect("an optimiser");
    let labels = Tensor::from_slice(&[0_i64, 1, 0, 1, 0, 1, 0, 1]);
    let on_the_left = strokes([2, 3, 4, 5]);
    for _ in 0..30 {
        let loss = teacher
            .forward_t(&on_the_left, true)
            .cross_entropy_for_logits(&labels);
        descent.backward_step(&loss);
    }
    let on_the_right = no_grad(|| teacher.forward_t(&strokes([7, 8, 9, 10]), false));
    assert_eq!(accuracy(&on_the_right, &labels), 1.0);
}

/// For each place a stroke down and a stroke across, eight pixels long, in images of 16 × 16.
fn strokes(places: [i64; 4]) -> Tensor {
    let images = Tensor::zeros([8, 1, 16, 16], (Kind::Float, Device::Cpu));
    for (i, place) in (0..).zip(places) {
        let down = images.get(2 * i).get(0);
        let _ = down.narrow(0, 4, 8).select(1, place).fill_(1.0);
        let across = images.get(2 * i + 1).get(0);
        let _ = across.narrow(1, place - 2, 8).select(0, 8).fill_(1.0);
    }
    images
}
