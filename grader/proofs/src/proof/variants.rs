//! That solutions written otherwise pass every test, the drawn ones with room to spare, and are accused of nothing:
//! neither as they are, nor if every test had failed. Each test that passes counts.

use super::{Finding, first_line, trials};
use anyhow::Result;
use grader::grading::grade::{Doubt, Grader, Trial};
use grader::grading::variants::Variant;

/// The least number of variants of an exercise.
const LEAST: usize = 2;

/// The part of the tolerance of drawn tests that they must keep to: one in so many.
const MARGIN: u8 = 4;

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let mut variants = vec![];
    let mut faults = vec![];
    for exercise in &grader.environment.exercises {
        let of_exercise = Variant::all(&grader.environment.course, exercise)?;
        if of_exercise.len() < LEAST {
            faults.push(format!(
                "solutions/{}/variants holds {} solutions written otherwise; {LEAST} are the least",
                exercise.folder,
                of_exercise.len()
            ));
        }
        variants.extend(of_exercise.into_iter().map(|variant| (exercise, variant)));
    }
    let mut strict = grader.clone();
    strict.environment.margin = MARGIN;
    let of_variants = trials::each(&variants, |(exercise, variant)| {
        let trial = trials::of_source(&strict, exercise, &variant.source, Doubt::Everything)?;
        Ok(faults_of(&trial))
    })?;
    let right = of_variants
        .iter()
        .filter(|faults| faults.is_empty())
        .count();
    for ((exercise, variant), of_variant) in variants.iter().zip(of_variants) {
        let of_variant = of_variant.into_iter();
        faults.extend(
            of_variant.map(|fault| format!("{} {}: {fault}", exercise.folder, variant.name)),
        );
    }
    Ok(Finding {
        showed: format!(
            "{right} of {} solutions written otherwise pass, within a quarter of the tolerances, and are accused of nothing",
            variants.len()
        ),
        faults,
    })
}

fn faults_of(trial: &Trial) -> Vec<String> {
    if let Some(why) = trials::untested(trial) {
        return vec![format!("it {why}")];
    }
    let failed = trial.tests.iter().filter(|tested| !tested.passed);
    let mut faults: Vec<_> = failed
        .map(|tested| {
            let message = tested.message.as_deref().unwrap_or_default();
            format!("{} fails: {}", tested.test, first_line(message))
        })
        .collect();
    faults.extend(trial.tests.iter().filter_map(|tested| {
        let why = tested.not_counted.as_deref()?;
        Some(format!("{} does not count: {why}", tested.test))
    }));
    match trials::suspected(trial) {
        Ok(suspected) if suspected.is_empty() => {}
        Ok(suspected) => faults.push(format!("it is accused of {}", suspected.join(", "))),
        Err(error) => faults.push(error),
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::misconceptions::testing::misconception;
    use crate::proof::submissions::testing::tested;
    use grader::grading::naming::Suspicion;
    use grader::grading::verdict::Outcome;

    #[test]
    fn one_that_fails_a_test_or_is_accused_has_faults() {
        let trial = |message, suspicion| Trial {
            outcome: Outcome::Tested,
            tests: vec![tested("x", message)],
            suspicion: Ok(suspicion),
        };
        assert_eq!(faults_of(&trial(None, Suspicion::default())), [""; 0]);
        assert_eq!(
            faults_of(&trial(Some("off"), Suspicion::from(misconception("a")))),
            ["shape::x fails: off", "it is accused of a"]
        );
    }
}
