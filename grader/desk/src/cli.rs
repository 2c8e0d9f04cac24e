//! The command line. Doc comments here are the help.

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Keeps the gradebook of a class: attempts, decisions, grades, exports.
///
/// A desk is a folder outside the course's checkout. It holds roster.csv (who is in the class), policy.toml (due dates, late
/// penalty, what counts) and gradebook.sqlite (attempts and decisions, append-only). Grades are computed from them each
/// time.
///
/// Exit codes: 0 success; 1 `check` found a fault; 2 the arguments, or an input file, are wrong; 3 there is no
/// desk yet; 4 the program failed, or its output could not be written.
#[derive(Debug, Parser)]
#[command(
    name = "cargo grader desk",
    bin_name = "cargo grader desk",
    version,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// The desk's folder [default: the environment variable GRADER_DESK, else the current folder if it is one]
    #[arg(long, global = true, value_name = "DIR")]
    pub desk: Option<PathBuf>,
    /// Seconds to wait for another program that writes to the gradebook
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10)]
    pub wait: u64,
    /// Choose when to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, overrides_with = "color", help_heading = OUTPUT)]
    pub color: ColorChoice,
    /// Print only results and errors
    #[arg(long, short, global = true, overrides_with = "quiet", help_heading = OUTPUT)]
    pub quiet: bool,
    /// The command
    #[command(subcommand)]
    pub command: Command,
}

const OUTPUT: &str = "Output";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a desk: roster.csv, policy.toml, gradebook
    Init,
    /// Import what `grade --out` wrote
    ///
    /// Everything is recorded in one transaction, or nothing. Identical results are recorded once; further exercises and
    /// regrades are added to the attempts that they belong to. A submission is matched with the roster by its name: an id, a
    /// group, an e-mail address or a name.
    Import(Import),
    /// Move a due date for a person
    ///
    /// The last extension of the exercise, or of all exercises, is in force; an extension of 0 cancels it.
    Extend(Extend),
    /// Leave an exercise out of a person's total
    Excuse(OfExercise),
    /// Set the points of an exercise, whatever was earned
    ///
    /// No penalty is applied to them, and no late day is used.
    Set(OfPoints),
    /// Add points to the grade of an exercise
    ///
    /// The last addition is in force: `add … 0` cancels an earlier one. Negative points are subtracted.
    Add(OfPoints),
    /// Grant a person additional late days
    ///
    /// They are added to those of the policy. The last grant is in force: it replaces an earlier one.
    LateDays(LateDays),
    /// Write a note on a person
    Note(Note),
    /// Withdraw a decision, by its number
    Withdraw(Withdraw),
    /// List decisions
    Log(Log),
    /// Show the grades
    Grades(Grades),
    /// Explain a person's grades, from attempt to points
    Explain(Explain),
    /// List what needs you: ungraded, flagged, missing, unmatched
    Status,
    /// Verify the gradebook file, recompute points
    Check,
    /// Write grades for other programs
    #[command(subcommand)]
    Export(Export),
}

/// Arguments of `import`.
#[derive(Args, Debug)]
pub struct Import {
    /// Folder that `cargo grader grade --out` wrote
    #[arg(value_name = "OUT_FOLDER")]
    pub folder: PathBuf,
    /// Times of the submissions
    #[command(flatten)]
    pub times: TimesOf,
    /// Name of the importing person [default: your login name]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// The times of an import: from a table, one for all, or none.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct TimesOf {
    /// Read times from a CSV file: columns submission, time and, where names match nobody, student
    #[arg(long, value_name = "FILE.csv")]
    pub times: Option<PathBuf>,
    /// Read people and times from the submission_metadata.yml of Gradescope's export
    #[arg(long, value_name = "FILE.yml")]
    pub gradescope: Option<PathBuf>,
    /// Use TIME for all submissions, such as 2026-12-14T23:59
    #[arg(long, value_name = "TIME")]
    pub attempt_time: Option<String>,
    /// Import without times: nothing is late
    #[arg(long)]
    pub no_times: bool,
}

/// The reason of a decision, and its author.
#[derive(Args, Debug)]
pub struct Reason {
    /// The reason
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Name of the deciding person [default: your login name]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `extend`.
#[derive(Args, Debug)]
pub struct Extend {
    /// Person: id, e-mail address or name
    pub student: String,
    /// Interval: 3d, 36h, 1d 12h, 0; or the new due date: 2026-12-20T23:59
    #[arg(value_name = "INTERVAL|TIME")]
    pub by_or_until: String,
    /// Exercise [default: all]
    pub exercise: Option<String>,
    /// Reason
    #[command(flatten)]
    pub reason: Reason,
}

/// Arguments of `excuse`.
#[derive(Args, Debug)]
pub struct OfExercise {
    /// Person: id, e-mail address or name
    pub student: String,
    /// Exercise: 03-msa or msa
    pub exercise: String,
    /// Reason
    #[command(flatten)]
    pub reason: Reason,
}

/// Arguments of `set` and `add`.
#[derive(Args, Debug)]
pub struct OfPoints {
    /// Person: id, e-mail address or name
    pub student: String,
    /// Exercise: 03-msa or msa
    pub exercise: String,
    /// Points
    #[arg(allow_negative_numbers = true)]
    pub points: f64,
    /// Let the grade exceed the points of the exercise
    #[arg(long)]
    pub bonus: bool,
    /// Reason
    #[command(flatten)]
    pub reason: Reason,
}

/// Arguments of `late-days`.
#[derive(Args, Debug)]
pub struct LateDays {
    /// Person: id, e-mail address or name
    pub student: String,
    /// Days in addition to those of the policy
    #[arg(value_parser = clap::value_parser!(u32).range(0..=i64::from(crate::policy::MOST_LATE_DAYS)))]
    pub days: u32,
    /// Reason
    #[command(flatten)]
    pub reason: Reason,
}

/// Arguments of `note`.
#[derive(Args, Debug)]
pub struct Note {
    /// Person: id, e-mail address or name
    pub student: String,
    /// The note
    pub text: String,
    /// Exercise that the note is about
    #[arg(long)]
    pub exercise: Option<String>,
    /// Name of the author [default: your login name]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// Arguments of `withdraw`.
#[derive(Args, Debug)]
pub struct Withdraw {
    /// Number of the decision, as `log` shows it
    pub decision: i64,
    /// Reason
    #[command(flatten)]
    pub reason: Reason,
}

/// Arguments of `log`.
#[derive(Args, Debug)]
pub struct Log {
    /// Person: id, e-mail address or name [default: all]
    pub student: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `grades`.
#[derive(Args, Debug)]
pub struct Grades {
    /// Section of the class [default: all]
    #[arg(long)]
    pub section: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Output formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text table
    #[default]
    Table,
    /// CSV
    Csv,
    /// JSON
    Json,
}

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub struct Explain {
    /// Person: id, e-mail address or name
    pub student: String,
    /// Exercise: 03-msa or msa [default: all]
    pub exercise: Option<String>,
}

/// The export formats.
#[derive(Debug, Subcommand)]
pub enum Export {
    /// Write a CSV table of points, a row for each person
    Csv(ToFile),
    /// Fill in a gradebook downloaded from Canvas
    ///
    /// A column is filled if its title is an exercise's name, with or without the number, or total; with --fill, only the
    /// columns that it names are filled. All other bytes stay as they are.
    Canvas(Fill),
    /// Fill in a grading worksheet downloaded from Moodle
    Moodle(FillOne),
    /// Write Gradescope results, ID.json for each person
    Gradescope(ToFolder),
    /// Write JUnit XML, ID.xml for each person
    Junit(ToFolder),
    /// Write feedback for students, ID.html for each person
    ///
    /// Each page is one file without scripts: points with each step, the tests with their messages, named mistakes, all
    /// attempts. It shows what students-see in policy.toml allows, and no value that the class's seed drew.
    Feedback(Feedback),
    /// Write GitHub annotations, ID.txt, and step summaries, ID.md, for each person
    Github(ToStudents),
    /// Write GitLab code quality reports, ID.json for each person
    Gitlab(ToStudents),
    /// Write SARIF 2.1.0, ID.sarif for each person
    Sarif(ToStudents),
    /// Write PrairieLearn results, ID.json for each person
    #[command(name = "prairielearn")]
    PrairieLearn(ToStudents),
    /// Write Dodona judgements, ID.jsonl for each person
    Dodona(ToStudents),
    /// Write the feedback as a zip for Canvas' "Upload submissions"
    FeedbackCanvas(FeedbackZip),
    /// Write the feedback as a zip for Moodle's "Upload multiple feedback files in a zip"
    FeedbackMoodle(FeedbackZip),
}

/// A file to write.
#[derive(Args, Debug)]
pub struct ToFile {
    /// Write to FILE [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write a row for each person and exercise, with every step from attempt to points
    #[arg(long)]
    pub steps: bool,
}

/// A folder to write to.
#[derive(Args, Debug)]
pub struct ToFolder {
    /// Write to DIR
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// A folder to write to what students see.
#[derive(Args, Debug)]
pub struct ToStudents {
    /// Write to DIR
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Show what students may see at TIME [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
}

/// Arguments of `export feedback`.
#[derive(Args, Debug)]
pub struct Feedback {
    /// Write to DIR
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The content of the pages
    #[command(flatten)]
    pub content: FeedbackContent,
}

/// Arguments of `export feedback-canvas` and `export feedback-moodle`.
#[derive(Args, Debug)]
pub struct FeedbackZip {
    /// Download of submissions, a zip or its unpacked folder: its names tell whose page goes where
    pub download: PathBuf,
    /// Write to FILE.zip
    #[arg(long, value_name = "FILE.zip")]
    pub out: PathBuf,
    /// The content of the pages
    #[command(flatten)]
    pub content: FeedbackContent,
}

/// The content of pages of feedback.
#[derive(Args, Debug)]
pub struct FeedbackContent {
    /// Show what students may see at TIME [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Show the reasons of decisions, too
    #[arg(long)]
    pub reasons: bool,
}

/// Arguments of `export canvas`.
#[derive(Args, Debug)]
pub struct Fill {
    /// File downloaded from the platform
    pub file: PathBuf,
    /// Fill a column with an exercise or with total (repeatable)
    #[arg(long, value_name = "COLUMN=EXERCISE")]
    pub fill: Vec<String>,
    /// Write to FILE [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `export moodle`.
#[derive(Args, Debug)]
pub struct FillOne {
    /// File downloaded from the platform
    pub file: PathBuf,
    /// Exercise, or total
    #[arg(long)]
    pub exercise: String,
    /// Grade column, if its name is not the English, German, French or Spanish one
    #[arg(long, value_name = "COLUMN")]
    pub grade_column: Option<String>,
    /// Write to FILE [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
