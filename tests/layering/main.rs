//! Guards the borders between the packages, and between the folders of the command line; `ARCHITECTURE.md` draws them. And
//! what the packages bring along.

mod diet;
mod folders;
mod packages;
mod top_level;
