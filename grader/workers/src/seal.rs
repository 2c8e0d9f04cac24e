//! The sealing of a worker before it serves.

#[cfg(target_os = "linux")]
mod linux;

use std::env;
use std::io;

/// The variable that tells a worker how it is confined; `none` is for one's own code. Without it, a worker is sealed.
const SANDBOX_VARIABLE: &str = "WORKER_SANDBOX";

/// Seals this process, which must have one thread, unless it was told that it serves its user's own code.
///
/// # Errors
/// Returns an error if the kernel refuses what seals it, or has no such thing.
pub(crate) fn seal() -> io::Result<()> {
    if env::var_os(SANDBOX_VARIABLE).is_some_and(|value| value == "none") {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    return linux::seal();
    #[cfg(not(target_os = "linux"))]
    return Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "there is no sandbox on this system",
    ));
}
