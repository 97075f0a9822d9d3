//! The screen: draws a model with ratatui. No input or output, no judgement, no state.

mod chart;
mod dashboard;
mod detail;
mod excerpt;
mod facts;
mod fit;
mod footer;
#[cfg(test)]
mod fuzz;
mod handlers;
mod header;
mod help;
mod histogram;
mod lag;
mod layout;
mod list;
mod name;
mod picker;
mod picture;
#[cfg(test)]
mod pressed;
mod processes;
mod row;
mod runtime;
mod runtimes;
mod site;
mod sockets;
mod stack;
mod stalls;
mod strip;
mod table;
mod tabs;
mod tape;
mod tasks;
#[cfg(test)]
mod tests;
mod theme;
mod timeline;
mod workers;

pub(crate) use dashboard::draw;
pub(crate) use picker::draw_picker;
pub(crate) use picture::picture;
pub(crate) use theme::{Palette, Theme};
