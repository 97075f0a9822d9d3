//! A process that has no live socket: what it is, and what to do.

use super::binary::Binary;
use super::environment::Environment;
use super::item::Item;
use super::process::{TOKIO_THREADS, environment, executable, folder, thread_names};
use super::project::ADD;
use stallscope_wire::{counted, live_socket};
use std::fs;
use std::io;

pub(super) fn items(pid: u32) -> Vec<Item> {
    let exe = fs::read_link(executable(pid)).map(|exe| exe.display().to_string());
    let exe = exe.unwrap_or_else(|_| "a program that this user may not look at".to_owned());
    let (environment, threads) = (environment(pid), thread_names(pid));
    let of_tokio = threads.iter().filter(|name| TOKIO_THREADS.contains(&name.as_str())).count() as u64;
    let binary = Binary::read(&executable(pid));
    let mut items = vec![instrument(pid, &exe, &binary, of_tokio, &environment)];
    if of_tokio > 0 {
        items.push(Item::note("threads", format!("{} of tokio's run in it", counted(of_tokio, "thread"))));
    }
    // Symbols of what is no tokio program say nothing.
    items.extend(binary.ok().filter(|binary| binary.tokio).map(Binary::symbols));
    items.extend(environment.items(&folder(pid)));
    items
}

/// Why nothing is seen of it.
fn instrument(
    pid: u32,
    exe: &str,
    binary: &io::Result<Binary>,
    threads_of_tokio: u64,
    environment: &Environment,
) -> Item {
    const NAME: &str = "instrument";
    let (instrumented, tokio) = match binary {
        Ok(binary) => (binary.instrument, binary.tokio),
        Err(_) => (false, false),
    };
    let told = |what: &str, cure: String| Item::bad(NAME, format!("process {pid} ({exe}) {what}"), cure);
    if instrumented {
        return built_in(pid, exe, environment);
    }
    if tokio || threads_of_tokio > 0 {
        return told(
            "is a tokio program without Stallscope",
            format!("{ADD}, and #[stallscope::main] in place of #[tokio::main]"),
        );
    }
    match binary {
        Ok(_) => told(
            "holds no tokio, as far as its file and its threads tell",
            "name the process of a tokio program; of a script or a supervisor, the one that it starts"
                .to_owned(),
        ),
        Err(error) => told(
            &format!("cannot be looked at: {error}"),
            "run stallscope doctor as the user that it runs as".to_owned(),
        ),
    }
}

/// Stallscope is in the file, and no live socket is where it is looked for.
fn built_in(pid: u32, exe: &str, environment: &Environment) -> Item {
    const NAME: &str = "instrument";
    let told = |what: &str, cure: String| {
        Item::bad(NAME, format!("process {pid} ({exe}) has Stallscope built in, and {what}"), cure)
    };
    if let Some(off) = environment.get("STALLSCOPE").filter(|value| matches!(*value, "off" | "0")) {
        return told(&format!("runs with STALLSCOPE={off}"), "start it without".to_owned());
    }
    if let Some(socket) = environment.get("STALLSCOPE_SOCKET") {
        return told(
            &format!("listens elsewhere: STALLSCOPE_SOCKET={socket}"),
            format!("stallscope doctor {socket}"),
        );
    }
    let usual = live_socket(rustix::process::geteuid().as_raw(), pid);
    if let Some(theirs) = environment.get("XDG_RUNTIME_DIR")
        && std::env::var("XDG_RUNTIME_DIR").as_deref() != Ok(theirs)
    {
        return told(
            &format!("looks for a place for its socket elsewhere: XDG_RUNTIME_DIR={theirs}"),
            format!("XDG_RUNTIME_DIR={theirs} stallscope doctor {pid}"),
        );
    }
    told(
        &format!("has no live socket at {}", usual.display()),
        "see what it wrote to stderr when it started: a STALLSCOPE_* value may be refused; else see that it gets to \
         #[stallscope::main], stallscope::install or stallscope::attach"
            .to_owned(),
    )
}
