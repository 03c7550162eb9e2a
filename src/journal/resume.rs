//! Whether a journal is of the run that is to go on.

use super::{Header, Searched};
use crate::model::{Task, TaskList};

impl Header {
    /// Why a run at `endpoint` cannot go on with this journal, for people; none if it can.
    ///
    /// The account is not asked again, so what it was asked must be the same: `searched`, and whether to
    /// reconcile. A `list` is compared if one is declared.
    pub fn differs(
        &self,
        endpoint: &str,
        list: Option<&TaskList>,
        searched: Option<&Searched>,
        reconciled: bool,
    ) -> Option<String> {
        if self.endpoint != endpoint {
            return Some(format!("it is of the endpoint {}, not of {endpoint}", self.endpoint));
        }
        let asked = (self.searched.as_ref(), self.reconciliation.is_some());
        if asked != (searched, reconciled) {
            return Some(format!(
                "its run {}, and this one {}",
                told(asked.0, asked.1),
                told(searched, reconciled)
            ));
        }
        list.and_then(|list| first_difference(&self.list, list))
    }
}

/// As in `was given --discover --state MIGRATE_SUCCESS`.
fn told(searched: Option<&Searched>, reconciled: bool) -> String {
    let Some(Searched { state, name }) = searched else {
        return "was given neither --discover nor --reconcile".to_owned();
    };
    let mut told = format!("was given {}", if reconciled { "--reconcile" } else { "--discover" });
    for (option, value) in [("--state", state), ("--name", name)] {
        if let Some(value) = value {
            told.push_str(&format!(" {option} {value}"));
        }
    }
    told
}

/// The first thing in which two lists differ, told of the one that is held.
fn first_difference(held: &TaskList, given: &TaskList) -> Option<String> {
    for (number, (held, given)) in (1..).zip(held.tasks.iter().zip(&given.tasks)) {
        let place = format!("task {number} of its list is");
        if held.task_id != given.task_id {
            return Some(format!("{place} {}, and {} of this one", held.task_id, given.task_id));
        }
        let id = &held.task_id;
        if let Some((field, held, given)) = differing_field(held, given) {
            return Some(format!("{place} {id} with {field} `{held}`, and with `{given}` in this one"));
        }
    }
    let (tasks, count) = (held.tasks.len(), given.tasks.len());
    if tasks != count {
        return Some(format!("its list has {tasks} tasks, and this one {count}"));
    }
    if held.labels != given.labels {
        let names = |labels: &[String]| if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
        return Some(format!(
            "the label columns of its list are {}, and {} of this one",
            names(&held.labels),
            names(&given.labels)
        ));
    }
    None
}

/// The field in which two entries of one task differ, and both its values.
fn differing_field<'a>(held: &'a Task, given: &'a Task) -> Option<(&'a str, &'a str, &'a str)> {
    let known = [
        ("source_id", &held.source_id, &given.source_id),
        ("source_name", &held.source_name, &given.source_name),
    ];
    let known = known.map(|(name, held, given)| (name, held.as_ref(), given.as_ref()));
    let names = held.labels.keys().chain(given.labels.keys());
    let labels = names.map(|name| (name.as_str(), held.labels.get(name), given.labels.get(name)));
    let mut fields = known.into_iter().chain(labels);
    let (name, held, given) = fields.find(|(_, held, given)| held != given)?;
    let text = |value: Option<&'a String>| value.map_or("", String::as_str);
    Some((name, text(held), text(given)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaskId;

    fn list(tasks: &[(&str, &str)]) -> TaskList {
        let tasks = tasks.iter().map(|(id, wave)| {
            let mut task = Task::new(TaskId::new(id).unwrap());
            task.labels.insert("wave".to_owned(), (*wave).to_owned());
            task
        });
        TaskList { labels: vec!["wave".to_owned()], tasks: tasks.collect() }
    }

    #[test]
    fn a_journal_of_another_run_is_refused_with_the_first_difference() {
        let tasks = list(&[("a", "1"), ("b", "2")]);
        let mut held =
            Header::new(jiff::Timestamp::UNIX_EPOCH, "https://sms.example".to_owned(), tasks.clone());
        let same = "https://sms.example";
        assert_eq!(held.differs(same, Some(&tasks), None, false), None);
        let renamed = TaskList { labels: vec!["Wave".to_owned()], ..tasks.clone() };
        let in_state = Searched { state: Some("READY".to_owned()), name: None };
        let mut told = vec![
            held.differs("https://sms.other", Some(&tasks), None, false),
            held.differs(same, Some(&list(&[("b", "2"), ("a", "1")])), None, false),
            held.differs(same, Some(&list(&[("a", "1"), ("b", "3")])), None, false),
            held.differs(same, Some(&list(&[("a", "1")])), None, false),
            held.differs(same, Some(&renamed), None, false),
            held.differs(same, None, Some(&in_state), false),
        ];
        held.searched = Some(Searched::default());
        assert_eq!(held.differs(same, None, Some(&Searched::default()), false), None);
        told.push(held.differs(same, None, Some(&in_state), false));
        told.push(held.differs(same, Some(&tasks), Some(&Searched::default()), true));
        insta::assert_snapshot!(told.into_iter().flatten().collect::<Vec<_>>().join("\n"));
    }
}
