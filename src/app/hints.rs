//! What to do next, told from what happened in a run.

use crate::fetch::Event;
use crate::journal::Outcome;
use crate::model::Rate;
use crate::sms::Failure;

/// From so many tasks on, and this share of all, something is worth a hint.
const MANY: (usize, usize) = (3, 10);

/// What finding the account's tasks needs.
pub(crate) const LISTING: &str = "listing needs sms:server:queryServer and sms:server:listTask";

/// What a failure says of itself, and of the permission if it is that which is missing.
pub(crate) fn denied(failure: &Failure, permission: &str) -> String {
    match failure.status {
        Some(403) => format!("{}; {permission}", failure.summary()),
        _ => failure.summary(),
    }
}

/// Counts what happened while tasks were fetched.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    tasks: usize,
    forbidden: usize,
    unknown: usize,
    unreached: usize,
    too_large: usize,
    throttled: usize,
}

impl Tally {
    /// Takes note of an event.
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            Event::Finished(record) => {
                self.tasks += 1;
                if let Outcome::Failed(failed) = &record.outcome {
                    match failed.status {
                        Some(403) => self.forbidden += 1,
                        Some(404) => self.unknown += 1,
                        // What is said of an answer beyond the cap names the flag.
                        None if failed.message.contains("--max-response") => self.too_large += 1,
                        None => self.unreached += 1,
                        Some(_) => {}
                    }
                }
            }
            Event::Retrying { what, .. } => self.throttled += usize::from(what.contains("429")),
            Event::Slowed(_) | Event::Tick => {}
        }
    }

    /// What to say after the run, in which the gate has learnt to keep `learnt`.
    pub(crate) fn hints(&self, learnt: Option<Rate>) -> Vec<String> {
        let mut hints = Vec::new();
        let is_many =
            |count: usize| count >= MANY.0.min(self.tasks) && count * MANY.1 >= self.tasks && count > 0;
        if is_many(self.forbidden) {
            hints.push(format!(
                "{} tasks were forbidden (403): the user needs the permission sms:server:getConsistencyCheckResult",
                self.forbidden
            ));
        }
        if is_many(self.unknown) {
            hints.push(format!(
                "{} tasks are not known to the service (404): is this their region and account? `export --reconcile` \
                 compares the list with the account",
                self.unknown
            ));
        }
        if is_many(self.unreached) {
            hints.push(format!(
                "{} tasks got no answer: `doctor` looks at the network, the certificate and the clock",
                self.unreached
            ));
        }
        if is_many(self.too_large) {
            hints.push(format!(
                "{} answers were larger than --max-response: if they are the service's own, allow more",
                self.too_large
            ));
        }
        if let Some(learnt) = learnt {
            hints.push(format!(
                "the service refused {} requests as too many (429): rate = \"{learnt}\" in the config file, or --rate {learnt}, spares them",
                self.throttled
            ));
        }
        hints
    }
}
