//! The command line. Doc comments here are the help.

use crate::data::Set;
use crate::limits::LimitOverrides;
use crate::terminal::Verbosity;
use crate::train::device::DeviceChoice;
use crate::train::learner::Mode;
use crate::train::plan::Preset;
use clap::error::ErrorKind;
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use intake::Reading;
use sandbox::{Author, Confinement, Layer, Sandbox};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Grades the exercises of the course on Vision Transformers.
///
/// Exit codes: 0 all went well; 1 a check or a proof failed; 2 the arguments are wrong; 3 the set-up is incomplete;
/// 4 the grader itself failed, and its results are not complete; 5 with `grade --strict`, a submission needs a person;
/// 130 stopped by Ctrl-C, SIGTERM or SIGHUP. A submission that fails its tests is a result, not a failure: `grade` then ends
/// with 0.
#[derive(Debug, Parser)]
#[command(
    name = "cargo grader",
    bin_name = "cargo grader",
    version,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// Use the course in DIR [default: the checkout that contains the current folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub course: Option<PathBuf>,
    /// The output
    #[command(flatten)]
    pub output: Output,
    /// The command
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl CommandLine for Cli {
    fn output(&self) -> Output {
        self.output
    }

    fn is_internal(&self) -> bool {
        matches!(self.command, Some(Command::Confined(_)))
    }
}

/// The command line of a program of the grader's.
pub trait CommandLine: Parser {
    /// The output options.
    fn output(&self) -> Output;

    /// Returns whether it is another such program that starts this one, and reads what it says.
    fn is_internal(&self) -> bool;

    /// Parses the command line.
    ///
    /// # Errors
    /// Returns an error if the arguments are wrong, or help or the version is asked for.
    fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(arguments)?;
        let output = cli.output();
        // Not as conflicts of arguments: clap does not see those of global ones on two sides of a command.
        if output.quiet && output.verbose {
            let message = "--quiet and --verbose cannot be used together";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

/// Output options of all commands.
#[derive(Args, Clone, Copy, Debug)]
pub struct Output {
    /// Choose when to use colour; `auto` also follows NO_COLOR, CLICOLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, help_heading = OUTPUT)]
    pub color: ColorChoice,
    /// Print only results and errors: no progress, no notes; cargo runs with --quiet
    #[arg(long, short, global = true, help_heading = OUTPUT)]
    pub quiet: bool,
    /// Also print commands of cargo, rustc and pip, and how long building, compiling and testing took
    #[arg(long, short, global = true, help_heading = OUTPUT)]
    pub verbose: bool,
}

/// The heading of [`Output`].
const OUTPUT: &str = "Output";

impl Output {
    /// The choice of `--color` in arguments that are not parsed yet: help and errors of the parser follow it, too.
    pub fn color_of(arguments: &[OsString]) -> ColorChoice {
        let words = arguments.iter().map(|word| word.to_string_lossy());
        let mut words = words.take_while(|word| word != "--");
        let mut color = ColorChoice::Auto;
        while let Some(word) = words.next() {
            let value = match word.strip_prefix("--color") {
                Some("") => words.next().map(Into::into),
                Some(value) => value.strip_prefix('=').map(str::to_owned),
                None => None,
            };
            // A value that is not one is refused later.
            color = value.and_then(|it| it.parse().ok()).unwrap_or(color);
        }
        color
    }

    /// The amount of output besides results and errors.
    pub fn verbosity(self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, false) => Verbosity::Normal,
            (false, true) => Verbosity::Verbose,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Grade submissions: folders, .zip or .tar.gz
    Grade(Grade),
    /// Test your working copy and explain what is wrong
    Check(Check),
    /// Check an exercise again each time you save it
    ///
    /// Keys: h hint, d diff with the nearest solution, n and p next and previous failure, l list, o handout, r again, x reset,
    /// ? all keys, q quit. Without a terminal, on a dumb or small one, and with --plain, output is lines of text, and keys
    /// are letters, each followed by Enter.
    Watch(Watch),
    /// Show the next hint about a function or type
    ///
    /// Without ITEM, the hint is about the function of the first test that failed in the last `check`. Hints go from the idea
    /// to the library calls.
    Hint(Hint),
    /// Put the stubs of an exercise or a function back
    ///
    /// Shows a diff, asks for confirmation, and keeps a backup of your code, which --undo restores. Code outside ITEM stays as
    /// it is.
    Reset(Reset),
    /// Compare your code with the nearest correct solution
    ///
    /// Items, which are functions and types, are shown once their tests pass. Those that differ come with the reasons for the
    /// reference solution, and with the time and memory of both.
    Diff(Diff),
    /// Print the reference solution of items whose tests pass
    Solution(ShowSolution),
    /// List the exercises, your progress in each, and what is next
    List(List),
    /// Open what is next in your editor: a handout, or the function to write
    Next(Next),
    /// Run an operation on tensors from a file
    Call(Call),
    /// Train your Vision Transformer and measure its test accuracy
    Train(Box<Train>),
    /// Draw pictures of an exercise's results
    ///
    /// Writes each picture as PNG and SVG. If a function is not implemented or fails, it is named, the pictures that
    /// need it are left out, and the exit code is 1.
    Draw(Draw),
    /// Make the course a website to read offline
    ///
    /// Its pages have the handouts, the functions with their documentation, hints, answers and solutions; the last three are
    /// folded.
    Book(Book),
    /// Keep the gradebook of a class: attempts, decisions, grades, exports
    ///
    /// `cargo grader desk --help` lists its commands.
    #[command(disable_help_flag = true)]
    Desk(Desk),
    /// Show the cost of each patch size: tokens, parameters, FLOPs, time
    ///
    /// The defaults are the sizes of ViT-Tiny. Time is measured on the first exercise that builds a model, everything
    /// else is counted; sizes that need too much memory are not run.
    Cost(Cost),
    /// Download, list and show data sets
    Data(Data),
    /// Try the hostile submissions of the corpus on this machine
    Attack(Attack),
    /// Run the project's tests and the proofs of the course
    Verify(Verify),
    /// Make the students' repository, without solutions
    ///
    /// Writes exercises, tests, hints, data sets and what `check` and `watch` need to DIR, which is missing or empty. With
    /// --update, brings later files into a repository that was made before; exercises/*/src stays as it is there.
    Release(Release),
    /// Make a new exercise from a template
    ///
    /// Makes exercises/NN-NAME and solutions/NN-NAME: a whole exercise of one function, with tests of each kind, handout,
    /// hints, solution, variants and a misconception, which passes every proof. grader/AUTHORING.md says how to go on.
    New(New),
    /// Download libtorch
    Setup(Setup),
    /// Check the machine and say how to fix what is missing
    Doctor,
    /// Print a script that completes commands and options in a shell
    ///
    /// The script completes a program called `grader`, which in a checkout is target/debug/grader: put
    /// that folder in PATH. In bash, zsh and fish, `grader` may also be a function that runs
    /// `cargo grader`, which first builds what has changed:
    ///
    ///   bash, in ~/.bashrc:
    ///     grader() { cargo --quiet grader "$@"; }
    ///     source <(CHECKOUT/target/debug/grader completions bash)
    ///
    ///   zsh, in ~/.zshrc after compinit:
    ///     grader() { cargo --quiet grader "$@"; }
    ///     source <(CHECKOUT/target/debug/grader completions zsh)
    ///
    ///   fish, in ~/.config/fish/config.fish:
    ///     function grader; cargo --quiet grader $argv; end
    ///     CHECKOUT/target/debug/grader completions fish | source
    ///
    ///   PowerShell, in $PROFILE:
    ///     CHECKOUT/target/debug/grader completions powershell | Out-String | Invoke-Expression
    ///
    ///   Elvish, in ~/.config/elvish/rc.elv:
    ///     eval (CHECKOUT/target/debug/grader completions elvish | slurp)
    ///
    /// Typed as `cargo grader`, it is an alias of cargo, and completed by cargo's own script or not at all.
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Become another program, within limits; the grader uses this itself
    #[command(hide = true)]
    Confined(Confined),
}

/// Arguments of `grade`.
#[derive(Args, Debug)]
pub struct Grade {
    /// Submissions, or folders of them. A path that holds exercises, as `exercises/NN-name/src` or `NN-name/src`,
    /// is one submission; any other folder is a class and holds one submission per child. A folder that may be either is refused
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Read folders as a class or as one submission [default: by their contents]
    #[arg(long = "as", value_name = "WHAT", value_enum)]
    pub reading: Option<Reading>,
    /// Grade only this exercise: its crate, folder or number; repeatable
    #[arg(long, value_name = "EXERCISE")]
    pub exercise: Vec<String>,
    /// Grade JOBS submissions in parallel; the exercises of each share the remaining processors [default: the number of
    /// processors]
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Write results.json and a report for each submission to DIR; a stopped batch continues from there
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Exit with code 5 if a submission needs a person: it is empty, refused or passed over
    #[arg(long)]
    pub strict: bool,
    /// Put all that a test said into results and reports, also what a class's seed drew
    #[arg(long, hide = true)]
    pub outspoken: bool,
    /// The conditions
    #[command(flatten)]
    pub judging: Judging,
}

/// Options of all commands that judge.
#[derive(Args, Clone, Debug, Default)]
pub struct Judging {
    /// Set the seed of the tests [default: the usual one; for `grade --out DIR` the class's own, kept in DIR/seed]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Choose the data of training tests; `none` leaves out these tests and their points
    #[arg(long, value_enum, default_value_t)]
    pub train_on: TrainOn,
    /// Read MNIST from DIR, for --train-on mnist [default: MNIST_DIR, else where `data fetch` puts it]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Choose the device of --train-on mnist
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
    /// The limits of the code
    #[command(flatten)]
    pub limits: LimitOverrides,
    /// Set the confinement of the code [default: full; where there is no sandbox, none for your own code]
    #[arg(long, value_enum)]
    pub sandbox: Option<Sandbox>,
    /// The author of the code
    #[arg(skip)]
    pub author: Author,
    /// Leave a layer out; `attack --prove` shows so what each one stops
    #[arg(long, hide = true, value_name = "LAYER")]
    pub without: Vec<Layer>,
    /// Use the built files that another grader lists, and build nothing
    #[arg(long, hide = true, value_name = "FILE")]
    pub workshop: Option<PathBuf>,
}

/// The data of training tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TrainOn {
    /// Nothing: no model is trained
    None,
    /// Generated digits, for a second or two
    #[default]
    Digits,
    /// Generated digits, then all of MNIST for minutes: 97 % test accuracy is required
    Mnist,
}

impl fmt::Display for TrainOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrainOn::None => "none",
            TrainOn::Digits => "digits",
            TrainOn::Mnist => "mnist",
        })
    }
}

/// Arguments of `check`.
#[derive(Args, Debug)]
pub struct Check {
    /// The exercise: its crate, folder or number [default: the one whose folder this is, otherwise all]
    #[arg(value_name = "EXERCISE")]
    pub exercises: Vec<String>,
    /// Show every failure in full [default: the first; the others in a line each]
    #[arg(long)]
    pub all: bool,
    /// Choose the format of the result
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
    /// The conditions
    #[command(flatten)]
    pub judging: Judging,
}

/// Arguments of `watch`.
#[derive(Args, Debug)]
pub struct Watch {
    /// The exercise: its crate, folder or number [default: the one whose folder this is, otherwise all, beginning
    /// with the first that is not done]
    #[arg(value_name = "EXERCISE")]
    pub exercises: Vec<String>,
    /// Write lines of text instead of drawing: for pipes and screen readers
    #[arg(long)]
    pub plain: bool,
    /// Compare the files every SECONDS, from 0.05 to 60, instead of waiting for file system events, which some network
    /// file systems do not have
    #[arg(long, value_name = "SECONDS", value_parser = poll_seconds)]
    pub poll: Option<Duration>,
    /// The conditions
    #[command(flatten)]
    pub judging: Judging,
}

fn poll_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match (0.05..=60.0).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err("not from 0.05 to 60 seconds".to_owned()),
    }
}

/// Arguments of `hint`.
#[derive(Args, Debug)]
pub struct Hint {
    /// The exercise: its crate, folder or number [default: the one whose folder this is]
    pub exercise: Option<String>,
    /// The function or type, such as `attention` or `Msa::forward` [default: that of the first failing test]
    pub item: Option<String>,
    /// Show all hints about it
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `reset`.
#[derive(Args, Debug)]
pub struct Reset {
    /// The exercise: its crate, folder or number [default: the one whose folder this is]
    pub exercise: Option<String>,
    /// The function or type, such as `attention` or `Msa` [default: the whole exercise]
    pub item: Option<String>,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub yes: bool,
    /// Restore the code that the last reset of the exercise replaced
    #[arg(long, conflicts_with = "item")]
    pub undo: bool,
}

/// Arguments of `diff`.
#[derive(Args, Debug)]
pub struct Diff {
    /// The exercise: its crate, folder or number [default: the one whose folder this is]
    pub exercise: Option<String>,
    /// The function or type, such as `Msa::attend` [default: all]
    pub item: Option<String>,
    /// Compare with the solution NAME: `reference` or a variant [default: the nearest]
    #[arg(long, value_name = "NAME")]
    pub against: Option<String>,
    /// Keep the solution's own names, and show differences in names
    #[arg(long)]
    pub names: bool,
    /// Do not measure time and memory
    #[arg(long)]
    pub no_cost: bool,
    /// Show items whose tests do not pass, too; this is recorded
    #[arg(long)]
    pub give_up: bool,
    /// Choose the format of the result
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: DiffFormat,
}

/// The formats of `diff`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// Text for people: side by side where there is room
    #[default]
    Text,
    /// One HTML page without scripts
    Html,
    /// A patch of your code, for `patch -p1`
    Patch,
    /// One JSON document for editors and scripts
    Json,
}

/// Arguments of `solution`.
#[derive(Args, Debug)]
pub struct ShowSolution {
    /// The exercise: its crate, folder or number [default: the one whose folder this is]
    pub exercise: Option<String>,
    /// The function or type, such as `Msa::attend` [default: all]
    pub item: Option<String>,
    /// Show items whose tests do not pass, too; this is recorded
    #[arg(long)]
    pub give_up: bool,
}

/// The formats of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Text for people
    #[default]
    Text,
    /// One JSON document for editors and scripts
    Json,
}

/// Arguments of `list`.
#[derive(Args, Debug)]
pub struct List {
    /// Choose the format of the result
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// Arguments of `next`.
#[derive(Args, Debug)]
pub struct Next {
    /// The exercise: its crate, folder or number [default: the one whose folder this is, otherwise the next to do]
    pub exercise: Option<String>,
    /// Print the file and line instead of opening them
    #[arg(long)]
    pub print: bool,
}

/// Arguments of `call`.
#[derive(Args, Debug)]
pub struct Call {
    /// The exercise: its crate, folder or number
    pub exercise: String,
    /// List the exercise's operations with their arguments and results
    #[arg(long, exclusive = false)]
    pub list: bool,
    /// The operation
    #[arg(required_unless_present = "list")]
    pub operation: Option<String>,
    /// The input: a safetensors file, a folder of such files, or `-` for an operation without tensors
    #[arg(required_unless_present = "list", value_name = "IN")]
    pub input: Option<PathBuf>,
    /// The output: a safetensors file; for a folder, a folder for files of the same names
    #[arg(required_unless_present = "list", value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Set a scalar argument; the metadata of IN may hold it too, as `argument.NAME`
    #[arg(long = "arg", value_name = "NAME=VALUE")]
    pub arguments: Vec<String>,
    /// The code that runs
    #[command(flatten)]
    pub subject: CodeArgs,
}

/// The code that runs.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Code")]
pub struct CodeArgs {
    /// Run the reference solution instead of the working copy
    #[arg(long, conflicts_with = "submission")]
    pub solution: bool,
    /// Run a submission, a folder or archive, instead of the working copy
    #[arg(long, value_name = "PATH")]
    pub submission: Option<PathBuf>,
    /// Set the confinement of the code [default: full; where there is no sandbox, none for your own code]
    #[arg(long, value_enum)]
    pub sandbox: Option<Sandbox>,
}

/// Arguments of `train`. The preset supplies what is not given.
#[derive(Args, Debug)]
pub struct Train {
    /// The code that is trained
    #[command(flatten)]
    pub subject: CodeArgs,
    /// Choose the model: an exercise that builds one, such as `vit` or `deit` [default: the first]
    #[arg(long, value_name = "EXERCISE", help_heading = MODEL)]
    pub model: Option<String>,
    /// Choose the model's size and the recipe [default: mnist]
    #[arg(long, value_enum, help_heading = MODEL)]
    pub preset: Option<Preset>,
    /// Set the patch size, in pixels per side
    #[arg(long, value_name = "PIXELS", help_heading = MODEL)]
    pub patch_size: Option<i64>,
    /// Set the embedding dimension
    #[arg(long, help_heading = MODEL)]
    pub dim: Option<i64>,
    /// Set the number of blocks
    #[arg(long, value_name = "BLOCKS", help_heading = MODEL)]
    pub depth: Option<i64>,
    /// Set the number of attention heads
    #[arg(long, help_heading = MODEL)]
    pub heads: Option<i64>,
    /// Set the dropout probability
    #[arg(long, value_name = "P", allow_negative_numbers = true, help_heading = MODEL)]
    pub dropout: Option<f64>,
    /// Choose the data set [default: digits]
    #[arg(long, value_enum, help_heading = DATA)]
    pub data: Option<Set>,
    /// Read the data set from DIR [default: MNIST_DIR for mnist, else where `data fetch` puts it]
    #[arg(long, value_name = "DIR", help_heading = DATA)]
    pub data_dir: Option<PathBuf>,
    /// Use only COUNT training images, and a fifth as many for validation and test
    #[arg(long, value_name = "COUNT", help_heading = DATA)]
    pub train_images: Option<usize>,
    /// Set the number of epochs
    #[arg(long, help_heading = OPTIMISATION)]
    pub epochs: Option<usize>,
    /// Set the batch size
    #[arg(long, value_name = "IMAGES", help_heading = OPTIMISATION)]
    pub batch_size: Option<usize>,
    /// Set the peak learning rate
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = OPTIMISATION)]
    pub lr: Option<f64>,
    /// Set the fraction of all steps that are warm-up
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true, help_heading = OPTIMISATION)]
    pub warmup_ratio: Option<f64>,
    /// Set AdamW's weight decay
    #[arg(long, allow_negative_numbers = true, help_heading = OPTIMISATION)]
    pub weight_decay: Option<f64>,
    /// Clip the norm of the gradients; 0 turns clipping off
    #[arg(long, value_name = "NORM", allow_negative_numbers = true, help_heading = OPTIMISATION)]
    pub clip_grad: Option<f64>,
    /// Set the label smoothing
    #[arg(long, value_name = "FRACTION", allow_negative_numbers = true, help_heading = OPTIMISATION)]
    pub label_smoothing: Option<f64>,
    /// Stop when the validation loss has not improved for EPOCHS
    #[arg(long, value_name = "EPOCHS", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..), help_heading = OPTIMISATION)]
    pub patience: Option<usize>,
    /// Set the seed of everything random [default: 0]
    #[arg(long, help_heading = OPTIMISATION)]
    pub seed: Option<u64>,
    /// Choose the distillation loss [default: hard]
    #[arg(long, value_enum, help_heading = DISTILLATION)]
    pub distillation: Option<Mode>,
    /// Set the temperature of soft distillation [default: 3]
    #[arg(long, allow_negative_numbers = true, help_heading = DISTILLATION)]
    pub temperature: Option<f64>,
    /// Set the weight of the labels' loss in soft distillation [default: 0.9]
    #[arg(long, allow_negative_numbers = true, help_heading = DISTILLATION)]
    pub alpha: Option<f64>,
    /// Load the teacher from an earlier run [default: train one first]
    #[arg(long, value_name = "FILE", conflicts_with = "resume", help_heading = DISTILLATION)]
    pub teacher: Option<PathBuf>,
    /// Set the number of epochs of the teacher [default: 2]
    #[arg(long, value_name = "EPOCHS", conflicts_with_all = ["teacher", "resume"], value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..), help_heading = DISTILLATION)]
    pub teacher_epochs: Option<usize>,
    /// Choose the device
    #[arg(long, value_enum, default_value_t, help_heading = RUN)]
    pub device: DeviceChoice,
    /// Compute in bf16 with weights in f32; needs a GPU
    #[arg(long, help_heading = RUN)]
    pub amp: bool,
    /// Write checkpoints, history and pictures to DIR [default: a new folder in target/grader/train]
    #[arg(long, value_name = "DIR", conflicts_with = "resume", help_heading = RUN)]
    pub out: Option<PathBuf>,
    /// Continue the run in DIR, with the options that it was started with
    #[arg(long, value_name = "DIR", conflicts_with = "preset", help_heading = RUN)]
    pub resume: Option<PathBuf>,
    /// Continue also with other code than the run was started with
    #[arg(long, requires = "resume", help_heading = RUN)]
    pub allow_changed_code: bool,
}

/// Headings of `train --help`.
const MODEL: &str = "Model";
const DATA: &str = "Data";
const OPTIMISATION: &str = "Optimisation";
const DISTILLATION: &str = "Distillation (models with a teacher)";
const RUN: &str = "Run";

/// Arguments of `draw`.
#[derive(Args, Debug)]
pub struct Draw {
    /// The exercise: its crate, folder or number
    pub exercise: String,
    /// Write the pictures to DIR [default: target/pictures/EXERCISE]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Use the centre of a PNG or JPEG instead of a generated digit
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// Load a trained model: safetensors with timm's names, such as the best.safetensors of `train`
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// The code that runs
    #[command(flatten)]
    pub subject: CodeArgs,
}

/// Arguments of `cost`.
#[derive(Args, Debug)]
pub struct Cost {
    /// Set the image size, in pixels per side
    #[arg(long, value_name = "PIXELS", default_value_t = 224)]
    pub image_size: i64,
    /// Show only this patch size; repeatable [default: all divisors of the image size from 2]
    #[arg(long, value_name = "PIXELS")]
    pub patch_size: Vec<i64>,
    /// Set the number of channels
    #[arg(long, default_value_t = 3)]
    pub channels: i64,
    /// Set the embedding dimension
    #[arg(long, default_value_t = 192)]
    pub dim: i64,
    /// Set the number of blocks
    #[arg(long, default_value_t = 12)]
    pub depth: i64,
    /// Set the number of attention heads
    #[arg(long, default_value_t = 3)]
    pub heads: i64,
    /// Set the ratio of the MLP's hidden dimension to the embedding dimension
    #[arg(long, default_value_t = 4)]
    pub mlp_ratio: i64,
    /// Set the number of classes
    #[arg(long, default_value_t = 1000)]
    pub classes: i64,
    /// Do not measure time, which needs libtorch
    #[arg(long)]
    pub no_time: bool,
    /// The code that is timed
    #[command(flatten)]
    pub subject: CodeArgs,
}

/// Arguments of `data`.
#[derive(Args, Debug)]
pub struct Data {
    /// Keep data sets in DIR, each in a folder of its name [default: MNIST_DIR for mnist itself, else the user's cache]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The command
    #[command(subcommand)]
    pub command: DataCommand,
}

/// The commands of `data`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Download a data set; an interrupted download continues
    Fetch {
        /// The data set
        set: Set,
        /// Download from the folder URL, with its final slash, instead of the publisher's; repeatable
        #[arg(long, value_name = "URL")]
        mirror: Vec<String>,
    },
    /// List what is there and what is missing
    List,
    /// Draw some images of each class
    Show {
        /// The data set
        set: Set,
        /// Write the picture to DIR [default: target/pictures/data]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Arguments of `attack`.
#[derive(Args, Debug)]
pub struct Attack {
    /// Try only attacks whose name begins with NAME, such as `04` or `04-include`; repeatable
    #[arg(long, alias = "only", value_name = "NAME")]
    pub attack: Vec<String>,
    /// Show that attacks gain something without the layers that stop them, in a throw-away copy of this machine
    #[arg(long)]
    pub prove: bool,
}

/// Arguments of `release`.
#[derive(Args, Debug)]
pub struct Release {
    /// The folder of the students' repository, outside this checkout
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Give out only this exercise and those that it builds on: its crate, folder or number; repeatable [default: all; with
    /// --update, those that DIR has]
    #[arg(long, value_name = "EXERCISE")]
    pub exercise: Vec<String>,
    /// Bring later files into DIR, and leave exercises/*/src alone
    #[arg(long)]
    pub update: bool,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub struct Verify {
    /// Run the proofs alone, without the project's tests
    #[arg(long)]
    pub proofs_only: bool,
    /// Run only the proof NAME, such as `catalogue`; repeatable
    #[arg(long, alias = "only", value_name = "NAME")]
    pub proof: Vec<String>,
    /// Prove only this exercise: its crate, folder or number; repeatable
    #[arg(long, value_name = "EXERCISE")]
    pub exercise: Vec<String>,
    /// Store the reference's answers to drawn cases beside the tests, and prove nothing
    #[arg(long, conflicts_with_all = ["proofs_only", "proof"])]
    pub store: bool,
}

/// Arguments of `new`.
#[derive(Args, Debug)]
pub struct New {
    /// Name of the exercise's crate: lower-case letters, digits and `_`
    pub name: String,
    /// Make functions on libtorch's tensors, with tests of gradients; otherwise they are on ndarray's arrays
    #[arg(long)]
    pub tch: bool,
    /// Number of the exercise [default: the one after the last]
    #[arg(long, value_name = "NN", value_parser = clap::value_parser!(u8).range(1..=99))]
    pub number: Option<u8>,
}

/// Arguments of `book`.
#[derive(Args, Debug)]
pub struct Book {
    /// Open the book in the browser
    #[arg(long)]
    pub open: bool,
    /// Write the book to DIR, in place of one that is there [default: target/book in the course's folder]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `desk`.
#[derive(Args, Debug)]
pub struct Desk {
    /// Command of the gradebook, and its arguments
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub arguments: Vec<OsString>,
}

/// Arguments of `setup`.
#[derive(Args, Debug)]
pub struct Setup {
    /// Download the build for CUDA, about 3 GB more
    #[arg(long)]
    pub cuda: bool,
    /// Use the libtorch in this folder
    #[arg(long, value_name = "DIR")]
    pub libtorch: Option<PathBuf>,
}

/// Arguments of `confined`.
#[derive(Args, Debug)]
pub struct Confined {
    /// The limits
    #[command(flatten)]
    pub confinement: Confinement,
    /// The program and its arguments
    #[arg(required = true, last = true)]
    pub program: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(words: &[&str]) -> (Vec<String>, Output) {
        let words = ["cargo grader"].iter().chain(words);
        let words: Vec<_> = words.map(OsString::from).collect();
        let cli = Cli::read(&words).expect("arguments");
        let Some(Command::Desk(desk)) = cli.command else {
            panic!("it is not `desk`");
        };
        let words = desk.arguments.iter();
        let words = words.map(|it| it.to_string_lossy().into_owned());
        (words.collect(), cli.output)
    }

    #[test]
    fn what_follows_desk_is_passed_on_as_it_is() {
        for words in [
            &["--help"][..],
            &["import", "--help"],
            &["--desk", "../d", "add", "s1", "msa", "-1", "--quiet"],
            &["grades", "--format=json", "--", "-x"],
            &["-h"],
        ] {
            let all = [&["desk"], words].concat();
            assert_eq!(passed_on(&all).0, words);
        }
        let (words, output) = passed_on(&["--quiet", "desk", "--color", "never", "grades"]);
        assert_eq!(words, ["grades"]);
        assert!(output.quiet && output.color == ColorChoice::Never);
    }
}
