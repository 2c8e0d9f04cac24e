//! The names of weights: what wrappers put in front of them, and whose names they are.

use wire::Tensors;

/// The prefixes that DataParallel, Lightning and `torch.compile` put in front of all names.
const WRAPPERS: [&str; 3] = ["module.", "model.", "_orig_mod."];

/// Takes off the names of those tensors that are weights what wrappers put in front of all of them.
pub fn without_wrappers(tensors: Tensors, is_weight: impl Fn(&str) -> bool) -> Tensors {
    let (mut weights, others): (Tensors, Tensors) =
        tensors.into_iter().partition(|(name, _)| is_weight(name));
    while let Some(wrapper) = wrapper_of(&weights) {
        let inner = weights.into_iter();
        let inner = inner.map(|(name, tensor)| (name[wrapper.len()..].to_owned(), tensor));
        weights = inner.collect();
    }
    // A weight that has the name of an input now is one of another module: the worker says so.
    weights.extend(others);
    weights
}

/// The wrapper that all names begin with, and that leaves something of each.
fn wrapper_of(weights: &Tensors) -> Option<&'static str> {
    let is_of_all = |wrapper: &&str| {
        let mut names = weights.keys();
        names.all(|name| name.len() > wrapper.len() && name.starts_with(wrapper))
    };
    let wrapper = WRAPPERS.into_iter().find(is_of_all);
    wrapper.filter(|_| !weights.is_empty())
}

/// The reason why these names are not timm's, where it is known.
pub fn not_timms(weights: &Tensors) -> Option<String> {
    let begins = |start: &str| weights.keys().find(|name| name.starts_with(start));
    let holds = |part: &str| weights.keys().any(|name| name.contains(part));
    for wrapper in WRAPPERS {
        let other = weights.keys().find(|name| !name.starts_with(wrapper));
        if let (Some(_), Some(other)) = (begins(wrapper), other) {
            return Some(format!(
                "some names begin with {wrapper:?} and others, as {other}, do not: save the weights of the model alone"
            ));
        }
    }
    if holds("embeddings.patch_embeddings.") {
        let why = "the names are those of Hugging Face's transformers: save the same model as timm has it, \
            `timm.create_model(NAME, pretrained=True).state_dict()`";
        return Some(why.to_owned());
    }
    if holds("conv_proj.") && holds("encoder.layers.") {
        let why = "the names are those of torchvision: save the same model as timm has it, \
            `timm.create_model(NAME, pretrained=True).state_dict()`";
        return Some(why.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    fn named(names: &[&str]) -> Tensors {
        let tensor = || (&arr1(&[0.0_f32])).into();
        names
            .iter()
            .map(|name| (name.to_string(), tensor()))
            .collect()
    }

    fn plain(names: &[&str]) -> Vec<String> {
        let plain = without_wrappers(named(names), |name| name != "images");
        plain.into_keys().collect()
    }

    #[test]
    fn wrappers_are_taken_off_where_all_weights_have_them_one_within_the_other() {
        for wrapped in [
            "module.",
            "model.",
            "_orig_mod.",
            "model._orig_mod.",
            "module.module.",
        ] {
            let [a, b] = ["cls_token", "head.bias"].map(|name| format!("{wrapped}{name}"));
            assert_eq!(
                plain(&[&a, "images", &b]),
                ["cls_token", "head.bias", "images"]
            );
        }
        assert_eq!(plain(&["model.a", "b"]), ["b", "model.a"]);
        assert_eq!(plain(&["module."]), ["module."], "nothing would be left");
        assert_eq!(plain(&["modules.a"]), ["modules.a"]);
        assert_eq!(plain(&[]), [""; 0]);
    }

    #[test]
    fn whose_names_they_are_is_said() {
        let said = |names: &[&str]| not_timms(&named(names)).unwrap_or_default();
        assert!(said(&["model.a", "criterion.weight"]).contains("as criterion.weight, do not"));
        let of_transformers = ["vit.embeddings.patch_embeddings.projection.weight"];
        assert!(said(&of_transformers).contains("transformers"));
        let of_torchvision = [
            "conv_proj.weight",
            "encoder.layers.encoder_layer_0.ln_1.bias",
        ];
        assert!(said(&of_torchvision).contains("torchvision"));
        assert_eq!(said(&["cls_token", "patch_embed.proj.weight"]), "");
    }
}
