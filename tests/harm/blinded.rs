//! Processes in which the kernel tells less than usual: nothing breaks, and what is not seen is told.
#![expect(unsafe_code, reason = "they are blinded through libc")]

use crate::harness::{LONG, Seen, ms, multi_thread, program, run};
use crate::work::compute;
use stallscope_wire::{Owner, Stall};
use std::fs;
use std::os::raw::c_long;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::thread;
use tokio::time::sleep;

fn is_root() -> bool {
    // SAFETY: takes nothing and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        eprintln!("SKIPPED: only root can do what this test needs");
    }
    root
}

/// A task that waits and a task that computes, one after the other.
async fn wait_and_compute() {
    tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
    tokio::spawn(async { compute(3 * LONG) }).await.unwrap();
}

/// Both tasks' stalls, which are told of with or without a stack; whatever the host had to do with them.
fn both(seen: &Seen) -> [&Stall; 2] {
    let stalls: Vec<_> = seen.log().history.stalls().collect();
    let [waits, computes] = stalls[..] else { panic!("not two stalls but {stalls:#?}") };
    for record in [waits, computes] {
        assert_eq!(record.stall.owner, Owner::Task, "{record:#?}");
        assert!(record.stall.task.as_ref().unwrap().spawned_at.contains("harm/blinded.rs"), "{record:#?}");
    }
    [&waits.stall, &computes.stall]
}

/// Has the kernel refuse system calls to this thread and those that it starts.
fn refuse(calls: &[c_long]) {
    let statement = |code: u32, k: u32, jt, jf| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0)];
    for (at, &call) in calls.iter().enumerate() {
        let to_refusal = (calls.len() - at) as u8;
        filter.push(statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, call as u32, to_refusal, 0));
    }
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0));
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32, 0, 0));
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the kernel copies the filter, which outlives the call.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
}

#[test]
fn a_filter_of_reading_memory_is_got_round() {
    let program = program(|| {
        refuse(&[libc::SYS_process_vm_readv]);
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    program.run().ended().names_the_marked_line(Owner::Task);
}

#[test]
fn a_filter_of_timers_is_a_gap() {
    let program = program(|| {
        refuse(&[libc::SYS_timer_create]);
        run(multi_thread(), wait_and_compute());
    });
    let seen = program.run().ended();
    let [waits, computes] = both(&seen);
    assert!(waits.stack.is_some() && computes.stack.is_none(), "{waits:#?}{computes:#?}");
    assert!(seen.gap("the kernel refuses a timer").cure.contains("allow timer_create"));
}

#[test]
fn a_process_that_changes_its_user_without_exec() {
    if !is_root() {
        return;
    }
    let program = program(|| {
        run(multi_thread(), async {
            // SAFETY: takes numbers. 65534 is nobody.
            assert_eq!(unsafe { libc::setresuid(65534, 65534, 65534) }, 0);
            wait_and_compute().await;
        });
    });
    let seen = program.run().ended();
    let [waits, computes] = both(&seen);
    assert!(waits.stack.is_none() && computes.stack.is_some(), "{waits:#?}{computes:#?}");
    assert!(seen.gap("read /proc/self/task/*/syscall").cure.contains("exec after changing the user"));
}

#[test]
fn a_process_that_does_not_see_proc() {
    if !is_root() {
        return;
    }
    let program = program(|| {
        // SAFETY: the strings end with a zero. What is mounted is seen by this thread and those that it starts alone.
        let hidden = unsafe {
            libc::unshare(libc::CLONE_NEWNS) == 0
                && libc::mount(
                    c"none".as_ptr(),
                    c"/".as_ptr(),
                    null_mut(),
                    libc::MS_REC | libc::MS_PRIVATE,
                    null(),
                ) == 0
                && libc::mount(c"none".as_ptr(), c"/proc".as_ptr(), c"tmpfs".as_ptr(), 0, null()) == 0
        };
        if !hidden {
            eprintln!("SKIPPED: this root may not mount");
            return;
        }
        assert!(!Path::new("/proc/self").exists());
        run(multi_thread(), wait_and_compute());
    });
    let seen = program.run().ended();
    if seen.stderr.contains("SKIPPED") {
        return eprintln!("{}", seen.stderr);
    }
    both(&seen);
    assert!(seen.gap("read /proc/self/task/*/syscall").cure.contains("where /proc is hidden, mount it"));
}

/// Traces all threads of a process, as strace does, until a file exists.
fn trace(pid: u32, until: &Path) {
    for entry in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let thread: i32 = entry.unwrap().file_name().to_str().unwrap().parse().unwrap();
        // SAFETY: the request reads and writes no memory of this process.
        let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, thread, 0_usize, 0_usize) };
        assert_eq!(seized, 0, "{}", std::io::Error::last_os_error());
    }
    fs::write(until.with_file_name("traced"), "").unwrap();
    while !until.exists() {
        thread::sleep(ms(1));
    }
    // The kernel lets go of them when this thread ends.
}

#[test]
fn what_blocks_under_a_debugger_is_no_stall() {
    let program = program(|| {
        run(multi_thread(), async {
            let exists = async |name: &str| {
                while !Path::new(name).exists() {
                    sleep(ms(1)).await;
                }
            };
            exists("traced").await;
            tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
            fs::write("over", "").unwrap();
            exists("let go").await;
            let task = tokio::spawn(async {
                thread::sleep(LONG); // blocks here
            });
            task.await.unwrap();
        });
    });
    let mut running = program.start();
    running.until("its runtime runs", |log| log.history.workers() == 2);
    let (pid, over) = (running.pid(), running.path("over"));
    let tracer = thread::spawn(move || trace(pid, &over));
    running.until_exists(&running.path("over"));
    tracer.join().unwrap();
    fs::write(running.path("let go"), "").unwrap();
    let seen = running.wait().ended();
    seen.names_the_marked_line(Owner::Task);
    assert_eq!(seen.gap("while a debugger or strace is attached").cure, "detach it");
}
