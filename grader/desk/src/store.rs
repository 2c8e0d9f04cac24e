//! The gradebook's file: an SQLite database with append-only tables. Each change is one transaction: if the program is killed,
//! all of it was made or nothing.

use crate::decision::{Action, Decision};
use crate::failure::Failure;
use crate::grading::{Attempt, Exercise, ExerciseResult, Record};
use crate::results::{Graded, Outcome, StoredResult, Suite, Terms};
use anyhow::{Context, Result, anyhow, ensure};
use hints::WithHint;
use jiff::Timestamp;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The version of the schema, SQLite's `user_version`.
pub const SCHEMA: i64 = 1;

/// The mark by which SQLite's files are known as gradebooks: "desk".
const APPLICATION: i64 = 0x6465_736b;

const TABLES: &str = include_str!("../assets/schema.sql");

/// The tables in which rows are neither changed nor deleted.
const APPEND_ONLY: [&str; 8] = [
    "import", "attempt", "member", "suite", "content", "detail", "result", "decision",
];

/// An open gradebook.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    wait: Duration,
}

/// An import, to be recorded.
#[derive(Clone, Debug)]
pub struct NewImport<'a> {
    /// The name of the importing person.
    pub by: &'a str,
    /// The folder that is imported.
    pub folder: &'a str,
    /// The conditions of grading.
    pub terms: &'a Terms,
    /// The attempts.
    pub attempts: Vec<NewAttempt<'a>>,
}

/// An attempt, to be recorded.
#[derive(Clone, Debug)]
pub struct NewAttempt<'a> {
    /// The submission's name.
    pub submission: &'a str,
    /// The time when it was handed in.
    pub time: Option<Timestamp>,
    /// SHA-256 of its files.
    pub sources: &'a str,
    /// The reason why it was refused.
    pub refused: Option<&'a str>,
    /// The ids of the people that it counts for.
    pub members: Vec<String>,
    /// Its results.
    pub results: &'a [Graded],
}

/// The numbers of attempts and results that an import added, or that were known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// New attempts.
    pub attempts: usize,
    /// New results of exercises, of new attempts and of known ones.
    pub results: usize,
    /// Those of them that belong to known attempts: regrades, or further exercises.
    pub regraded: usize,
    /// People that known attempts now count for as well.
    pub members: usize,
    /// Results that were there already.
    pub known: usize,
    /// Results that were there already, where newer ones count.
    pub superseded: usize,
}

impl ImportCounts {
    /// Returns whether there was nothing new.
    fn is_nothing(&self) -> bool {
        self.attempts + self.results + self.members == 0
    }
}

/// A decision, to be recorded.
#[derive(Clone, Debug)]
pub struct NewDecision {
    /// The name of the deciding person.
    pub by: String,
    /// The person's id.
    pub student: String,
    /// The exercise.
    pub exercise: Option<String>,
    /// The action.
    pub action: Action,
    /// The points before the penalty that it is made on.
    pub made_on: Option<f64>,
    /// The reason.
    pub reason: String,
}

/// The result of an exercise, with its provenance.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The name of the submission.
    pub submission: String,
    /// SHA-256 of the exercise's files.
    pub sources: String,
    /// SHA-256 of the course.
    pub course: String,
    /// SHA-256 of the class's seed.
    pub seed: String,
    /// The time of the import.
    pub imported: Timestamp,
    /// The person who imported it.
    pub by: String,
    /// The folder it came from.
    pub folder: String,
    /// The result.
    pub graded: Graded,
    /// The number of earlier results of the same attempt and exercise.
    pub earlier: i64,
}

impl Store {
    /// Creates a gradebook in a file, unless it is complete already.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written or is not a gradebook.
    pub fn create(path: &Path, wait: Duration) -> Result<Self> {
        let mut store = Self::connect(path, wait, true)?;
        store.change(|transaction| {
            if version(transaction)? != 0 {
                return Ok(((), true));
            }
            let tables: i64 =
                transaction
                    .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            ensure!(tables == 0, "it is a database of something else");
            transaction.execute_batch(TABLES)?;
            for table in APPEND_ONLY {
                for change in ["UPDATE", "DELETE"] {
                    transaction.execute_batch(&format!(
                        "CREATE TRIGGER {table}_keeps_on_{change} BEFORE {change} ON {table} BEGIN \
                         SELECT RAISE(ABORT, 'rows of {table} are only added'); END;"
                    ))?;
                }
            }
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", SCHEMA)?;
            Ok(((), false))
        })?;
        Ok(store)
    }

    /// Opens a gradebook.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, is not a gradebook, or is one of another version.
    pub fn open(path: &Path, wait: Duration) -> Result<Self> {
        let store = Self::connect(path, wait, false)?;
        let check = || -> Result<()> {
            let application: i64 =
                store
                    .connection
                    .pragma_query_value(None, "application_id", |row| row.get(0))?;
            let found = version(&store.connection)?;
            ensure!(
                found != 0 || application != 0,
                "it is not a gradebook: `desk init` was not finished"
            );
            ensure!(
                application == APPLICATION,
                "it is a database of something else"
            );
            ensure!(
                found == SCHEMA,
                "it has version {found} of the gradebook, and version {SCHEMA} is known: use the checkout of the course \
                 that wrote it"
            );
            Ok(())
        };
        store.explained(check())?;
        Ok(store)
    }

    fn connect(path: &Path, wait: Duration, create: bool) -> Result<Self> {
        let says = || format!("cannot open the gradebook {}", path.display());
        if create {
            // Its owner alone may read it, and what SQLite puts beside it.
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(path).with_context(says)?;
        }
        let flags =
            rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).with_context(says)?;
        let store = Self {
            connection,
            path: path.to_owned(),
            wait,
        };
        let set_up = || -> Result<()> {
            store.connection.busy_timeout(wait)?;
            store
                .connection
                .pragma_update(None, "journal_mode", "WAL")?;
            store
                .connection
                .pragma_update(None, "synchronous", "FULL")?;
            store.connection.pragma_update(None, "foreign_keys", true)?;
            Ok(())
        };
        store.explained(set_up())?;
        Ok(store)
    }

    /// Adds to an error the file and a hint.
    fn explained<T>(&self, result: Result<T>) -> Result<T> {
        let Err(error) = result else { return result };
        let code = error.chain().find_map(|it| match it.downcast_ref() {
            Some(rusqlite::Error::SqliteFailure(failure, _)) => Some(failure.code),
            _ => None,
        });
        let says = format!("cannot use the gradebook {}", self.path.display());
        match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Err(anyhow!(
                "another program is writing to the gradebook {}, {} s after this one began to wait",
                self.path.display(),
                self.wait.as_secs()
            ))
            .hint("run the command again when the other has ended, or let it wait longer with --wait SECONDS"),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Err(error)
                .context(says)
                .hint("the file is damaged: put a backup in its place, with the files beside it whose names begin as its does"),
            Some(ErrorCode::DiskFull) => Err(error)
                .context(says)
                .hint("nothing was changed: make room on the disk, and run the command again"),
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Err(error)
                .context(says)
                .hint("the folder and its files must be yours to write"),
            _ => Err(error).context(says),
        }
    }

    /// Makes a change in one transaction, which waits for those of other programs. `change` also returns whether to roll back
    /// the transaction.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> Result<(T, bool)>,
    ) -> Result<T> {
        let run = |connection: &mut Connection| -> Result<T> {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (changed, is_nothing) = change(&transaction)?;
            match is_nothing {
                true => transaction.rollback()?,
                false => transaction.commit()?,
            }
            Ok(changed)
        };
        let result = run(&mut self.connection);
        self.explained(result)
    }

    /// Records an import: attempts and results that are not there yet.
    ///
    /// # Errors
    /// Returns an error if it cannot be written; nothing is recorded then.
    pub fn import(&mut self, import: &NewImport<'_>) -> Result<ImportCounts> {
        let terms = serde_json::to_string(import.terms)?;
        self.change(|transaction| {
            let mut imported = ImportCounts::default();
            transaction.execute(
                "INSERT INTO import (time, by, folder, course, terms) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![now(), import.by, import.folder, import.terms.course, terms],
            )?;
            let number = transaction.last_insert_rowid();
            for attempt in &import.attempts {
                add_attempt(transaction, number, import.terms, attempt, &mut imported)?;
            }
            Ok((imported, imported.is_nothing()))
        })
    }

    /// Records the decision that `make` returns for the attempts and decisions read in the same transaction; returns it with
    /// these.
    ///
    /// # Errors
    /// Returns the error of `make`, or an error if the decision cannot be written; nothing is recorded then.
    pub fn decide(
        &mut self,
        make: impl FnOnce(&Record, &[Decision]) -> Result<NewDecision, Failure>,
    ) -> Result<(Decision, Record, Vec<Decision>), Failure> {
        let mut refused = None;
        let recorded = self.change(|transaction| {
            let (record, before) = (record(transaction)?, decisions(transaction)?);
            let new = match make(&record, &before) {
                Ok(new) => new,
                Err(failure) => {
                    refused = Some(failure);
                    return Ok((None, true));
                }
            };
            let time = Timestamp::now();
            let action = serde_json::to_string(&new.action)?;
            let number = transaction
                .prepare_cached(
                    "INSERT INTO decision (time, by, student, exercise, action, made_on, reason) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .insert(params![
                    time.to_string(),
                    new.by,
                    new.student,
                    new.exercise,
                    action,
                    new.made_on,
                    new.reason
                ])?;
            let decision = Decision {
                number,
                time,
                by: new.by,
                student: new.student,
                exercise: new.exercise,
                action: new.action,
                made_on: new.made_on,
                reason: new.reason,
            };
            Ok((Some((decision, record, before)), false))
        })?;
        match (recorded, refused) {
            (Some(recorded), _) => Ok(recorded),
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(anyhow!("nothing was decided").into()),
        }
    }

    /// All attempts with their newest results, and all decisions, as of one moment.
    ///
    /// # Errors
    /// Returns an error if they cannot be read.
    pub fn read(&mut self) -> Result<(Record, Vec<Decision>)> {
        let read = |connection: &mut Connection| -> Result<_> {
            let transaction = connection.transaction()?;
            Ok((record(&transaction)?, decisions(&transaction)?))
        };
        let result = read(&mut self.connection);
        self.explained(result)
    }

    /// The number of attempts at other times with the same name and sources.
    ///
    /// # Errors
    /// Returns an error if it cannot be read.
    pub fn attempts_of(
        &self,
        submission: &str,
        sources: &str,
        time: Option<Timestamp>,
    ) -> Result<i64> {
        let read = || -> Result<i64> {
            let mut statement = self.connection.prepare_cached(
                "SELECT count(*) FROM attempt WHERE submission = ?1 AND sources = ?2 AND time <> ?3",
            )?;
            let count = statement
                .query_row(params![submission, sources, stored(time)], |row| row.get(0))?;
            Ok(count)
        };
        self.explained(read())
    }

    /// A result, with its provenance.
    ///
    /// # Errors
    /// Returns an error if it cannot be read.
    pub fn provenance(&self, result: i64) -> Result<Provenance> {
        let read = || -> Result<Provenance> {
            let sql = "SELECT attempt.submission, result.sources, result.course, result.seed, import.time, import.by, \
                       import.folder, detail.detail, detail.messages, suite.tests, \
                       (SELECT count(*) FROM result AS other JOIN content AS of ON of.id = other.content \
                        WHERE other.attempt = result.attempt AND of.exercise = content.exercise AND other.id < result.id) \
                       FROM result JOIN attempt ON attempt.id = result.attempt JOIN import ON import.id = result.import \
                       JOIN content ON content.id = result.content JOIN suite ON suite.id = content.suite \
                       JOIN detail ON detail.content = content.id WHERE result.id = ?1";
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query([result])?;
            let row = rows
                .next()?
                .with_context(|| format!("there is no result {result}"))?;
            let text = |column: usize| -> Result<&str> { Ok(row.get_ref(column)?.as_str()?) };
            let suite: Suite = serde_json::from_str(text(9)?)?;
            Ok(Provenance {
                submission: row.get(0)?,
                sources: row.get(1)?,
                course: row.get(2)?,
                seed: row.get(3)?,
                imported: text(4)?.parse()?,
                by: row.get(5)?,
                folder: row.get(6)?,
                graded: Graded::read(&suite, text(7)?, Some(text(8)?))?,
                earlier: row.get(10)?,
            })
        };
        self.explained(read())
    }

    /// Passes each stored result's content to `each`, and returns how many have no detail any more.
    ///
    /// # Errors
    /// Returns an error if they cannot be read.
    pub fn each_content(&self, mut each: impl FnMut(Content<'_>)) -> Result<i64> {
        let mut read = || -> Result<i64> {
            let mut statement = self
                .connection
                .prepare("SELECT id, digest, tests FROM suite")?;
            let mut rows = statement.query([])?;
            let mut suites = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(0)?;
                let (digest, tests): (String, String) = (row.get(1)?, row.get(2)?);
                // One that was changed has another digest than what its results were imported with.
                let digest = match digest == crate::results::digest(&[&tests]) {
                    true => digest,
                    false => String::new(),
                };
                let suite: Suite = serde_json::from_str(&tests).unwrap_or_default();
                suites.insert(number, (digest, suite));
            }
            let mut found = 0;
            let nothing = (String::new(), Suite::default());
            let mut statement = self.connection.prepare(
                "SELECT id, digest, exercise, outcome, points, max_points, suite, detail, messages \
                 FROM content JOIN detail ON detail.content = content.id",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                found += 1;
                let suite = suites.get(&row.get(6)?).unwrap_or(&nothing);
                each(Content {
                    number: row.get(0)?,
                    digest: row.get_ref(1)?.as_str()?,
                    exercise: row.get_ref(2)?.as_str()?,
                    outcome: row.get_ref(3)?.as_str()?,
                    points: row.get(4)?,
                    max_points: row.get(5)?,
                    suite_digest: &suite.0,
                    suite: &suite.1,
                    detail: row.get_ref(7)?.as_str()?,
                    messages: row.get_ref(8)?.as_str()?,
                });
            }
            let all: i64 =
                self.connection
                    .query_row("SELECT count(*) FROM content", [], |row| row.get(0))?;
            Ok(all - found)
        };
        let result = read();
        self.explained(result)
    }

    /// The faults of the file: those of SQLite's integrity check, broken references, and missing rows.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read at all.
    pub fn faults(&self) -> Result<Vec<String>> {
        let read = || -> Result<Vec<String>> {
            let mut faults = vec![];
            self.connection
                .pragma_query(None, "integrity_check", |row| {
                    let line: String = row.get(0)?;
                    if line != "ok" {
                        faults.push(line);
                    }
                    Ok(())
                })?;
            self.connection
                .pragma_query(None, "foreign_key_check", |row| {
                    let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
                    faults.push(format!("a row of {table} belongs to no {parent}"));
                    Ok(())
                })?;
            for table in APPEND_ONLY {
                let sql = format!("SELECT count(*), coalesce(max(rowid), 0) FROM {table}");
                // Their rows have no numbers of their own.
                if ["member", "detail"].contains(&table) {
                    continue;
                }
                let (count, last): (i64, i64) = self
                    .connection
                    .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
                if count != last {
                    faults.push(format!("{} rows of {table} are gone", last - count));
                }
            }
            Ok(faults)
        };
        self.explained(read())
    }
}

/// The stored content of a result, as [`Store::each_content`] passes it.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Its number.
    pub number: i64,
    /// SHA-256 of what was imported.
    pub digest: &'a str,
    /// The exercise.
    pub exercise: &'a str,
    /// The outcome.
    pub outcome: &'a str,
    /// Points earned.
    pub points: f64,
    /// Points that can be earned.
    pub max_points: f64,
    /// SHA-256 of its tests.
    pub suite_digest: &'a str,
    /// Its tests.
    pub suite: &'a Suite,
    /// Points by kind and a mark for each test, as JSON.
    pub detail: &'a str,
    /// Messages, as JSON.
    pub messages: &'a str,
}

fn version(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn now() -> String {
    Timestamp::now().to_string()
}

/// A time as it is stored.
fn stored(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| time.to_string())
}

/// A stored time.
fn read_time(text: &str) -> Result<Option<Timestamp>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .with_context(|| format!("`{text}` is not a time"))
}

fn add_attempt(
    transaction: &Transaction<'_>,
    import: i64,
    terms: &Terms,
    attempt: &NewAttempt<'_>,
    imported: &mut ImportCounts,
) -> Result<()> {
    let key = params![attempt.submission, stored(attempt.time), attempt.sources];
    let known: Option<i64> = transaction
        .prepare_cached(
            "SELECT id FROM attempt WHERE submission = ?1 AND time = ?2 AND sources = ?3",
        )?
        .query_row(key, |row| row.get(0))
        .optional()?;
    let number = match known {
        Some(number) => number,
        None => {
            imported.attempts += 1;
            transaction
                .prepare_cached(
                    "INSERT INTO attempt (submission, time, sources, refused, import) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .insert(params![
                    attempt.submission,
                    stored(attempt.time),
                    attempt.sources,
                    attempt.refused,
                    import
                ])?
        }
    };
    for member in &attempt.members {
        let added = transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO member (attempt, student, import) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![number, member, import])?;
        if known.is_some() {
            imported.members += added;
        }
    }
    for graded in attempt.results {
        let content = content(transaction, graded)?;
        let key = params![number, content, terms.course, terms.seed, terms.train];
        let before: Option<i64> = transaction
            .prepare_cached(
                "SELECT id FROM result WHERE attempt = ?1 AND content = ?2 AND course = ?3 AND seed = ?4 AND train = ?5",
            )?
            .query_row(key, |row| row.get(0))
            .optional()?;
        if let Some(before) = before {
            imported.known += 1;
            let newer: bool = transaction
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM result JOIN content ON content.id = result.content \
                     WHERE attempt = ?1 AND exercise = ?2 AND result.id > ?3 AND outcome <> 'not-graded')",
                )?
                .query_row(params![number, graded.exercise, before], |row| row.get(0))?;
            imported.superseded += usize::from(newer);
            continue;
        }
        transaction
            .prepare_cached(
                "INSERT INTO result (attempt, content, course, seed, train, sources, import) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                number,
                content,
                terms.course,
                terms.seed,
                terms.train,
                graded.digest,
                import
            ])?;
        imported.results += 1;
        imported.regraded += usize::from(known.is_some());
    }
    Ok(())
}

/// The number of a result's content, which is added if it is new.
fn content(transaction: &Transaction<'_>, graded: &Graded) -> Result<i64> {
    let stored = graded.stored()?;
    let digest = stored.digest();
    let known = find(
        transaction,
        "SELECT id FROM content WHERE digest = ?1",
        &digest,
    )?;
    if let Some(known) = known {
        return Ok(known);
    }
    let suite = suite(transaction, &stored)?;
    let number = transaction
        .prepare_cached(
            "INSERT INTO content (digest, exercise, outcome, points, max_points, suite) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .insert(params![
            digest,
            graded.exercise,
            graded.outcome.name(),
            graded.points,
            graded.max_points,
            suite
        ])?;
    transaction
        .prepare_cached("INSERT INTO detail (content, detail, messages) VALUES (?1, ?2, ?3)")?
        .execute(params![number, stored.detail, stored.messages])?;
    Ok(number)
}

/// The number of a result's tests, which are added if they are new.
fn suite(transaction: &Transaction<'_>, stored: &StoredResult) -> Result<i64> {
    let digest = &stored.suite_digest;
    if let Some(known) = find(
        transaction,
        "SELECT id FROM suite WHERE digest = ?1",
        digest,
    )? {
        return Ok(known);
    }
    let number = transaction
        .prepare_cached("INSERT INTO suite (digest, tests) VALUES (?1, ?2)")?
        .insert(params![digest, stored.suite])?;
    Ok(number)
}

/// The number of the row with a digest.
fn find(transaction: &Transaction<'_>, sql: &str, digest: &str) -> Result<Option<i64>> {
    let mut statement = transaction.prepare_cached(sql)?;
    Ok(statement.query_row([digest], |row| row.get(0)).optional()?)
}

/// All attempts, with the newest result of each of their exercises. A result that is not graded does not replace one that is.
fn record(connection: &Connection) -> Result<Record> {
    let mut attempts = vec![];
    let mut places = BTreeMap::new();
    let mut statement =
        connection.prepare("SELECT id, submission, time, refused FROM attempt ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        places.insert(number, attempts.len());
        attempts.push(Attempt {
            number,
            submission: row.get(1)?,
            time: read_time(row.get_ref(2)?.as_str()?)?,
            refused: row.get(3)?,
            members: vec![],
            results: vec![],
        });
    }
    let of = |number: i64| {
        places
            .get(&number)
            .copied()
            .context("a row belongs to no attempt")
    };

    let mut statement =
        connection.prepare("SELECT attempt, student FROM member ORDER BY attempt, student")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let student: String = row.get(1)?;
        attempts[of(row.get(0)?)?].members.push(student);
    }

    // Contents are shared by results, and read once.
    let mut names: BTreeMap<Arc<str>, f64> = BTreeMap::new();
    let mut contents = BTreeMap::new();
    let mut statement =
        connection.prepare("SELECT id, exercise, outcome, points, max_points FROM content")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, exercise): (i64, &str) = (row.get(0)?, row.get_ref(1)?.as_str()?);
        let name = match names.get_key_value(exercise) {
            Some((name, _)) => name.clone(),
            None => {
                let name: Arc<str> = exercise.into();
                names.insert(name.clone(), 0.0);
                name
            }
        };
        let outcome = row.get_ref(2)?.as_str()?;
        let outcome =
            Outcome::named(outcome).with_context(|| format!("`{outcome}` is not an outcome"))?;
        let (points, max_points): (f64, f64) = (row.get(3)?, row.get(4)?);
        contents.insert(number, (name, outcome, points, max_points));
    }
    let order: BTreeMap<Arc<str>, usize> = names.keys().cloned().zip(0..).collect();

    let mut statement =
        connection.prepare("SELECT id, attempt, content FROM result ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, attempt, content): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (name, outcome, points, max_points) =
            contents.get(&content).context("a result has no content")?;
        names.insert(name.clone(), *max_points);
        let result = ExerciseResult {
            number,
            outcome: *outcome,
            points: *points,
            max_points: *max_points,
        };
        let place = order.get(name).copied().unwrap_or_default();
        let results = &mut attempts[of(attempt)?].results;
        match results.iter_mut().find(|(of, _)| *of == place) {
            Some((_, before)) => {
                if result.outcome != Outcome::NotGraded || before.outcome == Outcome::NotGraded {
                    *before = result;
                }
            }
            None => results.push((place, result)),
        }
    }
    let exercises = names
        .into_iter()
        .map(|(name, max_points)| Exercise { name, max_points });
    Ok(Record {
        exercises: exercises.collect(),
        attempts,
    })
}

/// All decisions, by number.
fn decisions(connection: &Connection) -> Result<Vec<Decision>> {
    let mut statement = connection.prepare(
        "SELECT id, time, by, student, exercise, action, made_on, reason FROM decision ORDER BY id",
    )?;
    let mut decisions = vec![];
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let says = || format!("decision {number}");
        let time = read_time(row.get_ref(1)?.as_str()?)?.with_context(says)?;
        decisions.push(Decision {
            number,
            time,
            by: row.get(2)?,
            student: row.get(3)?,
            exercise: row.get(4)?,
            action: serde_json::from_str(row.get_ref(5)?.as_str()?).with_context(says)?,
            made_on: row.get(6)?,
            reason: row.get(7)?,
        });
    }
    Ok(decisions)
}
