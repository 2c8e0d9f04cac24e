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

mod align;
mod code;
mod compare;
mod format;
mod lines;
mod names;
mod pair;
mod rename;
mod solutions;
mod tokens;

#[cfg(test)]
mod tests;

pub use code::Code;
pub use compare::{Choice, Comparison, ItemDiff, Verdict, compare};
pub use format::Formatter;
pub use lines::{Row, Span};
pub use solutions::{REFERENCE, Solution};
