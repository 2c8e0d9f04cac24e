//! Tests of the observer, in a process of their own: what it sees, it sees of all threads.

mod ways;

use crate::Observer;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{env, fs, panic};
use tch::{Device, Kind, Tensor, nn};
use toml::{Table, Value};

/// A call of one of tch's functions: nothing where it was made, and the words of libtorch where it was not.
type Way = fn(&mut Tensor) -> Option<String>;

/// The messages of libtorch for an operator that computes on other devices alone, given before it is called.
const NOT_HERE: [&str; 2] = ["Could not run '", "not compiled with"];

/// The exit codes of a process that made a call, could not make it here, or came to a forbidden operator.
const MADE: i32 = 0;
const NOT_ABLE: i32 = 1;
const ENDED: i32 = 124;

mod child {
    #![expect(
        unsafe_code,
        reason = "forks, which needs no more of the child than it uses"
    )]

    /// The exit code of a process of its own that runs `act`, which gives the code; none where a signal ends it.
    pub(super) fn exit_code(act: impl FnOnce() -> i32) -> Option<i32> {
        // SAFETY: the child goes on with this thread alone, and ends without anything of the parent's being undone.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "no process can be started");
        if child == 0 {
            // SAFETY: both are system calls.
            unsafe { libc::alarm(30) };
            let code = act();
            unsafe { libc::_exit(code) }
        }
        let mut status = 0;
        // SAFETY: the status is written where it is.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(waited, child);
        libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
    }
}

/// The end of a process in which `call` is called while an operation of the exercise is served.
fn end(observer: &Observer, operation: &str, call: impl FnOnce()) -> Option<i32> {
    child::exit_code(|| {
        observer.serve(operation);
        call();
        MADE
    })
}

fn ones(sizes: &[i64]) -> Tensor {
    Tensor::ones(sizes, (Kind::Float, Device::Cpu))
}

#[test]
fn a_process_that_ends_at_once_ends_with_its_own_exit_code() {
    let ends = child::exit_code(|| {
        crate::end_at_once();
        std::process::exit(7)
    });
    assert_eq!(ends, Some(7));
}

/// One test, since a process has one observer.
#[test]
fn a_process_ends_at_each_way_to_a_forbidden_operator_and_at_no_other() {
    let served = ["layer_norm", "rms_norm", "drop_path", "mlp", "block"];
    let observer = Observer::start(&served).expect("the operations of one exercise");
    let mut unseen = vec![];
    for (name, way) in ways::WAYS {
        let end_in = |operation: &&str| {
            child::exit_code(|| {
                observer.serve(operation);
                let words = way(&mut ones(&[2, 2, 2, 2])).unwrap_or_default();
                let is_able = !NOT_HERE.iter().any(|not_here| words.contains(not_here));
                if is_able { MADE } else { NOT_ABLE }
            })
        };
        let ends: Vec<_> = served.iter().map(end_in).collect();
        if !ends.contains(&Some(ENDED)) && ends != [Some(NOT_ABLE); 5] {
            unseen.push(format!("{name}: {ends:?}"));
        }
    }
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));

    let x = ones(&[2, 3, 4, 4]).set_requires_grad(true);
    let vs = nn::VarStore::new(Device::Cpu);
    let layer = nn::layer_norm(vs.root(), vec![4], Default::default());
    let group = nn::group_norm(vs.root(), 1, 3, Default::default());
    let batch = nn::batch_norm2d(vs.root(), 3, Default::default());
    let norms: [&dyn Fn() -> Tensor; 3] = [&|| x.apply(&layer), &|| x.apply(&group), &|| {
        x.apply_t(&batch, true)
    }];
    for norm in norms {
        assert_eq!(end(&observer, "layer_norm", || drop(norm())), Some(ENDED));
        // A part of an operation is that operation.
        assert_eq!(
            end(&observer, "layer_norm.part", || drop(norm())),
            Some(ENDED)
        );
        assert_eq!(end(&observer, "block", || drop(norm())), Some(MADE));
        assert_eq!(end(&observer, "unknown", || drop(norm())), Some(MADE));
        // Its gradient has operators of its own, and other threads are looked at, too.
        let gradient = || {
            observer.serve("block");
            let loss = norm().sum(Kind::Float);
            observer.serve("layer_norm");
            loss.backward();
        };
        assert_eq!(end(&observer, "block", gradient), Some(ENDED));
        let elsewhere = || {
            observer.serve("block");
            let y = norm();
            observer.serve("rms_norm");
            let thread =
                std::thread::spawn(move || y.layer_norm([4], None::<Tensor>, None, 1e-6, false));
            let _ = thread.join();
        };
        assert_eq!(end(&observer, "block", elsewhere), Some(ENDED));
    }
    let by_hand = || drop((&x - x.mean(Kind::Float)) * x.var(true).rsqrt());
    assert_eq!(end(&observer, "layer_norm", by_hand), Some(MADE));
    let dropout = || drop(x.dropout(0.5, true));
    assert_eq!(end(&observer, "drop_path", dropout), Some(MADE));
    let attention = || {
        let none = None::<Tensor>;
        drop(Tensor::scaled_dot_product_attention(
            &x, &x, &x, none, 0.0, false, None, false,
        ));
    };
    assert_eq!(end(&observer, "unknown", attention), Some(ENDED));
}

#[test]
fn what_is_served_must_be_the_operations_of_one_exercise() {
    assert!(crate::operations(&["attention"]).is_err());
    assert!(crate::operations(&[]).is_err());
    let msa = crate::operations(&["msa.new", "msa", "attention", "headwise"]);
    assert!(msa.is_ok_and(|msa| msa.last().is_some_and(|(name, _)| *name == crate::OTHERS)));
}

/// Set where the ways are to be written anew: after an update of tch, or with another family in a manifest.
const WRITE: &str = "OBSERVER_WRITES_WAYS";

#[test]
fn the_ways_are_all_functions_of_tch_whose_names_hold_a_family() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let families = families(&here.join("../../exercises"));
    let bindings = fs::read_to_string(bindings()).expect("the sources of tch");
    let expected = ways_of(&bindings, &families);
    let file = here.join("src/tests/ways.rs");
    if env::var_os(WRITE).is_some() {
        fs::write(&file, &expected).expect("the ways can be written");
    }
    let written = fs::read_to_string(&file).expect("the ways can be read");
    assert!(
        written == expected,
        "tch or the families have changed: run this test with {WRITE}=1"
    );
    for family in families {
        assert!(
            expected.contains(&family),
            "tch has no function of the family {family}"
        );
    }
}

#[test]
fn what_may_be_called_nowhere_may_not_be_named_either() {
    let exercises = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../exercises");
    for forbidden in forbidden(&exercises) {
        let operators = names(forbidden.get("operators"));
        let words = names(forbidden.get("words"));
        for (name, _) in ways::WAYS {
            let is_in = |family: &String| name.contains(family);
            if operators.iter().any(is_in) {
                assert!(
                    words.iter().any(is_in),
                    "{name} has none of the words {words:?}"
                );
            }
        }
    }
}

/// All families of operators that a manifest names.
fn families(exercises: &Path) -> Vec<String> {
    let mut families = vec![];
    for forbidden in forbidden(exercises) {
        families.extend(names(forbidden.get("operators")));
        let single = forbidden.get("by-operation").and_then(Value::as_table);
        let lists = single.into_iter().flat_map(|single| single.values());
        families.extend(lists.flat_map(|list| names(Some(list))));
    }
    families.sort();
    families.dedup();
    families
}

/// The forbidden names of each manifest.
fn forbidden(exercises: &Path) -> Vec<Table> {
    let folders = fs::read_dir(exercises).expect("the exercises");
    let manifests = folders.filter_map(|folder| {
        let path = folder.expect("an exercise").path().join("Cargo.toml");
        fs::read_to_string(path).ok()
    });
    let forbidden = manifests.map(|text| {
        let mut value: Value = Value::Table(text.parse().expect("a manifest"));
        for key in ["package", "metadata", "exercise", "forbidden"] {
            value = value.get(key).cloned().expect("what a manifest forbids");
        }
        value.as_table().cloned().expect("a table")
    });
    forbidden.collect()
}

fn names(list: Option<&Value>) -> Vec<String> {
    let names = list.and_then(Value::as_array).into_iter().flatten();
    names
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect()
}

/// The file of tch's bindings. A panic of tch says where its sources lie, wherever cargo has them.
fn bindings() -> PathBuf {
    static PLACE: Mutex<Option<PathBuf>> = Mutex::new(None);
    let before = panic::take_hook();
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| place.file().into());
        *PLACE.lock().expect("nobody panics with it") = place;
    }));
    let panicked = panic::catch_unwind(|| Tensor::from(1.0).reshape([2, 2]));
    panic::set_hook(before);
    assert!(panicked.is_err());
    let place = PLACE.lock().expect("nobody panics with it").take();
    place
        .expect("a panic has a place")
        .with_file_name("tensor_fallible_generated.rs")
}

/// Calls of all functions among tch's bindings whose names hold a family, as Rust.
fn ways_of(bindings: &str, families: &[String]) -> String {
    let mut ways = String::from(
        "//! Calls of all functions of tch whose names hold a family that is forbidden. Written by the test that compares them\n\
         //! with the sources of tch: see there.\n\n\
         use super::Way;\nuse tch::Tensor;\n\n\
         #[rustfmt::skip]\npub(super) const WAYS: &[(&str, Way)] = &[\n",
    );
    for function in bindings.split("    pub fn f_").skip(1) {
        let name_end = function.find(['<', '(']).expect("a name");
        let name = &function[..name_end];
        if !families.iter().any(|family| name.contains(family)) {
            continue;
        }
        let (signature, _) = function.split_once(") -> ").expect("a result");
        let (_, parameters) = signature[name_end..].split_once('(').expect("parameters");
        let (mut receiver, mut arguments) = ("Tensor::", vec![]);
        for parameter in parameters
            .split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty())
        {
            let kind = parameter
                .split_once(": ")
                .map_or(parameter, |(_, kind)| kind);
            arguments.push(match kind {
                "&self" | "&mut self" => {
                    receiver = "t.";
                    continue;
                }
                "&Tensor" => "&u",
                "Option<T>" => "None::<Tensor>",
                "i64" => "1",
                "f64" => "0.5",
                "bool" => "false",
                "impl IntList" => "[2]",
                kind if kind.starts_with("impl Into<Option<") => "None",
                other => panic!("f_{name} takes {other}, for which there is no argument yet"),
            });
        }
        let arguments = arguments.join(", ");
        ways.push_str(&format!(
            "    (\"{name}\", |t| {{ let u = t.copy(); let _ = &u; {receiver}f_{name}({arguments}).err().map(|error| error.to_string()) }}),\n"
        ));
    }
    ways.push_str("];\n");
    ways
}
