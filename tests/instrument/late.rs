//! Names that a process had no time to find, and that are found from its log.

use crate::harness::program::Program;
use crate::harness::{LONG, current_thread, ms, multi_thread, program, run};
use stallscope::late::{Late, Names};
use stallscope_wire::{Header, Line, Stall};
use std::fs;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use tokio::task::LocalSet;

/// What a log has of a stall before its names were found, and as soon as they were; and its header.
#[track_caller]
fn told(program: Program) -> (Header, Stall, Stall) {
    let seen = program.run().ended();
    let log = seen.log();
    // On a machine that is busy, the first look at the thread may give no stack.
    let first = |draft: bool| {
        log.lines.iter().find_map(|line| match line {
            Line::Stall(stall) if stall.draft == draft && stall.stack.is_some() => Some(stall.clone()),
            _ => None,
        })
    };
    let draft = first(true).unwrap_or_else(|| panic!("none came without names: {:#?}", seen.told()));
    (log.history.header().clone(), draft, first(false).expect("its names were found"))
}

/// Who reads the log finds what the process itself has found.
#[track_caller]
fn is_named_alike(program: Program) {
    let (header, draft, named) = told(program);
    assert!(named.stack.as_ref().is_some_and(|stack| stack.culprit.is_some()), "{named:#?}");
    assert_eq!(Names::default().name(&header, &[draft]), Late { stalls: vec![named], gaps: Vec::new() });
}

#[test]
fn a_task_is_named() {
    is_named_alike(program(|| {
        run(multi_thread(), async { tokio::spawn(async { thread::sleep(LONG) }).await.unwrap() });
    }));
}

#[test]
fn a_root_future_is_named_and_the_lock_that_it_waits_for() {
    #[stallscope::main(worker_threads = 2)]
    async fn root() {
        let lock = Arc::new(Mutex::new(()));
        let (held, (locked, is_locked)) = (Arc::clone(&lock), mpsc::channel());
        thread::spawn(move || {
            let _held = held.lock();
            locked.send(()).unwrap();
            thread::sleep(LONG);
        });
        is_locked.recv().unwrap();
        drop(lock.lock());
    }
    is_named_alike(program(root));
}

#[test]
fn a_task_of_a_local_set_is_named() {
    is_named_alike(program(|| {
        run(current_thread(), async {
            let local = LocalSet::new();
            local.spawn_local(async {
                tokio::time::sleep(ms(10)).await;
                thread::sleep(LONG);
            });
            local.await;
        });
    }));
}

#[test]
fn no_name_is_that_of_another_build() {
    let (header, draft, _) = told(program(|| {
        run(multi_thread(), async { tokio::spawn(async { thread::sleep(LONG) }).await.unwrap() });
    }));
    let mut names = Names::default();
    let mut built = |build_id: Option<&str>| {
        let mut stall = draft.clone();
        let modules = &mut stall.stack.as_mut().expect("it has one").modules;
        assert!(modules.iter().any(|module| module.path == header.exe), "it is in it");
        for module in modules {
            let build_id = if module.path == header.exe { build_id } else { Some("4567") };
            module.build_id = build_id.map(str::to_owned);
        }
        names.name(&header, &[stall])
    };
    let (other, none) = ((Some("0123"), "it was built anew since"), (None, "it has no build id"));
    for (build_id, why) in [other, none, other] {
        let late = built(build_id);
        assert_eq!(late.stalls, []);
        let [gap] = &late.gaps[..] else { panic!("{late:#?}") };
        assert!(gap.what.contains(&header.exe) && gap.what.contains(why), "{gap:?}");
    }
}

#[test]
fn a_program_is_read_once_for_all_its_processes() {
    let (mut header, mut draft, named) = told(program(|| {
        run(multi_thread(), async { tokio::spawn(async { thread::sleep(LONG) }).await.unwrap() });
    }));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("program");
    fs::copy(&header.exe, &copy).expect("it is copied");
    let stack = draft.stack.as_mut().expect("it has one");
    let copied = copy.to_str().expect("a plain path");
    let of_program = stack.modules.iter_mut().filter(|module| module.path == header.exe);
    of_program.for_each(|module| copied.clone_into(&mut module.path));
    copied.clone_into(&mut header.exe);
    // Later in the same calls: none of these addresses was named before.
    let mut later = draft.clone();
    later.stack.iter_mut().flat_map(|stack| &mut stack.frames).for_each(|frame| frame.offset += 1);

    let culprit = |late: &Late| {
        let [Stall { stack: Some(stack), .. }] = &late.stalls[..] else { panic!("{late:#?}") };
        stack.culprit.map(|at| stack.frames[at as usize].line)
    };
    let mut names = Names::default();
    let first = names.name(&header, &[draft]);
    assert_eq!(culprit(&first), culprit(&Late { stalls: vec![named], gaps: Vec::new() }));
    fs::remove_file(&copy).expect("it is removed");
    assert_eq!(culprit(&names.name(&header, std::slice::from_ref(&later))), culprit(&first));
    assert_eq!(Names::default().name(&header, &[later]).stalls, [], "it is gone");
}
