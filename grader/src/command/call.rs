//! `grader call`: one operation, on tensors from a file, or from each file of a folder.

mod files;

use super::{open_course, stop_if_asked, subject};
use crate::cli::Call;
use crate::course::Exercise;
use crate::exit::{Blame, Exit, Failure};
use crate::hint::WithHint;
use crate::intake::Escaped;
use crate::worker::ask::read_tensors;
use anyhow::{Context, Result, anyhow};
use files::Files;
use indexmap::IndexMap;
use std::fs;
use std::path::Path;
use wire::{Fault, FaultKind, Frame, Request, Tensors, printable, printable_lines};

/// Stands for the file of tensors where an operation takes none.
const NO_INPUT: &str = "-";

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
    let request = |input: &Path| {
        let request = request(exercise, operation, input, &arguments.arguments);
        match &files.folder {
            Some(_) => {
                request.with_context(|| format!("{} cannot be called with", input.display()))
            }
            None => request,
        }
    };
    for (input, _) in &files.pairs {
        // Looked at before anything is done, and read again in its turn: a folder may be larger than memory.
        request(input).blame_arguments()?;
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
        match started.ask(request(input).blame_arguments()?)? {
            Ok(tensors) => keep(tensors, output)?,
            Err(fault) => {
                let of = match files.folder {
                    Some(_) => format!("{}: ", Escaped::from(input.as_os_str())),
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
    fs::write(output, blob)
        .with_context(|| format!("{} cannot be written", output.display()))
        .blame_arguments()?;
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
        show("--arg", &operation.arguments);
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

/// Reads the file and holds it against what the operation takes.
fn request(exercise: &Exercise, name: &str, input: &Path, arguments: &[String]) -> Result<Request> {
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
        read_tensors(input)?
    };
    let mut scalars = frame.arguments();
    for argument in arguments {
        let (name, value) = argument
            .split_once('=')
            .with_context(|| format!("--arg takes NAME=VALUE, not {argument:?}"))?;
        scalars.insert(name.to_owned(), value.to_owned());
    }
    let optional = |name: &str| operation.weights || (operation.gradients && name == "cotangent");
    same_names(
        "tensor",
        frame.tensors.keys(),
        operation.tensors.keys(),
        optional,
    )?;
    same_names(
        "argument",
        scalars.keys(),
        operation.arguments.keys(),
        |_| false,
    )?;
    Ok(Request {
        operation: name.to_owned(),
        arguments: scalars,
        tensors: frame.tensors,
    })
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
