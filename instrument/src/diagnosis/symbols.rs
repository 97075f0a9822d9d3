//! Names, files and lines of addresses, from the programs' debug information.

#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
mod debug_info;
#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
mod mapped;
#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
mod source;

use super::origin::{Origin, Origins, crate_of};
use crate::capture::{ModuleFile, RawFrame, RawStack};
use stallscope_wire::{Frame, Gap, Module, Stack};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
use source::Source;

/// Addresses whose names are remembered.
const REMEMBERED: usize = 8192;
/// What the files that another process ran may take together while they are open, in bytes; one that is larger is open alone.
const ROOM: u64 = 512 << 20;

/// Resolves addresses; what was resolved once is remembered.
pub(super) struct Symbols {
    sources: HashMap<Arc<ModuleFile>, Option<Source>>,
    known: HashMap<(Arc<ModuleFile>, u64), Arc<[Symbol]>>,
    /// Where the relative paths of a workspace start, by the program of it.
    roots: HashMap<Arc<ModuleFile>, String>,
    /// Files whose lines are in a form that we do not read.
    compressed: HashSet<Arc<ModuleFile>>,
    /// Each with the file that it is about.
    gaps: Vec<(Arc<ModuleFile>, Gap)>,
    /// The files are those that other processes ran, some time ago, and take so much while they are open, in bytes.
    of_others: Option<u64>,
}

/// A function that an address belongs to: the innermost inlined one first.
#[derive(Debug, Clone)]
pub(super) struct Symbol {
    function: Option<String>,
    file: Option<String>,
    line: Option<u32>,
}

impl Symbols {
    pub(super) fn new() -> Self {
        Self {
            sources: HashMap::new(),
            known: HashMap::new(),
            roots: HashMap::new(),
            compressed: HashSet::new(),
            gaps: Vec::new(),
            of_others: None,
        }
    }

    /// Of other processes: their files are read where they are still the same build.
    pub(super) fn of_others() -> Self {
        Self { of_others: Some(ROOM), ..Self::new() }
    }

    /// Whether the names of a stack are to be had at once, without opening debug information.
    pub(super) fn are_open(&self, raw: &RawStack) -> bool {
        let open = |frame: &RawFrame| {
            frame.module.as_ref().is_none_or(|module| {
                let known = || self.known.contains_key(&(Arc::clone(module), frame.offset));
                self.sources.contains_key(module) || known()
            })
        };
        raw.frames.iter().all(open)
    }

    /// The stack without names.
    pub(super) fn unnamed(raw: &RawStack) -> Stack {
        let mut stack = Stack { quality: raw.quality, ..Stack::default() };
        for frame in &raw.frames {
            let module = frame.module.as_ref().map(|file| module_index(&mut stack.modules, file));
            stack.frames.push(Frame { module, offset: frame.offset, ..Frame::default() });
        }
        stack
    }

    /// The stack with all names that are to be had.
    pub(super) fn name(&mut self, raw: &RawStack, origins: &mut Origins) -> Stack {
        let mut stack = Stack { quality: raw.quality, ..Stack::default() };
        let found: Vec<_> = raw.frames.iter().map(|frame| (frame, self.resolve(frame))).collect();
        self.learn_root(raw, origins);
        for (frame, symbols) in found {
            let module = frame.module.as_ref().map(|file| module_index(&mut stack.modules, file));
            if symbols.is_empty() {
                stack.frames.push(Frame { module, offset: frame.offset, ..Frame::default() });
            }
            for symbol in symbols.iter() {
                let (function, file) = (symbol.function.as_deref(), symbol.file.as_deref());
                stack.frames.push(Frame {
                    module,
                    offset: frame.offset,
                    function: symbol.function.clone(),
                    file: symbol.file.clone(),
                    line: symbol.line,
                    krate: function.and_then(crate_of).map(str::to_owned),
                    user: origins.of(function, file) == Origin::User,
                });
            }
        }
        stack
    }

    /// What was found to be out of sight since it was last asked.
    pub(super) fn take_gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps).into_iter().map(|(_, gap)| gap).collect()
    }

    /// The same, but only what is about these files, and it can be asked again.
    pub(super) fn gaps_in(&self, concerns: impl Fn(&ModuleFile) -> bool) -> Vec<Gap> {
        self.gaps.iter().filter(|(file, _)| concerns(file)).map(|(_, gap)| gap.clone()).collect()
    }

    /// Gives the debug information back; what was resolved stays known.
    pub(super) fn close(&mut self) {
        self.sources = HashMap::new();
    }

    /// Has the folder known that the user's relative paths start from, which not every program can say.
    fn learn_root(&mut self, raw: &RawStack, origins: &mut Origins) {
        for frame in &raw.frames {
            let Some(module) = frame.module.as_ref().filter(|_| !origins.know_root()) else { continue };
            if !self.roots.contains_key(module)
                && let Some(source) = self.sources.get_mut(module).and_then(Option::as_mut)
            {
                match guarded(|| source.root(frame.offset)) {
                    Some(root) => self.roots.extend(root.map(|root| (Arc::clone(module), root))),
                    None => self.give_up(module),
                }
            }
            self.roots.get(module).iter().for_each(|root| origins.learn_root(root));
        }
    }

    fn resolve(&mut self, frame: &RawFrame) -> Arc<[Symbol]> {
        let Some(module) = &frame.module else { return Arc::from([]) };
        let key = (Arc::clone(module), frame.offset);
        if let Some(known) = self.known.get(&key) {
            return Arc::clone(known);
        }
        if !self.sources.contains_key(module) {
            self.open(module);
        }
        let source = self.sources.get_mut(module).and_then(Option::as_mut);
        let found = source.map(|source| guarded(|| source.find(frame.offset)));
        if matches!(found, Some(None)) {
            self.give_up(module);
        }
        let symbols: Arc<[Symbol]> = found.flatten().unwrap_or_default().into();
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(key, Arc::clone(&symbols));
        symbols
    }

    fn open(&mut self, module: &Arc<ModuleFile>) {
        let opened = match self.of_others {
            Some(room) => {
                self.make_room(module, room);
                guarded(|| Source::of_build(module).map(Some))
            }
            None => guarded(|| Ok(Source::open(module))),
        };
        let Some(opened) = opened else { return self.give_up(module) };
        let source = opened.unwrap_or_else(|unfit| {
            self.miss(module, unfit.gap(&module.path));
            None
        });
        if self.of_others.is_some() && source.as_ref().is_some_and(Source::is_stripped) {
            self.miss(module, Unfit::Stripped.gap(&module.path));
        }
        let compressed = source.as_ref().is_some_and(Source::is_compressed);
        if compressed && self.compressed.insert(Arc::clone(module)) {
            let gap = Gap::new(
                format!("lines in {}: its debug information is compressed", module.path),
                "link without --compress-debug-sections; until then functions are named, not lines",
            );
            self.miss(module, gap);
        }
        self.sources.insert(Arc::clone(module), source);
    }

    /// Closes what is open where one more file would be too much. What has no names stays known as such.
    fn make_room(&mut self, module: &ModuleFile, room: u64) {
        let open: u64 = self.sources.values().flatten().map(Source::size).sum();
        let more = fs::metadata(&module.path).map_or(0, |file| file.len());
        if open + more > room {
            self.sources.retain(|_, source| source.is_none());
        }
    }

    fn miss(&mut self, module: &Arc<ModuleFile>, gap: Gap) {
        let missed = (Arc::clone(module), gap);
        if !self.gaps.contains(&missed) {
            self.gaps.push(missed);
        }
    }

    /// Does without the names of a file that our parsers have no answer to.
    fn give_up(&mut self, module: &Arc<ModuleFile>) {
        self.sources.insert(Arc::clone(module), None);
        let gap = Gap::new(
            format!(
                "names in {}: reading its debug information failed by a mistake of Stallscope's own",
                module.path
            ),
            "please report it, with what the program wrote to stderr",
        );
        self.miss(module, gap);
    }
}

/// Why the names in a file are not those of a process that ran it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(all(target_os = "linux", not(stallscope_elsewhere))),
    expect(dead_code, reason = "no file is read there")
)]
pub(super) enum Unfit {
    /// It is gone, cannot be read, or is no program of this machine.
    Unreadable,
    /// To read it would take too much memory.
    TooLarge,
    /// Nothing tells which build the process ran.
    NoBuildId,
    /// It was built anew since.
    OtherBuild,
    /// Neither functions nor lines are in it.
    Stripped,
}

impl Unfit {
    fn gap(self, path: &str) -> Gap {
        let (why, cure) = match self {
            Self::Unreadable => (
                "it cannot be read here",
                "judge the log where the process ran, as long as its program is there",
            ),
            Self::TooLarge => {
                ("it is larger than 1 GiB", "build it with debug = \"line-tables-only\" in its profile")
            }
            Self::NoBuildId => {
                ("it has no build id, by which it is known again", "link with -C link-arg=-Wl,--build-id")
            }
            Self::OtherBuild => ("it was built anew since", "judge a log before its program is built again"),
            Self::Stripped => (
                "it is stripped, and a debug file of its own is not read",
                "leave strip out of its profile, and put debug = \"line-tables-only\" there",
            ),
        };
        Gap::new(
            format!("the line of a stall in {path}, whose process ended before it was found: {why}"),
            cure,
        )
    }
}

/// None when it panics. What is found in a file is not worth all that is seen otherwise.
fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

fn module_index(modules: &mut Vec<Module>, file: &ModuleFile) -> u32 {
    let at = modules.iter().position(|module| module.path == file.path).unwrap_or_else(|| {
        modules.push(Module { path: file.path.clone(), build_id: file.build_id.clone() });
        modules.len() - 1
    });
    at as u32
}

#[cfg(not(all(target_os = "linux", not(stallscope_elsewhere))))]
struct Source;

#[cfg(not(all(target_os = "linux", not(stallscope_elsewhere))))]
impl Source {
    fn open(_module: &ModuleFile) -> Option<Self> {
        None
    }

    fn of_build(_module: &ModuleFile) -> Result<Self, Unfit> {
        Err(Unfit::Unreadable)
    }

    fn is_compressed(&self) -> bool {
        false
    }

    fn is_stripped(&self) -> bool {
        false
    }

    fn size(&self) -> u64 {
        0
    }

    fn root(&mut self, _offset: u64) -> Option<String> {
        None
    }

    fn find(&mut self, _offset: u64) -> Vec<Symbol> {
        Vec::new()
    }
}
