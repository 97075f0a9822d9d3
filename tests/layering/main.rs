//! Guards the borders between the packages, and between the folders of the command line; `ARCHITECTURE.md` draws them. And
//! what the packages bring along.

mod diet;
mod folders;
mod models;
mod packages;
mod sources;
mod top_level;
mod unsafety;
