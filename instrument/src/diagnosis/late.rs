//! Names for the stacks of a process that ended before it had found them, from the files that it ran: for who reads its log.

use super::cause::lock;
use super::culprit;
use super::origin::Origins;
use super::owner::{self, Owned};
use super::symbols::Symbols;
use crate::capture::{ModuleFile, RawFrame, RawStack};
use stallscope_wire::{Cause, Gap, Header, Owner, Phase, Stack, Stall};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// What became of stalls whose stacks had no names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Late {
    /// Those that are named now. One that its names show to be none is dismissed.
    pub stalls: Vec<Stall>,
    /// Why others are not.
    pub gaps: Vec<Gap>,
}

/// The names in files that processes ran. Of several logs of one build the files are read once. Those that are open are half a GiB
/// together at most, or one that is larger; what is read out of them, and debug information in files of its own, comes on top.
pub struct Names(Symbols);

impl Default for Names {
    fn default() -> Self {
        Self(Symbols::of_others())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

impl Names {
    /// Names the stacks of a process's stalls as it would have done itself.
    ///
    /// A file is read only where its build id says that it is still the one that the process ran: no name is that of another build.
    ///
    /// ```
    /// use stallscope_instrument::late::{Late, Names};
    /// use stallscope_wire::{Header, Stall};
    ///
    /// assert_eq!(Names::default().name(&Header::default(), &[Stall::default()]), Late::default());
    /// ```
    #[must_use]
    pub fn name(&mut self, header: &Header, stalls: &[Stall]) -> Late {
        let Self(symbols) = self;
        let mut origins = Origins::of_program(header);
        let (mut found, mut files) = (Vec::new(), BTreeSet::new());
        for stall in stalls {
            match named(stall, &header.exe, symbols, &mut origins) {
                Some(stall) => found.push(stall),
                None => files.extend(wanted(stall, &header.exe)),
            }
        }
        let gaps = symbols.gaps_in(|file| files.contains(&(file.path.as_str(), file.build_id.as_deref())));
        Late { stalls: found, gaps }
    }
}

/// The files without whose names a stall has none, each with its build id: the program, or, of a stack that does not lie in it,
/// all.
fn wanted<'a>(stall: &'a Stall, program: &str) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    let bare = stall.stack.as_ref().filter(|stack| stack.is_bare());
    let files = || {
        let modules = bare.into_iter().flat_map(|stack| &stack.modules);
        modules.map(|module| (module.path.as_str(), module.build_id.as_deref()))
    };
    let of_program = files().any(|(path, _)| path == program).then(|| program.to_owned());
    files().filter(move |(path, _)| of_program.as_deref().is_none_or(|program| *path == program))
}

/// None where no name was found of a frame that lies in the program, or, without any such frame, of any.
fn named(stall: &Stall, program: &str, symbols: &mut Symbols, origins: &mut Origins) -> Option<Stall> {
    let bare = stall.stack.as_ref().filter(|stack| stack.is_bare())?;
    let mut stack = symbols.name(&raw(bare), origins);
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

fn raw(stack: &Stack) -> RawStack {
    let file = |module: &stallscope_wire::Module| {
        let (path, build_id) = (module.path.clone(), module.build_id.clone());
        // No program of this process is meant.
        Arc::new(ModuleFile { path, build_id, program: false })
    };
    let modules: Vec<_> = stack.modules.iter().map(file).collect();
    let frames = stack.frames.iter().map(|frame| RawFrame {
        module: frame.module.and_then(|module| modules.get(module as usize)).cloned(),
        offset: frame.offset,
    });
    RawStack { quality: stack.quality, frames: frames.collect() }
}
