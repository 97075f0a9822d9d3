//! Names, files and lines of addresses, from the programs' debug information.

use super::origin::{Origin, Origins, crate_of};
use crate::capture::{ModuleFile, RawFrame, RawStack};
use stallscope_wire::{Frame, Module, Stack};
use std::collections::HashMap;
use std::sync::Arc;

#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
use loader::Source;

/// Addresses whose names are remembered.
const REMEMBERED: usize = 8192;

/// Resolves addresses; what was resolved once is remembered.
pub(super) struct Symbols {
    sources: HashMap<String, Option<Source>>,
    known: HashMap<(String, u64), Arc<[Symbol]>>,
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
        Self { sources: HashMap::new(), known: HashMap::new() }
    }

    /// Whether the names of a stack are to be had at once, without opening debug information.
    pub(super) fn are_open(&self, raw: &RawStack) -> bool {
        let open = |frame: &RawFrame| {
            frame.module.as_ref().is_none_or(|module| {
                let known = || self.known.contains_key(&(module.path.clone(), frame.offset));
                self.sources.contains_key(&module.path) || known()
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
    pub(super) fn name(&mut self, raw: &RawStack, origins: &Origins) -> Stack {
        let mut stack = Stack { quality: raw.quality, ..Stack::default() };
        for frame in &raw.frames {
            let module = frame.module.as_ref().map(|file| module_index(&mut stack.modules, file));
            let symbols = self.resolve(frame);
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

    /// Gives the debug information back; what was resolved stays known.
    pub(super) fn close(&mut self) {
        self.sources = HashMap::new();
    }

    fn resolve(&mut self, frame: &RawFrame) -> Arc<[Symbol]> {
        let Some(module) = &frame.module else { return Arc::from([]) };
        let key = (module.path.clone(), frame.offset);
        if let Some(known) = self.known.get(&key) {
            return Arc::clone(known);
        }
        let source = self.sources.entry(module.path.clone()).or_insert_with(|| Source::open(module));
        let symbols: Arc<[Symbol]> =
            source.as_ref().map(|source| source.find(frame.offset)).unwrap_or_default().into();
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(key, Arc::clone(&symbols));
        symbols
    }
}

fn module_index(modules: &mut Vec<Module>, file: &ModuleFile) -> u32 {
    let at = modules.iter().position(|module| module.path == file.path).unwrap_or_else(|| {
        modules.push(Module { path: file.path.clone(), build_id: file.build_id.clone() });
        modules.len() - 1
    });
    at as u32
}

#[cfg(all(target_os = "linux", not(stallscope_elsewhere)))]
mod loader {
    use super::Symbol;
    use crate::capture::ModuleFile;
    use addr2line::{Loader, demangle_auto};
    use std::borrow::Cow;

    /// The debug information of one file.
    pub(super) struct Source(Loader);

    impl Source {
        /// None when the file cannot be read: it may have no file at all, as the kernel's own code has none.
        pub(super) fn open(module: &ModuleFile) -> Option<Self> {
            let path = if module.program { "/proc/self/exe" } else { &module.path };
            Loader::new(path).ok().map(Self)
        }

        /// The functions at an address, innermost first.
        pub(super) fn find(&self, offset: u64) -> Vec<Symbol> {
            let mut symbols = Vec::new();
            if let Ok(mut frames) = self.0.find_frames(offset) {
                while let Ok(Some(frame)) = frames.next() {
                    let name = frame.function.as_ref();
                    let function = name
                        .and_then(|name| Some(short(&demangle_auto(name.raw_name().ok()?, name.language))));
                    let location = frame.location;
                    symbols.push(Symbol {
                        function,
                        file: location.as_ref().and_then(|location| location.file).map(str::to_owned),
                        line: location.as_ref().and_then(|location| location.line).filter(|&line| line > 0),
                    });
                }
            }
            // The symbol table has the whole path of the outermost, which lean debug information does not.
            if let Some(symbol) = self.0.find_symbol(offset) {
                let function = Some(short(&demangle_auto(Cow::Borrowed(symbol), None)));
                match symbols.last_mut() {
                    Some(outermost) => outermost.function = function,
                    None => symbols.push(Symbol { function, file: None, line: None }),
                }
            }
            symbols
        }
    }

    /// Without the hash that legacy mangling appends, and without the generic arguments that debug information appends to
    /// the bare name of an inlined function.
    fn short(name: &str) -> String {
        let path = match name.rsplit_once("::h") {
            Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                path
            }
            _ => name,
        };
        let bare = path.split_once('<').map_or("", |(bare, _)| bare);
        let inlined =
            !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if inlined { bare.to_owned() } else { path.to_owned() }
    }
}

#[cfg(not(all(target_os = "linux", not(stallscope_elsewhere))))]
struct Source;

#[cfg(not(all(target_os = "linux", not(stallscope_elsewhere))))]
impl Source {
    fn open(_module: &ModuleFile) -> Option<Self> {
        None
    }

    fn find(&self, _offset: u64) -> Vec<Symbol> {
        Vec::new()
    }
}
