//! Checks whether a run can continue a journal.

use super::header::{Header, SearchFilter};
use super::origin::Part;
use crate::model::{Account, Shard, Task, TaskList};

/// What a run fetches, to compare with a journal's header.
#[derive(Debug, Clone)]
pub struct RunScope<'a> {
    /// The endpoint.
    pub endpoint: &'a str,
    /// The account.
    pub account: &'a Account,
    /// The filter of the task listing, if tasks are listed.
    pub searched: Option<SearchFilter>,
    /// Whether the list is compared with the account's tasks.
    pub reconciled: bool,
    /// The shard; none for all tasks.
    pub shard: Option<Shard>,
    /// The whole list, if one is given.
    pub list: Option<&'a TaskList>,
}

impl Header {
    /// Why a run cannot continue this journal, for people; none if it can.
    ///
    /// Tasks are not listed again, so the filter must be the same. A list is compared if one is given.
    pub fn mismatch(&self, run: &RunScope<'_>) -> Option<String> {
        if !self.merged_from.is_empty() {
            return Some("it was merged from several journals".to_owned());
        }
        if self.endpoint != run.endpoint {
            return Some(format!("its endpoint is {}, not {}", self.endpoint, run.endpoint));
        }
        let other_account = self.account.as_ref().and_then(|account| account.difference(run.account));
        if let Some((field, recorded, wanted)) = other_account {
            let text =
                |value: Option<&str>| value.map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
            return Some(format!("its {field} is {}, but {} in this run", text(recorded), text(wanted)));
        }
        let asked = options(self.searched.as_ref(), self.reconciliation.is_some());
        let wanted = options(run.searched.as_ref(), run.reconciled);
        if asked != wanted {
            return Some(format!("it was started with {asked}, but this run with {wanted}"));
        }
        let recorded = self.shard.as_ref().map(|part| part.shard);
        if recorded != run.shard {
            let share =
                |shard: Option<Shard>| shard.map_or("all tasks".to_owned(), |shard| format!("shard {shard}"));
            return Some(format!(
                "it contains {}, but this run fetches {}",
                share(recorded),
                share(run.shard)
            ));
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
                let elsewhere =
                    || "its other shards have other tasks, or the same in another order".to_owned();
                first_difference(&self.list, &list).or_else(|| (given != *part).then(elsewhere))
            }
        }
    }
}

/// The options of a task listing, as in `--discover --state MIGRATE_SUCCESS`.
fn options(searched: Option<&SearchFilter>, reconciled: bool) -> String {
    let Some(SearchFilter { state, name, with_results }) = searched else {
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

/// The first difference between the recorded list and the given one, for people.
fn first_difference(recorded: &TaskList, given: &TaskList) -> Option<String> {
    for (number, (recorded, given)) in (1..).zip(recorded.tasks.iter().zip(&given.tasks)) {
        let place = format!("task {number} of its list is");
        let (id, other) = (recorded.key(), given.key());
        if id != other {
            return Some(format!("{place} {id}, but {other} in this run"));
        }
        if let Some((field, recorded, given)) = differing_field(recorded, given) {
            return Some(format!("{place} {id} with {field} `{recorded}`, but with `{given}` in this run"));
        }
    }
    let (tasks, count) = (recorded.tasks.len(), given.tasks.len());
    if tasks != count {
        return Some(format!("its list has {tasks} tasks, but {count} in this run"));
    }
    if recorded.labels != given.labels {
        let names = |labels: &[String]| if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
        return Some(format!(
            "the label columns of its list are {}, but {} in this run",
            names(&recorded.labels),
            names(&given.labels)
        ));
    }
    None
}

/// The field in which two entries of one task differ, and both values. Fields that the account filled in for a
/// plan's server are not compared.
fn differing_field<'a>(recorded: &'a Task, given: &'a Task) -> Option<(&'a str, &'a str, &'a str)> {
    let known = [
        ("source_id", &recorded.source_id, &given.source_id),
        ("source_name", &recorded.source_name, &given.source_name),
    ];
    // The key says how the plan names the server; the rest comes from the account.
    let known = known.into_iter().filter(|_| recorded.planned.is_none());
    let known = known.map(|(name, recorded, given)| (name, recorded.as_deref(), given.as_deref()));
    let names = recorded.labels.names().chain(given.labels.names());
    let labels = names.map(|name| (name, recorded.labels.get(name), given.labels.get(name)));
    let mut fields = known.chain(labels);
    let (name, recorded, given) = fields.find(|(_, recorded, given)| recorded != given)?;
    Some((name, recorded.unwrap_or_default(), given.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaskId;

    fn list(tasks: &[(&str, &str)]) -> TaskList {
        let tasks = tasks.iter().map(|(id, wave)| {
            let mut task = Task::new(TaskId::new(id).unwrap());
            task.labels.insert("wave", wave);
            task
        });
        TaskList { labels: vec!["wave".to_owned()], tasks: tasks.collect() }
    }

    #[test]
    fn journal_of_another_run_is_refused_with_first_difference() {
        let tasks = list(&[("a", "1"), ("b", "2")]);
        let account = Account::default();
        let mut recorded =
            Header::new(jiff::Timestamp::UNIX_EPOCH, "https://sms.example".to_owned(), tasks.clone());
        let whole = RunScope {
            endpoint: "https://sms.example",
            account: &account,
            searched: None,
            reconciled: false,
            shard: None,
            list: None,
        };
        let listed = |tasks| recorded.mismatch(&RunScope { list: Some(tasks), ..whole.clone() });
        assert_eq!(listed(&tasks), None);
        let of_state = SearchFilter { state: Some("READY".to_owned()), ..SearchFilter::default() };
        let in_state = RunScope { searched: Some(of_state), ..whole.clone() };
        let mut messages = vec![
            recorded.mismatch(&RunScope { endpoint: "https://sms.other", ..whole.clone() }),
            listed(&list(&[("b", "2"), ("a", "1")])),
            listed(&list(&[("a", "1"), ("b", "3")])),
            listed(&list(&[("a", "1")])),
            listed(&TaskList { labels: vec!["Wave".to_owned()], ..tasks.clone() }),
            recorded.mismatch(&in_state),
        ];
        recorded.searched = Some(SearchFilter::default());
        let searched = SearchFilter { with_results: Some(true), ..SearchFilter::default() };
        let found = RunScope { searched: Some(searched), ..whole.clone() };
        assert_eq!(recorded.mismatch(&found), None);
        messages.push(recorded.mismatch(&in_state));
        let compared =
            RunScope { searched: Some(SearchFilter::default()), reconciled: true, ..whole.clone() };
        messages.push(recorded.mismatch(&RunScope { list: Some(&tasks), ..compared }));
        recorded.searched = None;
        let of = |project_id: &str| Account { project_id: Some(project_id.to_owned()), ..Account::default() };
        let (one, other) = (of("A"), of("B"));
        let of_account = |account| RunScope { account, ..whole.clone() };
        assert_eq!(recorded.mismatch(&of_account(&one)), None, "an older version did not record the account");
        recorded.account = Some(one.clone());
        assert_eq!(recorded.mismatch(&of_account(&one)), None);
        messages.push(recorded.mismatch(&of_account(&other)));
        messages.push(recorded.mismatch(&whole));
        insta::assert_snapshot!(messages.into_iter().flatten().collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn shard_journal_matches_only_same_shard_of_same_list() {
        let two = std::num::NonZeroU32::new(2).unwrap();
        let shard = |index| Shard::new(index, two);
        let tasks = list(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]);
        let (part, of_shard) = Part::take(shard(1).unwrap(), tasks.clone());
        let mut recorded = Header::new(jiff::Timestamp::UNIX_EPOCH, "embedded".to_owned(), of_shard);
        recorded.shard = Some(part);
        let account = Account::default();
        let differs = |shard, list| {
            let account = &account;
            let run =
                RunScope { endpoint: "embedded", account, searched: None, reconciled: false, shard, list };
            recorded.mismatch(&run)
        };
        assert_eq!(differs(shard(1), Some(&tasks)), None);
        assert_eq!(differs(shard(1), None), None);
        let (_, elsewhere) = Part::take(shard(2).unwrap(), tasks.clone());
        let mut others = tasks.clone();
        others.tasks.retain(|task| task.task_id != elsewhere.tasks[0].task_id);
        let messages =
            [differs(shard(2), Some(&tasks)), differs(None, Some(&tasks)), differs(shard(1), Some(&others))];
        insta::assert_snapshot!(messages.map(Option::unwrap).join("\n"));
    }
}
