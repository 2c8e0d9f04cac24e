//! Material whose worker is a closure.

use super::{Drawings, Material, Photo};
use anyhow::Result;
use pictures::Picture;
use wire::{Answer, Fault, FaultKind, Request};

pub(in crate::draw) fn fault(message: &str) -> Fault {
    Fault {
        kind: FaultKind::Panicked,
        message: message.to_owned(),
        place: None,
    }
}

/// Asks this closure, about the usual digit.
pub(in crate::draw) fn material<'a>(
    mut answer: impl FnMut(Request) -> Answer + 'a,
) -> Material<'a> {
    let ask = move |request| -> Result<Answer> { Ok(answer(request)) };
    Material {
        ask: Box::leak(Box::new(ask)),
        photo: Photo::Digit,
        model: None,
        attention: None,
    }
}

/// The picture of that name.
pub(in crate::draw) fn picture<'a>(drawn: &'a Drawings, name: &str) -> &'a Picture {
    let mut pictures = drawn.pictures.iter();
    let found = pictures.find(|(known, _)| *known == name);
    &found.expect("it is drawn").1
}
