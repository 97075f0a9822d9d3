//! Which sockets a scope leaves open: those that its runtime's I/O driver looks after at the end, and did not at the beginning.

use crate::collector::sockets_in_words;
use crate::probe::LagProbe;
use crate::recorder;
use crate::runtime::Runtime;
use crate::watchdog::{driver_of, sockets_of};
use std::collections::HashSet;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// How often a thread of the runtime is looked for that waits in the driver, and how long between two looks.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(1);

/// The sockets that were open when a scope began.
#[derive(Debug)]
pub(super) struct Before {
    driver: i32,
    sockets: HashSet<u64>,
}

impl Before {
    /// None where the driver cannot be found.
    pub(super) async fn look(runtime: &Arc<Runtime>) -> Option<Self> {
        if runtime.driver().is_none() {
            let (looked_for, own) = (Arc::clone(runtime), crate::capture::thread::tid());
            // Whoever waits for this lets a thread park, in the driver where there is one.
            let look = move || looked_for.find_driver(|| find(&looked_for, own));
            LagProbe::aside(&runtime.handle, look).await;
        }
        let driver = runtime.driver()?;
        Some(Self { driver, sockets: sockets_of(driver)?.into_iter().collect() })
    }

    /// Those that were opened since and are open, in words; none where that can no longer be told.
    pub(super) fn opened(&self) -> Option<Vec<String>> {
        let opened = sockets_of(self.driver)?.into_iter().filter(|socket| !self.sockets.contains(socket));
        let opened: HashSet<u64> = opened.collect();
        Some(if opened.is_empty() { Vec::new() } else { sockets_in_words(&opened) })
    }
}

fn find(runtime: &Runtime, own: i32) -> Option<i32> {
    let one_thread = runtime.is_current_thread();
    (0..TRIES).find_map(|_| {
        sleep(PAUSE);
        let of_it = recorder::registered().into_iter().filter(|known| known.thread.runtime == runtime.id);
        let tids = of_it.map(|known| known.thread.tid).chain(one_thread.then_some(own));
        tids.into_iter().find_map(driver_of)
    })
}
