//! Grades as people read them: a table for the terminal, a page for each submission.

mod attention;
mod confusion;
mod markdown;
mod table;

pub use attention::{Attention, attention_box};
pub use confusion::confusion;
pub use markdown::markdown;
pub use table::{Row, class_table, columns, table};

/// Points without needless zeros: `7`, `3.5`, `1.67`.
pub fn points(points: f64) -> String {
    let text = format!("{points:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
