//! The cases, by how they block.

mod calls;
mod computing;
mod files;
mod innocent;
mod libraries;
mod locks;
mod names;
mod network;
mod places;
mod roots;

use crate::case::{Case, root, task};

macro_rules! find {
    ($name:ident, $($place:ident $module:ident: $($case:ident)*;)*) => {
        match $name {
            $($(stringify!($case) => Some($place($module::$case())),)*)*
            _ => None,
        }
    };
}

/// The case that is a function of this name.
pub(crate) fn named(name: &str) -> Option<Case> {
    find! { name,
        task calls: std_sleep usleep poll select child_process;
        task computing: own_loop compression hashing regular_expression json;
        task files: file_read fifo_open pipe_read fsync cached_read;
        task locks: mutex rwlock condvar channel full_channel barrier join park once block_on;
        task libraries: database http_client;
        task names: name_lookup;
        task network: tcp_read tcp_read_with_timeout connect_to_a_black_hole connect_with_timeout accept;
        task places: in_drop in_select in_poll in_a_generic_of_another_crate in_a_closure deep_recursion
            deep_recursion_computing in_a_stream_of_tasks;
        root roots: root_future local_set nested_runtime several_workers;
        task innocent: blocking_pool in_place long_awaits short_polls busy_server idle_tasks async_locks async_child;
        root innocent: start_up;
    }
}
