//! `grader call`: one operation, on tensors from a file, or from each file of a folder.

mod files;

use super::{open_course, stop_if_asked, subject};
use crate::cli::Call;
use crate::course::{Course, Exercise};
use crate::exit::{Blame, Exit, Failure};
use crate::machine::files::write_whole;
use crate::weights;
use crate::weights::fit::{self, Misfit};
use anyhow::{Context, Result, anyhow};
use files::Files;
use hints::WithHint;
use indexmap::IndexMap;
use intake::EscapedText;
use interface::{Argument, Operation};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use wire::{Fault, FaultKind, Frame, FrameLimits, Request, Tensors, printable, printable_lines};

/// Stands for the file of tensors where an operation takes none.
const NO_INPUT: &str = "-";

/// The name of a cotangent.
const COTANGENT: &str = "cotangent";

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, something is missing, or the function failed.
pub fn call(course: Option<&Path>, arguments: &Call) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let exercises = course
        .select(std::slice::from_ref(&arguments.exercise))
        .blame_arguments()?;
    let exercise = &exercises[0];
    let (Some(operation), Some(input), Some(output)) =
        (&arguments.operation, &arguments.input, &arguments.output)
    else {
        list(exercise);
        return Ok(Exit::Success);
    };
    let files = Files::of(input, output).blame_arguments()?;
    let request = |course: &Course, input: &Path| {
        let request = request(course, exercise, operation, input, &arguments.arguments);
        match &files.folder {
            Some(_) => {
                request.with_context(|| format!("{} cannot be called with", input.display()))
            }
            None => request,
        }
    };
    for (input, _) in &files.pairs {
        // Looked at before anything is done, and read again in its turn: a folder may be larger than memory.
        request(&course, input).blame_arguments()?;
    }
    let sources = arguments.subject.sources(&course, exercise)?;
    let environment = arguments.subject.prepare(course, exercises.clone())?;
    let folder = environment.scratch.folder()?;
    let Some(mut started) = subject::start(&environment, exercise, &sources, folder.path())? else {
        return Ok(Exit::Failed);
    };
    files.make_folder().blame_arguments()?;
    let mut exit = Exit::Success;
    for (input, output) in &files.pairs {
        stop_if_asked()?;
        match started.ask(request(&environment.course, input).blame_arguments()?)? {
            Ok(tensors) => keep(tensors, output)?,
            Err(fault) => {
                let of = match files.folder {
                    Some(_) => format!("{}: ", EscapedText::from(input.as_os_str())),
                    None => String::new(),
                };
                let of_fault = show(&of, &fault);
                exit = if exit == Exit::Success {
                    of_fault
                } else {
                    exit
                };
            }
        }
    }
    Ok(exit)
}

/// Writes what an operation gave, and says what that is.
fn keep(tensors: Tensors, output: &Path) -> Result<(), Failure> {
    let given: Vec<_> = tensors
        .iter()
        .map(|(name, tensor)| format!("{name} {tensor:?}"))
        .collect();
    let blob = Frame {
        tensors,
        ..Frame::default()
    }
    .encode()
    .map_err(anyhow::Error::from)?;
    // The target of a link is replaced, and not the link: it may be /dev/stdout.
    let place = fs::canonicalize(output);
    write_whole(place.as_deref().unwrap_or(output), blob).blame_arguments()?;
    say!("{}: {}", output.display(), printable(&given.join(", ")));
    Ok(())
}

/// Says why an operation gave nothing, after `of`, the file that it is about, where there are several.
fn show(of: &str, fault: &Fault) -> Exit {
    let place = fault.place.as_ref();
    let place = place
        .map(|place| format!(" at {place}"))
        .unwrap_or_default();
    warn!(
        "{of}{}{}: {}",
        fault.kind,
        printable_lines(&place),
        printable_lines(&fault.message)
    );
    match fault.kind {
        FaultKind::NotImplemented | FaultKind::Panicked => Exit::Failed,
        FaultKind::WrongShape | FaultKind::BadRequest => Exit::Arguments,
    }
}

/// The exercises' operations, as a person reads them.
fn list(exercise: &Exercise) {
    let float = if exercise.uses_torch {
        "f32 or f64"
    } else {
        "f32"
    };
    say!("{} · {} ({float})", exercise.folder, exercise.facts.title);
    for (name, operation) in &exercise.operations {
        say!("\n{name}: {}", operation.about);
        let show = |title: &str, names: &IndexMap<String, String>| {
            let mut title = title;
            for (name, meaning) in names {
                say!("  {title:<10} {name:<12} {meaning}");
                title = "";
            }
        };
        if operation.tensors.is_empty() {
            say!("  takes      no tensors: give {NO_INPUT} for IN");
        }
        show("takes", &operation.tensors);
        if operation.weights {
            say!(
                "  {:<10} {:<12} the module's variables, by their names",
                "",
                "…"
            );
        }
        let arguments = operation.arguments.iter();
        let arguments = arguments.map(|(name, argument)| (name.clone(), meaning(argument)));
        show("--arg", &arguments.collect());
        show("gives", &operation.gives);
        if operation.gradients {
            say!(
                "  {:<10} {:<12} of the first result's shape: gives grad.<name> too",
                "may take",
                "cotangent"
            );
        }
    }
}

/// The meaning of an argument, and its value where a call does not name it.
fn meaning(argument: &Argument) -> String {
    let Argument {
        about,
        default,
        only_with,
    } = argument;
    let default = default.as_ref().map(|value| format!(" [default: {value}]"));
    let only_with = only_with.as_ref();
    let only_with =
        only_with.map(|(name, words)| format!(" [only with {name}={}]", words.join(" or ")));
    [about.clone()]
        .into_iter()
        .chain(only_with)
        .chain(default)
        .collect()
}

/// Gives the arguments that a call does not name the values that the interface says.
fn fill_in(arguments: &mut BTreeMap<String, String>, operation: &Operation) {
    for (name, argument) in &operation.arguments {
        if let Some(default) = &argument.default
            && !arguments.contains_key(name)
            && argument.belongs_to(arguments)
        {
            arguments.insert(name.clone(), default.clone());
        }
    }
}

/// Reads the file and holds it against what the operation takes.
fn request(
    course: &Course,
    exercise: &Exercise,
    name: &str,
    input: &Path,
    arguments: &[String],
) -> Result<Request> {
    let operations = &exercise.operations;
    let operation = operations
        .get(name)
        .with_context(|| format!("{} has no operation {name:?}", exercise.name))
        .with_hint(|_| {
            let known: Vec<_> = operations.keys().map(String::as_str).collect();
            Some(format!("its operations are {}", known.join(", ")))
        })?;
    let frame = if input == Path::new(NO_INPUT) {
        Frame::default()
    } else {
        weights::read(input, &FrameLimits::default())?
    };
    let mut scalars = frame.arguments();
    for argument in arguments {
        let (name, value) = argument
            .split_once('=')
            .with_context(|| format!("--arg takes NAME=VALUE, not {argument:?}"))?;
        scalars.insert(name.to_owned(), value.to_owned());
    }
    fill_in(&mut scalars, operation);
    let optional = |name: &str| operation.weights || (operation.gradients && name == COTANGENT);
    let mut tensors = frame.tensors;
    if operation.weights {
        tensors = fitting(course, exercise, operation, tensors, &scalars)?;
    }
    let is_left_out =
        |name: &String| operation.optional.contains(name) && !tensors.contains_key(name);
    let taken = operation.tensors.keys();
    let taken = taken.filter(|name| !is_left_out(name));
    same_names("tensor", tensors.keys(), taken, optional)?;
    let is_needed = |name: &&String| operation.arguments[*name].belongs_to(&scalars);
    let all = operation.arguments.keys();
    same_names(
        "argument",
        scalars.keys(),
        all.clone().filter(is_needed),
        // One that means nothing here does no harm: whoever stores calls may give all of them.
        |name| all.clone().any(|known| known == name),
    )?;
    Ok(Request {
        operation: name.to_owned(),
        arguments: scalars,
        tensors,
    })
}

/// The tensors of a call with weights, these under the names and in the type that the operation takes.
fn fitting(
    course: &Course,
    exercise: &Exercise,
    operation: &Operation,
    tensors: Tensors,
    arguments: &BTreeMap<String, String>,
) -> Result<Tensors> {
    let is_input = |name: &str| operation.tensors.keys().any(|it| is_meant(it, name));
    let is_weight = |name: &str| !is_input(name) && name != COTANGENT;
    let mut tensors = weights::without_wrappers(tensors, is_weight);
    // A module calculates in one type: that of what goes into it.
    let inputs = tensors.iter().filter(|(name, _)| is_input(name));
    let mut types = inputs
        .filter(|(_, it)| weights::is_float(it))
        .map(|(_, it)| it.dtype());
    if let Some(first) = types.next()
        && types.all(|other| other == first)
    {
        weights::convert(&mut tensors, first, |name| !is_input(name));
    }
    if let Some(model) = exercise.facts.model {
        fit::check(&tensors, arguments, model.tokens).with_hint(|misfit| remedy(course, misfit))?;
    }
    Ok(tensors)
}

fn remedy(course: &Course, misfit: &Misfit) -> Option<String> {
    match misfit {
        Misfit::Front { found, .. } => {
            let mut models = course.models();
            let (exercise, _) = models.find(|(_, model)| model.tokens == *found)?;
            Some(format!("`cargo grader call {}` takes them", exercise.name))
        }
        Misfit::Positions { other, .. } => Some(match other {
            Some(side) => format!(
                "call it with --arg image={side} and images of that size, or resize the positions first"
            ),
            None => "resize the positions first".to_owned(),
        }),
    }
}

fn same_names<'a>(
    what: &str,
    got: impl Iterator<Item = &'a String> + Clone,
    wanted: impl Iterator<Item = &'a String> + Clone,
    optional: impl Fn(&str) -> bool,
) -> Result<()> {
    let taken = wanted
        .clone()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    let hint = || match taken.as_str() {
        "" => format!("the operation takes no {what}"),
        names => format!("the operation takes {names}"),
    };
    for name in got.clone() {
        if !wanted.clone().any(|other| is_meant(other, name)) && !optional(name) {
            return Err(anyhow!("the operation takes no {what} {name:?}")).hint(hint());
        }
    }
    for name in wanted {
        if !got.clone().any(|other| is_meant(name, other)) {
            return Err(anyhow!("the {what} {name} is missing")).hint(hint());
        }
    }
    Ok(())
}

/// Whether a manifest's name means that one. `layer.*` is a list: it means `layer.0`, `layer.1`, ….
fn is_meant(listed: &str, name: &str) -> bool {
    let numbered = listed.strip_suffix('*');
    let number = numbered.and_then(|stem| name.strip_prefix(stem));
    listed == name || number.is_some_and(|number| number.parse::<usize>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(got: &[&str], wanted: &[&str]) -> Result<(), String> {
        let owned =
            |names: &[&str]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
        let (got, wanted) = (owned(got), owned(wanted));
        same_names("tensor", got.iter(), wanted.iter(), |_| false)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_of_tensors_is_taken_by_number_and_must_not_be_empty() {
        assert_eq!(
            compared(&["layer.0", "layer.12", "x"], &["layer.*", "x"]),
            Ok(())
        );
        let says =
            |got: &[&str]| compared(got, &["layer.*"]).expect_err("names that are not taken");
        assert!(says(&[]).contains("the tensor layer.* is missing"));
        assert!(says(&["layer.one"]).contains("takes no tensor \"layer.one\""));
        assert!(says(&["layer"]).contains("takes no tensor \"layer\""));
    }

    #[test]
    fn a_name_without_a_star_means_itself_alone() {
        assert_eq!(compared(&["x"], &["x"]), Ok(()));
        assert!(compared(&["x1"], &["x"]).is_err());
    }
}
