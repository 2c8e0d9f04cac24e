//! A learner's code beside the nearest correct solution.
//!
//! | file | about |
//! |---|---|
//! | `format` | rustfmt, which makes both sides comparable |
//! | `code` | sources cut into items, by span |
//! | `names` | the local names of an item, and what each occurrence belongs to |
//! | `tokens` | the tokens of an item |
//! | `pair` | the items that are compared with each other |
//! | `align` | how alike two items are, and which name of one is which of the other |
//! | `rename` | a solution with the learner's names |
//! | `compare` | the verdicts, against the nearest of all solutions |
//! | `lines` | lines side by side, and the words that differ |
//! | `solutions` | the solutions that there are |
//! | `gate` | the items whose solution may be shown |
//! | `why` | the passages of a solution's README that are about an item |
//! | `measure` | what two solutions cost |
//! | `show` | a comparison in a terminal, as a page, as a patch, as JSON |
//! | `print` | items of a solution as they are written |

mod align;
mod code;
mod compare;
mod format;
mod gate;
mod lines;
pub mod measure;
mod names;
mod pair;
mod print;
mod rename;
pub mod show;
mod solutions;
mod tokens;
mod why;

#[cfg(test)]
mod tests;

pub use code::Code;
pub use compare::{Choice, Comparison, ItemDiff, Verdict, compare};
pub use format::Formatter;
pub use gate::{Gate, has_solution};
pub use lines::{Row, Span};
pub use solutions::{REFERENCE, Solution};
pub use why::{Passage, passages};
