//! The `STALLSCOPE_*` variables.

use super::{Config, nanos};
use crate::install::InstallError;
use stallscope_wire::{Mode, duration};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

impl Config {
    /// These settings with those of the environment over them.
    pub(crate) fn with_environment(mut self) -> Result<Self, InstallError> {
        let text = |name: &'static str| env::var_os(name).filter(|value| !value.is_empty());
        if let Some(value) = text("STALLSCOPE") {
            self.mode = mode(&value)?;
        }
        let (settings, limits) = (&mut self.runtime, &mut self.limits);
        for (name, target, least) in [
            ("STALLSCOPE_THRESHOLD", &mut settings.threshold_ns, 1_000_000),
            ("STALLSCOPE_LAG_LIMIT", &mut settings.lag_limit_ns, 1_000_000),
            ("STALLSCOPE_PROBE_INTERVAL", &mut settings.probe_interval_ns, 1_000_000),
            ("STALLSCOPE_GRACE", &mut settings.grace_ns, 0),
            ("STALLSCOPE_NEVER_POLLED", &mut limits.never_polled_ns, 1_000_000),
            ("STALLSCOPE_LOST_TASK", &mut limits.lost_task_ns, 1_000_000),
            ("STALLSCOPE_POOL_LIMIT", &mut limits.pool_ns, 1_000_000),
            ("STALLSCOPE_LEAK_WINDOW", &mut limits.leak_window_ns, 1_000_000_000),
            ("STALLSCOPE_CLOSE_WAIT", &mut limits.close_wait_ns, 1_000_000_000),
        ] {
            if let Some(value) = text(name) {
                let value = duration::parse(&value.to_string_lossy())
                    .map_err(|error| InstallError::variable(name, &error.to_string()))?;
                if nanos(value) < least {
                    return Err(InstallError::variable(
                        name,
                        &format!("at least {} is needed", duration::show(least)),
                    ));
                }
                *target = nanos(value);
            }
        }
        self.log = text("STALLSCOPE_LOG").map(PathBuf::from).or(self.log);
        self.flight = text("STALLSCOPE_FLIGHT").map(PathBuf::from).or(self.flight);
        self.socket = text("STALLSCOPE_SOCKET").map(PathBuf::from).or(self.socket);
        Ok(self)
    }
}

fn mode(value: &OsString) -> Result<Mode, InstallError> {
    match value.to_str() {
        Some("off" | "0") => Ok(Mode::Off),
        Some("lean") => Ok(Mode::Lean),
        Some("full" | "on" | "1") => Ok(Mode::Full),
        _ => {
            let problem = format!("{} is none of full, lean and off", Path::new(value).display());
            Err(InstallError::variable("STALLSCOPE", &problem))
        }
    }
}
