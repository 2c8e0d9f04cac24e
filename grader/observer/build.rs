//! Compiles the observer, and writes down what each exercise's manifest forbids, for C++ and for Rust.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};
use toml::{Table, Value};

// The workspace's own words for what a worker says at its end.
#[path = "../wire/src/words.rs"]
#[allow(dead_code, unreachable_pub)]
mod words;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let (cpp, rust) = tables(Path::new("../../exercises"));
    fs::write(out.join("operations.inc"), cpp).expect("OUT_DIR can be written");
    fs::write(out.join("operations.rs"), rust).expect("OUT_DIR can be written");
    // A new exercise is a new member of the workspace.
    for path in [
        "src/observer.cpp",
        "../wire/src/words.rs",
        "../../Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
    let library = env::var_os("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch is");
    println!("cargo::rerun-if-env-changed=LIBTORCH_INCLUDE");
    let root = env::var_os("LIBTORCH_INCLUDE").map(PathBuf::from);
    let root = root.or_else(|| Some(Path::new(&library).parent()?.to_owned()));
    let root = root.expect("libtorch has a folder");
    // As torch-sys compiles its binding; and fast in every profile, since it runs at each operator.
    println!("cargo::rerun-if-env-changed=LIBTORCH_CXX11_ABI");
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .warnings(false)
        .opt_level(2)
        .debug(false)
        .include(root.join("include"))
        .include(root.join("include/torch/csrc/api/include"))
        .include(&out)
        .flag("-std=c++17")
        .flag(format!("-D_GLIBCXX_USE_CXX11_ABI={abi}"))
        .file("src/observer.cpp")
        .compile("observer");
}

/// The operations of all exercises that use libtorch, with what is forbidden in each, as C++; and which number each of them
/// has, as Rust. The last of an exercise, `*`, stands for what its worker serves besides.
fn tables(exercises: &Path) -> (String, String) {
    let mut folders: Vec<_> = fs::read_dir(exercises)
        .expect("the exercises can be read")
        .map(|entry| entry.expect("the exercises can be read").path())
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .collect();
    folders.sort();
    let mut cpp = format!(
        "constexpr int EXIT_CODE = {};\nconstexpr const char *LINE = {:?};\nconst Operation OPERATIONS[] = {{\n",
        words::FORBIDDEN,
        words::FORBIDDEN_OPERATOR
    );
    let mut rust = String::from("const EXERCISES: &[Exercise] = &[\n");
    let mut number = 0;
    for folder in folders {
        let path = folder.join("Cargo.toml");
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).expect("a manifest can be read");
        let manifest: Table = text
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let at = |table: &Table, keys: &[&str]| -> Option<Value> {
            let (last, before) = keys.split_last()?;
            let inner = before
                .iter()
                .try_fold(table, |table, key| table.get(*key)?.as_table());
            inner?.get(*last).cloned()
        };
        if at(&manifest, &["dependencies", "tch"]).is_none() {
            continue;
        }
        let metadata = ["package", "metadata", "exercise"];
        let facts = at(&manifest, &metadata).and_then(|facts| facts.as_table().cloned());
        let facts = facts.unwrap_or_else(|| panic!("{} is no exercise", path.display()));
        let name = folder.file_name().and_then(|name| name.to_str());
        let name = name.expect("the name of a folder");
        println!(
            "cargo::rerun-if-changed={}",
            folder.join(interface::DESCRIPTION).display()
        );
        let interface = interface::Interface::open(Path::new("../.."), name);
        let operations = interface
            .unwrap_or_else(|error| panic!("{error}"))
            .operations();
        let everywhere = families(at(&facts, &["forbidden", "operators"]));
        writeln!(rust, "    Exercise {{ operations: &[").expect("text");
        for name in operations.keys().map(String::as_str).chain(["*"]) {
            let own = families(at(&facts, &["forbidden", "by-operation", name]));
            let list: Vec<_> = everywhere.iter().chain(&own).collect();
            let list = format!("{list:?}");
            let list = list.trim_start_matches('[').trim_end_matches(']');
            writeln!(cpp, "    {{{name:?}, {{{list}}}}},").expect("text");
            writeln!(rust, "        ({name:?}, {number}),").expect("text");
            number += 1;
        }
        writeln!(rust, "    ] }},").expect("text");
    }
    writeln!(
        cpp,
        "}};\nconstexpr std::size_t COUNT = sizeof OPERATIONS / sizeof *OPERATIONS;"
    )
    .expect("text");
    rust.push_str("];\n");
    (cpp, rust)
}

/// The families that a list names.
fn families(list: Option<Value>) -> Vec<String> {
    let list = list.and_then(|list| list.as_array().cloned());
    let names = list.unwrap_or_default().into_iter();
    names
        .map(|name| {
            let name = name.as_str().map(str::to_owned);
            name.filter(|name| !name.is_empty())
                .expect("a family is a text that is not empty")
        })
        .collect()
}
