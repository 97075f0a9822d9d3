use super::table::Table;
use std::cell::OnceCell;
use std::rc::Rc;

/// Lists of a process as they were made last: they are drawn much oftener than changes what they tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    pub(super) findings: Kept,
    pub(super) handlers: Kept,
    pub(super) sockets: Kept,
    /// Of the sockets, those that tell something.
    pub(super) notable: Kept,
}

/// One of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(OnceCell<Rc<Table>>);

impl Kept {
    /// The list, which is made if it is not there.
    pub(super) fn or_made(&self, make: impl FnOnce() -> Table) -> Rc<Table> {
        Rc::clone(self.0.get_or_init(|| Rc::new(make())))
    }

    /// What it tells has changed.
    pub(super) fn forget(&mut self) {
        self.0.take();
    }
}
