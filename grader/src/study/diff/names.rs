//! The local names of an item: which binding each occurrence of an identifier belongs to.
//!
//! Scopes follow the language: blocks, closures, arms, `if let` and loops, shadowing, shorthand fields, captured arguments in
//! format strings. A name that occurs where a macro may do anything with it is *fixed*: it is compared as it is written, and
//! never renamed.

mod macros;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Arm, Block, Expr, ExprClosure, ExprForLoop, ExprIf, ExprLet, ExprPath, ExprWhile, FieldPat,
    FieldValue, FnArg, ImplItem, Item, ItemFn, Local, Pat, Signature, Stmt,
};

/// A local variable or parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// Its name.
    pub(super) name: String,
    /// Its place among the parameters of the item, if it is one of them.
    pub(super) parameter: Option<usize>,
    /// True if the name must stay as it is.
    pub(super) fixed: bool,
}

/// An occurrence of a local name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    /// Its bytes in the item's text.
    pub(super) range: Range<usize>,
    /// Its binding.
    pub(super) binding: usize,
    /// Its form in the source.
    pub(super) form: Form,
}

/// The form of an occurrence in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// By itself.
    Plain,
    /// As a field's shorthand, `x` for `x: x`, which begins at this byte.
    Shorthand(usize),
    /// As the value of a field, `x: y`, which begins at this byte and has this name.
    Field(usize, String),
    /// Within a format string.
    Captured,
}

/// The local names of an item.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// The bindings, in the order in which they are made.
    pub(super) bindings: Vec<Binding>,
    /// Their occurrences, by place.
    pub(super) occurrences: Vec<Occurrence>,
    /// The places of tokens that rustfmt adds and takes away: braces around the only expression of a closure or an arm, and
    /// commas after arms.
    pub(super) optional: BTreeSet<usize>,
    /// The place of the body, where there is one.
    pub(super) body: Option<usize>,
}

impl Names {
    /// The local names of an item, of which `text` is the whole.
    ///
    /// # Errors
    /// Returns an error if the text is not an item.
    pub(super) fn of(text: &str) -> syn::Result<Self> {
        let mut scopes = Scopes::new(text);
        match syn::parse_str::<ImplItem>(text) {
            // Any other item may still be one of a module.
            Ok(item @ (ImplItem::Fn(_) | ImplItem::Type(_))) => scopes.visit_impl_item(&item),
            _ => match syn::parse_str::<Item>(text) {
                Ok(item) => scopes.visit_item(&item),
                Err(error) => scopes.visit_impl_item(
                    &syn::parse_str(text)
                        .ok()
                        .filter(|item| !matches!(item, ImplItem::Verbatim(_)))
                        .ok_or(error)?,
                ),
            },
        }
        let mut names = scopes.names;
        names.occurrences.sort_by_key(|it| it.range.start);
        Ok(names)
    }

    /// The binding of each occurrence, in the order of their places. Two texts with the same have the same structure.
    pub(super) fn structure(&self) -> Vec<usize> {
        let mut seen = HashMap::new();
        let bindings = self.occurrences.iter().map(|it| it.binding);
        bindings
            .map(|binding| {
                let next = seen.len();
                *seen.entry(binding).or_insert(next)
            })
            .collect()
    }
}

/// The scopes that are open.
struct Scopes<'t> {
    text: &'t str,
    /// Innermost last. A name of something else than a local hides locals further out.
    open: Vec<HashMap<String, Option<usize>>>,
    names: Names,
}

impl<'t> Scopes<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            open: vec![HashMap::new()],
            names: Names::default(),
        }
    }

    fn within(&mut self, visit: impl FnOnce(&mut Self)) {
        self.open.push(HashMap::new());
        visit(self);
        self.open.pop();
    }

    /// Visits an item in which the locals around it do not exist.
    fn apart(&mut self, visit: impl FnOnce(&mut Self)) {
        let around = std::mem::replace(&mut self.open, vec![HashMap::new()]);
        visit(self);
        self.open = around;
    }

    fn find(&self, name: &str) -> Option<usize> {
        let scopes = self.open.iter().rev();
        scopes.filter_map(|scope| scope.get(name)).next().copied()?
    }

    fn bind(&mut self, name: String, parameter: Option<usize>) -> usize {
        let binding = self.names.bindings.len();
        self.names.bindings.push(Binding {
            name: name.clone(),
            parameter,
            fixed: false,
        });
        if let Some(scope) = self.open.last_mut() {
            scope.insert(name, Some(binding));
        }
        binding
    }

    fn occurs(&mut self, binding: usize, range: Range<usize>, form: Form) {
        self.names.occurrences.push(Occurrence {
            range,
            binding,
            form,
        });
    }

    /// Keeps a local of this name as it is, if there is one.
    fn fix(&mut self, name: &str) {
        if let Some(binding) = self.find(name) {
            self.names.bindings[binding].fixed = true;
        }
    }

    /// Binds the names of a pattern. Names in alternatives of it are the same binding.
    fn pattern(&mut self, pattern: &Pat, is_irrefutable: bool, parameter: Option<usize>) {
        let mut binder = Binder {
            scopes: self,
            is_irrefutable,
            parameter: parameter.filter(|_| matches!(pattern, Pat::Ident(_))),
            bound: HashMap::new(),
        };
        binder.visit_pat(pattern);
    }

    fn signature(&mut self, signature: &Signature) {
        let inputs = signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(input) => Some(&*input.pat),
            FnArg::Receiver(_) => None,
        });
        for (i, pattern) in inputs.enumerate() {
            self.pattern(pattern, true, Some(i));
        }
    }

    fn function(&mut self, signature: &Signature, block: &Block) {
        self.apart(|scopes| {
            scopes.signature(signature);
            let body = block.brace_token.span.open().byte_range().start;
            scopes.names.body.get_or_insert(body);
            scopes.visit_block(block);
        });
    }

    /// The braces of a block around a single expression.
    fn optional_braces(&mut self, body: &Expr) {
        if let Expr::Block(block) = body
            && block.attrs.is_empty()
            && block.label.is_none()
            && let [Stmt::Expr(_, None)] = block.block.stmts.as_slice()
        {
            let braces = block.block.brace_token.span;
            let places = [braces.open(), braces.close()].map(|it| it.byte_range().start);
            self.names.optional.extend(places);
        }
    }
}

impl<'a> Visit<'a> for Scopes<'_> {
    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}

    fn visit_type(&mut self, _: &'a syn::Type) {}

    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
    }

    fn visit_item_const(&mut self, item: &'a syn::ItemConst) {
        self.apart(|scopes| visit::visit_item_const(scopes, item));
    }

    fn visit_item_static(&mut self, item: &'a syn::ItemStatic) {
        self.apart(|scopes| visit::visit_item_static(scopes, item));
    }

    fn visit_item_macro(&mut self, _: &'a syn::ItemMacro) {}

    fn visit_block(&mut self, block: &'a Block) {
        self.within(|scopes| {
            for statement in &block.stmts {
                let Stmt::Item(item) = statement else {
                    continue;
                };
                let name = match item {
                    Item::Fn(item) => &item.sig.ident,
                    Item::Const(item) => &item.ident,
                    Item::Static(item) => &item.ident,
                    Item::Struct(item) => &item.ident,
                    _ => continue,
                };
                if let Some(scope) = scopes.open.last_mut() {
                    scope.insert(name.to_string(), None);
                }
            }
            visit::visit_block(scopes, block);
        });
    }

    fn visit_local(&mut self, local: &'a Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
        }
        let can_fail = local.init.as_ref().is_some_and(|it| it.diverge.is_some());
        self.pattern(&local.pat, !can_fail, None);
    }

    fn visit_expr_closure(&mut self, closure: &'a ExprClosure) {
        self.optional_braces(&closure.body);
        self.within(|scopes| {
            for pattern in &closure.inputs {
                scopes.pattern(pattern, true, None);
            }
            scopes.visit_expr(&closure.body);
        });
    }

    fn visit_arm(&mut self, arm: &'a Arm) {
        self.optional_braces(&arm.body);
        let comma = arm.comma.map(|comma| comma.span.byte_range().start);
        self.names.optional.extend(comma);
        self.within(|scopes| {
            scopes.pattern(&arm.pat, false, None);
            if let Some((_, guard)) = &arm.guard {
                scopes.visit_expr(guard);
            }
            scopes.visit_expr(&arm.body);
        });
    }

    fn visit_expr_if(&mut self, condition: &'a ExprIf) {
        self.within(|scopes| {
            scopes.visit_expr(&condition.cond);
            scopes.visit_block(&condition.then_branch);
        });
        if let Some((_, other)) = &condition.else_branch {
            self.visit_expr(other);
        }
    }

    fn visit_expr_while(&mut self, repeated: &'a ExprWhile) {
        self.within(|scopes| {
            scopes.visit_expr(&repeated.cond);
            scopes.visit_block(&repeated.body);
        });
    }

    fn visit_expr_for_loop(&mut self, repeated: &'a ExprForLoop) {
        self.visit_expr(&repeated.expr);
        self.within(|scopes| {
            scopes.pattern(&repeated.pat, true, None);
            scopes.visit_block(&repeated.body);
        });
    }

    fn visit_expr_let(&mut self, condition: &'a ExprLet) {
        self.visit_expr(&condition.expr);
        self.pattern(&condition.pat, false, None);
    }

    fn visit_expr_path(&mut self, path: &'a ExprPath) {
        if let Some(name) = path.path.get_ident().filter(|_| path.qself.is_none())
            && let Some(binding) = self.find(&name.to_string())
        {
            self.occurs(binding, name.span().byte_range(), Form::Plain);
        }
    }

    fn visit_field_value(&mut self, field: &'a FieldValue) {
        let start = field.member.span().byte_range().start;
        let value = match &field.expr {
            Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
            _ => None,
        };
        let binding = value.and_then(|name| self.find(&name.to_string()));
        let (Some(name), Some(binding), syn::Member::Named(member)) =
            (value, binding, &field.member)
        else {
            return self.visit_expr(&field.expr);
        };
        let form = match field.colon_token {
            None => Form::Shorthand(start),
            Some(_) => Form::Field(start, member.to_string()),
        };
        self.occurs(binding, name.span().byte_range(), form);
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        self.macro_call(called);
    }
}

/// Binds the names of one pattern.
struct Binder<'s, 't> {
    scopes: &'s mut Scopes<'t>,
    is_irrefutable: bool,
    parameter: Option<usize>,
    bound: HashMap<String, usize>,
}

impl Binder<'_, '_> {
    fn name(&mut self, pattern: &syn::PatIdent, form: Form) {
        let name = pattern.ident.to_string();
        let begins_upper = name.chars().next().is_some_and(char::is_uppercase);
        let is_plain =
            pattern.subpat.is_none() && pattern.by_ref.is_none() && pattern.mutability.is_none();
        // A variant or a constant: nothing is bound.
        if is_plain && begins_upper && (!self.is_irrefutable || name == "None") {
            return;
        }
        let binding = match self.bound.get(&name) {
            Some(&binding) => binding,
            None => self.scopes.bind(name.clone(), self.parameter),
        };
        self.bound.insert(name, binding);
        let range = pattern.ident.span().byte_range();
        self.scopes.occurs(binding, range, form);
    }
}

impl<'a> Visit<'a> for Binder<'_, '_> {
    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}

    fn visit_type(&mut self, _: &'a syn::Type) {}

    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        self.name(pattern, Form::Plain);
        if let Some((_, within)) = &pattern.subpat {
            self.visit_pat(within);
        }
    }

    fn visit_field_pat(&mut self, field: &'a FieldPat) {
        let start = field.member.span().byte_range().start;
        match (&*field.pat, &field.member, field.colon_token) {
            (Pat::Ident(pattern), _, None) => {
                let start = field.pat.span().byte_range().start;
                self.name(pattern, Form::Shorthand(start));
            }
            (Pat::Ident(pattern), syn::Member::Named(member), Some(_))
                if pattern.by_ref.is_none()
                    && pattern.mutability.is_none()
                    && pattern.subpat.is_none() =>
            {
                self.name(pattern, Form::Field(start, member.to_string()));
            }
            (pattern, ..) => self.visit_pat(pattern),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        // Constants, ranges: no locals.
        let _ = expression;
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        self.scopes.macro_call(called);
    }
}
