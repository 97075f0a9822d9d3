//! Names for the stacks of a process that ended before it had found them, from the files that it ran: for who reads its log.

use super::cause::lock;
use super::culprit;
use super::origin::Origins;
use super::owner::{self, Owned};
use super::symbols::Symbols;
use crate::capture::{ModuleFile, RawFrame, RawStack};
use stallscope_wire::{Cause, Gap, Header, Owner, Phase, Stack, Stall};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What became of stalls whose stacks had no names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Late {
    /// Those that are named now. One that its names show to be none is dismissed.
    pub stalls: Vec<Stall>,
    /// Why others are not.
    pub gaps: Vec<Gap>,
}

/// Names the stacks of a process's stalls as it would have done itself.
///
/// A file is read only where its build id says that it is still the one that the process ran: no name is that of another build.
///
/// ```
/// use stallscope_instrument::late;
/// use stallscope_wire::{Header, Stall};
///
/// assert_eq!(late::name(&Header::default(), &[Stall::default()]), late::Late::default());
/// ```
#[must_use]
pub fn name(header: &Header, stalls: &[Stall]) -> Late {
    let (mut symbols, origins) = (Symbols::of_another(), Origins::of_program(header));
    let (mut found, mut files) = (Vec::new(), BTreeSet::new());
    for stall in stalls {
        match named(stall, &header.exe, &mut symbols, &origins) {
            Some(stall) => found.push(stall),
            None => files.extend(wanted(stall, &header.exe)),
        }
    }
    Late { stalls: found, gaps: symbols.take_gaps_in(|path| files.contains(path)) }
}

/// The files without whose names a stall has none: the program, or, of a stack that does not lie in it, all.
fn wanted<'a>(stall: &'a Stall, program: &str) -> impl Iterator<Item = &'a str> {
    let bare = stall.stack.as_ref().filter(|stack| stack.is_bare());
    let paths = || bare.into_iter().flat_map(|stack| &stack.modules).map(|module| module.path.as_str());
    let of_program = paths().any(|path| path == program).then(|| program.to_owned());
    paths().filter(move |&path| of_program.as_deref().is_none_or(|program| path == program))
}

/// None where no name was found of a frame that lies in the program, or, without any such frame, of any.
fn named(stall: &Stall, program: &str, symbols: &mut Symbols, origins: &Origins) -> Option<Stall> {
    let bare = stall.stack.as_ref().filter(|stack| stack.is_bare())?;
    let mut stack = symbols.name(&raw(bare, program), origins);
    let at = stack.modules.iter().position(|module| module.path == program);
    let is_named = |stack: &Stack| {
        stack.frames.iter().any(|frame| {
            let of_program = at.is_none() || frame.module.map(|module| module as usize) == at;
            of_program && (frame.function.is_some() || frame.file.is_some())
        })
    };
    if !is_named(&stack) {
        return None;
    }
    let owned = owner::of(&stack, Some(program), stall.owner == Owner::Root);
    culprit::cut_and_find(&mut stack, origins, owned);
    stack.allowed = bare.allowed;
    let mut stall = Stall { draft: false, ..stall.clone() };
    match owned {
        Owned::By(owner) => stall.owner = owner,
        Owned::Nobody => stall.phase = Phase::Dismissed,
        Owned::Unknown => {}
    }
    if !matches!(stall.owner, Owner::Task | Owner::Unknown) {
        stall.task = None;
    }
    if stall.cause == Cause::Lock {
        stall.lock = lock(&stack.frames, stack.culprit).map(str::to_owned).or(stall.lock);
    }
    origins.show(&mut stack);
    stall.stack = Some(stack);
    Some(stall)
}

fn raw(stack: &Stack, program: &str) -> RawStack {
    let file = |module: &stallscope_wire::Module| {
        let (path, build_id) = (module.path.clone(), module.build_id.clone());
        Arc::new(ModuleFile { program: path == program, path, build_id })
    };
    let modules: Vec<_> = stack.modules.iter().map(file).collect();
    let frames = stack.frames.iter().map(|frame| RawFrame {
        module: frame.module.and_then(|module| modules.get(module as usize)).cloned(),
        offset: frame.offset,
    });
    RawStack { quality: stack.quality, frames: frames.collect() }
}
