//! Suggestions for mistyped names, as clap has them.

/// The likeness from which a name may be the one that was meant, as clap has it.
const LIKE: f64 = 0.7;

/// "did you mean `msa`?" with the most similar of the known names, if one is similar.
pub fn suggestion(typed: &str, known: &[&str]) -> Option<String> {
    let typed = typed.to_lowercase();
    let likeness = |name: &&str| {
        let name = name.to_lowercase();
        // Of a path, the last part is what people remember.
        let last = name.rsplit("::").next().unwrap_or(&name);
        strsim::jaro(&typed, &name).max(strsim::jaro(&typed, last))
    };
    let likely = known.iter().map(|name| (likeness(name), *name));
    let likely = likely.filter(|(likeness, _)| *likeness > LIKE);
    let (_, name) = likely.max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    #[test]
    fn the_most_similar_name_is_suggested_and_none_where_none_is() {
        let known = [
            "patchify",
            "positions",
            "msa",
            "Msa::forward",
            "Vit::forward_t",
        ];
        for (typed, meant) in [
            ("patchfy", "patchify"),
            ("position", "positions"),
            ("MSA", "msa"),
            ("foward", "Msa::forward"),
            ("forward_", "Vit::forward_t"),
        ] {
            let expected = format!("did you mean `{meant}`?");
            assert_eq!(suggestion(typed, &known), Some(expected), "{typed}");
        }
        assert_eq!(suggestion("nothing", &known), None);
        assert_eq!(suggestion("", &known), None);
    }
}
