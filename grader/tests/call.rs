//! `grader call`: what is answered, refused, shown of what a function prints, and stopped.

mod common;

use common::{heeding_signals, signal};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use wire::{Frame, Tensors};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A request for what patches of this side cost on an image of 8 pixels.
fn write_request(folder: &Path, name: &str, patch: &str) -> Result {
    let arguments = [
        ("image", "8"),
        ("patch", patch),
        ("channels", "3"),
        ("dim", "5"),
    ];
    let named = arguments.map(|(name, value)| (format!("argument.{name}"), value.to_owned()));
    let request = Frame {
        metadata: BTreeMap::from(named),
        ..Frame::default()
    };
    fs::write(
        folder.join(format!("{name}.safetensors")),
        request.encode()?,
    )?;
    Ok(())
}

fn command(submission: &Path, input: &Path, output: &Path) -> Command {
    let mut command = heeding_signals(env!("CARGO_BIN_EXE_grader"));
    command
        .args(["call", "patchify", "cost"])
        .args([input, output])
        .arg("--submission")
        .arg(submission)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn call_cost(submission: &Path, input: &Path, output: &Path, more: &[&str]) -> Result<Output> {
    Ok(command(submission, input, output).args(more).output()?)
}

/// Patches of 2 end the process. Patches of 3 panic, as they must.
const ENDS: &str = "if patch == 2 { std::process::exit(0) }";

/// The solution, but that `cost` begins with some lines more.
fn submission(folder: &Path, begin: &str) -> Result {
    let solution =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../solutions/01-patchify/src/lib.rs");
    let right = fs::read_to_string(solution)?;
    let start = "    let patches = divide(image, patch,";
    let source = right.replacen(start, &format!("{begin}\n{start}"), 1);
    assert_ne!(source, right);
    let src = folder.join("01-patchify/src");
    fs::create_dir_all(&src)?;
    fs::write(src.join("lib.rs"), source)?;
    Ok(())
}

fn patches(file: &Path) -> Result<f64> {
    let answer = Frame::decode(&fs::read(file)?, &wire::FrameLimits::default())?;
    Ok(answer.tensors["cost"].to_f64()[0])
}

#[test]
fn each_file_of_a_folder_is_answered_and_one_that_ends_the_worker_spoils_no_other() -> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    submission(&at("ada"), ENDS)?;
    fs::create_dir(at("in"))?;
    for (name, patch) in [("a", "4"), ("b", "2"), ("c", "3"), ("d", "8")] {
        write_request(&at("in"), name, patch)?;
    }

    let called = call_cost(&at("ada"), &at("in"), &at("out"), &[])?;
    let said = String::from_utf8(called.stderr)?;
    assert_eq!(called.status.code(), Some(1), "{said}");
    assert_eq!(patches(&at("out/a.safetensors"))?, 4.0);
    assert_eq!(patches(&at("out/d.safetensors"))?, 1.0);
    assert!(!at("out/b.safetensors").exists() && !at("out/c.safetensors").exists());
    let line = |name: &str| {
        said.lines()
            .find(|line| line.contains(name))
            .unwrap_or_default()
    };
    assert!(
        line("in/b.safetensors: ").contains("ended the process"),
        "{said}"
    );
    assert!(
        line("in/c.safetensors: ").contains("cannot divide 8"),
        "{said}"
    );

    // `--arg` counts for more than what a file says.
    let one = at("one.safetensors");
    let called = call_cost(
        &at("ada"),
        &at("in/b.safetensors"),
        &one,
        &["--arg", "patch=1"],
    )?;
    assert!(
        called.status.success(),
        "{}",
        String::from_utf8_lossy(&called.stderr)
    );
    assert_eq!(patches(&one)?, 64.0);
    Ok(())
}

#[test]
fn a_file_that_lacks_an_argument_is_named_before_anything_is_done() -> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    submission(&at("ada"), ENDS)?;
    fs::create_dir(at("in"))?;
    write_request(&at("in"), "a", "4")?;
    fs::write(at("in/b.safetensors"), Frame::default().encode()?)?;
    let called = call_cost(&at("ada"), &at("in"), &at("out"), &[])?;
    let said = String::from_utf8(called.stderr)?;
    assert_eq!(called.status.code(), Some(2), "{said}");
    assert!(
        said.contains("b.safetensors") && said.contains("image is missing"),
        "{said}"
    );
    assert!(!at("out").exists());
    Ok(())
}

/// Calls `cost` of such a submission once, on what it can answer.
fn call_once(scratch: &Path, begin: &str) -> Result<Output> {
    submission(&scratch.join("ada"), begin)?;
    write_request(scratch, "in", "4")?;
    let [ada, input, output] =
        ["ada", "in.safetensors", "out.safetensors"].map(|name| scratch.join(name));
    call_cost(&ada, &input, &output, &[])
}

#[test]
fn what_breaks_a_rule_is_not_run() -> Result {
    let scratch = tempfile::tempdir()?;
    // Runs before the worker seals itself, where it runs.
    let early = r#"
        #[allow(unsafe_code)]
        mod early {
            #[unsafe(link_section = ".init_array")]
            #[used]
            static EARLY: extern "C" fn() = early;
            extern "C" fn early() {
                println!("early");
            }
        }"#;
    let called = call_once(scratch.path(), early)?;
    let said = String::from_utf8(called.stderr)?;
    assert_eq!(called.status.code(), Some(1), "{said}");
    assert!(
        said.contains("it is not accepted: exercises/01-patchify/src/lib.rs:"),
        "{said}"
    );
    assert!(!said.contains("early"), "{said}");
    Ok(())
}

#[test]
fn the_end_of_what_a_function_prints_is_shown_as_text() -> Result {
    let scratch = tempfile::tempdir()?;
    let begin = r#"
        eprint!("{}", "flood\n".repeat(1 << 20));
        println!("\u{1b}[2J\n::error::forged");
        dbg!(patch);"#;
    let called = call_once(scratch.path(), begin)?;
    let said = String::from_utf8(called.stderr)?;
    assert!(called.status.success(), "{said}");
    assert!(said.len() < 8 << 10, "{} bytes", said.len());
    let (_, printed) = said
        .split_once("the last it printed:\n")
        .ok_or("nothing printed")?;
    assert!(
        printed.contains("\\u{1b}[2J\n\\u{3a}:error::forged\n"),
        "{printed}"
    );
    assert!(printed.trim_end().ends_with("patch = 4"), "{printed}");
    Ok(())
}

#[test]
fn how_a_function_ended_the_process_is_told_and_what_it_said() -> Result {
    let scratch = tempfile::tempdir()?;
    for (end, told) in [
        ("exit(7)", "it ended the process with exit code 7"),
        ("abort()", "it aborted the process (SIGABRT)"),
    ] {
        let called = call_once(
            scratch.path(),
            &format!("println!(\"farewell\"); std::process::{end};"),
        )?;
        let said = String::from_utf8(called.stderr)?;
        assert_eq!(called.status.code(), Some(1), "{said}");
        assert!(
            said.contains(told) && said.contains("the last it printed:\nfarewell"),
            "{said}"
        );
    }
    Ok(())
}

#[test]
fn a_link_to_a_submission_is_one() -> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    submission(&at("ada"), ENDS)?;
    symlink(at("ada"), at("link"))?;
    write_request(scratch.path(), "in", "4")?;
    let called = call_cost(
        &at("link"),
        &at("in.safetensors"),
        &at("out.safetensors"),
        &[],
    )?;
    assert!(
        called.status.success(),
        "{}",
        String::from_utf8_lossy(&called.stderr)
    );
    assert_eq!(patches(&at("out.safetensors"))?, 4.0);
    Ok(())
}

/// The longest time that a stop may take. Code that is not stopped runs into a limit on time, of which the compiler's
/// is the shortest: 30 s.
const LIMIT: Duration = Duration::from_secs(25);

/// Presses Ctrl-C once a child of the command is a program of this name that has computed for a while; returns its
/// output, and the time until it ended.
fn interrupted(scratch: &Path, begin: &str, program: &str) -> Result<(Output, Duration)> {
    submission(&scratch.join("ada"), begin)?;
    write_request(scratch, "in", "4")?;
    let [ada, input, output] =
        ["ada", "in.safetensors", "out.safetensors"].map(|name| scratch.join(name));
    let mut child = command(&ada, &input, &output)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    while !has_child(child.id(), program) && child.try_wait()?.is_none() {
        thread::sleep(Duration::from_millis(20));
    }
    let begin = Instant::now();
    signal(child.id(), Signal::INT)?;
    let output = child.wait_with_output()?;
    Ok((output, begin.elapsed()))
}

/// Processor time in hundredths of a second, more than a program takes until it is asked or has read its sources.
/// Time by the clock would say nothing on a busy machine.
const STARTED: u64 = 50;

/// Returns whether a process has a child that is a program of this name, was given something in a scratch folder, and is well
/// under way.
fn has_child(process: u32, program: &str) -> bool {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let is_one = |child: &str| {
        let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
        let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        // See proc_pid_stat(5): the fields after the name.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let computed = fields.split_whitespace().nth(11);
        let computed: u64 = computed.and_then(|time| time.parse().ok()).unwrap_or(0);
        // A worker is not told where it lies.
        let is_ours =
            program == "worker" || String::from_utf8_lossy(&line).contains("grader/scratch");
        name.trim() == program && is_ours && computed >= STARTED
    };
    children.unwrap_or_default().split_whitespace().any(is_one)
}

#[test]
fn ctrl_c_ends_a_function_that_never_ends() -> Result {
    let scratch = tempfile::tempdir()?;
    let (output, taken) = interrupted(scratch.path(), "println!(\"so far\"); loop {}", "worker")?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(taken < LIMIT, "{taken:?}");
    assert!(
        said.ends_with("the last it printed:\nso far\nstopped\n"),
        "{said}"
    );
    Ok(())
}

#[test]
fn ctrl_c_while_it_is_compiled_is_not_blamed_on_the_code() -> Result {
    let scratch = tempfile::tempdir()?;
    let endless = "#[allow(long_running_const_eval)] const _: () = loop {};";
    let (output, taken) = interrupted(scratch.path(), endless, "rustc")?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(taken < LIMIT, "{taken:?}");
    assert!(
        said.ends_with("stopped\n") && !said.contains("takes more"),
        "{said}"
    );
    Ok(())
}

/// Calls an operation of the reference of an exercise; gives what it said, and its exit code.
fn call_solution(
    exercise: &str,
    operation: &str,
    input: &Path,
    output: &Path,
    arguments: &[&str],
) -> Result<(Option<i32>, String)> {
    let called = Command::new(env!("CARGO_BIN_EXE_grader"))
        .args(["call", exercise, operation])
        .args([input, output])
        .args(arguments.iter().map(|argument| format!("--arg={argument}")))
        .arg("--solution")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    Ok((called.status.code(), String::from_utf8(called.stderr)?))
}

/// The arguments of a small ViT that have no default.
const SMALL: [&str; 7] = [
    "image=8",
    "patch=4",
    "channels=1",
    "classes=3",
    "dim=8",
    "depth=1",
    "heads=2",
];

#[test]
fn arguments_that_have_a_default_are_filled_in_and_listed() -> Result {
    let scratch = tempfile::tempdir()?;
    let count = |arguments: &[&str]| -> Result<Vec<f64>> {
        let output = scratch.path().join("count.safetensors");
        let (code, said) = call_solution("vit", "parameters", "-".as_ref(), &output, arguments)?;
        assert_eq!(code, Some(0), "{said}");
        let answer = Frame::decode(&fs::read(&output)?, &wire::FrameLimits::default())?;
        Ok(answer.tensors["parameters"].to_f64())
    };
    let all = ["mlp_ratio=4", "dropout=0", "positions=learned", "pool=cls"];
    let usual = count(&SMALL)?;
    assert_eq!(usual, count(&[&SMALL[..], &all].concat())?);
    assert_ne!(usual, count(&[&SMALL[..], &["mlp_ratio=2"]].concat())?);
    assert_ne!(
        usual,
        count(&[&SMALL[..], &["positions=sinusoidal"]].concat())?
    );

    let (code, said) = call_solution(
        "vit",
        "parameters",
        "-".as_ref(),
        "out".as_ref(),
        &SMALL[1..],
    )?;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the argument image is missing"), "{said}");

    let list = Command::new(env!("CARGO_BIN_EXE_grader"))
        .args(["call", "vit", "--list"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    let list = String::from_utf8(list.stdout)?;
    for (name, default) in [
        ("mlp_ratio", "4"),
        ("dropout", "0"),
        ("positions", "learned"),
        ("pool", "cls"),
    ] {
        let line = list
            .lines()
            .find(|line| line.contains(name))
            .unwrap_or_default();
        assert!(line.ends_with(&format!("[default: {default}]")), "{list}");
    }
    Ok(())
}

#[test]
fn an_argument_of_one_choice_is_not_asked_for_with_another() -> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    let logits = || wire::RawTensor::from(&ndarray::arr2(&[[1.0_f32, -1.0]]));
    let frame = Frame {
        tensors: [
            ("class_logits".to_owned(), logits()),
            ("dist_logits".to_owned(), logits()),
            ("teacher_logits".to_owned(), logits()),
            ("labels".to_owned(), (&ndarray::arr1(&[0_i64])).into()),
        ]
        .into(),
        ..Frame::default()
    };
    fs::write(at("in"), frame.encode()?)?;
    let call = |arguments: &[&str]| {
        call_solution(
            "deit",
            "distillation_loss",
            &at("in"),
            &at("out"),
            arguments,
        )
    };
    let (code, said) = call(&["mode=hard"])?;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = call(&["mode=hard", "temperature=3", "alpha=0.9"])?;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = call(&["mode=soft", "alpha=0.9"])?;
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("the argument temperature is missing"),
        "{said}"
    );
    Ok(())
}

/// The weights of a small ViT as its operation `vit` takes them, with one image.
fn vit(tokens: usize) -> Tensors {
    let mut mixer = wire::Mixer::new("vit");
    let mut sizes = vec![
        ("images", vec![1, 1, 8, 8]),
        ("cls_token", vec![1, 1, 8]),
        ("pos_embed", vec![1, tokens, 8]),
        ("patch_embed.proj.weight", vec![8, 1, 4, 4]),
        ("patch_embed.proj.bias", vec![8]),
        ("norm.weight", vec![8]),
        ("norm.bias", vec![8]),
        ("head.weight", vec![3, 8]),
        ("head.bias", vec![3]),
    ];
    sizes.extend([
        ("blocks.0.norm1.weight", vec![8]),
        ("blocks.0.norm1.bias", vec![8]),
        ("blocks.0.attn.qkv.weight", vec![24, 8]),
        ("blocks.0.attn.qkv.bias", vec![24]),
        ("blocks.0.attn.proj.weight", vec![8, 8]),
        ("blocks.0.attn.proj.bias", vec![8]),
        ("blocks.0.norm2.weight", vec![8]),
        ("blocks.0.norm2.bias", vec![8]),
        ("blocks.0.mlp.fc1.weight", vec![32, 8]),
        ("blocks.0.mlp.fc1.bias", vec![32]),
        ("blocks.0.mlp.fc2.weight", vec![8, 32]),
        ("blocks.0.mlp.fc2.bias", vec![8]),
    ]);
    let named = sizes.into_iter().map(|(name, size)| {
        let array = ndarray::ArrayD::from_shape_simple_fn(size, || mixer.uniform() as f32);
        (name.to_owned(), wire::RawTensor::from(&array))
    });
    named.collect()
}

#[test]
fn weights_are_taken_as_people_have_them() -> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    fs::create_dir(at("in"))?;
    let write = |name: &str, tensors: Tensors| -> Result {
        let frame = Frame {
            tensors,
            ..Frame::default()
        };
        Ok(fs::write(
            at("in").join(format!("{name}.safetensors")),
            frame.encode()?,
        )?)
    };
    let changed =
        |change: &dyn Fn(String, wire::RawTensor) -> Result<(String, wire::RawTensor)>| {
            let weights = vit(5)
                .into_iter()
                .map(|(name, tensor)| match name.as_str() {
                    "images" => Ok((name, tensor)),
                    _ => change(name, tensor),
                });
            weights.collect::<Result<Tensors>>()
        };
    write("plain", vit(5))?;
    write(
        "wrapped",
        changed(&|name, tensor| Ok((format!("_orig_mod.module.{name}"), tensor)))?,
    )?;
    write(
        "wide",
        changed(&|name, tensor| {
            Ok((name, tensor.with_values(wire::Dtype::F64, tensor.to_f64())?))
        })?,
    )?;
    let (code, said) = call_solution("vit", "vit", &at("in"), &at("out"), &SMALL)?;
    assert_eq!(code, Some(0), "{said}");
    let answer = |name: &str| -> Result<Tensors> {
        let file = at("out").join(format!("{name}.safetensors"));
        Ok(Frame::decode(&fs::read(file)?, &wire::FrameLimits::default())?.tensors)
    };
    assert_eq!(answer("wrapped")?, answer("plain")?);
    assert_eq!(answer("wide")?, answer("plain")?);
    Ok(())
}

/// The exit code and the words of a call of the small ViT with these tensors.
fn call_small_vit(tensors: Tensors) -> Result<(Option<i32>, String)> {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    let frame = Frame {
        tensors,
        ..Frame::default()
    };
    fs::write(at("in"), frame.encode()?)?;
    call_solution("vit", "vit", &at("in"), &at("out"), &SMALL)
}

#[test]
fn weights_of_another_model_are_told_by_what_differs() -> Result {
    let said = |tensors: Tensors| -> Result<String> {
        let (code, said) = call_small_vit(tensors)?;
        assert_eq!(code, Some(2), "{said}");
        assert!(
            !said.contains("sandbox: "),
            "before anything is built: {said}"
        );
        Ok(said)
    };
    let mut deit = vit(6);
    deit.insert("dist_token".to_owned(), deit["cls_token"].clone());
    let of_deit = said(deit)?;
    assert!(
        of_deit.contains("these are the weights of a DeiT"),
        "{of_deit}"
    );
    assert!(
        of_deit.contains("hint: `cargo grader call deit` takes them"),
        "{of_deit}"
    );
    let of_larger = said(vit(1 + 9))?;
    let expected =
        "pos_embed holds 10 tokens, as for images of 12 px, where image=8 and patch=4 make 5";
    assert!(of_larger.contains(expected), "{of_larger}");
    assert!(of_larger.contains("--arg image=12"), "{of_larger}");
    Ok(())
}

#[test]
fn weights_that_are_missing_or_of_no_use_are_named_and_no_others() -> Result {
    let mut tensors = vit(5);
    tensors.remove("head.bias");
    tensors.insert("fc.weight".to_owned(), tensors["head.weight"].clone());
    let (code, said) = call_small_vit(tensors)?;
    assert_eq!(code, Some(2), "{said}");
    let expected =
        "not the module's variables: it lacks head.bias; the module has no variable fc.weight\n";
    assert!(said.contains(expected), "{said}");
    Ok(())
}
