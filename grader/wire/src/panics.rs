//! The text of a panic.

use std::any::Any;

/// The text of a panic's payload, if it has one: a payload may be of any type.
pub fn panic_text(payload: &(dyn Any + Send)) -> Option<&str> {
    let fixed = payload.downcast_ref::<&str>().copied();
    fixed.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_whether_it_is_fixed_or_made() {
        assert_eq!(panic_text(&"fixed"), Some("fixed"));
        assert_eq!(panic_text(&format!("made {}", 1)), Some("made 1"));
        assert_eq!(panic_text(&1_u8), None);
    }
}
