//! Gradients against PyTorch's: of a small model, and of ViT-Tiny.

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};
use testkit::gradient::{assert_reaches_every, vjp};
use testkit::{Tolerance, snapshot, tensor};
use vit::{Pool, Positions, Vit, VitConfig};

/// Both sides are f64 with sums of at most 32 terms about as large as 1, so 1e-14 off.
const F64: Tolerance = Tolerance::new(1e-10, 1e-12);

/// Lengths of gradients in f32, which have gone through twelve blocks and back; roundings cancel in them.
const LENGTHS_IN_F32: Tolerance = Tolerance::new(1e-5, 0.0);

/// The cosine of a gradient with a direction: as far off as the gradient is of its own length.
const DIRECTIONS_IN_F32: Tolerance = Tolerance::new(0.0, 1e-5);

/// The gradients of the images and of all variables are those that PyTorch computes for timm's model.
/// Look at: the snapshot tests first. If they pass, something between images and logits is cut off from the gradient.
/// The output of the test names the row at which each variable begins.
#[test]
fn vits_gradients_match_timms() {
    let config = VitConfig {
        dim: 6,
        depth: 1,
        classes: 3,
        ..small()
    };
    let (_vs, vit, inputs) = filled(&config, Kind::Double);
    let cotangent = tensor::uniform("cotangent", &[2, 3], Kind::Double);
    let gradients = vjp(|| vit.forward_t(&inputs[0].1, true), &inputs, &cotangent).gradients;
    let mut rows = 0;
    let mut all = vec![];
    for (name, _) in &inputs {
        let gradient = gradients.get(name);
        let gradient = gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"));
        println!("{name} begins at row {rows}");
        rows += gradient.numel();
        all.push(gradient.flatten(0, -1));
    }
    snapshot!("gradients", &Tensor::cat(&all, 0).unsqueeze(1), F64);
}

/// The gradients of ViT-Tiny's 5.7 million weights have the lengths of timm's, and make the same angles with a direction
/// for each.
/// Look at: smaller tests first. What is printed says which row is whose.
#[test]
fn vit_tinys_gradients_match_timms() {
    let vs = VarStore::new(Device::Cpu);
    let vit = Vit::new(&vs.root(), &VitConfig::tiny());
    fill(&vs);
    let image = tensor::uniform("image", &[1, 3, 224, 224], Kind::Float);
    let inputs = tensor::variables(&vs);
    let cotangent = tensor::uniform("cotangent", &[1, 1000], Kind::Float);
    let gradients = vjp(|| vit.forward_t(&image, true), &inputs, &cotangent).gradients;
    let (mut lengths, mut cosines) = (vec![], vec![]);
    for (row, (name, variable)) in inputs.iter().enumerate() {
        let gradient = gradients.get(name);
        let gradient = gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"));
        println!("row {row} is {name}");
        let gradient = gradient.to_kind(Kind::Double);
        let shape = variable.size();
        let direction = tensor::uniform(&format!("direction of {name}"), &shape, Kind::Float);
        let direction = direction.to_kind(Kind::Double);
        let length = gradient.norm();
        let cosine = (gradient * &direction).sum(Kind::Double) / &length / direction.norm();
        lengths.push(length);
        cosines.push(cosine);
    }
    let column = |values: &[Tensor]| Tensor::stack(values, 0).unsqueeze(1);
    snapshot!(
        "vit_tiny_gradient_lengths",
        &column(&lengths),
        LENGTHS_IN_F32
    );
    snapshot!(
        "vit_tiny_gradient_directions",
        &column(&cosines),
        DIRECTIONS_IN_F32
    );
}

/// A gradient reaches the images and every variable, whichever token the classifier looks at.
/// Look at: whether class token, positions, each block, norm and head are used.
#[test]
fn training_reaches_every_variable() {
    for pool in [Pool::Cls, Pool::Mean] {
        let (_vs, vit, inputs) = filled(&VitConfig { pool, ..small() }, Kind::Double);
        assert_reaches_every(|| vit.forward_t(&inputs[0].1, true), &inputs);
    }
}

/// The model, its images and all its variables, with weights that do not depend on random draws. The norms' are about 1.
fn filled(config: &VitConfig, kind: Kind) -> (VarStore, Vit, Vec<(String, Tensor)>) {
    let mut vs = VarStore::new(Device::Cpu);
    let vit = Vit::new(&vs.root(), config);
    vs.set_kind(kind);
    fill(&vs);
    let images = tensor::uniform("images", &[2, 2, 12, 12], kind);
    let mut inputs = vec![("images".to_owned(), images.set_requires_grad(true))];
    inputs.extend(tensor::variables(&vs));
    (vs, vit, inputs)
}

fn fill(vs: &VarStore) {
    tensor::fill(vs);
    for (name, mut variable) in tensor::variables(vs) {
        if name.contains("norm") && name.ends_with("weight") {
            let _ = no_grad(|| variable.g_add_scalar_(1.0));
        }
    }
}

/// Nine patches of two channels, three blocks with three heads, five classes.
fn small() -> VitConfig {
    VitConfig {
        image: 12,
        patch: 4,
        channels: 2,
        classes: 5,
        dim: 12,
        depth: 3,
        heads: 3,
        mlp_ratio: 4,
        dropout: 0.0,
        positions: Positions::Learned,
        pool: Pool::Cls,
    }
}
