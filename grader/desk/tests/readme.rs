//! The commands of the documentation are ones that the program takes.

use clap::Parser;
use clap::error::ErrorKind;
use desk::cli::Cli;
use std::fs;
use std::path::Path;

/// The words of a line, as a shell has them; a comment ends it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (vec![], String::new(), false);
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '#' if !is_quoted => break,
            ' ' if !is_quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[test]
fn commands_of_the_documentation_are_commands() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for page in ["README.md", "../../README.md", "../README.md"] {
        let text = fs::read_to_string(folder.join(page)).expect(page);
        for line in text.lines() {
            let line = line.trim().trim_start_matches("$ ");
            if let Some(arguments) = line.strip_prefix("cargo grader desk ") {
                let mut all = vec!["desk".to_owned()];
                all.extend(words(arguments));
                let parsed = Cli::try_parse_from(&all);
                assert!(
                    parsed.is_ok(),
                    "{page}: {line}: {}",
                    parsed.expect_err("a fault")
                );
                count += 1;
            }
        }
    }
    assert!(count >= 12, "only {count} commands");
    // The names that are in the tables.
    let page = fs::read_to_string(folder.join("README.md")).expect("README.md");
    for line in page.lines().filter_map(|it| it.strip_prefix("| `")) {
        let Some((command, _)) = line.split_once('`') else {
            continue;
        };
        let first = command.split(' ').next().unwrap_or_default();
        if command.contains(' ') && first.chars().all(|it| it.is_ascii_lowercase() || it == '-') {
            let mut all = vec!["desk", first];
            if first == "export" {
                all.extend(command.split(' ').nth(1));
            }
            all.push("--help");
            let kind = Cli::try_parse_from(&all).expect_err("help").kind();
            assert_eq!(kind, ErrorKind::DisplayHelp, "{command}");
        }
    }
}
