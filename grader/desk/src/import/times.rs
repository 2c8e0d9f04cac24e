//! The times at which submissions were handed in, and the people who did: from a table, or from Gradescope's export.

use crate::failure::{Blame, Failure};
use crate::time::parse_time;
use anyhow::{Context, Result, bail, ensure};
use hints::WithHint;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The times at which submissions were handed in.
#[derive(Clone, Debug)]
pub enum Times {
    /// The times of a table, by submission.
    Table(BTreeMap<String, SubmissionTime>),
    /// The same time for all.
    All(Timestamp),
    /// Not known.
    Unknown,
}

/// A person or group as a table or a platform names it: the names by which it is looked for in the roster, one after the other.
pub type Student = Vec<String>;

/// The time of a submission, and its people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmissionTime {
    /// The time.
    pub time: Timestamp,
    /// The people or groups, where the submission's name matches nobody.
    pub students: Vec<Student>,
}

impl Times {
    /// Reads a table of times: CSV with the columns `submission`, `time` and, if need be, `student`.
    ///
    /// # Errors
    /// Returns an error if it cannot be read, naming the line.
    pub fn read(path: &Path, zone: &TimeZone) -> Result<Self, Failure> {
        let read = || Self::parse(&std::fs::read_to_string(path)?, zone);
        read()
            .with_context(|| format!("cannot read the times {}", path.display()))
            .hint("its first line is submission,time; a column student names people or groups where names of submissions do not")
            .blame_arguments()
    }

    fn parse(text: &str, zone: &TimeZone) -> Result<Self> {
        #[derive(Deserialize)]
        struct Row {
            submission: String,
            time: String,
            #[serde(default)]
            student: String,
        }
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut times = BTreeMap::new();
        let headers = reader.headers()?.clone();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            let line = record.position().map_or(0, csv::Position::line);
            let says = || format!("line {line}");
            let row: Row = record.deserialize(Some(&headers))?;
            let handed = SubmissionTime {
                time: parse_time(&row.time, zone).with_context(says)?,
                students: match row.student.is_empty() {
                    true => vec![],
                    false => vec![vec![row.student]],
                },
            };
            let before = times.insert(bare(&row.submission), handed);
            ensure!(
                before.is_none(),
                "line {line}: {} stands twice",
                row.submission
            );
        }
        Ok(Self::Table(times))
    }

    /// Reads Gradescope's `submission_metadata.yml`: people and times by submission. Its times are in UTC.
    ///
    /// # Errors
    /// Returns an error if it cannot be read or is not such a file, naming the submission at fault.
    pub fn read_gradescope(path: &Path) -> Result<Self, Failure> {
        let read = || Self::parse_gradescope(&std::fs::read_to_string(path)?);
        read()
            .with_context(|| format!("cannot read {} as Gradescope's", path.display()))
            .hint("it is submission_metadata.yml in the folder that Gradescope's \"Export Submissions\" gives")
            .blame_arguments()
    }

    fn parse_gradescope(text: &str) -> Result<Self> {
        let documents = Yaml::load_from_str(text)?;
        let Some(Yaml::Mapping(submissions)) = documents.first() else {
            bail!("it is not a list of submissions");
        };
        let mut times = BTreeMap::new();
        for (name, about) in submissions {
            let name = text_of(name).context("a submission has no name")?;
            let says = || name.clone();
            times.insert(name.clone(), of_gradescope(about).with_context(says)?);
        }
        Ok(Self::Table(times))
    }
}

/// The time and people of a submission in Gradescope's export, whose keys are symbols of Ruby.
fn of_gradescope(about: &Yaml<'_>) -> Result<SubmissionTime> {
    let time = about.as_mapping_get(":created_at").and_then(text_of);
    let time = time.context("it has no :created_at:")?;
    // Ruby writes `2026-11-16 22:10:05.123456000 Z`.
    let time = parse_time(time.trim_end_matches(" Z"), &TimeZone::UTC)?;
    let Some(Yaml::Sequence(submitters)) = about.as_mapping_get(":submitters") else {
        bail!("it has no :submitters:");
    };
    let students = submitters.iter().map(|person| {
        let keys = [":sid", ":email", ":name"].iter();
        let names = keys.filter_map(|key| person.as_mapping_get(key).and_then(text_of));
        names.filter(|it| !it.is_empty()).collect::<Vec<_>>()
    });
    let students: Vec<_> = students.filter(|names| !names.is_empty()).collect();
    ensure!(!students.is_empty(), "none of its :submitters: has a name");
    Ok(SubmissionTime { time, students })
}

/// A scalar as text: student numbers without quotes are read as numbers.
fn text_of(value: &Yaml<'_>) -> Option<String> {
    match value {
        Yaml::Value(Scalar::String(text)) => Some(text.trim().to_owned()),
        Yaml::Value(Scalar::Integer(number)) => Some(number.to_string()),
        _ => None,
    }
}

/// A submission's name without the extension of an archive, and with the `%XX` escapes of [`grade`](crate::results) decoded.
pub(super) fn bare(name: &str) -> String {
    let endings = [".zip", ".tar.gz", ".tgz"];
    let lower = name.to_ascii_lowercase();
    let ending = endings.iter().find(|ending| lower.ends_with(*ending));
    let name = &name[..name.len() - ending.map_or(0, |it| it.len())];
    let mut bytes = vec![];
    let mut rest = name.as_bytes();
    while let [first, after @ ..] = rest {
        let code = match rest {
            [b'%', high, low, ..] => {
                let digits = [*high, *low];
                let text = std::str::from_utf8(&digits).ok();
                text.and_then(|text| u8::from_str_radix(text, 16).ok())
            }
            _ => None,
        };
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &rest[3..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_endings_and_escapes() {
        for (name, shown) in [
            ("anna.zip", "anna"),
            ("Anna Lee.tar.gz", "Anna Lee"),
            ("Zo%C3%AB", "Zoë"),
            ("100%", "100%"),
            ("%FF", "%FF"),
            ("v1.2", "v1.2"),
        ] {
            assert_eq!(bare(name), shown);
        }
    }

    #[test]
    fn faults_in_a_table_of_times_name_the_line() {
        let fault =
            |text: &str| format!("{:#}", Times::parse(text, &TimeZone::UTC).expect_err(text));
        let twice = fault("submission,time\na,2026-12-01T10:00\na.zip,2026-12-01T10:00\n");
        assert!(twice.contains("line 3: a.zip stands twice"), "{twice}");
        let time = fault("submission,time\na,yesterday\n");
        assert!(time.contains("line 2: `yesterday` is not a time"), "{time}");
        assert!(fault("name,time\na,b\n").contains("missing field `submission`"));
    }

    #[test]
    fn gradescopes_people_and_times_are_read() -> Result<()> {
        let text = "submission_41:\n  :submitters:\n  - :name: Anna Lee\n    :sid: '007'\n    :email: anna@x.edu\n  \
            - :name: \"Ó Brien, Bob\"\n    :sid: 8\n  :created_at: 2026-11-16 22:10:05.123456000 Z\n  :score: 3.0\n  \
            :results:\n    tests:\n    - output: |-\n        :submitters: none\n  :history: []\n";
        let Times::Table(times) = Times::parse_gradescope(text)? else {
            panic!("a table");
        };
        let names = |names: &[&str]| names.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        let expected = SubmissionTime {
            time: "2026-11-16T22:10:05.123456Z".parse()?,
            students: vec![
                names(&["007", "anna@x.edu", "Anna Lee"]),
                names(&["8", "Ó Brien, Bob"]),
            ],
        };
        assert_eq!(times.get("submission_41"), Some(&expected));
        let fault = |text: &str| format!("{:#}", Times::parse_gradescope(text).expect_err(text));
        assert!(fault("a: {:submitters: []}").contains("a: it has no :created_at:"));
        let time = ":created_at: 2026-11-16 22:10:05 Z";
        assert!(fault(&format!("a:\n  {time}\n")).contains("a: it has no :submitters:"));
        assert!(fault("- a\n").contains("not a list of submissions"));
        Ok(())
    }
}
