//! Whether a journal is of the run that is to go on.

use super::header::{Header, Searched};
use super::origin::Part;
use crate::model::{Account, Shard, Task, TaskList};

/// What a run is to fetch.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The endpoint that it asks.
    pub endpoint: &'a str,
    /// Whose tasks it asks for.
    pub account: &'a Account,
    /// What the account is asked for, if it is asked for its tasks.
    pub searched: Option<Searched>,
    /// Whether a list is compared with what the account has.
    pub reconciled: bool,
    /// The share of the tasks; none if all are wanted.
    pub shard: Option<Shard>,
    /// The whole list, if one is declared.
    pub list: Option<&'a TaskList>,
}

impl Header {
    /// Why a run cannot go on with this journal, for people; none if it can.
    ///
    /// The account is not asked again, so what it was asked must be the same. A list is compared if one is
    /// declared.
    pub fn differs(&self, run: &Wanted<'_>) -> Option<String> {
        if !self.merged_from.is_empty() {
            return Some("it was merged from other journals, and is not of one run".to_owned());
        }
        if self.endpoint != run.endpoint {
            return Some(format!("it is of the endpoint {}, not of {}", self.endpoint, run.endpoint));
        }
        let other_account = self.account.as_ref().and_then(|account| account.difference(run.account));
        if let Some((field, held, wanted)) = other_account {
            let text =
                |value: Option<&str>| value.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
            return Some(format!("its {field} is {}, and {} in this run", text(held), text(wanted)));
        }
        let asked = options(self.searched.as_ref(), self.reconciliation.is_some());
        let wanted = options(run.searched.as_ref(), run.reconciled);
        if asked != wanted {
            return Some(format!("its run was given {asked}, and this one was given {wanted}"));
        }
        let held = self.shard.as_ref().map(|part| part.shard);
        if held != run.shard {
            let share =
                |shard: Option<Shard>| shard.map_or("all tasks".to_owned(), |shard| format!("shard {shard}"));
            return Some(format!("it is of {}, and this run takes {}", share(held), share(run.shard)));
        }
        let list = run.list.map(|list| {
            let mut list = list.clone();
            list.tasks.retain(|task| !self.same_server.iter().any(|name| name == task.key()));
            list
        });
        match (list, &self.shard) {
            (None, _) => None,
            (Some(list), None) => first_difference(&self.list, &list),
            (Some(list), Some(part)) => {
                let (given, list) = Part::take(part.shard, list);
                let elsewhere = || {
                    "the list that it is a shard of has other tasks, or in another order, in the other shards"
                        .to_owned()
                };
                first_difference(&self.list, &list).or_else(|| (given != *part).then(elsewhere))
            }
        }
    }
}

/// The options that a search of the account stands for, as in `--discover --state MIGRATE_SUCCESS`.
fn options(searched: Option<&Searched>, reconciled: bool) -> String {
    let Some(Searched { state, name, with_results }) = searched else {
        return "neither --discover nor --reconcile".to_owned();
    };
    let mut options = if reconciled { "--reconcile" } else { "--discover" }.to_owned();
    let older = !reconciled && state.is_none() && name.is_none();
    if with_results.unwrap_or(older) {
        options.push_str(" --with-results");
    }
    for (option, value) in [("--state", state), ("--name", name)] {
        if let Some(value) = value {
            options.push_str(&format!(" {option} {value}"));
        }
    }
    options
}

/// The first thing in which two lists differ, told of the one that is held.
fn first_difference(held: &TaskList, given: &TaskList) -> Option<String> {
    for (number, (held, given)) in (1..).zip(held.tasks.iter().zip(&given.tasks)) {
        let place = format!("task {number} of its list is");
        let (id, other) = (held.key(), given.key());
        if id != other {
            return Some(format!("{place} {id}, and {other} of this one"));
        }
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

/// The field in which two entries of one task differ, and both its values. What a plan does not say of its server
/// is what the account said.
fn differing_field<'a>(held: &'a Task, given: &'a Task) -> Option<(&'a str, &'a str, &'a str)> {
    let known = [
        ("source_id", &held.source_id, &given.source_id),
        ("source_name", &held.source_name, &given.source_name),
    ];
    // The key says how the plan names the server; the rest comes from the account.
    let known = known.into_iter().filter(|_| held.planned.is_none());
    let known = known.map(|(name, held, given)| (name, held.as_ref(), given.as_ref()));
    let names = held.labels.keys().chain(given.labels.keys());
    let labels = names.map(|name| (name.as_str(), held.labels.get(name), given.labels.get(name)));
    let mut fields = known.chain(labels);
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
        let account = Account::default();
        let mut held =
            Header::new(jiff::Timestamp::UNIX_EPOCH, "https://sms.example".to_owned(), tasks.clone());
        let whole = Wanted {
            endpoint: "https://sms.example",
            account: &account,
            searched: None,
            reconciled: false,
            shard: None,
            list: None,
        };
        let listed = |tasks| held.differs(&Wanted { list: Some(tasks), ..whole.clone() });
        assert_eq!(listed(&tasks), None);
        let of_state = Searched { state: Some("READY".to_owned()), ..Searched::default() };
        let in_state = Wanted { searched: Some(of_state), ..whole.clone() };
        let mut told = vec![
            held.differs(&Wanted { endpoint: "https://sms.other", ..whole.clone() }),
            listed(&list(&[("b", "2"), ("a", "1")])),
            listed(&list(&[("a", "1"), ("b", "3")])),
            listed(&list(&[("a", "1")])),
            listed(&TaskList { labels: vec!["Wave".to_owned()], ..tasks.clone() }),
            held.differs(&in_state),
        ];
        held.searched = Some(Searched::default());
        let searched = Searched { with_results: Some(true), ..Searched::default() };
        let found = Wanted { searched: Some(searched), ..whole.clone() };
        assert_eq!(held.differs(&found), None);
        told.push(held.differs(&in_state));
        let compared = Wanted { searched: Some(Searched::default()), reconciled: true, ..whole.clone() };
        told.push(held.differs(&Wanted { list: Some(&tasks), ..compared }));
        held.searched = None;
        let of = |project_id: &str| Account { project_id: Some(project_id.to_owned()), ..Account::default() };
        let (one, other) = (of("A"), of("B"));
        let of_account = |account| Wanted { account, ..whole.clone() };
        assert_eq!(held.differs(&of_account(&one)), None, "an older version did not record the account");
        held.account = Some(one.clone());
        assert_eq!(held.differs(&of_account(&one)), None);
        told.push(held.differs(&of_account(&other)));
        told.push(held.differs(&whole));
        insta::assert_snapshot!(told.into_iter().flatten().collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_shards_journal_is_of_that_shard_of_that_list_alone() {
        let two = std::num::NonZeroU32::new(2).unwrap();
        let shard = |index| Shard::new(index, two);
        let tasks = list(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]);
        let (part, of_shard) = Part::take(shard(1).unwrap(), tasks.clone());
        let mut held = Header::new(jiff::Timestamp::UNIX_EPOCH, "embedded".to_owned(), of_shard);
        held.shard = Some(part);
        let account = Account::default();
        let differs = |shard, list| {
            let account = &account;
            let run =
                Wanted { endpoint: "embedded", account, searched: None, reconciled: false, shard, list };
            held.differs(&run)
        };
        assert_eq!(differs(shard(1), Some(&tasks)), None);
        assert_eq!(differs(shard(1), None), None);
        let (_, elsewhere) = Part::take(shard(2).unwrap(), tasks.clone());
        let mut others = tasks.clone();
        others.tasks.retain(|task| task.task_id != elsewhere.tasks[0].task_id);
        let told =
            [differs(shard(2), Some(&tasks)), differs(None, Some(&tasks)), differs(shard(1), Some(&others))];
        insta::assert_snapshot!(told.map(Option::unwrap).join("\n"));
    }
}
