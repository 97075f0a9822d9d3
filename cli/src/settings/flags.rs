use crate::view::Palette;

/// How the dashboard looks and listens in this run, whatever the settings' file says.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Flags {
    /// What the colours are made for.
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Dashboard")]
    pub(super) theme: Option<Palette>,
    /// Draw with ASCII alone; else as the locale says.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        help_heading = "Dashboard")]
    pub(super) ascii: Option<bool>,
    /// Take clicks and the wheel; text is then selected with Shift held.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        help_heading = "Dashboard")]
    pub(super) mouse: Option<bool>,
}
