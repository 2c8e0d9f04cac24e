//! Attention by hand: logits, weights and output of a few tokens.

use super::matrix::{Line, Matrix, product, transposed};
use super::{frame, number, table};
use maud::{Markup, html};
use serde_json::json;

/// Queries, keys and values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attention {
    q: Matrix,
    k: Matrix,
    v: Matrix,
}

/// The steps from queries, keys and values to the output.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    pub(super) logits: Matrix,
    pub(super) weights: Matrix,
    pub(super) output: Matrix,
}

impl Attention {
    /// Reads a block with the matrices q, k and v side by side below their names.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        lines.find(|line| line.split_whitespace().eq(["q", "k", "v"]))?;
        let (mut q, mut k, mut v) = (vec![], vec![], vec![]);
        for line in lines.map_while(Line::read) {
            let [of_q, of_k, of_v] = <[_; 3]>::try_from(line.rows).ok()?;
            q.push(of_q);
            k.push(of_k);
            v.push(of_v);
        }
        let width = q.first()?.len();
        let is_even = q.iter().chain(&k).all(|row| row.len() == width);
        is_even.then_some(Self { q, k, v })
    }

    /// Computes all steps. Logits are divided by the root of the width if they `are_scaled`, and by the temperature.
    pub(super) fn steps(&self, are_scaled: bool, temperature: f64) -> Steps {
        let root = if are_scaled { self.root() } else { 1.0 };
        let products = product(&self.q, &transposed(&self.k));
        let logits: Matrix = products
            .into_iter()
            .map(|row| row.into_iter().map(|it| it / root / temperature).collect())
            .collect();
        let weights: Matrix = logits.iter().map(|row| softmax(row)).collect();
        let output = product(&weights, &self.v);
        Steps {
            logits,
            weights,
            output,
        }
    }

    fn root(&self) -> f64 {
        (self.q[0].len() as f64).sqrt()
    }
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|it| (it - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|it| it / sum).collect()
}

/// The figure, as it is where nothing has been changed.
pub(super) fn html(example: &Attention) -> Markup {
    let Steps {
        logits,
        weights,
        output,
    } = example.steps(true, 1.0);
    let tokens: Vec<_> = (0..weights.len()).map(|i| format!("token {i}")).collect();
    let features: Vec<_> = (0..output[0].len()).map(|i| i.to_string()).collect();
    let root = number(example.root(), 2);
    let body = html! {
        div.stages data-example=(json!({ "q": example.q, "k": example.k, "v": example.v })) {
            (table(&html! { "logits " span.formula data-caption { "q kᵀ / " (root) } }, "logits", &tokens, &tokens, &logits, 2, false))
            (table(&html! { "weights, each row sums to 1" }, "weights", &tokens, &tokens, &weights, 4, true))
            (table(&html! { "output = weights · v" }, "output", &tokens, &features, &output, 4, false))
        }
        (budgets(&weights))
    };
    let seen = seen(&weights);
    let title = "Turn the knobs of attention: the example above, live";
    frame("attention", title, &body, &seen)
}

/// Each row of weights as a bar of length 1, cut into shares. A picture of the table, which has the numbers.
fn budgets(weights: &Matrix) -> Markup {
    html! {
        svg.bars viewBox={ "0 0 116 " (weights.len() * 9) } aria-hidden="true" {
            @for (i, row) in weights.iter().enumerate() {
                text x="0" y=(i * 9 + 6) { "token " (i) }
                @for (j, &share) in row.iter().enumerate() {
                    @let start = 15.0 + 100.0 * row[..j].iter().sum::<f64>();
                    rect class={ "share s" (j % 6) } y=(i * 9 + 1) height="7"
                        x=(number(start, 3)) width=(number(100.0 * share, 3)) {}
                    text.of y=(i * 9 + 6) x=(number(start + 50.0 * share, 3)) {
                        @if share >= SEEN { (j) }
                    }
                }
            }
        }
    }
}

/// The smallest share that has room for its token's number.
const SEEN: f64 = 0.05;

/// The weights in words.
fn seen(weights: &Matrix) -> String {
    let tokens = weights.iter().enumerate().map(|(i, row)| {
        let most = row.iter().copied().fold(0.0, f64::max);
        let largest = |&j: &usize| row[j] >= most - 1e-9;
        let of: Vec<String> = (0..row.len())
            .filter(largest)
            .map(|j| j.to_string())
            .collect();
        match of.len() {
            1 => format!("token {i} takes {:.0} % from token {}", 100.0 * most, of[0]),
            all if all == row.len() => format!("token {i} takes the mean of all"),
            _ => format!(
                "token {i} takes {:.0} % from each of tokens {}",
                100.0 * most,
                of.join(" and ")
            ),
        }
    });
    let text = tokens.collect::<Vec<_>>().join("; ");
    format!("Now {text}.")
}

#[cfg(test)]
mod tests {
    use super::super::matrix::assert_near;
    use super::super::shade;
    use super::*;

    fn example() -> Attention {
        let q = vec![vec![1.0, 0.0, 1.0, 0.0], vec![0.0; 4]];
        let k = vec![vec![0.0, 1.0, 0.0, 3.0], vec![1.0, 1.0, 1.0, 0.0]];
        Attention {
            q,
            k,
            v: vec![vec![1.0], vec![3.0]],
        }
    }

    #[test]
    fn a_query_that_asks_nothing_takes_the_mean_whatever_the_temperature() {
        for temperature in [0.1, 1.0, 7.0] {
            let steps = example().steps(true, temperature);
            assert_near(
                &vec![steps.weights[1].clone()],
                &vec![vec![0.5, 0.5]],
                1e-15,
            );
            assert_near(&vec![steps.output[1].clone()], &vec![vec![2.0]], 1e-15);
        }
    }

    #[test]
    fn weights_are_powers_of_e_over_their_sum() {
        let e = std::f64::consts::E;
        // Logits 0 and 2: unscaled as they are, scaled by √4, or halved again.
        for (are_scaled, temperature, logit) in
            [(false, 1.0, 2.0), (true, 1.0, 1.0), (true, 2.0, 0.5)]
        {
            let power = e.powf(logit);
            let expected = vec![1.0 / (1.0 + power), power / (1.0 + power)];
            let steps = example().steps(are_scaled, temperature);
            assert_near(&vec![steps.weights[0].clone()], &vec![expected], 1e-12);
        }
    }

    #[test]
    fn a_share_has_the_shade_of_its_tenth() {
        assert_eq!([0.0, 0.24, 0.66, 1.0].map(shade), ["w0", "w2", "w7", "w10"]);
    }

    /// The figure shows the numbers that its handout prints, of every course that has the marker.
    #[test]
    fn the_numbers_are_those_that_the_handout_prints() -> anyhow::Result<()> {
        let mut count = 0;
        for handout in crate::testing::handouts_with("figure: attention")? {
            let blocks = crate::testing::text_blocks(&handout);
            let example = blocks.iter().find_map(|text| Attention::read(text));
            let steps = example.expect("an example").steps(true, 1.0);
            let printed: Vec<Line> = blocks
                .iter()
                .flat_map(|it| it.lines())
                .filter_map(Line::read)
                .collect();
            for i in 0..steps.weights.len() {
                // Beside the sum of exponentials: products, logits and weights in one line.
                let printed_weights = printed.iter().filter_map(|line| line.rows.last());
                let near = |row: &&Vec<f64>, of: &Vec<f64>| {
                    row.len() == of.len()
                        && row.iter().zip(of).all(|(a, b)| (a - b).abs() <= 5.1e-5)
                };
                let mut all = printed_weights.clone();
                assert!(all.any(|row| near(&row, &steps.weights[i])), "weights {i}");
                let mut all = printed.iter().flat_map(|line| &line.rows);
                assert!(all.any(|row| near(&row, &steps.output[i])), "output {i}");
                let mut all = printed.iter().flat_map(|line| &line.rows);
                assert!(all.any(|row| near(&row, &steps.logits[i])), "logits {i}");
            }
            // "Without √d its weights are 0.0159, 0.1173, 0.8668"
            let unscaled = example_without_scale(&blocks);
            let text: Vec<_> = unscaled.iter().map(|it| format!("{it:.4}")).collect();
            assert!(handout.contains(&text.join(", ")), "{text:?}");
            count += 1;
        }
        assert!(count > 0, "no handout has the figure");
        Ok(())
    }

    fn example_without_scale(blocks: &[String]) -> Vec<f64> {
        let example = blocks.iter().find_map(|text| Attention::read(text));
        example.expect("an example").steps(false, 1.0).weights[0].clone()
    }
}
