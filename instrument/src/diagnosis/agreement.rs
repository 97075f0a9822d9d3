//! What several stacks of one thread have in common.

use stallscope_wire::{Frame, Stack};

/// Moves the culprit of `stack` outwards to the innermost of the user's frames that `other` has too, counted from the poll
/// inwards; false when they have none in common. Without frames of the user's the culprits must be the same.
pub(super) fn narrow(stack: &mut Stack, other: &Stack) -> bool {
    let users = |stack: &Stack| -> Vec<usize> {
        let inner = stack.culprit.map_or(0, |at| at as usize);
        (inner..stack.frames.len()).rev().filter(|&at| stack.frames[at].user).collect()
    };
    let (ours, theirs) = (users(stack), users(other));
    if ours.is_empty() || theirs.is_empty() {
        let culprits = stack.culprit_frame().zip(other.culprit_frame());
        return ours.is_empty() && theirs.is_empty() && culprits.is_some_and(|(a, b)| is_same(a, b));
    }
    let pairs = ours.iter().zip(&theirs);
    let common = pairs.take_while(|&(&a, &b)| is_same(&stack.frames[a], &other.frames[b])).count();
    let Some(&innermost) = common.checked_sub(1).and_then(|last| ours.get(last)) else { return false };
    stack.culprit = u32::try_from(innermost).ok();
    true
}

/// The same function, wherever it is in it.
fn is_same(a: &Frame, b: &Frame) -> bool {
    let known = a.function.is_some() || a.file.is_some();
    match known {
        true => (&a.function, &a.file) == (&b.function, &b.file),
        false => a.offset == b.offset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Innermost first; the culprit is the first that is the user's, or the first.
    fn stack(functions: &[&str]) -> Stack {
        let user = |function: &str| function.starts_with("app");
        let frame = |function: &&str| Frame {
            function: Some((*function).into()),
            user: user(function),
            ..Frame::default()
        };
        let culprit = functions.iter().position(|function| user(function)).unwrap_or(0);
        Stack {
            culprit: Some(culprit as u32),
            frames: functions.iter().map(frame).collect(),
            ..Stack::default()
        }
    }

    fn culprit(ours: &[&str], theirs: &[&str]) -> Option<String> {
        let mut ours = stack(ours);
        let agrees = narrow(&mut ours, &stack(theirs));
        agrees.then(|| ours.culprit_frame().unwrap().function.clone().unwrap())
    }

    #[test]
    fn the_innermost_common_frame_of_the_users_is_the_culprit() {
        let hash = ["core::hash", "app::hash", "app::render", "app::main"];
        assert_eq!(culprit(&hash, &hash).as_deref(), Some("app::hash"));
        let sort = ["core::sort", "app::sort", "app::render", "app::main"];
        assert_eq!(culprit(&hash, &sort).as_deref(), Some("app::render"));
        assert_eq!(culprit(&hash, &["app::render", "app::main"]).as_deref(), Some("app::render"));
    }

    #[test]
    fn stacks_of_other_tasks_do_not_agree() {
        assert_eq!(culprit(&["app::f"], &["app::g"]), None);
        assert_eq!(culprit(&["app::f"], &["dep::f"]), None);
    }

    #[test]
    fn a_dependencys_task_agrees_with_itself() {
        assert_eq!(culprit(&["dep::f", "dep::g"], &["dep::f", "dep::g"]).as_deref(), Some("dep::f"));
        assert_eq!(culprit(&["dep::f"], &["dep::g"]), None);
    }
}
