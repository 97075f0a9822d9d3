//! What one file tells of addresses in it: its debug information, and its symbol table.
#![expect(unsafe_code, reason = "what is parsed borrows from the file that is kept beside it")]

use super::debug_info::{DebugInfo, Unreadable};
use super::mapped::{COPY_LIMIT, Files};
use super::{Symbol, Unfit};
use crate::capture::ModuleFile;
use addr2line::demangle_auto;
use object::{Object, SymbolMap, SymbolMapName};
use std::borrow::Cow;
use std::fs::{self, Metadata};
use std::path::Path;

/// How large a file is read that another process ran, in bytes: whoever does that runs nothing else.
const LARGEST: u64 = 1 << 30;

/// The names of one file.
pub(super) struct Source {
    debug_info: Result<DebugInfo, Unreadable>,
    table: SymbolMap<SymbolMapName<'static>>,
    has_table: bool,
    /// Last: what stands above borrows from it.
    file: Files,
}

impl Source {
    /// None when the file cannot be read: it may have no file at all, as the kernel's own code has none.
    pub(super) fn open(module: &ModuleFile) -> Option<Self> {
        let path = Path::new(&module.path);
        let mut file = Files::default();
        // SAFETY: the file stands beside what borrows from it, and is dropped after it.
        let object =
            unsafe { if module.program { file.open_program() } else { file.open(path, COPY_LIMIT) } }?;
        // SAFETY: as above.
        Some(unsafe { Self::of(&object, path, file) })
    }

    /// The names of a file that another process ran, if it is still the same build.
    pub(super) fn of_build(module: &ModuleFile) -> Result<Self, Unfit> {
        let path = Path::new(&module.path);
        let about = fs::metadata(path).ok().filter(Metadata::is_file).ok_or(Unfit::Unreadable)?;
        if about.len() > LARGEST {
            return Err(Unfit::TooLarge);
        }
        let build_id = module.build_id.as_deref().ok_or(Unfit::NoBuildId)?;
        let mut file = Files::default();
        // SAFETY: the file stands beside what borrows from it, and is dropped after it.
        let object = unsafe { file.open(path, LARGEST) }.ok_or(Unfit::Unreadable)?;
        if build_id_of(&object) != build_id {
            return Err(Unfit::OtherBuild);
        }
        // SAFETY: as above.
        Ok(unsafe { Self::of(&object, path, file) })
    }

    /// # Safety
    /// The bytes of `object` are in `file`.
    unsafe fn of(object: &object::File<'static>, path: &Path, file: Files) -> Self {
        // SAFETY: the file is kept for as long as what borrows from it, by the contract.
        let debug_info = unsafe { DebugInfo::of(object, path) };
        Self { debug_info, table: object.symbol_map(), has_table: object.symbols().next().is_some(), file }
    }

    /// Whether there are lines, in a form that we do not read.
    pub(super) fn is_compressed(&self) -> bool {
        matches!(self.debug_info, Err(Unreadable::Compressed))
    }

    /// Whether it names no more than what other files use of it.
    pub(super) fn is_stripped(&self) -> bool {
        !self.has_table && matches!(self.debug_info, Err(Unreadable::Nothing))
    }

    /// What it was read from, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.file.size() + self.debug_info.as_ref().map_or(0, DebugInfo::split_size)
    }

    /// The folder that relative source paths start from in the workspace whose code is at an address.
    pub(super) fn root(&mut self, offset: u64) -> Option<String> {
        self.debug_info.as_mut().ok()?.root(offset)
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
                Some(outermost) => {
                    outermost.function = function;
                    let place = || self.debug_info.as_ref().ok()?.place_before(symbol.address(), offset);
                    if let (None, Some((file, line))) = (outermost.line, place()) {
                        (outermost.file, outermost.line) = (Some(file.to_owned()), Some(line));
                    }
                }
                None => symbols.push(Symbol { function, file: None, line: None }),
            }
        }
        symbols
    }
}

/// As processes tell it; empty when there is none.
fn build_id_of(object: &object::File<'_>) -> String {
    let found = object.build_id().ok().flatten().unwrap_or_default();
    found.iter().map(|byte| format!("{byte:02x}")).collect()
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
    use super::super::Symbols;
    use super::*;
    use crate::capture::RawFrame;
    use object::ObjectSection;
    use std::fs::File;
    use std::process::Command;
    use std::sync::Arc;

    /// Damaged files that are read.
    const ROUNDS: usize = 2000;

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

    #[test]
    fn the_workspaces_folder_is_told_by_its_own_code_alone() {
        let path = std::env::current_exe().unwrap();
        let file = fs::read(&path).unwrap();
        let own = address_of("the_workspaces_folder_is_told_by_its_own_code_alone", &file);
        let mut source = Source::open(&library(&path)).unwrap();
        let root = source.root(own).unwrap();
        let place = source.find(own).pop().unwrap().file.unwrap();
        assert_eq!(place.strip_prefix(&root), Some(&*format!("/{}", file!())));
        // None of it is generic: it was compiled with its own crate.
        for dependencys in ["rustc_demangle8demangle", "std3env11current_exe"] {
            assert_eq!(source.root(address_of(dependencys, &file)), None, "{dependencys}");
        }
    }

    #[test]
    fn the_workspaces_folder_is_told_where_debug_information_is_split() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for split in ["unpacked", "packed"] {
            let (_, address) = built_with(folder.path(), &[&format!("-Csplit-debuginfo={split}")]);
            let mut source = Source::open(&library(&folder.path().join("small.so"))).unwrap();
            assert_eq!(source.root(address).as_deref(), root.to_str(), "{split}");
            assert_eq!(source.root(address).as_deref(), root.to_str(), "{split}, once it is open");
        }
    }

    #[test]
    fn code_of_no_line_has_that_of_the_code_before_it() {
        let path = std::env::current_exe().unwrap();
        let mut source = Source::open(&library(&path)).unwrap();
        let own = |name: &str| name.contains("diagnosis") && name.contains("find");
        let functions: Vec<_> = source
            .table
            .symbols()
            .iter()
            .filter(|known| own(known.name()))
            .map(object::SymbolMapName::address)
            .collect();
        let mut without = 0;
        for (start, address) in
            functions.iter().flat_map(|&start| (start..start + 400).map(move |at| (start, at)))
        {
            if source.table.containing(address).is_none_or(|known| known.address() != start) {
                continue;
            }
            let Some(mut frames) = source.debug_info.as_mut().unwrap().find(address) else { continue };
            let mut line = Some(0);
            while let Ok(Some(frame)) = frames.next() {
                line = frame.location.and_then(|location| location.line).filter(|&line| line > 0);
            }
            let outermost = source.find(address).pop().unwrap();
            if line.is_none() && address > start {
                without += 1;
                assert!(outermost.line.is_some(), "{address:x}: {outermost:?}");
            }
        }
        assert!(without > 0, "the compiler made nothing up in {} functions", functions.len());
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

    /// A small library with debug information, and the address of its function.
    fn built(folder: &Path) -> (Vec<u8>, u64) {
        built_with(folder, &[])
    }

    /// The same, with more arguments.
    fn built_with(folder: &Path, arguments: &[&str]) -> (Vec<u8>, u64) {
        let (text, path) = (folder.join("small.rs"), folder.join("small.so"));
        fs::write(
            &text,
            "#![no_std]
            #[panic_handler] fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
            #[inline(always)] fn inner(x: u32) -> u32 { x.rotate_left(3) ^ 5 }
            #[unsafe(no_mangle)] pub extern \"C\" fn outer(x: u32) -> u32 { inner(x) }",
        )
        .unwrap();
        let mut rustc = Command::new("rustc");
        rustc.args([
            "--edition=2024",
            "--crate-type=cdylib",
            "-Cpanic=abort",
            "-Copt-level=1",
            "-Cdebuginfo=2",
        ]);
        rustc.args(["-Clink-arg=-nostdlib", "-Clink-arg=-Wl,--build-id"]);
        // As cargo does it for the crates of a workspace.
        rustc.args(arguments).arg("-o").args([&path, Path::new("small.rs")]).current_dir(folder);
        assert!(rustc.status().unwrap().success());
        let file = fs::read(path).unwrap();
        let address = address_of("outer", &file);
        (file, address)
    }

    #[test]
    fn files_of_others_are_open_together_where_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let (file, address) = built(folder.path());
        let build_id = build_id_of(&object::File::parse(&*file).unwrap());
        let frames = ["a.so", "b.so"].map(|name| {
            let path = folder.path().join(name);
            fs::write(&path, &file).unwrap();
            let module = ModuleFile { build_id: Some(build_id.clone()), ..library(&path) };
            RawFrame { module: Some(Arc::new(module)), offset: address }
        });
        let size = file.len() as u64;
        for (room, open) in [(2 * size, 2), (2 * size - 1, 1), (0, 1)] {
            let mut symbols = Symbols { of_others: Some(room), ..Symbols::new() };
            for frame in &frames {
                assert!(!symbols.resolve(frame).is_empty(), "one is open however large it is");
            }
            assert_eq!(symbols.sources.len(), open, "{room} bytes of {size} each");
        }
    }

    #[test]
    fn why_a_file_of_others_names_nothing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (file, address) = built(folder.path());
        let build_id = Some(build_id_of(&object::File::parse(&*file).unwrap()));
        let (whole, stripped) = (folder.path().join("small.so"), folder.path().join("stripped.so"));
        let strip = Command::new("strip").args(["--strip-all", "-o"]).args([&stripped, &whole]).status();
        assert!(strip.unwrap().success());
        let large = folder.path().join("large.so");
        File::create(&large).and_then(|file| file.set_len(LARGEST + 1)).unwrap();
        for (path, why) in [(whole, None), (stripped, Some("is stripped")), (large, Some("than 1 GiB"))] {
            let module = ModuleFile { build_id: build_id.clone(), ..library(&path) };
            let mut symbols = Symbols::of_others();
            symbols.resolve(&RawFrame { module: Some(Arc::new(module)), offset: address });
            let told: Vec<_> = symbols.take_gaps().into_iter().map(|gap| gap.what).collect();
            assert_eq!(told.len(), usize::from(why.is_some()), "{told:?}");
            assert!(why.is_none_or(|why| told[0].contains(why)), "{told:?}");
        }
    }

    #[test]
    fn a_damaged_file_never_panics() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, address) = built(folder.path());
        let path = folder.path().join("damaged.so");
        let named = |file: &[u8]| {
            fs::write(&path, file).unwrap();
            Source::open(&library(&path)).map_or(0, |mut source| {
                source.root(address);
                (address - 64..address + 64).step_by(8).map(|at| source.find(at).len()).sum()
            })
        };
        assert!(named(&whole) > 1, "an inlined function, and the one that it is in");
        // Any sequence will do, as long as it is the same each time.
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut below = |end: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % end
        };
        let object = object::File::parse(&*whole).unwrap();
        let ranges =
            [".debug_info", ".debug_abbrev", ".debug_line", ".debug_ranges", ".debug_str", ".symtab"]
                .map(|name| object.section_by_name(name).and_then(|section| section.file_range()));
        let mut ranges: Vec<_> = ranges.into_iter().flatten().filter(|&(_, length)| length > 0).collect();
        // The headers, where all begins, and the table of sections, at the end.
        ranges.extend([(0, 64), (whole.len() as u64 - 2048, 2048)]);
        let mut least = usize::MAX;
        for round in 0..ROUNDS {
            let mut damaged = whole.clone();
            for _ in 0..=below(4) {
                let (from, length) = ranges[below(ranges.len())];
                damaged[from as usize + below(length as usize)] =
                    [0, 0x7f, 0x80, 0xff, below(256) as u8][below(5)];
            }
            if round % 8 == 0 {
                damaged.truncate(below(whole.len()));
            }
            least = least.min(named(&damaged));
        }
        assert_eq!(least, 0, "none of it was damage");
    }
}
