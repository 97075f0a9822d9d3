//! Where the live sockets of a user's processes are.

use std::path::PathBuf;

/// The folder of a user's live sockets: `$XDG_RUNTIME_DIR/stallscope` where that variable names a folder, else
/// `stallscope-<uid>` in the temporary folder.
#[must_use]
pub fn live_folder(uid: u32) -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime.filter(|folder| folder.is_absolute() && folder.is_dir()) {
        Some(folder) => folder.join("stallscope"),
        None => std::env::temp_dir().join(format!("stallscope-{uid}")),
    }
}

/// The live socket of a process, in [`live_folder`].
#[must_use]
pub fn live_socket(uid: u32, pid: u32) -> PathBuf {
    live_folder(uid).join(format!("{pid}.sock"))
}
