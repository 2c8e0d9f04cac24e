//! Formulas and drawings of text blocks in words, for screen readers, which leave out or misread most of their signs.

/// The words of signs. A space at an end is where the sign parts words.
const WORDS: [(char, &str); 62] = [
    ('√', " square root of "),
    ('ᵀ', " transposed"),
    ('²', " squared"),
    ('³', " cubed"),
    ('·', " times "),
    ('×', " by "),
    ('∈', " in "),
    ('ℝ', " the real numbers "),
    ('Σ', " sum over "),
    ('−', " minus "),
    ('±', " plus or minus "),
    ('→', " to "),
    ('►', " to "),
    ('←', " from "),
    ('↓', " down "),
    ('=', " equals "),
    ('≤', " at most "),
    ('≥', " at least "),
    ('≈', " about "),
    ('∞', " infinity "),
    ('‖', " norm "),
    ('⌊', " floor of "),
    ('⌋', " "),
    ('½', " one half "),
    ('¼', " one quarter "),
    ('¾', " three quarters "),
    ('⅓', " one third "),
    ('⅔', " two thirds "),
    ('Φ', " Phi "),
    ('Π', " Pi "),
    ('α', " alpha "),
    ('β', " beta "),
    ('γ', " gamma "),
    ('ε', " epsilon "),
    ('λ', " lambda "),
    ('μ', " mu "),
    ('π', " pi "),
    ('σ', " sigma "),
    ('τ', " tau "),
    ('ω', " omega "),
    ('ℓ', " l "),
    ('Ã', " A tilde "),
    ('…', " and so on "),
    ('^', " to the power of "),
    ('‰', " per mille "),
    ('ᴺ', " superscript N"),
    ('¹', " superscript 1"),
    ('₀', " sub 0"),
    ('₁', " sub 1"),
    ('₂', " sub 2"),
    ('₃', " sub 3"),
    ('₄', " sub 4"),
    ('₅', " sub 5"),
    ('₆', " sub 6"),
    ('₇', " sub 7"),
    ('₈', " sub 8"),
    ('₉', " sub 9"),
    ('₋', " minus"),
    ('ᵢ', " sub i"),
    ('ⱼ', " sub j"),
    ('ₖ', " sub k"),
    ('ₕ', " sub h"),
];

/// The kind of a text block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Formulas, matrices, steps of a calculation.
    Formula,
    /// A drawing of lines and boxes.
    Drawing,
}

impl Kind {
    /// The kind of a text: lines that turn or end in arrows draw something, upright ones only are the sides of a matrix.
    pub(crate) fn of(text: &str) -> Self {
        let is_drawing = |c: char| is_line(c) && !matches!(c, '│' | '┃' | '─');
        let turns = text.chars().filter(|&c| is_drawing(c)).count();
        if turns >= 4 {
            Self::Drawing
        } else {
            Self::Formula
        }
    }

    /// Its name for those who do not see it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Formula => "Formula",
            Self::Drawing => "Drawing",
        }
    }
}

/// Returns whether a character is one of those that lines and shades are drawn with.
fn is_line(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}' | '▶' | '◀' | '▲' | '▼')
}

/// The lines of a block in words.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(line);
    lines.filter(|line| !line.is_empty()).collect()
}

/// A line in words. Upright lines and wide gaps part its columns.
fn line(text: &str) -> String {
    let drawn = text.chars().map(|c| match c {
        '─' => " ".to_owned(),
        c if is_line(c) => "   ".to_owned(),
        c => c.to_string(),
    });
    let drawn: String = drawn.collect();
    let columns = drawn.split("   ").map(words);
    let columns: Vec<_> = columns.filter(|words| !words.is_empty()).collect();
    columns.join("; ")
}

/// A piece of a line in words.
fn words(text: &str) -> String {
    let mut words = String::new();
    let letters: Vec<char> = text.chars().collect();
    let mut last_sub = false;
    for (at, &c) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map_or(' ', |at| letters[at]);
        let after = letters.get(at + 1).copied().unwrap_or(' ');
        let starts_name = || at < 2 || !letters[at - 2].is_alphanumeric();
        let word = WORDS.iter().find(|(sign, _)| *sign == c);
        let word = word.map(|(_, word)| *word);
        match word {
            // One index of several signs: "sub h minus 1".
            Some(word) if last_sub && word.starts_with(" sub ") => words += &word[4..],
            Some(word) => words += word,
            None if c == '_' && before.is_alphabetic() && starts_name() => words += " sub ",
            None if c == '/' && before == ' ' && after == ' ' => words += "divided by",
            None => words.push(c),
        }
        last_sub = word.is_some_and(|word| word.starts_with(" sub ")) || c == '₋';
    }
    let mut words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for (wide, narrow) in [(" ,", ","), ("( ", "("), (" )", ")"), (" ]", "]")] {
        words = words.replace(wide, narrow);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_read_as_it_is_spoken() {
        for (formula, spoken) in [
            (
                "Attention(Q, K, V) = softmax(Q Kᵀ / √d) V",
                "Attention(Q, K, V) equals softmax(Q K transposed divided by square root of d) V",
            ),
            ("A = ½ W + ½ I", "A equals one half W + one half I"),
            (
                "U_qkv ∈ ℝ^(D × 3·D_h)",
                "U sub qkv in the real numbers to the power of (D by 3 times D sub h)",
            ),
            (
                "headₕ₋₁ of q_mappings",
                "head sub h minus 1 of q sub mappings",
            ),
            (" │ 1  0 │    │ ½ │   weights", "1 0; one half; weights"),
            (" ├─ softmax ─┐   x", "softmax; x"),
        ] {
            assert_eq!(line(formula), spoken);
        }
    }

    #[test]
    fn a_drawing_is_told_from_a_matrix() {
        assert_eq!(Kind::of(" │ 1 0 │\n │ 0 1 │  ── 3"), Kind::Formula);
        assert_eq!(Kind::of("┌──┐\n│ x│\n└──┘"), Kind::Drawing);
    }

    #[test]
    fn each_sign_has_one_reading() {
        let signs: std::collections::BTreeSet<_> = WORDS.iter().map(|(sign, _)| sign).collect();
        assert_eq!(signs.len(), WORDS.len());
    }
}
