//! `grader draw`: pictures of what an exercise's functions give.

use super::subject::{self, WaitingWorker};
use super::{open_course, stop_if_asked};
use crate::cli::Draw;
use crate::course::{Course, Exercise};
use crate::draw::{Material, Missing, Model, Photo, attention, draw as draw_all, is_drawn};
use crate::exit::{Blame, Exit, Failure};
use crate::picture;
use crate::weights::fit;
use anyhow::{Context, anyhow};
use hints::WithHint;
use ndarray::Array3;
use std::path::Path;
use wire::{Request, printable_lines};

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, or something is missing.
pub fn draw(course: Option<&Path>, arguments: &Draw) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let mut exercises = course
        .select(std::slice::from_ref(&arguments.exercise))
        .blame_arguments()?;
    let exercise = exercises[0].clone();
    if !is_drawn(&exercise.name) {
        let error = anyhow!("there are no pictures of {}", exercise.folder);
        return Err(error).blame_arguments();
    }
    let photo = match &arguments.image {
        Some(path) => {
            let photo = Photo::open(path).blame_arguments()?;
            for remark in photo.remarks() {
                note!("note: {} {remark}", path.display());
            }
            photo
        }
        None => Photo::Digit,
    };
    let model = arguments.checkpoint.as_deref().map(Model::open);
    let model = model
        .transpose()
        .hint("--checkpoint takes weights by timm's names, as the best.safetensors of `train`")
        .blame_arguments()?;
    if let (Some(model), Some(facts)) = (&model, exercise.facts.model) {
        fit::check(&model.weights, &model.arguments, facts.tokens)
            .with_hint(|_| drawn_by(&course, model))
            .blame_arguments()?;
    }
    let sources = arguments.subject.sources(&course, &exercise)?;
    // An exercise without a model of its own takes the attention of the given weights from the reference's worker.
    let lender = model.as_ref().filter(|_| exercise.facts.borrows_attention);
    let lender = lender.map(|model| lender_of(&course, model)).transpose()?;
    exercises.extend(lender.clone());
    let default_out = course.root.join("target/pictures").join(&exercise.name);
    let out = arguments.out.clone().unwrap_or(default_out);

    let environment = arguments.subject.prepare(course, exercises)?;
    let folder = environment.scratch.folder()?;
    let Some(mut started) = subject::start(&environment, &exercise, &sources, folder.path())?
    else {
        return Ok(Exit::Failed);
    };
    let mut lent_attention = None;
    if let (Some(lender), Some(model)) = (&lender, &model) {
        let sources = environment.reference(lender)?;
        let folder = environment.scratch.folder()?;
        let lent = subject::start(&environment, lender, &sources, folder.path())?;
        let Some(mut lent) = lent else {
            return Err(anyhow!("the reference of {} does not compile", lender.folder).into());
        };
        lent_attention = Some(attention_of(&mut lent, &lender.name, model, &photo)?);
    }
    let mut ask = |request: Request| {
        stop_if_asked()?;
        started.ask(request)
    };
    let mut material = Material {
        ask: &mut ask,
        photo,
        model,
        attention: lent_attention,
    };
    let drawn = draw_all(&exercise.name, &mut material)?;
    for (name, picture) in &drawn.pictures {
        let paths = picture::write(picture, &out, name).blame_arguments()?;
        let [png, svg] = paths.map(|path| path.display().to_string());
        say!("{png}\n{svg}");
    }
    for note in &drawn.notes {
        note!("note: {note}");
    }
    for missing in &drawn.missing {
        warn!("not drawn: {missing}");
    }
    Ok(if drawn.missing.is_empty() {
        Exit::Success
    } else {
        Exit::Failed
    })
}

/// The command that draws a model, if there is one.
fn drawn_by(course: &Course, model: &Model) -> Option<String> {
    let mut models = course.models();
    let (exercise, _) =
        models.find(|(it, facts)| facts.tokens == model.prefix && is_drawn(&it.name))?;
    Some(format!("`cargo grader draw {}` draws them", exercise.name))
}

/// The exercise whose model has as many tokens in front of those of the patches.
fn lender_of(course: &Course, model: &Model) -> Result<Exercise, Failure> {
    let mut exercises = course.exercises.iter();
    let found = exercises.find(|it| it.facts.model.is_some_and(|it| it.tokens == model.prefix));
    let says = || {
        format!(
            "the course has no exercise of a model with {} tokens in front of the patches, whose reference is needed",
            model.prefix
        )
    };
    found.cloned().with_context(says).blame_arguments()
}

/// The attention of the reference's model with these weights, layer by layer: [h, N, N].
fn attention_of(
    started: &mut WaitingWorker<'_>,
    operation: &str,
    model: &Model,
    photo: &Photo,
) -> Result<Vec<Array3<f32>>, Failure> {
    let mut material = Material {
        ask: &mut |request| started.ask(request),
        photo: photo.clone(),
        model: None,
        attention: None,
    };
    match attention(&mut material, model, operation) {
        Ok((_, layers)) => Ok(layers),
        Err(Missing::Fault { fault, .. }) => {
            let message = printable_lines(&fault.message);
            Err(anyhow!("the model does not fit: {message}")).blame_arguments()
        }
        Err(Missing::Error(error)) => Err(error.into()),
        Err(missing) => Err(anyhow!("the reference's attention: {missing}").into()),
    }
}
