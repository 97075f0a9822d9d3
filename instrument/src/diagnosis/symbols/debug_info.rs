//! Functions, files and lines of addresses, from the debug information of one file (DWARF).
#![expect(unsafe_code, reason = "what is parsed borrows from files that are kept beside it")]

use super::mapped::{COPY_LIMIT, Files};
use addr2line::gimli::{
    self, AbbreviationsCacheStrategy, Dwarf, DwarfPackage, DwoId, EndianSlice, NativeEndian, Section,
    SectionId,
};
use addr2line::{Context, FrameIter, LookupContinuation, LookupResult, SplitDwarfLoad};
use object::{CompressionFormat, Object, ObjectSection};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a file that stays in memory for as long as what was parsed from it is used.
type Bytes = EndianSlice<'static, NativeEndian>;

/// The debug information of a program or a library, with what lies in files of its own (`split-debuginfo`).
pub(super) struct DebugInfo {
    context: Context<Bytes>,
    package: Option<DwarfPackage<Bytes>>,
    /// The folders that the compiler was run in for units that are not in the program: these do not say so.
    folders: HashMap<DwoId, Bytes>,
    /// The files of the package and of single units. Last: what stands above borrows from them.
    split: Files,
}

/// Why there are no lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// There is no debug information, or none that can be parsed.
    Nothing,
    /// It is compressed, and to open it would take seven crates more in every program that is watched.
    Compressed,
}

impl From<gimli::Error> for Unreadable {
    fn from(_: gimli::Error) -> Self {
        Self::Nothing
    }
}

impl DebugInfo {
    /// The debug information of the program or library that `object` was parsed from and that lies at `path`.
    ///
    /// # Safety
    /// The bytes of `object` must stay for as long as this is used.
    pub(super) unsafe fn of(object: &object::File<'static>, path: &Path) -> Result<Self, Unreadable> {
        let mut dwarf = Dwarf::load(|id| section(object, Some(id.name())))?;
        if dwarf.debug_info.reader().is_empty() {
            return Err(Unreadable::Nothing);
        }
        dwarf.populate_abbreviations_cache(AbbreviationsCacheStrategy::Duplicates);
        let mut split = Files::default();
        let package = package(path, &mut split);
        Ok(Self { context: Context::from_dwarf(dwarf)?, package, folders: HashMap::new(), split })
    }

    /// The functions at an address, innermost first.
    pub(super) fn find(&mut self, address: u64) -> Option<FrameIter<'_, Bytes>> {
        let mut found = self.context.find_frames(address);
        loop {
            match found {
                LookupResult::Output(frames) => return frames.ok(),
                LookupResult::Load { load, continuation } => {
                    self.folders.extend(load.comp_dir.map(|folder| (load.dwo_id, folder)));
                    found = continuation.resume(unit(&load, self.package.as_ref(), &mut self.split));
                }
            }
        }
    }

    /// The folder that relative source paths start from in the workspace whose code is at an address, as the compiler was told them.
    /// None of other code: the compiler is given the whole paths of dependencies.
    pub(super) fn root(&mut self, address: u64) -> Option<String> {
        let mut found = self.context.find_dwarf_and_unit(address);
        let unit = loop {
            match found {
                LookupResult::Output(unit) => break unit?,
                LookupResult::Load { load, continuation } => {
                    self.folders.extend(load.comp_dir.map(|folder| (load.dwo_id, folder)));
                    found = continuation.resume(unit(&load, self.package.as_ref(), &mut self.split));
                }
            }
        };
        let split = || self.folders.get(&unit.dwo_id?).copied();
        let folder = str::from_utf8(unit.comp_dir.or_else(split)?.slice()).ok()?;
        // `src/main.rs/@/…`: the crate's own file, and which part of the crate it is.
        let name = str::from_utf8(unit.name?.slice()).ok()?;
        let told = !name.starts_with('/') && name.split("/@/").next()?.ends_with(".rs");
        (told && folder.starts_with('/')).then(|| folder.to_owned())
    }
}

impl DebugInfo {
    /// What was read of it beside the file itself, in bytes.
    pub(super) fn split_size(&self) -> u64 {
        self.split.size()
    }

    /// Where the function that begins at `start` was last in its own source before an address: code that the compiler made
    /// up belongs to no line.
    pub(super) fn place_before(&self, start: u64, address: u64) -> Option<(&str, u32)> {
        let mut own = None;
        let mut place = None;
        for (_, _, location) in self.context.find_location_range(start, address).ok()? {
            let Some(file) = location.file else { continue };
            let line = location.line.filter(|&line| line > 0 && *own.get_or_insert(file) == file);
            place = line.map(|line| (file, line)).or(place);
        }
        place
    }
}

/// The package with the units of a program: `program.dwp` beside `program`.
fn package(path: &Path, files: &mut Files) -> Option<DwarfPackage<Bytes>> {
    let mut name = path.file_name()?.to_owned();
    name.push(".dwp");
    // SAFETY: the files stand beside what borrows from them, and are dropped after it.
    let object = unsafe { files.open(&path.with_file_name(name), COPY_LIMIT) }?;
    DwarfPackage::load(|id| section(&object, id.dwo_name()), Bytes::default()).ok()
}

/// A unit that is not in the program: in its package, or in a file of its own.
fn unit(
    wanted: &SplitDwarfLoad<Bytes>,
    package: Option<&DwarfPackage<Bytes>>,
    files: &mut Files,
) -> Option<Arc<Dwarf<Bytes>>> {
    if let Some(unit) = package.and_then(|package| package.find_cu(wanted.dwo_id, &wanted.parent).ok()?) {
        return Some(Arc::new(unit));
    }
    let text = |bytes: &Bytes| PathBuf::from(OsStr::from_bytes(bytes.slice()));
    let folder = wanted.comp_dir.as_ref().map(text).unwrap_or_default();
    // SAFETY: the files stand beside what borrows from them, and are dropped after it.
    let object = unsafe { files.open(&folder.join(text(wanted.path.as_ref()?)), COPY_LIMIT) }?;
    let mut dwarf = Dwarf::load(|id: SectionId| section(&object, id.dwo_name())).ok()?;
    let header = dwarf.units().next().ok()??;
    if dwarf.unit(header).ok()?.dwo_id != Some(wanted.dwo_id) {
        return None;
    }
    dwarf.make_dwo(&wanted.parent);
    Some(Arc::new(dwarf))
}

/// A section's bytes; none when there is no such section.
fn section(object: &object::File<'static>, name: Option<&str>) -> Result<Bytes, Unreadable> {
    let Some(section) = name.and_then(|name| object.section_by_name(name)) else {
        return Ok(Bytes::default());
    };
    let data = section.compressed_data().map_err(|_| Unreadable::Nothing)?;
    if data.format != CompressionFormat::None {
        return Err(Unreadable::Compressed);
    }
    Ok(Bytes::new(data.data, NativeEndian))
}
