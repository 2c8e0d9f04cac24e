//! The words between a judge and the grader besides verdicts: marks in a failed test's message, variables, files and exit codes.

/// The beginning of the line before a panic's message, which states the panic's place in the submission.
pub const PLACE: &str = "in the submission, at ";

/// The beginning of the names of a submission's files, as panics and the compiler show them.
pub const SOURCES: &str = "exercises/";

/// The variable that tells a worker that it was built with the submission's line numbers.
pub const LINES_VARIABLE: &str = "WORKER_LINES";

/// The end of the message of an interrupted test. After it, the smallest failing input is meaningless: from the
/// interruption on, every input fails.
pub const INTERRUPTED_MARK: &str = "(the rest of this test was not run)";

/// The beginning of the message of a test for which there was no time.
pub const NOT_TO_ITS_END: &str = "not run to its end: ";

/// The file of the answers to drawn cases: beside an exercise's tests, and in the folder of a judge's notes where it is to
/// write them.
pub const DRAWN_ANSWERS: &str = "drawn.txt";

/// The variable that makes a judge ask a subject in its own process instead of a worker: [`REFERENCE`], [`REQUEST_LOG`], or
/// [`LAZY`], a stand-in's name and an operation's.
pub const SUBJECT_VARIABLE: &str = "JUDGE_SUBJECT";

/// The subject that is the reference.
pub const REFERENCE: &str = "reference";

/// The subject that is the reference, and logs requests without tensors instead of its answers.
pub const REQUEST_LOG: &str = "request-log";

/// The subject that answers one operation without implementing it.
pub const LAZY: &str = "lazy";

/// The variable that names the folder of the reference's answers, or of the logged requests, by operation.
pub const TABLE_VARIABLE: &str = "JUDGE_TABLE";

/// The variable that sets the number of cases of each drawn test.
pub const CASES_VARIABLE: &str = "JUDGE_CASES";

/// The variable that names the folder of what the reference answered before.
pub const ANSWERS_VARIABLE: &str = "JUDGE_ANSWERS";

/// The variable that has a judge wait, before its first call, until its standard input is closed: its worker is still being
/// compiled.
pub const WAITS_VARIABLE: &str = "JUDGE_WAITS";

/// The variable that divides the tolerances of drawn tests, to prove that correct code has room to spare.
pub const MARGIN_VARIABLE: &str = "JUDGE_MARGIN";

/// The prefix of a gradient's name among an answer's tensors; the input's name follows.
pub const GRADIENT: &str = "grad.";

/// The end of the name of the operation that constructs a module.
pub const NEW: &str = ".new";

/// The argument of a request whose calls are measured, and the names of the tensors of its answer that say what they took.
pub const MEASURE: &str = "measure.calls";
/// The seconds of each call.
pub const CALL_SECONDS: &str = "measured.seconds";
/// The bytes of memory of one call.
pub const PEAK_BYTES: &str = "measured.bytes";

/// The folder of a judge's notes, below that of the calls it keeps.
pub const NOTES: &str = "notes";

/// The exit code for a program that was not started, since it could not be confined: no compiler and no test harness
/// ends with it. A judge whose worker was not started ends with it too.
pub const NOT_CONFINED: u8 = 125;

/// The exit code of a judge that found the course itself at fault: nobody's test failed. No test harness ends with it.
pub const COURSE_FAULT: u8 = 123;

/// The exit code of a worker that called an operator which the operation that it served asks to write; and of the judge
/// that had asked it, whatever else its tests said.
pub const FORBIDDEN: u8 = 124;

/// The prefix of the line in which such a worker, and then its judge, names the operator and the operation:
/// `aten::native_layer_norm in layer_norm`.
pub const FORBIDDEN_OPERATOR: &str = "forbidden operator: ";

/// The operator and the operation that such a line names, the last one of what was printed.
pub fn forbidden_operator(printed: &str) -> Option<&str> {
    let mut lines = printed.lines().rev();
    lines.find_map(|line| line.strip_prefix(FORBIDDEN_OPERATOR))
}

/// The message of a test for which nothing was left of the exercise's time.
pub fn out_of_time(exercise_seconds: u64) -> String {
    format!("{NOT_TO_ITS_END}the exercise's {exercise_seconds} s were over")
}
