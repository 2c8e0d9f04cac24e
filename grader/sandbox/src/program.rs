//! The file of this program, and that of the program which is started to confine itself: this one, or another that was named.

use anyhow::{Context, Result};
use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The program that was named.
static NAMED: OnceLock<PathBuf> = OnceLock::new();

/// Names the program that confines processes from now on, in place of this one, which then needs no command `confined`. It
/// is named once: a second name is passed over.
pub fn confine_with(program: PathBuf) {
    let _ = NAMED.set(program);
}

/// The file of the program whose command `confined` confines processes: the one named with [`confine_with`], else this
/// program's.
///
/// # Errors
/// Returns an error if none is named, and this program's own file cannot be found.
pub fn confining_program() -> Result<PathBuf> {
    match NAMED.get() {
        Some(named) => Ok(named.clone()),
        None => this_program(),
    }
}

/// The file of this program. Where cargo has built it anew since it was started, the new one: a batch or a watch goes on
/// with it.
///
/// # Errors
/// Returns an error if the system does not name it, or it is gone.
pub fn this_program() -> Result<PathBuf> {
    let named = env::current_exe().context("this program's own file cannot be found")?;
    Ok(replaced(named))
}

/// The file that took the place of a program: Linux marks the name of one whose file is gone.
fn replaced(named: PathBuf) -> PathBuf {
    let name = named
        .to_str()
        .and_then(|name| name.strip_suffix(" (deleted)"));
    match name.map(PathBuf::from) {
        Some(new) if !named.exists() && new.is_file() => new,
        _ => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_built_anew_is_found() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let there = folder.path().join("grader");
        let gone = folder.path().join("grader (deleted)");
        assert_eq!(replaced(gone.clone()), gone, "nothing took its place");
        std::fs::write(&there, "")?;
        assert_eq!(replaced(gone.clone()), there);
        assert_eq!(replaced(there.clone()), there);
        std::fs::write(&gone, "")?;
        assert_eq!(replaced(gone.clone()), gone, "that is its name");
        assert_eq!(this_program()?, env::current_exe()?);
        Ok(())
    }

    #[test]
    fn this_program_confines_until_another_is_named() -> Result<()> {
        assert_eq!(confining_program()?, this_program()?);
        confine_with("/one".into());
        confine_with("/two".into());
        assert_eq!(confining_program()?, PathBuf::from("/one"));
        Ok(())
    }
}
