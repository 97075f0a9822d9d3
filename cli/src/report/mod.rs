//! Reports in the forms that people and machines read.

mod course;
mod escape;
mod facts;
mod file;
mod flame;
mod folded;
mod format;
mod histogram;
mod html;
mod markdown;
mod paint;
mod run;
mod sockets;
mod tables;
pub(crate) mod text;
mod trace;

pub(crate) use course::Course;
pub(crate) use file::Target;
pub(crate) use format::{Format, Material, Style};
pub(crate) use histogram::distributions;
pub(crate) use paint::Paint;
pub(crate) use run::Run;
