//! Reports in the forms that people and machines read.

mod codequality;
mod course;
mod escape;
mod facts;
mod file;
mod fingerprint;
mod flame;
mod folded;
mod format;
mod github;
mod histogram;
mod html;
mod junit;
mod markdown;
mod paint;
mod repository;
mod run;
mod sarif;
mod sockets;
mod tables;
pub(crate) mod text;
mod trace;

pub(crate) use course::Course;
pub(crate) use file::Target;
pub(crate) use format::{Format, Material, Style};
pub(crate) use github::summary;
pub(crate) use histogram::distributions;
pub(crate) use paint::Paint;
pub(crate) use run::Run;
