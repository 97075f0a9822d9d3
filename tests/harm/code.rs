//! Code that comes and goes, or that nobody can unwind.
#![expect(unsafe_code, reason = "the code is loaded, mapped or written by hand")]

use crate::captures::captures;
use crate::harness::{Seen, ms, multi_thread, place, program, run};
use crate::work::watch;
use stallscope_wire::{Line, Quality};
use std::env;
use std::ffi::{CStr, CString};
use std::fs;
use std::mem::transmute;
use std::process::Command;
use std::ptr::{copy_nonoverlapping, null_mut};
use tokio::task::yield_now;

/// Source of a library: computes or waits in its own code, which calls back.
const LIBRARY: &str = r#"
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn busy(rounds: u64, back: extern "C" fn()) {
    for round in 0..rounds {
        let begun = std::time::Instant::now();
        while begun.elapsed() < std::time::Duration::from_millis(4) {
            std::hint::black_box(round);
        }
        back();
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}
"#;

extern "C" fn back() {
    std::thread::sleep(ms(2));
}

/// Loads a library, calls its function and unloads it.
fn load_and_call(path: &CStr) {
    // SAFETY: the path is text; the symbol is a function of that form; nothing of the library is used after it is closed.
    unsafe {
        let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        assert!(!library.is_null(), "{:?}", CStr::from_ptr(libc::dlerror()));
        let busy = libc::dlsym(library, c"busy".as_ptr());
        assert!(!busy.is_null());
        let busy: extern "C" fn(u64, extern "C" fn()) = transmute(busy);
        busy(3, back);
        assert_eq!(libc::dlclose(library), 0);
    }
}

#[test]
fn libraries_that_are_unloaded_while_they_are_captured() {
    let program = program(|| {
        let paths = env::var("LIBRARIES").unwrap();
        let mut builder = multi_thread();
        let _guard = watch(&mut builder);
        builder.build().unwrap().block_on(async {
            let tasks: Vec<_> = paths
                .split(':')
                .map(|path| {
                    let path = CString::new(path).unwrap();
                    tokio::spawn(async move {
                        for _ in 0..40 {
                            load_and_call(&path);
                            yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    let source = program.path("library.rs");
    fs::write(&source, LIBRARY).unwrap();
    // Each task has a library of its own, so that each closing unloads one.
    let paths =
        ["one", "two"].map(|name| program.path(&format!("lib{name}.so")).to_str().unwrap().to_owned());
    for path in &paths {
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["--crate-type=cdylib", "--edition=2024", "-Cpanic=abort", "-Cdebuginfo=1", "-o", path]);
        assert!(rustc.arg(&source).status().unwrap().success());
    }
    let seen = program.with("LIBRARIES", paths.join(":")).run().ended();
    assert!(captures(&seen).stacks > 50, "{:#?}", captures(&seen));
    let in_library = |line: &Line| match line {
        Line::Stall(stall) => stall.stack.as_ref().is_some_and(|stack| {
            stack
                .modules
                .iter()
                .any(|module| module.path.contains("libone") || module.path.contains("libtwo"))
        }),
        _ => false,
    };
    assert!(seen.log().lines.iter().any(in_library), "none of the stacks shows the libraries");
}

/// The line that calls the code is named, and the stack said to be uncertain; whatever the host had to do with it.
#[track_caller]
fn names_the_caller(seen: &Seen) {
    let record = seen.log().history.stalls().next().expect("it is seen");
    assert_eq!(place(record), seen.marked(), "{record:#?}");
    assert_eq!(record.stall.stack.as_ref().unwrap().quality, Quality::Uncertain, "{record:#?}");
}

#[test]
fn code_in_no_file() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                // loop: dec rdi; jnz loop; ret
                let code = [0x48_u8, 0xff, 0xcf, 0x75, 0xfb, 0xc3];
                // SAFETY: the page is fresh, written before it becomes code, and never unmapped. The code is a leaf
                // function that counts its argument down.
                unsafe {
                    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                    let page = libc::mmap(null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
                    assert_ne!(page, libc::MAP_FAILED);
                    copy_nonoverlapping(code.as_ptr(), page.cast(), code.len());
                    assert_eq!(libc::mprotect(page, 4096, libc::PROT_READ | libc::PROT_EXEC), 0);
                    let count_down: extern "C" fn(u64) = transmute(page);
                    let begun = std::time::Instant::now();
                    while begun.elapsed() < ms(1200) {
                        count_down(200_000_000); // blocks here
                    }
                }
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    names_the_caller(&seen);
}

std::arch::global_asm!(
    ".globl harm_count_down",
    ".type harm_count_down, @function",
    "harm_count_down:",
    "push rbp",
    "xor ebp, ebp", // The frame pointer leads nowhere.
    "2:",
    "dec rdi",
    "jnz 2b",
    "pop rbp",
    "ret",
    ".size harm_count_down, . - harm_count_down",
);

unsafe extern "C" {
    fn harm_count_down(from: u64);
}

#[test]
fn code_without_unwind_information() {
    let program = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                let begun = std::time::Instant::now();
                while begun.elapsed() < ms(1200) {
                    // SAFETY: it counts its argument down, and keeps all that a function has to keep.
                    unsafe { harm_count_down(200_000_000) }; // blocks here
                }
            });
            task.await.unwrap();
        });
    });
    let seen = program.run().ended();
    names_the_caller(&seen);
}
