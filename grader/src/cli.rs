//! The command line. Doc comments here are the help.

use crate::confine::{Confinement, Layer, Sandbox};
use crate::data::Set;
use crate::intake::Reading;
use crate::limits::Asked;
use crate::train::device::Wanted;
use crate::train::learner::{Mode, Model};
use crate::train::plan::Preset;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Grades the exercises of the course on Vision Transformers.
///
/// Exit codes: 0 all went well; 1 a check or a proof failed; 2 the arguments are wrong; 3 the set-up is incomplete;
/// 4 the grader itself failed, and its results are not complete; 5 with `grade --strict`, a submission needs a person;
/// 130 stopped by Ctrl-C or SIGTERM. A submission that fails its tests is a result, not a failure: `grade` then ends
/// with 0.
#[derive(Debug, Parser)]
#[command(
    name = "cargo grader",
    bin_name = "cargo grader",
    version,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// The checkout of the course, where it is not the one that this is run in
    #[arg(long, global = true, value_name = "DIR")]
    pub course: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What the grader can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Grade submissions: folders, .zip or .tar.gz
    Grade(Grade),
    /// Test your own working copy, and explain what is wrong
    Check(Check),
    /// Run one operation on tensors from a file
    Call(Call),
    /// Train your Vision Transformer, and hold it against images that it never saw
    Train(Box<Train>),
    /// Draw pictures of what an exercise's functions give
    ///
    /// Each picture is written as PNG and as SVG. Where a function is not written yet or fails, the pictures that need
    /// it are left out, it is named, and the exit code is 1.
    Draw(Draw),
    /// Say what each size of patch costs: tokens, parameters, FLOPs, time
    ///
    /// Without more arguments, the sizes are those of ViT-Tiny. All is counted but the time, which is taken of the model
    /// of exercise 05; sizes that would take too much memory are not run.
    Cost(Cost),
    /// Fetch, list and show data sets
    Data(Data),
    /// Try every hostile submission of the corpus on this machine
    Attack(Attack),
    /// Run all tests of the project, and the proofs of the course
    Verify(Verify),
    /// Get libtorch
    Setup(Setup),
    /// Say what this machine lacks, and how to mend it
    Doctor,
    /// Become another program, within limits; the grader uses this itself
    #[command(hide = true)]
    Confined(Confined),
    /// Run the grader in a copy of this machine that is thrown away; the grader uses this itself
    #[command(hide = true)]
    Copied(Copied),
    /// Try one hostile submission, and write what came of it as JSON; the grader uses this itself
    #[command(hide = true)]
    Attempt(Attempt),
}

/// Arguments of `grade`.
#[derive(Args, Debug)]
pub struct Grade {
    /// Submissions, or folders of them. A path that holds exercises, as `exercises/NN-name/src` or `NN-name/src`,
    /// is one submission; any other folder is a class and holds one submission per child. What may be either is refused
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Read folders as a class or as one submission [default: by their contents]
    #[arg(long = "as", value_name = "WHAT", value_enum)]
    pub reading: Option<Reading>,
    /// Only this exercise: its crate, folder or number. May be given several times
    #[arg(long, value_name = "EXERCISE")]
    pub only: Vec<String>,
    /// How many submissions at a time; the exercises of each share the processors that this leaves [default: the
    /// machine's processors]
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// A folder for results.json, a report per submission, and what a stopped batch needs to go on
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// End with exit code 5 where a submission needs a person: nothing was found in it, it is refused or passed over
    #[arg(long)]
    pub strict: bool,
    /// Put all that a test said into results and reports, also what a class's seed drew
    #[arg(long, hide = true)]
    pub outspoken: bool,
    /// How things are judged
    #[command(flatten)]
    pub judging: Judging,
}

/// Options of all commands that judge.
#[derive(Args, Clone, Debug, Default)]
pub struct Judging {
    /// Seed of all that tests draw [default: the usual one; for `grade --out DIR`, the class's own, kept in DIR/seed]
    #[arg(long)]
    pub seed: Option<u64>,
    /// What models are trained on: `none` leaves out the tests of kind training, and their points
    #[arg(long, value_enum, default_value_t)]
    pub train: TrainOn,
    /// For --train mnist: the folder of its files, or that of `data --dir` [default: MNIST_DIR, else where `data fetch` puts them]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// For --train mnist: what to train on
    #[arg(long, value_enum, default_value_t)]
    pub device: Wanted,
    /// What code may take
    #[command(flatten)]
    pub limits: Asked,
    /// How the code is confined: `none` puts on only the limits, and is for code that you trust
    #[arg(long, value_enum, default_value_t)]
    pub sandbox: Sandbox,
    /// Leave a layer out; `attack --prove` shows so what each one stops
    #[arg(long, hide = true, value_name = "LAYER")]
    pub without: Vec<Layer>,
    /// Use the built files that another grader lists, and build nothing
    #[arg(long, hide = true, value_name = "FILE")]
    pub workshop: Option<PathBuf>,
}

/// What models are trained on while they are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TrainOn {
    /// Nothing: no model is trained
    None,
    /// Generated digits, for a second or two
    #[default]
    Digits,
    /// Generated digits, and who reads them all of MNIST, for minutes: 97 % are to be read rightly
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
    /// The exercise: its crate, folder or number. All, where none is given
    #[arg(value_name = "EXERCISE")]
    pub exercises: Vec<String>,
    /// How things are judged
    #[command(flatten)]
    pub judging: Judging,
}

/// Arguments of `call`.
#[derive(Args, Debug)]
pub struct Call {
    /// The exercise: its crate, folder or number
    pub exercise: String,
    /// Show the exercise's operations, and what each takes and gives
    #[arg(long, exclusive = false)]
    pub list: bool,
    /// The operation
    #[arg(required_unless_present = "list")]
    pub operation: Option<String>,
    /// A safetensors file with the tensors that the operation takes; `-` where it takes none; or a folder of such
    /// files
    #[arg(required_unless_present = "list", value_name = "IN")]
    pub input: Option<PathBuf>,
    /// The safetensors file to write the tensors to that it gives; for a folder, the folder for files of the same
    /// names
    #[arg(required_unless_present = "list", value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// A scalar argument of the operation. IN may hold it too, in its metadata, as `argument.NAME`
    #[arg(long = "arg", value_name = "NAME=VALUE")]
    pub arguments: Vec<String>,
    /// Whose code
    #[command(flatten)]
    pub subject: Subject,
}

/// Whose code is run.
#[derive(Args, Clone, Debug, Default)]
pub struct Subject {
    /// Run the reference solution instead of the working copy
    #[arg(long, conflicts_with = "submission")]
    pub solution: bool,
    /// Run a submission, a folder or archive, instead of the working copy
    #[arg(long, value_name = "PATH")]
    pub submission: Option<PathBuf>,
    /// How the code is confined: `none` puts on only the limits, and is for code that you trust
    #[arg(long, value_enum, default_value_t)]
    pub sandbox: Sandbox,
}

/// Arguments of `train`. What is not given is as the preset says.
#[derive(Args, Debug)]
pub struct Train {
    /// Whose code
    #[command(flatten)]
    pub subject: Subject,
    /// What is trained [default: vit]
    #[arg(long, value_enum)]
    pub model: Option<Model>,
    /// What a DeiT takes from its teacher [default: hard]
    #[arg(long, value_enum)]
    pub distillation: Option<Mode>,
    /// What logits are divided by in soft distillation [default: 3]
    #[arg(long)]
    pub temperature: Option<f64>,
    /// The labels' part in soft distillation [default: 0.9]
    #[arg(long)]
    pub alpha: Option<f64>,
    /// A DeiT's teacher, as an earlier run left it [default: it learns first]
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub teacher: Option<PathBuf>,
    /// How often the teacher learns from each image [default: 2]
    #[arg(long, value_name = "EPOCHS", conflicts_with_all = ["teacher", "resume"], value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub teacher_epochs: Option<usize>,
    /// The images [default: digits]
    #[arg(long, value_enum)]
    pub data: Option<Set>,
    /// The folder of the data set's files, or that of `data --dir` [default: MNIST_DIR for mnist, else where `data fetch` puts them]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Learn from so many images only, and be held against a fifth as many
    #[arg(long, value_name = "COUNT")]
    pub images: Option<usize>,
    /// What to train on
    #[arg(long, value_enum, default_value_t)]
    pub device: Wanted,
    /// Calculate in bf16, with weights in f32: twice as fast on a GPU
    #[arg(long)]
    pub amp: bool,
    /// The model, and how it is trained [default: mnist]
    #[arg(long, value_enum)]
    pub preset: Option<Preset>,
    /// Side of the model's patches, in pixels
    #[arg(long, value_name = "PIXELS")]
    pub patch: Option<i64>,
    /// The model's embedding dimension
    #[arg(long)]
    pub dim: Option<i64>,
    /// The model's blocks
    #[arg(long, value_name = "BLOCKS")]
    pub depth: Option<i64>,
    /// The model's heads
    #[arg(long)]
    pub heads: Option<i64>,
    /// The share of numbers that training sets to 0
    #[arg(long, value_name = "SHARE")]
    pub dropout: Option<f64>,
    /// How often each image is learnt from
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Images in a step
    #[arg(long, value_name = "IMAGES")]
    pub batch: Option<usize>,
    /// The largest learning rate
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// The share of all steps until the largest learning rate is reached
    #[arg(long, value_name = "SHARE")]
    pub warmup: Option<f64>,
    /// What weights lose of themselves in a step, in learning rates
    #[arg(long)]
    pub decay: Option<f64>,
    /// The most that gradients may be long together; 0 is no limit
    #[arg(long, value_name = "LENGTH")]
    pub clip: Option<f64>,
    /// The share of a label that goes to all classes
    #[arg(long, value_name = "SHARE")]
    pub smoothing: Option<f64>,
    /// All that is random is drawn from it [default: 0]
    #[arg(long)]
    pub seed: Option<u64>,
    /// End when the loss on the validation set did not fall in so many epochs
    #[arg(long, value_name = "EPOCHS", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub patience: Option<usize>,
    /// The folder for checkpoints, history and pictures [default: a new one in target/grader/train]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with the run of this folder, as if it had never been stopped; its options are kept there
    #[arg(long, value_name = "DIR", conflicts_with = "preset")]
    pub resume: Option<PathBuf>,
}

/// Arguments of `draw`.
#[derive(Args, Debug)]
pub struct Draw {
    /// The exercise: its crate, folder or number
    pub exercise: String,
    /// The folder that the pictures are written to [default: target/pictures/EXERCISE]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// A PNG or JPEG to look at, of any size, instead of a generated digit; its middle is taken
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// A trained model: safetensors with timm's names, as `train` writes them (best.safetensors). msa draws its
    /// first block, vit and deit all of it, rollout its attention
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Whose code
    #[command(flatten)]
    pub subject: Subject,
}

/// Arguments of `cost`.
#[derive(Args, Debug)]
pub struct Cost {
    /// Side of the images, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 224)]
    pub image: u64,
    /// Only this side of patches, in pixels. May be given several times [default: all that divide the image's, from 2]
    #[arg(long, value_name = "PIXELS")]
    pub patch: Vec<u64>,
    /// Channels of the images
    #[arg(long, default_value_t = 3)]
    pub channels: u64,
    /// Embedding dimension
    #[arg(long, default_value_t = 192)]
    pub dim: u64,
    /// Blocks
    #[arg(long, default_value_t = 12)]
    pub depth: u64,
    /// Heads
    #[arg(long, default_value_t = 3)]
    pub heads: u64,
    /// Hidden columns of the MLPs, in embedding dimensions
    #[arg(long, default_value_t = 4)]
    pub mlp_ratio: u64,
    /// Classes
    #[arg(long, default_value_t = 1000)]
    pub classes: u64,
    /// Only count: take no time of the model of exercise 05, which needs libtorch
    #[arg(long)]
    pub no_time: bool,
    /// Whose code is timed
    #[command(flatten)]
    pub subject: Subject,
}

/// Arguments of `data`.
#[derive(Args, Debug)]
pub struct Data {
    /// A folder that holds a folder for each data set [default: MNIST_DIR for mnist itself, else in the user's cache]
    #[arg(long, global = true, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: DataCommand,
}

/// What `data` can do.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Fetch a data set; what broke off goes on where it was
    Fetch {
        /// The data set
        set: Set,
        /// The URL of a folder that holds the files, with its last slash, instead of where they were published. May be
        /// given several times
        #[arg(long, value_name = "URL")]
        mirror: Vec<String>,
    },
    /// Say what is there and what is missing
    List,
    /// Draw some images of each class
    Show {
        /// The data set
        set: Set,
        /// The folder that the picture is written to [default: target/pictures/data]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Arguments of `attack`.
#[derive(Args, Debug)]
pub struct Attack {
    /// Only the attacks whose name begins so: `04` or `04-include`. May be given several times
    #[arg(long, alias = "only", value_name = "NAME")]
    pub attack: Vec<String>,
    /// Show instead, in a copy of this machine that is thrown away, that attacks gain something once the layers that
    /// stop them are left out: most need one
    #[arg(long)]
    pub prove: bool,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub struct Verify {
    /// Only the proofs of the course, without the tests of the workspace
    #[arg(long)]
    pub proofs_only: bool,
    /// Only the proofs of these names, such as `catalogue`, without the tests. May be given several times
    #[arg(long, alias = "only", value_name = "NAME")]
    pub proof: Vec<String>,
    /// Only this exercise: its crate, folder or number. May be given several times
    #[arg(long, value_name = "EXERCISE")]
    pub exercise: Vec<String>,
    /// Store the reference's answers to the drawn cases beside the tests, and prove nothing
    #[arg(long, conflicts_with_all = ["proofs_only", "proof"])]
    pub store: bool,
}

/// Arguments of `setup`.
#[derive(Args, Debug)]
pub struct Setup {
    /// With CUDA: about 3 GB more
    #[arg(long)]
    pub cuda: bool,
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

/// Arguments of `copied`.
#[derive(Args, Debug)]
pub struct Copied {
    /// The empty folder where the copy is put together; without it, this is the copy's first process
    #[arg(long)]
    pub place: Option<PathBuf>,
    /// The grader's arguments
    #[arg(required = true, last = true)]
    pub arguments: Vec<OsString>,
}

/// Arguments of `attempt`.
#[derive(Args, Debug)]
pub struct Attempt {
    /// The places that are laid out for attacks
    #[arg(long, value_name = "DIR")]
    pub places: PathBuf,
    /// The attack, by its whole name; without it, it is only found out whether one can be tried here
    #[arg(long, value_name = "NAME")]
    pub attack: Option<String>,
    /// This is a copy of the machine that is thrown away
    #[arg(long)]
    pub copied: bool,
    /// Leave out the layers that stop it
    #[arg(long, requires = "copied")]
    pub let_through: bool,
}
