use super::Material;
use std::io::{self, Write};

pub(super) fn write(_out: &mut impl Write, _of: Material<'_>) -> io::Result<()> {
    Ok(())
}
