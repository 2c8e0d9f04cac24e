//! An exercise's interface, as a description is understood.

use proc_macro2::Span;
use syn::{Attribute, Ident, ItemConst, ItemEnum, ItemStruct, ItemUse, Path, Signature};

/// The interface of an exercise.
#[derive(Clone, Debug)]
pub struct Interface {
    /// The exercise's folder: `03-msa`.
    pub(crate) folder: String,
    /// The exercise's crate: `msa`.
    pub(crate) name: String,
    /// The crates of earlier exercises that it takes types of.
    pub(crate) earlier: Vec<String>,
    /// Its `use` items.
    pub(crate) uses: Vec<ItemUse>,
    /// With the crate that each is of.
    pub(crate) constants: Vec<(String, ItemConst)>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) structs: Vec<Struct>,
    pub(crate) records: Vec<Record>,
    pub(crate) parts: Vec<DescribedItem>,
    /// Operations of the worker besides, and the functions that answer them.
    pub(crate) more: Vec<(String, Path)>,
    /// `interface/worker.rs`.
    pub(crate) worker: Option<String>,
    /// `interface/judge.rs`.
    pub(crate) judge: Option<String>,
}

/// An item with operations, in the order of the description.
#[derive(Clone, Debug)]
pub(crate) enum DescribedItem {
    Function(Function),
    Module(Module),
}

/// A type of a few values, each a word in a call's arguments.
#[derive(Clone, Debug)]
pub(crate) struct Enum {
    /// The crate that it is of.
    pub(crate) home: String,
    pub(crate) item: ItemEnum,
    pub(crate) variants: Vec<Variant>,
}

#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) name: Ident,
    /// The variant in a call: `Soft` is `soft`.
    pub(crate) word: String,
    pub(crate) fields: Vec<Field>,
}

/// A type whose fields are arguments of a call, each by its own name.
#[derive(Clone, Debug)]
pub(crate) struct Struct {
    /// The crate that it is of.
    pub(crate) home: String,
    pub(crate) item: ItemStruct,
    pub(crate) fields: Vec<Field>,
    /// Fields that this exercise does not look at, and what they are set to: variants of their types.
    pub(crate) fixed: Vec<(String, Path)>,
    pub(crate) presets: Option<Presets>,
}

/// A type of which each field is a result of its own.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The crate that it is of.
    pub(crate) home: String,
    pub(crate) item: ItemStruct,
    pub(crate) fields: Vec<ReturnForm>,
}

/// A field of a struct or of a variant.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Ident,
    /// Its meaning, in a few words.
    pub(crate) about: String,
    /// The value in a call that does not name it, as it travels.
    pub(crate) default: Option<String>,
    pub(crate) kind: Kind,
}

/// Functions without arguments that give a struct.
#[derive(Clone, Debug)]
pub(crate) struct Presets {
    /// The operation that gives the one whose name is asked for.
    pub(crate) operation: String,
    pub(crate) names: Vec<Ident>,
}

/// A type with variables, built by `new`.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    pub(crate) name: Ident,
    /// The operation that has all methods' results in evaluation, and the beginning of the names of the others.
    pub(crate) operation: String,
    pub(crate) about: String,
    pub(crate) is_listed: bool,
    /// The parameters of `new` but the path of its variables.
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) new: Signature,
    /// Methods that take the module and give it back changed.
    pub(crate) builders: Vec<Function>,
    pub(crate) methods: Vec<Function>,
}

/// A function or a method.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) signature: Signature,
    /// The compiler's attributes.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) operation: String,
    pub(crate) about: String,
    pub(crate) is_listed: bool,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) returned: ReturnForm,
    /// The names and shapes of its results.
    pub(crate) gives: Vec<(String, String)>,
    /// The hand-written form, if it has one: the tensors that its operation takes, and the module whose weights.
    pub(crate) by_hand: Option<ByHand>,
    /// The name of the first result, all others stacked, to which a cotangent belongs.
    pub(crate) stacked: Option<String>,
    /// A function of the stand-in, written by hand, that sees arguments and result.
    pub(crate) then: Option<Ident>,
}

#[derive(Clone, Debug)]
pub(crate) struct ByHand {
    pub(crate) takes: Vec<(String, String)>,
    pub(crate) module: Option<Ident>,
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Ident,
    /// Its name in a call.
    pub(crate) sent: String,
    /// A tensor's shape, or what an argument means.
    pub(crate) about: String,
    /// The value in a call that does not name it, as it travels.
    pub(crate) default: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// The form in which a parameter or a field travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `ArrayView3<'_, f32>`: a tensor.
    Array { element: String, axes: usize },
    /// `&[Array3<f32>]`: numbered tensors.
    Arrays { element: String, axes: usize },
    /// `&Tensor`: a tensor.
    Tensor,
    /// `Option<&Tensor>`: a tensor that a call may leave out.
    OptionalTensor,
    /// `&[i64]`: a tensor of one axis.
    Integers,
    /// A number or a truth value: an argument.
    Scalar(String),
    /// `(usize, usize)` or `(i64, i64)`: an argument, as `3x4`.
    Size(String),
    /// `Vec<i64>`: an argument, as `2,2,6,2`.
    List,
    /// An enum: an argument, and those of the variant's fields.
    Enum(String),
    /// A struct: an argument for each field. Whether it is lent.
    Struct { name: String, is_lent: bool },
}

impl Kind {
    pub(crate) fn is_tensor(&self) -> bool {
        matches!(
            self,
            Kind::Array { .. }
                | Kind::Arrays { .. }
                | Kind::Tensor
                | Kind::OptionalTensor
                | Kind::Integers
        )
    }
}

/// The form in which a result travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReturnForm {
    /// `Array3<f32>`.
    Array,
    /// `Tensor`.
    Tensor,
    /// `Vec<Tensor>`: numbered tensors.
    Tensors,
    /// A whole number, as i64 [].
    Integer(String),
    /// `f64` or `f32`.
    Float(String),
    /// `Vec<f64>` or `Vec<i64>`.
    Numbers(String),
    /// `Vec<bool>`, as u8: 0 or 1.
    Truths,
    /// A struct of whole numbers, as i64 [fields].
    Struct(String),
    /// Several of them.
    Tuple(Vec<ReturnForm>),
    /// A struct of several of them.
    Record {
        name: String,
        fields: Vec<ReturnForm>,
    },
    /// Any type; the operation is written by hand.
    Anything,
}

impl ReturnForm {
    /// The results one by one.
    pub(crate) fn parts(&self) -> &[ReturnForm] {
        match self {
            ReturnForm::Tuple(parts) | ReturnForm::Record { fields: parts, .. } => parts,
            one => std::slice::from_ref(one),
        }
    }

    /// Returns whether all results are tensors of libtorch.
    pub(crate) fn is_of_tensors(&self) -> bool {
        self.parts()
            .iter()
            .all(|part| matches!(part, ReturnForm::Tensor | ReturnForm::Tensors))
    }
}

impl Parameter {
    /// Returns whether it is a tensor that a gradient is calculated for: not one of labels.
    pub(crate) fn is_differentiable(&self) -> bool {
        self.kind == Kind::Tensor && !self.about.starts_with("i64")
    }

    /// Returns whether it says that a module is trained, which it is not in evaluation.
    pub(crate) fn is_train(&self) -> bool {
        self.name == "train" && self.kind == Kind::Scalar("bool".to_owned())
    }
}

impl Function {
    /// Returns whether its operation gives gradients.
    pub(crate) fn has_gradients(&self) -> bool {
        self.returned
            .parts()
            .iter()
            .all(|part| *part == ReturnForm::Tensor)
            && self.parameters.iter().any(Parameter::is_differentiable)
    }
}

impl Interface {
    /// The name of the exercise's crate.
    pub fn crate_name(&self) -> &str {
        &self.name
    }

    pub(crate) fn an_enum(&self, name: &str) -> Option<&Enum> {
        self.enums.iter().find(|it| it.item.ident == name)
    }

    pub(crate) fn a_struct(&self, name: &str) -> Option<&Struct> {
        self.structs.iter().find(|it| it.item.ident == name)
    }

    pub(crate) fn a_record(&self, name: &str) -> Option<&Record> {
        self.records.iter().find(|it| it.item.ident == name)
    }

    pub(crate) fn a_module(&self, name: &Ident) -> Option<&Module> {
        self.modules().find(|it| it.name == *name)
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.parts.iter().filter_map(|part| match part {
            DescribedItem::Module(module) => Some(module),
            DescribedItem::Function(_) => None,
        })
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.parts.iter().filter_map(|part| match part {
            DescribedItem::Function(function) => Some(function),
            DescribedItem::Module(_) => None,
        })
    }
}
