//! The syntax of a description: Rust's items, but functions without bodies.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, Ident, ItemConst, ItemEnum, ItemStruct, ItemUse, Lit, LitStr, Meta, Path,
    Signature, Token, Visibility, braced,
};

/// A description as it is written.
pub(crate) struct File {
    /// Attributes of the whole.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) items: Vec<Item>,
}

pub(crate) enum Item {
    Use(ItemUse),
    Const(ItemConst),
    Enum(ItemEnum),
    Struct(ItemStruct),
    Function(Declaration),
    Impl(Impl),
}

/// A function's signature, with what stands above it.
pub(crate) struct Declaration {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) signature: Signature,
}

/// The functions of a type.
pub(crate) struct Impl {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) owner: Ident,
    pub(crate) functions: Vec<Declaration>,
}

impl Parse for File {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_inner)?;
        let mut items = vec![];
        while !input.is_empty() {
            items.push(input.parse()?);
        }
        Ok(Self { attributes, items })
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        if ahead.peek(Token![use]) {
            input.parse().map(Item::Use)
        } else if ahead.peek(Token![const]) {
            input.parse().map(Item::Const)
        } else if ahead.peek(Token![enum]) {
            input.parse().map(Item::Enum)
        } else if ahead.peek(Token![struct]) {
            input.parse().map(Item::Struct)
        } else if ahead.peek(Token![impl]) {
            input.parse().map(Item::Impl)
        } else if ahead.peek(Token![fn]) {
            input.parse().map(Item::Function)
        } else {
            Err(ahead.error("a description has use, const, enum, struct, impl and fn"))
        }
    }
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility: Visibility = input.parse()?;
        let signature: Signature = input.parse()?;
        if !matches!(visibility, Visibility::Public(_)) {
            let message = "what a description declares is public: write `pub`";
            return Err(syn::Error::new(signature.ident.span(), message));
        }
        input.parse::<Token![;]>()?;
        Ok(Self {
            attributes,
            signature,
        })
    }
}

impl Parse for Impl {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        input.parse::<Token![impl]>()?;
        let owner = input.parse()?;
        let content;
        braced!(content in input);
        let mut functions = vec![];
        while !content.is_empty() {
            functions.push(content.parse()?);
        }
        Ok(Self {
            attributes,
            owner,
            functions,
        })
    }
}

/// `name = value` or `"name" = value`.
struct NamedValue<V> {
    name: String,
    value: V,
}

impl<V: Parse> Parse for NamedValue<V> {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = if input.peek(LitStr) {
            input.parse::<LitStr>()?.value()
        } else {
            input.parse::<Ident>()?.to_string()
        };
        input.parse::<Token![=]>()?;
        let value = input.parse()?;
        Ok(Self { name, value })
    }
}

fn pairs<V: Parse>(attribute: &Attribute) -> syn::Result<Vec<(String, V)>> {
    let pairs =
        attribute.parse_args_with(Punctuated::<NamedValue<V>, Token![,]>::parse_terminated)?;
    Ok(pairs
        .into_iter()
        .map(|pair| (pair.name, pair.value))
        .collect())
}

/// The attributes of one item, each taken out once: what is left in the end is misspelt, or means nothing here.
pub(crate) struct Attributes {
    left: Vec<Attribute>,
    about: String,
    /// Those that are the compiler's, `derive` and `must_use`.
    pub(crate) rusts: Vec<Attribute>,
}

impl Attributes {
    pub(crate) fn new(attributes: Vec<Attribute>) -> Self {
        let mut about = vec![];
        let (mut left, mut rusts) = (vec![], vec![]);
        for attribute in attributes {
            if let Some(line) = doc(&attribute) {
                about.push(line.trim().to_owned());
            } else if ["derive", "must_use"]
                .iter()
                .any(|name| attribute.path().is_ident(name))
            {
                rusts.push(attribute);
            } else {
                left.push(attribute);
            }
        }
        Self {
            left,
            about: about.join(" "),
            rusts,
        }
    }

    /// The doc comment, as one line.
    pub(crate) fn about(&self) -> String {
        self.about.clone()
    }

    fn take(&mut self, name: &str) -> Option<Attribute> {
        let place = self
            .left
            .iter()
            .position(|attribute| attribute.path().is_ident(name))?;
        Some(self.left.remove(place))
    }

    /// Returns whether there is `#[name]`.
    pub(crate) fn word(&mut self, name: &str) -> syn::Result<bool> {
        match self.take(name) {
            None => Ok(false),
            Some(attribute) => attribute.meta.require_path_only().map(|_| true),
        }
    }

    /// The text of `#[name = "text"]`.
    pub(crate) fn text(&mut self, name: &str) -> syn::Result<Option<String>> {
        let Some(attribute) = self.take(name) else {
            return Ok(None);
        };
        let value = &attribute.meta.require_name_value()?.value;
        match literal(value) {
            Some(text) => Ok(Some(text)),
            None => {
                let message = format!("write it as #[{name} = \"…\"]");
                Err(syn::Error::new_spanned(value, message))
            }
        }
    }

    /// The pairs of `#[name(a = "text", "b" = "text")]`.
    pub(crate) fn texts(&mut self, name: &str) -> syn::Result<Vec<(String, String)>> {
        let Some(attribute) = self.take(name) else {
            return Ok(vec![]);
        };
        let pairs = pairs::<LitStr>(&attribute)?.into_iter();
        Ok(pairs.map(|(name, text)| (name, text.value())).collect())
    }

    /// The pairs of `#[name(a = path, "b" = path)]`.
    pub(crate) fn paths(&mut self, name: &str) -> syn::Result<Vec<(String, Path)>> {
        self.take(name)
            .map_or(Ok(vec![]), |attribute| pairs(&attribute))
    }

    /// Fails for what was not taken out.
    pub(crate) fn end(self) -> syn::Result<Vec<Attribute>> {
        match self.left.first() {
            None => Ok(self.rusts),
            Some(attribute) => Err(syn::Error::new_spanned(
                attribute,
                "this attribute means nothing here",
            )),
        }
    }
}

/// The text of a line of a doc comment.
fn doc(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => literal(&pair.value),
        _ => None,
    }
}

fn literal(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}
