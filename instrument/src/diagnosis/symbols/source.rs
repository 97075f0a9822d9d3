//! What one file tells of addresses in it: its debug information, and its symbol table.
#![expect(unsafe_code, reason = "what is parsed borrows from the mapped file that is kept beside it")]

use super::Symbol;
use super::debug_info::{DebugInfo, Unreadable};
use super::mapped::Files;
use crate::capture::ModuleFile;
use addr2line::demangle_auto;
use object::{Object, SymbolMap, SymbolMapName};
use std::borrow::Cow;
use std::path::Path;

/// The names of one file.
pub(super) struct Source {
    debug_info: Result<DebugInfo, Unreadable>,
    table: SymbolMap<SymbolMapName<'static>>,
    /// Last: what stands above borrows from it.
    _file: Files,
}

impl Source {
    /// None when the file cannot be read: it may have no file at all, as the kernel's own code has none.
    pub(super) fn open(module: &ModuleFile) -> Option<Self> {
        let path = Path::new(&module.path);
        let mut file = Files::default();
        // The program's own file may have been replaced since it was started.
        let opened = if module.program { Path::new("/proc/self/exe") } else { path };
        // SAFETY: the file stands beside what borrows from it, and is dropped after it.
        let object = unsafe { file.open(opened) }?;
        // SAFETY: as above.
        let debug_info = unsafe { DebugInfo::of(&object, path) };
        Some(Self { debug_info, table: object.symbol_map(), _file: file })
    }

    /// Whether there are lines, in a form that we do not read.
    pub(super) fn is_compressed(&self) -> bool {
        matches!(self.debug_info, Err(Unreadable::Compressed))
    }

    /// The functions at an address, innermost first.
    pub(super) fn find(&mut self, offset: u64) -> Vec<Symbol> {
        let mut symbols = Vec::new();
        let frames = self.debug_info.as_mut().ok().and_then(|debug_info| debug_info.find(offset));
        if let Some(mut frames) = frames {
            while let Ok(Some(frame)) = frames.next() {
                let name = frame.function.as_ref();
                let function =
                    name.and_then(|name| Some(short(&demangle_auto(name.raw_name().ok()?, name.language))));
                let location = frame.location;
                symbols.push(Symbol {
                    function,
                    file: location.as_ref().and_then(|location| location.file).map(str::to_owned),
                    line: location.as_ref().and_then(|location| location.line).filter(|&line| line > 0),
                });
            }
        }
        // The symbol table has the whole path of the outermost, which lean debug information does not.
        if let Some(symbol) = self.table.containing(offset) {
            let function = Some(short(&demangle_auto(Cow::Borrowed(symbol.name()), None)));
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
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => path,
        _ => name,
    };
    let bare = path.split_once('<').map_or("", |(bare, _)| bare);
    let inlined = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if inlined { bare.to_owned() } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::ObjectSection;
    use std::fs;

    fn library(path: &Path) -> ModuleFile {
        ModuleFile { path: path.to_str().unwrap().to_owned(), build_id: None, program: false }
    }

    /// The address of a function in this program's file.
    fn address_of(symbol: &str, file: &[u8]) -> u64 {
        let object = object::File::parse(file).unwrap();
        let table = object.symbol_map();
        let mut symbols = table.symbols().iter();
        symbols.find(|known| known.name().contains(symbol)).expect("the function has a symbol").address()
    }

    #[test]
    fn a_function_is_named_with_its_file_and_line() {
        let path = std::env::current_exe().unwrap();
        let file = fs::read(&path).unwrap();
        let address = address_of("a_function_is_named_with_its_file_and_line", &file);
        let symbols = Source::open(&library(&path)).unwrap().find(address);
        let outermost = symbols.last().unwrap();
        assert!(outermost.function.as_ref().unwrap().contains("a_function_is_named"), "{symbols:?}");
        assert!(outermost.file.as_ref().unwrap().ends_with("symbols/source.rs"), "{symbols:?}");
        assert!(outermost.line.is_some(), "{symbols:?}");
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn compressed_debug_information_leaves_the_names() {
        const ZLIB: u32 = 1;
        let program = std::env::current_exe().unwrap();
        let mut file = fs::read(program).unwrap();
        let address = address_of("compressed_debug_information_leaves_the_names", &file);
        let object = object::File::parse(&*file).unwrap();
        let section = object.section_by_name(".debug_info").unwrap();
        let (index, (at, _)) = (section.index().0, section.file_range().unwrap());
        let word = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
        // The table of sections stands where byte 40 says, in rows of 64 bytes with the flags at byte 8.
        let flags = word(40) + index * 64 + 8;
        file[flags + 1] |= (object::elf::SHF_COMPRESSED >> 8) as u8;
        file[at as usize..][..4].copy_from_slice(&ZLIB.to_le_bytes());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("compressed");
        fs::write(&path, file).unwrap();

        let mut source = Source::open(&library(&path)).unwrap();
        assert!(source.is_compressed());
        let symbols = source.find(address);
        let [symbol] = &symbols[..] else { panic!("{symbols:?}") };
        assert!(symbol.function.as_ref().unwrap().contains("compressed_debug_information"), "{symbol:?}");
        assert_eq!(symbol.line, None);
    }
}
