//! Who is asking: the user of this process, by name.

use crate::commands::report::Fault;

/// The name of the user who runs this command; his number where the system knows no name.
pub(in crate::commands) fn user() -> Result<String, Fault> {
    Ok(crate::edges::users::name(rustix::process::getuid().as_raw()))
}
