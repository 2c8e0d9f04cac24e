//! The files of all books: style, scripts, fonts with their licences.

/// The files, by their names in the book.
const FILES: [(&str, &[u8]); 14] = [
    ("assets/book.css", include_bytes!("../assets/book.css")),
    ("assets/book.js", include_bytes!("../assets/book.js")),
    ("assets/figures.js", include_bytes!("../assets/figures.js")),
    ("assets/theme.js", include_bytes!("../assets/theme.js")),
    (
        "assets/font/Literata-Regular.woff2",
        include_bytes!("../assets/font/Literata-Regular.woff2"),
    ),
    (
        "assets/font/Literata-Italic.woff2",
        include_bytes!("../assets/font/Literata-Italic.woff2"),
    ),
    (
        "assets/font/Literata-SemiBold.woff2",
        include_bytes!("../assets/font/Literata-SemiBold.woff2"),
    ),
    (
        "assets/font/Literata-Greek.woff2",
        include_bytes!("../assets/font/Literata-Greek.woff2"),
    ),
    (
        "assets/font/Literata-OFL.txt",
        include_bytes!("../assets/font/Literata-OFL.txt"),
    ),
    (
        "assets/font/DejaVuSansMono.woff2",
        include_bytes!("../assets/font/DejaVuSansMono.woff2"),
    ),
    (
        "assets/font/DejaVuSansMono-LICENSE.txt",
        include_bytes!("../assets/font/DejaVuSansMono-LICENSE.txt"),
    ),
    // Those of the pictures that the grader draws.
    (
        "assets/font/Inter-Regular.otf",
        include_bytes!("../../pictures/assets/font/Inter-Regular.otf"),
    ),
    (
        "assets/font/Inter-SemiBold.otf",
        include_bytes!("../../pictures/assets/font/Inter-SemiBold.otf"),
    ),
    (
        "assets/font/Inter-OFL.txt",
        include_bytes!("../../pictures/assets/font/OFL.txt"),
    ),
];

/// The files.
pub(crate) fn files() -> impl Iterator<Item = (String, Vec<u8>)> {
    FILES
        .iter()
        .map(|(name, content)| ((*name).to_owned(), content.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    type Colour = [f64; 3];

    fn style() -> &'static str {
        include_str!("../assets/book.css")
    }

    fn colour(text: &str) -> Colour {
        let digits = text.trim().trim_start_matches('#');
        let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect(text);
        [0, 2, 4].map(|at| f64::from(part(at)) / 255.0)
    }

    /// The style sheet's variables that are colours, light and dark.
    fn variables() -> BTreeMap<&'static str, [Colour; 2]> {
        let lines = style().lines().filter_map(|line| {
            let (name, value) = line.trim().strip_prefix("--")?.split_once(": ")?;
            let pair = value.strip_prefix("light-dark(")?.strip_suffix(");")?;
            let (light, dark) = pair.split_once(',')?;
            Some((name, [colour(light), colour(dark)]))
        });
        lines.collect()
    }

    /// The contrast of two colours, as WCAG 2 defines it.
    fn contrast(a: Colour, b: Colour) -> f64 {
        let luminance = |colour: Colour| {
            let [r, g, b] = colour.map(|it| match it {
                0.0..=0.04045 => it / 12.92,
                _ => ((it + 0.055) / 1.055).powf(2.4),
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_code_have_enough_contrast_in_both_themes() {
        let colours = variables();
        let code = crate::code::CLASSES.map(|class| (format!("code-{class}"), "panel"));
        let grounds = ["paper", "panel", "raised"];
        let text = ["ink", "quiet", "accent"]
            .iter()
            .flat_map(|text| grounds.map(|ground| ((*text).to_owned(), ground)));
        let pairs: Vec<_> = text
            .chain(code)
            .chain([("ink".to_owned(), "mark")])
            .collect();
        assert_eq!(pairs.len(), 18);
        for (text, ground) in &pairs {
            for theme in [0, 1] {
                let found = contrast(colours[text.as_str()][theme], colours[ground][theme]);
                assert!(
                    found >= 4.5,
                    "{text} on {ground}, theme {theme}: {found:.2}"
                );
            }
        }
    }

    #[test]
    fn numbers_can_be_read_on_the_strongest_shade() {
        let colours = variables();
        assert!(
            style().contains(
                ".w10 { background: color-mix(in srgb, var(--heat) 50%, var(--panel)); }"
            )
        );
        for theme in [0, 1] {
            let (heat, panel) = (colours["heat"][theme], colours["panel"][theme]);
            let shade = [0, 1, 2].map(|at| (heat[at] + panel[at]) / 2.0);
            let found = contrast(colours["ink"][theme], shade);
            assert!(found >= 4.5, "theme {theme}: {found:.2}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
        let grey = colour("#767676");
        assert!((contrast(grey, [1.0; 3]) - 4.54).abs() < 0.01);
    }

    #[test]
    fn every_class_of_code_has_a_colour_and_every_font_is_there() {
        for class in crate::code::CLASSES {
            let rule = format!(".{class} {{ color: var(--code-{class})");
            assert!(style().contains(&rule), "{rule}");
        }
        let files: BTreeMap<_, _> = files().collect();
        let fonts = style()
            .split("url(\"")
            .skip(1)
            .filter_map(|it| it.split('"').next());
        let fonts: Vec<_> = fonts.collect();
        assert_eq!(fonts.len(), 7);
        for font in fonts {
            assert!(files.contains_key(&format!("assets/{font}")), "{font}");
        }
    }
}
