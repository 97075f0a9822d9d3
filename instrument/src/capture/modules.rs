//! The files mapped into the process, with their unwind information.
#![expect(unsafe_code, reason = "the loader's list is reached through libc, and its entries are raw memory")]

use super::{ModuleFile, memory};
use framehop::x86_64::UnwinderX86_64;
use framehop::{ExplicitModuleSectionInfo, Unwinder};
use std::ffi::CStr;
use std::fmt::Write as _;
use std::ops::{Deref, Range};
use std::slice;
use std::sync::Arc;

/// How much unwind information of one library is copied at most.
const COPY_LIMIT: u64 = 64 << 20;

/// A section's bytes: the program's own in place, since it is never unmapped; a library's copied, since it may be.
#[derive(Debug, Clone)]
pub(super) enum Bytes {
    Mapped(&'static [u8]),
    Copied(Arc<[u8]>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Copied(bytes) => bytes,
        }
    }
}

#[derive(Debug)]
pub(super) struct Module {
    file: Arc<ModuleFile>,
    /// What is added to the file's addresses. It wraps where the file is mapped below the addresses that it states.
    base: u64,
    /// All that is mapped of it.
    range: Range<u64>,
    text: Vec<Range<u64>>,
    /// `.eh_frame_hdr` and where it is mapped.
    index: Option<(u64, Bytes)>,
}

/// The modules, and an unwinder that knows them.
pub(super) struct Modules {
    pub(super) unwinder: UnwinderX86_64<Bytes>,
    modules: Vec<Module>,
    /// The loader's counts of modules added and removed when the list was made.
    changes: (u64, u64),
}

impl Modules {
    pub(super) fn new() -> Self {
        let mut modules = Self { unwinder: UnwinderX86_64::new(), modules: Vec::new(), changes: (0, 0) };
        modules.refresh();
        modules
    }

    /// Makes the list again if the loader has changed its own.
    pub(super) fn refresh(&mut self) {
        let changes = changes();
        if changes == self.changes && !self.modules.is_empty() {
            return;
        }
        self.changes = changes;
        self.unwinder = UnwinderX86_64::new();
        self.modules = Vec::new();
        for loaded in loaded() {
            self.add(loaded);
        }
    }

    fn add(&mut self, loaded: Loaded) {
        let index = loaded.index.as_ref().and_then(|range| Some((range.start, loaded.bytes(range.clone())?)));
        if let Some((at, index_bytes)) = &index
            && let Some(frames_at) = frames_address(*at, index_bytes)
            && let Some(segment) = loaded.segments.iter().find(|segment| segment.contains(&frames_at))
            && let Some(frames) = loaded.bytes(frames_at..segment.end)
        {
            let stated = |range: Range<u64>| loaded.stated(range.start)..loaded.stated(range.end);
            let sections = ExplicitModuleSectionInfo {
                text_svma: loaded.text.first().cloned().map(stated),
                eh_frame_svma: Some(stated(frames_at..segment.end)),
                eh_frame: Some(frames),
                eh_frame_hdr_svma: Some(stated(*at..at.wrapping_add(index_bytes.len() as u64))),
                eh_frame_hdr: Some(index_bytes.clone()),
                base_svma: loaded.stated(loaded.range.start),
                text: None,
                stubs_svma: None,
                stub_helper_svma: None,
                got_svma: None,
                unwind_info: None,
                debug_frame: None,
                text_segment_svma: None,
                text_segment: None,
            };
            let name = loaded.file.path.clone();
            self.unwinder.add_module(framehop::Module::new(
                name,
                loaded.range.clone(),
                loaded.range.start,
                sections,
            ));
        }
        let Loaded { file, base, range, text, .. } = loaded;
        self.modules.push(Module { file: Arc::new(file), base, range, text, index });
    }

    /// The module that covers an address, and the address in it.
    pub(super) fn place(&self, address: u64) -> Option<(Arc<ModuleFile>, u64)> {
        let module = self.modules.iter().find(|module| module.range.contains(&address))?;
        Some((Arc::clone(&module.file), address.wrapping_sub(module.base)))
    }

    /// Whether an address lies in code.
    pub(super) fn is_code(&self, address: u64) -> bool {
        self.modules.iter().any(|module| module.text.iter().any(|text| text.contains(&address)))
    }

    /// Where the function that covers an address starts.
    pub(super) fn function_start(&self, address: u64) -> Option<u64> {
        self.function_row(address).map(|row| row.start)
    }

    /// Where the function after the one that covers an address starts; none when that is the last.
    pub(super) fn next_function(&self, address: u64) -> Option<u64> {
        self.function_row(address)?.next
    }

    /// Whether there is unwind information for an address: code that was made or written by hand may have none.
    pub(super) fn is_described(&self, address: u64) -> bool {
        let Some(row) = self.function_row(address) else { return false };
        // Length, distance to the common part, start and length of the code, as all compilers write them: four bytes each.
        let length = memory::read_word(row.entry + 8).map(|words| words >> 32);
        length.is_some_and(|length| address < row.start + length)
    }

    /// The row that an address belongs to in the binary search table of `.eh_frame_hdr` (Linux Standard Base Core 5.0,
    /// 10.6.2).
    fn function_row(&self, address: u64) -> Option<FunctionRow> {
        let module = self.modules.iter().find(|module| module.range.contains(&address))?;
        let (at, bytes) = module.index.as_ref()?;
        // Count as four unsigned bytes, table as pairs of four signed bytes relative to the section: what all linkers write.
        if bytes.get(2..4)? != [0x03, 0x3b] {
            return None;
        }
        let word = |offset: usize| Some(i32::from_le_bytes(bytes.get(offset..offset + 4)?.try_into().ok()?));
        let count = usize::try_from(word(8)?).ok()?;
        let pointer = |offset: usize| Some(at.wrapping_add_signed(i64::from(word(offset)?)));
        let start_of = |row: usize| pointer(12 + row * 8);
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            if start_of(middle)? <= address { low = middle + 1 } else { high = middle }
        }
        let next = if low < count { start_of(low) } else { None };
        let row = low.checked_sub(1)?;
        Some(FunctionRow { start: start_of(row)?, next, entry: pointer(12 + row * 8 + 4)? })
    }
}

/// A function by the table.
struct FunctionRow {
    start: u64,
    /// Where the next one starts.
    next: Option<u64>,
    /// Where its entry in `.eh_frame` is.
    entry: u64,
}

/// Where `.eh_frame` is, which the header at `at` points to.
fn frames_address(at: u64, header: &[u8]) -> Option<u64> {
    // Version 1, pointer as four signed bytes relative to itself.
    if header.get(..2)? != [1, 0x1b] {
        return None;
    }
    let offset = i32::from_le_bytes(header.get(4..8)?.try_into().ok()?);
    Some(at.wrapping_add(4).wrapping_add_signed(i64::from(offset)))
}

/// A module as the loader lists it; all ranges are addresses in the process.
#[derive(Debug)]
struct Loaded {
    file: ModuleFile,
    base: u64,
    range: Range<u64>,
    segments: Vec<Range<u64>>,
    text: Vec<Range<u64>>,
    index: Option<Range<u64>>,
    notes: Vec<Range<u64>>,
}

impl Loaded {
    /// What the file calls an address in the process.
    fn stated(&self, address: u64) -> u64 {
        address.wrapping_sub(self.base)
    }

    fn bytes(&self, range: Range<u64>) -> Option<Bytes> {
        let length = range.end.checked_sub(range.start)?;
        if self.file.program
            && self.segments.iter().any(|segment| segment.start <= range.start && range.end <= segment.end)
        {
            // SAFETY: the range lies in a loaded segment of the program itself, which stays mapped and is not written:
            // unwind information is read-only.
            return Some(Bytes::Mapped(unsafe {
                slice::from_raw_parts(range.start as *const u8, length as usize)
            }));
        }
        copied(range).map(|bytes| Bytes::Copied(bytes.into()))
    }
}

fn copied(range: Range<u64>) -> Option<Vec<u8>> {
    let length = range.end.checked_sub(range.start).filter(|&length| length <= COPY_LIMIT)?;
    let mut bytes = vec![0; length as usize];
    let read = memory::read(range.start, &mut bytes);
    bytes.truncate(read);
    (read > 0).then_some(bytes)
}

/// How many modules the loader has added and removed so far.
fn changes() -> (u64, u64) {
    unsafe extern "C" fn first(info: *mut libc::dl_phdr_info, _size: usize, data: *mut libc::c_void) -> i32 {
        // SAFETY: the loader passes a valid entry, and `data` is the pair given below.
        unsafe { *data.cast::<(u64, u64)>() = ((*info).dlpi_adds, (*info).dlpi_subs) };
        1
    }
    let mut changes = (0, 0);
    // SAFETY: the callback ends the iteration at its first call and writes only into `changes`.
    unsafe { libc::dl_iterate_phdr(Some(first), (&raw mut changes).cast()) };
    changes
}

/// All modules.
fn loaded() -> Vec<Loaded> {
    unsafe extern "C" fn each(info: *mut libc::dl_phdr_info, _size: usize, data: *mut libc::c_void) -> i32 {
        // SAFETY: the loader passes a valid entry and holds its lock meanwhile; `data` is the vector given below.
        let (list, module) = unsafe { (&mut *data.cast::<Vec<Option<Loaded>>>(), describe(&*info)) };
        list.push(module);
        0
    }
    let mut list: Vec<Option<Loaded>> = Vec::new();
    // SAFETY: the callback does not unwind: it indexes nothing, and its sums of what the files state wrap. It writes only
    // into `list`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(each), (&raw mut list).cast()) };
    // Its first entry is the program's own, also where it is refused.
    if let Some(Some(program)) = list.first_mut() {
        program.file.program = true;
        if let Ok(path) = std::env::current_exe() {
            program.file.path = path.to_string_lossy().into_owned();
        }
    }
    let mut list: Vec<Loaded> = list.into_iter().flatten().collect();
    for module in &mut list {
        module.file.build_id = module.notes.iter().cloned().find_map(|range| build_id(&copied(range)?));
    }
    list
}

/// # Safety
/// `info` is an entry of the loader's list, and the loader holds its lock.
unsafe fn describe(info: &libc::dl_phdr_info) -> Option<Loaded> {
    // SAFETY: the loader keeps `dlpi_phnum` headers and a zero-ended name for each module.
    let (headers, path) = unsafe {
        if info.dlpi_phdr.is_null() {
            return None;
        }
        let headers = slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum as usize);
        let name = if info.dlpi_name.is_null() { c"" } else { CStr::from_ptr(info.dlpi_name) };
        (headers, name.to_string_lossy().into_owned())
    };
    let base = info.dlpi_addr;
    let mapped = |header: &libc::Elf64_Phdr| {
        let start = base.wrapping_add(header.p_vaddr);
        start..start.wrapping_add(header.p_memsz)
    };
    let of = |kind: u32| headers.iter().filter(move |header| header.p_type == kind);
    let segments: Vec<_> = of(libc::PT_LOAD).map(mapped).collect();
    let text = of(libc::PT_LOAD).filter(|header| header.p_flags & libc::PF_X != 0).map(mapped).collect();
    let range = segments.iter().map(|s| s.start).min()?..segments.iter().map(|s| s.end).max()?;
    Some(Loaded {
        file: ModuleFile { path, build_id: None, program: false },
        base,
        range,
        text,
        index: of(libc::PT_GNU_EH_FRAME).map(mapped).next(),
        notes: of(libc::PT_NOTE).map(mapped).collect(),
        segments,
    })
}

/// The GNU build id among an ELF file's notes: name size, content size, type 3, then `GNU` and the content, each padded to 4.
fn build_id(notes: &[u8]) -> Option<String> {
    let mut rest = notes;
    loop {
        let word = |at: usize| Some(u32::from_le_bytes(rest.get(at..at + 4)?.try_into().ok()?) as usize);
        let (name, content, kind) = (word(0)?, word(4)?, word(8)?);
        let content_at = 12 + name.next_multiple_of(4);
        if kind == 3 && rest.get(12..16)? == b"GNU\0" {
            return Some(rest.get(content_at..content_at + content)?.iter().fold(
                String::new(),
                |mut text, byte| {
                    let _ = write!(text, "{byte:02x}");
                    text
                },
            ));
        }
        rest = rest.get(content_at.checked_add(content.next_multiple_of(4))?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_and_its_libraries_are_found() {
        let modules = Modules::new();
        let here = the_program_and_its_libraries_are_found as *const () as u64;
        let (file, _) = modules.place(here).expect("the test is part of the program");
        assert!(file.program);
        assert!(modules.is_code(here));
        assert_eq!(modules.function_start(here + 1), Some(here));
        assert!(modules.is_described(here + 1) && !modules.is_described(8));
        let (library, _) = modules.place(libc::nanosleep as *const () as u64).expect("libc is loaded");
        assert!(!library.program && library.path.contains("libc"), "{library:?}");
        assert!(library.build_id.as_ref().is_some_and(|id| id.len() == 40), "{library:?}");
    }

    #[test]
    fn a_library_below_the_address_that_it_states_is_described() {
        // SAFETY: both are plain data.
        let (mut header, mut info) =
            unsafe { (std::mem::zeroed::<libc::Elf64_Phdr>(), std::mem::zeroed::<libc::dl_phdr_info>()) };
        (header.p_type, header.p_vaddr, header.p_memsz) = (libc::PT_LOAD, 0x30_0000, 0x1000);
        (info.dlpi_addr, info.dlpi_phdr, info.dlpi_phnum) =
            (0_u64.wrapping_sub(0x10_0000), &raw const header, 1);
        // SAFETY: the entry names one header, which outlives the call.
        let loaded = unsafe { describe(&info) }.expect("a segment is loaded");
        assert_eq!(loaded.range, 0x20_0000..0x20_1000);
        assert_eq!(loaded.stated(0x20_0010), 0x30_0010);
    }

    #[test]
    fn malformed_notes_and_headers_are_refused() {
        assert_eq!(build_id(&[4, 0, 0, 0, 255, 255, 255, 255, 3, 0, 0, 0, b'G', b'N', b'U', 0]), None);
        assert_eq!(build_id(&[0; 64]), None);
        assert_eq!(frames_address(0, &[1, 0x1b, 3]), None);
        assert_eq!(frames_address(0, &[2; 16]), None);
    }
}
