//! The folder of the checkout: whether cargo and the linker take its path, and whether it can be written.

use anyhow::{Context, Result, anyhow};
use hints::WithHint;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use wire::printable;

/// The longest path of a checkout, in bytes. The system takes 4096, and files that are built need the rest.
const LONGEST: usize = 3500;

/// Checks what building in the checkout at `root` takes.
///
/// # Errors
/// Returns an error if cargo or the linker does not take the path, or nothing can be written there.
pub fn check(root: &Path) -> Result<()> {
    if let Some(fault) = fault_of_path(root) {
        return Err(anyhow!("{fault}: {}", printable(&root.to_string_lossy())))
            .hint("move the checkout to another folder");
    }
    let folder = root.join("target/grader");
    fs::create_dir_all(&folder)
        .and_then(|()| tempfile::tempfile_in(&folder))
        .with_context(|| format!("{} cannot be written", folder.display()))
        .hint("what is built lies there: copy the checkout to a folder of your own")?;
    Ok(())
}

/// The reason why a checkout cannot be built at a path. Spaces, commas, quotes and letters of any language are none.
fn fault_of_path(root: &Path) -> Option<String> {
    let Some(text) = root.to_str() else {
        return Some("cargo takes no path that is not UTF-8".to_owned());
    };
    // Cargo joins paths with the first, and looks for the course's packages by a pattern; the linker reads the third itself.
    let limits = [(':', "cargo"), ('[', "cargo"), ('%', "the linker")];
    let limit = limits.iter().find(|(sign, _)| text.contains(*sign));
    if let Some((sign, program)) = limit {
        return Some(format!("{program} takes no path that holds `{sign}`"));
    }
    if text.chars().any(char::is_control) {
        return Some("cargo takes no path that holds a control character".to_owned());
    }
    let length = root.as_os_str().as_bytes().len();
    (length > LONGEST)
        .then(|| format!("a path of {length} bytes is too long, {LONGEST} is the most"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_path_is_refused_only_if_cargo_or_the_linker_does_not_take_it() {
        for good in ["/home/ada/it's a \"b\", größe 漢字 = #1 {x} $y &", "/a\\b"] {
            assert_eq!(fault_of_path(Path::new(good)), None, "{good}");
        }
        let long = format!("/{}", "long/".repeat(1000));
        for (bad, words) in [
            ("/a:b", "cargo takes no path that holds `:`"),
            ("/a[b", "cargo takes no path that holds `[`"),
            ("/a%20b", "the linker takes no path that holds `%`"),
            ("/a\nb", "control character"),
            (long.as_str(), "too long"),
        ] {
            let fault = fault_of_path(Path::new(bad)).unwrap_or_default();
            assert!(fault.contains(words), "{bad:?}: {fault}");
        }
        let bytes = Path::new(OsStr::from_bytes(b"/a\xff"));
        assert!(fault_of_path(bytes).is_some_and(|fault| fault.contains("UTF-8")));
    }

    #[test]
    fn a_checkout_in_which_nothing_can_be_written_is_named() -> Result<()> {
        let folder = tempfile::tempdir()?;
        check(folder.path())?;
        // The kernel's own file system takes no files of anybody, not even of root.
        fs::remove_dir_all(folder.path().join("target"))?;
        symlink("/proc", folder.path().join("target"))?;
        let error = check(folder.path()).expect_err("nothing can be written to /proc");
        assert!(
            error
                .to_string()
                .ends_with("target/grader cannot be written")
        );
        Ok(())
    }
}
