//! The doctor on this machine, with a workspace that lacks libtorch.

use grader::machine::doctor::{State, examine};

#[test]
fn a_workspace_without_libtorch_is_told_how_to_come_by_it() {
    let workspace = tempfile::tempdir().expect("a temporary folder");
    let findings = examine(workspace.path());

    let names: Vec<_> = findings.iter().map(|it| it.what).collect();
    for name in [
        "Rust",
        "C++ compiler",
        "libtorch",
        "CUDA library",
        "GPU",
        "sandbox",
        "disk",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let libtorch = findings.iter().find(|it| it.what == "libtorch");
    assert_eq!(libtorch.map(|it| it.state), Some(State::Fault));
    for finding in &findings {
        assert!(
            !finding.detail.contains('\n') || finding.what == "GPU",
            "{finding:?}"
        );
        assert_eq!(
            finding.state == State::Fault,
            finding.fix.is_some(),
            "{finding:?}"
        );
    }
}
