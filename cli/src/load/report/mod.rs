//! What a load measured, for people and for programs.

mod figures;
mod json;
mod text;
