//! `--retries`: what did not hold is measured again, and nothing else.

use super::sight::{Order, Sight};
use crate::failure::{clean, say};
use stallscope::analysis::{Judgement, Outcome, Terms};

/// How often.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Retries {
    /// Run the command again, up to N times, when a threshold does not hold, or only the host kept it from holding; only such
    /// thresholds are judged again, and one that holds then counts as held. A command that fails is not run again.
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with_all = ["log", "pid"], help_heading = "Running")]
    retries: u32,
}

impl Retries {
    /// Runs the command again as long as that may help, and takes in what is seen. What was found before stands when it cannot
    /// be run again.
    pub(super) fn run(self, order: &Order<'_>, terms: &Terms, sight: &mut Sight, judgement: &mut Judgement) {
        for retry in 1..=self.retries {
            let again: Vec<_> = judgement.outcomes.iter().filter(|outcome| outcome.is_to_retry()).collect();
            if again.is_empty() || sight.is_final() {
                break;
            }
            announce(retry, self.retries, &again);
            let mut terms_again = terms.clone();
            // What an override names is not for the others, whether it is to be judged again or not.
            terms_again.thresholds.retain(|threshold| {
                threshold.overrides() || again.iter().any(|outcome| outcome.expr == threshold.expr())
            });
            let seen = match Sight::of_command(order, terms, true) {
                Ok(seen) => seen,
                Err(failure) => {
                    failure.report();
                    judgement.notes.push(format!("retry {retry} could not be run"));
                    break;
                }
            };
            let mut retried = seen.judge(&terms_again);
            if let Some(code) = seen.failure {
                retried.notes.push(format!("the command failed, with exit code {code}"));
            }
            judgement.retry(retried, retry);
            sight.take_retry(seen);
        }
        for outcome in &mut judgement.outcomes {
            let words = outcome.retries_in_words().into_iter().chain(outcome.note.take());
            outcome.note = Some(words.collect::<Vec<_>>().join("; ")).filter(|note| !note.is_empty());
        }
    }
}

/// Says why it takes longer.
fn announce(retry: u32, retries: u32, again: &[&Outcome]) {
    let because: Vec<_> =
        again.iter().map(|outcome| format!("{} ({})", outcome.expr, outcome.measured)).collect();
    let because = clean(because.join(", "));
    say(format_args!("stallscope: retry {retry} of {retries}, since this did not hold: {because}"));
}
