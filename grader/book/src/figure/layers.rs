//! Attention followed through layers: heads fused, the residual connection added, layers multiplied.

use super::matrix::{Line, Matrix, product};
use super::{frame, number, table};
use maud::{Markup, html};
use serde_json::json;

/// The attention of some layers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layers {
    tokens: Vec<String>,
    /// The heads of each layer.
    layers: Vec<Vec<Matrix>>,
}

/// One layer on the way.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) fused: Matrix,
    pub(super) mixed: Matrix,
    pub(super) product: Matrix,
}

impl Layers {
    /// Reads a block whose rows begin with `layer N` and the tokens' names, below `head 0`, `head 1`, ….
    pub(super) fn read(text: &str) -> Option<Self> {
        let heads = text.lines().next()?.matches("head ").count();
        let (mut tokens, mut layers): (Vec<String>, Vec<Vec<Matrix>>) = (vec![], vec![]);
        for line in text.lines().filter_map(Line::read) {
            if line.label.starts_with("layer ") {
                layers.push(vec![vec![]; heads]);
            }
            if layers.len() == 1 {
                tokens.push(line.label.split_whitespace().last()?.to_owned());
            }
            let layer = layers.last_mut()?;
            for (head, row) in layer.iter_mut().zip(line.rows) {
                head.push(row);
            }
        }
        let count = tokens.len();
        let is_square = |it: &Matrix| it.len() == count && it.iter().all(|row| row.len() == count);
        let is_whole = heads > 0 && count > 0 && layers.iter().flatten().all(is_square);
        is_whole.then_some(Self { tokens, layers })
    }

    /// Follows attention from the first layer to the last, with the mean over heads.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = vec![];
        for heads in &self.layers {
            let fused = mean(heads);
            let mixed = with_residual(&fused);
            let product = match steps.last() {
                Some(below) => product(&mixed, &below.product),
                None => mixed.clone(),
            };
            steps.push(Step {
                fused,
                mixed,
                product,
            });
        }
        steps
    }
}

fn mean(heads: &[Matrix]) -> Matrix {
    let count = heads[0].len();
    let entry =
        |i: usize, j: usize| heads.iter().map(|head| head[i][j]).sum::<f64>() / heads.len() as f64;
    (0..count)
        .map(|i| (0..count).map(|j| entry(i, j)).collect())
        .collect()
}

fn with_residual(fused: &Matrix) -> Matrix {
    let rows = fused.iter().enumerate().map(|(i, row)| {
        let mixed = row
            .iter()
            .enumerate()
            .map(|(j, it)| it / 2.0 + if i == j { 0.5 } else { 0.0 });
        let mixed: Vec<f64> = mixed.collect();
        let sum: f64 = mixed.iter().sum();
        mixed.iter().map(|it| it / sum).collect()
    });
    rows.collect()
}

/// The figure, with all layers, as it is where nothing has been changed.
pub(super) fn html(example: &Layers) -> Markup {
    let steps = example.steps();
    let tokens = &example.tokens;
    let body = html! {
        div data-example=(json!({ "tokens": tokens, "layers": example.layers })) {
            @for (l, (heads, step)) in example.layers.iter().zip(&steps).enumerate() {
                section.layer data-layer=(l) {
                    h4 { "Layer " (l + 1) @if l == 0 { ", nearest to the image" } }
                    div.stages {
                        @for (h, head) in heads.iter().enumerate() {
                            (table(&html! { "head " (h) }, &format!("head {h}"), tokens, tokens, head, 3, true))
                        }
                        (table(&html! { span data-caption { "fused: mean" } }, "fused", tokens, tokens, &step.fused, 3, true))
                        (table(&html! { "A: this layer's factor" }, "mixed", tokens, tokens, &step.mixed, 3, true))
                        (table(&html! { "rollout so far" }, "product", tokens, tokens, &step.product, 3, true))
                    }
                }
            }
        }
    };
    let seen = seen(tokens, &steps);
    let title = "Follow attention layer by layer: the example above, live";
    frame("layer-by-layer", title, &body, &seen)
}

/// The composition of the class token, in words.
fn seen(tokens: &[String], steps: &[Step]) -> String {
    let parts = |row: &[f64]| {
        let parts = tokens.iter().zip(row);
        let parts = parts.map(|(token, share)| format!("{} {token}", number(*share, 3)));
        parts.collect::<Vec<_>>().join(", ")
    };
    let Some(last) = steps.last() else {
        return String::new();
    };
    format!(
        "After layer {}, raw attention says that {} is made of {}; rollout says {}.",
        steps.len(),
        tokens[0],
        parts(&last.fused[0]),
        parts(&last.product[0])
    )
}

#[cfg(test)]
mod tests {
    use super::super::matrix::assert_near;
    use super::*;

    /// Those of the block's own columns behind the heads, and of the later block that begins with the product.
    #[test]
    fn the_numbers_are_those_that_the_handout_prints() -> anyhow::Result<()> {
        let mut count = 0;
        for handout in crate::testing::handouts_with("figure: layer-by-layer")? {
            let texts = crate::testing::text_blocks(&handout);
            let found = texts.iter().find_map(|it| Some((it, Layers::read(it)?)));
            let (text, example) = found.expect("an example");
            let steps = example.steps();
            let heads = example.layers[0].len();
            let printed: Vec<Line> = text.lines().filter_map(Line::read).collect();
            let column = |at: usize| {
                printed
                    .iter()
                    .map(|line| line.rows[heads + at].clone())
                    .collect()
            };
            let all = |part: fn(&Step) -> &Matrix| steps.iter().flat_map(part).cloned().collect();
            assert_near(&all(|it| &it.fused), &column(0), 1e-12);
            assert_near(&all(|it| &it.mixed), &column(1), 1e-12);

            let lines = texts
                .iter()
                .flat_map(|it| it.lines())
                .filter_map(Line::read);
            let result = lines.skip_while(|line| !line.label.ends_with("rollout"));
            let result = result.take(example.tokens.len());
            let result = result.map(|line| line.rows[0].clone()).collect();
            assert_near(&steps[steps.len() - 1].product, &result, 1e-12);
            count += 1;
        }
        assert!(count > 0, "no handout has the figure");
        Ok(())
    }

    #[test]
    fn rows_of_every_step_sum_to_one_and_the_first_layer_stands_on_the_right() {
        let a = vec![vec![0.5, 0.5], vec![0.0, 1.0]];
        let b = vec![vec![1.0, 0.0], vec![1.0, 0.0]];
        let tokens = vec!["a".to_owned(), "b".to_owned()];
        let example = Layers {
            tokens,
            layers: vec![vec![a.clone(), a.clone()], vec![b.clone()]],
        };
        let steps = example.steps();
        for row in steps
            .iter()
            .flat_map(|it| it.mixed.iter().chain(&it.product))
        {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{row:?}");
        }
        let expected = product(&with_residual(&b), &with_residual(&a));
        assert_near(&steps[1].product, &expected, 1e-15);
        assert_ne!(expected, product(&with_residual(&a), &with_residual(&b)));
    }
}
