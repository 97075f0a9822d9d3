/// What the mouse does, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mouse {
    pub(crate) does: Gesture,
    pub(crate) x: u16,
    pub(crate) y: u16,
}

/// What the mouse does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gesture {
    Click,
    WheelUp,
    WheelDown,
}
