//! The end of a run: the best weights on the held-out images, and all that is written of it.

use super::subjects::Subjects;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::grading::report;
use crate::train::Run;
use crate::train::checkpoint::{self, BEST, LAST};
use crate::train::device::Device;
use crate::train::examine::{TestReport, examine};
use crate::train::history::Test;
use crate::train::pictures;
use crate::train::score::Score;
use anyhow::anyhow;
use std::path::Path;

/// Scores the best weights on the held-out images, and writes what came of it all.
pub(super) fn conclude(
    environment: &Environment,
    own: &Subjects,
    run: &Run,
    folder: &Path,
    teacher: Option<Score>,
) -> Result<Exit, Failure> {
    let Some(best) = run.progress.best() else {
        return Err(anyhow!("{} holds no epoch that is over", folder.display()).into());
    };
    let weights = checkpoint::read_weights(folder)?;
    let examined = examine(
        own.submission(environment, Device::Cpu)?,
        own.reference(environment)?,
        &run.plan,
        &run.data,
        &weights,
    )?;
    let mut test = Test::new(
        best.epoch,
        examined.score,
        examined.doubt.is_none(),
        &examined.confusion,
    );
    let heads = examined.heads.iter();
    test.heads = heads
        .map(|(name, score)| ((*name).to_owned(), *score))
        .collect();
    test.teacher = teacher;
    run.write_history(Some(test))?;
    pictures::write(
        folder,
        &run.progress.epochs,
        &examined.confusion,
        &run.data.classes,
    )?;
    show(run, &examined, best.epoch, teacher);
    note!(
        "written to {}: {BEST}, {LAST}, history.json, history.csv, and loss, accuracy and confusion as .png and .svg",
        folder.display()
    );
    match examined.doubt {
        None => Ok(Exit::Success),
        Some(doubt) => {
            say!("this does not count: {doubt}");
            Ok(Exit::Failed)
        }
    }
}

/// Says how many images were told apart, and by which head.
fn show(run: &Run, examined: &TestReport, epoch: usize, teacher: Option<Score>) {
    say!(
        "{}",
        report::confusion(&examined.confusion, &run.data.classes)
    );
    say!(
        "test accuracy: {:.2} % of {} images, loss {:.4}, with the weights of epoch {}",
        100.0 * examined.score.accuracy(),
        examined.score.images,
        examined.score.loss,
        epoch
    );
    for (head, score) in &examined.heads {
        let head = match *head {
            "dist" => "distillation head alone",
            _ => "class head alone",
        };
        say!(
            "{head}: accuracy {:.2} %, loss {:.4}",
            100.0 * score.accuracy(),
            score.loss
        );
    }
    if let Some(teacher) = teacher {
        say!(
            "teacher: accuracy {:.2} %, loss {:.4}",
            100.0 * teacher.accuracy(),
            teacher.loss
        );
    }
}
