//! The part of a finding's stack that is worth a reader's time.

use super::{Finding, Frame};

/// The user's own frames that are shown of a stack, the culprit among them.
const OWN_FRAMES: usize = 3;
/// The frames that are shown where none is known to be the user's own.
const FRAMES: usize = 3;

impl Finding {
    /// The call that the culprit made, the culprit, and the user's own code that called it; each with its index in the stack.
    #[must_use]
    pub fn short_stack(&self) -> Vec<(usize, &Frame)> {
        short(&self.stack, self.culprit_frame())
    }
}

fn short(stack: &[Frame], culprit: Option<usize>) -> Vec<(usize, &Frame)> {
    let frames = stack.iter().enumerate();
    let Some(culprit) = culprit else { return frames.take(FRAMES).collect() };
    let (call, callers) = (culprit.saturating_sub(1), frames.clone().skip(culprit));
    let own = callers.filter(|&(i, frame)| i == culprit || frame.user).take(OWN_FRAMES);
    frames.skip(call).take(culprit - call).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(user: &[bool], culprit: Option<usize>) -> Vec<usize> {
        let stack: Vec<_> = user.iter().map(|&user| Frame { user, ..Frame::default() }).collect();
        short(&stack, culprit).into_iter().map(|(i, _)| i).collect()
    }

    #[test]
    fn a_short_stack_is_the_call_and_the_own_frames_that_led_to_it() {
        let (own, others) = (true, false);
        assert_eq!(shown(&[others, others, own, others, own, own, own], Some(2)), [1, 2, 4, 5]);
        assert_eq!(shown(&[own, others, own], Some(0)), [0, 2]);
        assert_eq!(shown(&[others; 5], None), [0, 1, 2]);
        assert_eq!(shown(&[], None), [0; 0]);
    }
}
