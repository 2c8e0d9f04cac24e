//! `grader data`: data sets fetched, listed, shown.

use super::open_course;
use crate::cli::{Data, DataCommand};
use crate::data::Set;
use crate::exit::{Blame, Exit, Failure};
use crate::grading::report;
use crate::machine::signals;
use crate::picture;
use crate::terminal;
use anyhow::{Context, Result, anyhow};
use datasets::Dataset;
use datasets::fetch::{FetchEvent, fetch as fetch_files};
use hints::WithHint;
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::Axis;
use pictures::{Panel, Pixels, Row, Sheet, sheet};
use std::path::Path;
use wire::printable;

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, or files cannot be downloaded, read or written.
pub fn data(course: Option<&Path>, arguments: &Data) -> Result<Exit, Failure> {
    let folder = arguments.data_dir.as_deref();
    match &arguments.command {
        DataCommand::List => list(folder),
        DataCommand::Fetch { set, mirror } => fetch(*set, mirror, folder),
        DataCommand::Show { set, out } => {
            let out = match out {
                Some(out) => out.clone(),
                None => open_course(course)?.root.join("target/pictures/data"),
            };
            let images = set.load(folder).blame_setup()?;
            let picture = sheet(&contact_sheet(*set, &images))?;
            let paths = picture::write(&picture, &out, &set.to_string()).blame_arguments()?;
            for path in paths {
                say!("{}", path.display());
            }
            Ok(Exit::Success)
        }
    }
}

fn list(folder: Option<&Path>) -> Result<Exit, Failure> {
    let mut rows = vec![];
    for set in Set::ALL {
        let Some(source) = set.source() else {
            rows.push(vec![
                set.to_string(),
                "made from a seed".to_owned(),
                String::new(),
                String::new(),
            ]);
            continue;
        };
        let folder = set.folder(folder).blame_arguments()?;
        let stock = set
            .stock(&folder)
            .context("a published data set has files")?;
        let state = if stock.missing.is_empty() {
            "here".to_owned()
        } else if stock.here == 0 {
            "missing".to_owned()
        } else {
            let (missing, all) = (stock.missing.len(), source.files.len());
            format!(
                "{missing} of {all} files missing; {} is here",
                megabytes(stock.here)
            )
        };
        let folder = printable(&folder.display().to_string());
        rows.push(vec![set.to_string(), state, megabytes(stock.all), folder]);
    }
    let header = ["data set", "state", "size", "folder"];
    say!(
        "{}",
        report::columns(&header, rows.into_iter(), header.len())
    );
    Ok(Exit::Success)
}

fn fetch(set: Set, mirrors: &[String], folder: Option<&Path>) -> Result<Exit, Failure> {
    let Some(mut source) = set.source() else {
        let error = anyhow!("{set} are made from a seed: there is nothing to fetch");
        return Err(error).blame_arguments();
    };
    if !mirrors.is_empty() {
        source.mirrors = mirrors.to_vec();
    }
    let folder = set.folder(folder).blame_arguments()?;
    let shown = printable(&folder.display().to_string());
    let all = source.files.iter().map(|file| file.bytes).sum();
    let bar = ProgressBar::with_draw_target(Some(all), terminal::progress());
    let style = ProgressStyle::with_template(
        "{wide_bar} {bytes}/{total_bytes} · {bytes_per_sec} · {msg} · {eta} left",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    // All bytes received so far are in the file: nothing is lost.
    let (waiting, at) = (bar.clone(), shown.clone());
    signals::at_each(move || {
        waiting.finish_and_clear();
        warn!("stopped; what was downloaded is kept in {at}, and the same command continues");
        std::process::exit(130);
    })?;
    if bar.is_hidden() {
        note!("{set}: downloading {} into {shown}", megabytes(all));
    }
    let before = |name: &str| -> u64 {
        let earlier = source.files.iter().take_while(|file| file.name != name);
        earlier.map(|file| file.bytes).sum()
    };
    let done = fetch_files(&source, &folder, |progress| match progress {
        FetchEvent::Waiting => bar.suspend(|| {
            note!("waiting for another process that downloads into {shown}");
        }),
        FetchEvent::Failed { url, fault } => bar.suspend(|| {
            warn!("{}: {}", printable(url), printable(&fault.to_string()));
        }),
        FetchEvent::Received { file, bytes } => {
            bar.set_message(file.name.clone());
            bar.set_position(before(&file.name) + bytes);
        }
    });
    bar.finish_and_clear();
    done.with_context(|| format!("{set} cannot be fetched"))
        .hint("what was downloaded is kept, and the same command continues")
        .blame_setup()?;
    say!("{set}: {} in {shown}", megabytes(all));
    Ok(Exit::Success)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Images of each class that are shown.
const COLUMNS: usize = 14;

/// A row of images for each class.
fn contact_sheet(set: Set, images: &Dataset) -> Sheet {
    let rows = set.classes().into_iter().enumerate().map(|(class, label)| {
        let of_class = images.images.outer_iter().zip(&images.labels);
        let of_class = of_class.filter(|&(_, &label)| usize::from(label) == class);
        let panels = of_class.take(COLUMNS).map(|(image, _)| {
            let image = image.mapv(|pixel| f32::from(pixel) / 255.0);
            Panel::new("", Pixels::image(image.insert_axis(Axis(0)).view()))
        });
        Row {
            label,
            height: 42.0,
            panels: panels.collect(),
        }
    });
    Sheet {
        title: set.to_string(),
        note: "test images, a row for each class".to_owned(),
        rows: rows.collect(),
        scale: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_a_row_of_its_own_images() -> Result<()> {
        let images = Set::Digits.load(None)?;
        let sheet = contact_sheet(Set::Digits, &images);
        assert_eq!(sheet.rows.len(), 10);
        for (class, row) in sheet.rows.iter().enumerate() {
            assert_eq!(row.label, class.to_string());
            assert_eq!(row.panels.len(), COLUMNS);
        }
        let seven = images
            .labels
            .iter()
            .position(|&label| label == 7)
            .context("a seven")?;
        let seven = images
            .images
            .index_axis(Axis(0), seven)
            .mapv(|pixel| f32::from(pixel) / 255.0);
        let seven = Pixels::image(seven.insert_axis(Axis(0)).view());
        assert_eq!(sheet.rows[7].panels[0].pixels, seven);
        Ok(())
    }
}
