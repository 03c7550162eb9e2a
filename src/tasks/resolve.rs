//! From the rows of a plan to the account's tasks. Pure: the same plan and account give the same list,
//! independent of the order in which the account lists its tasks.

use std::collections::{BTreeMap, HashMap};

use super::account::{Account, By, Found, Server};
use super::claim::Claim;
use super::error::Fault;
use super::names::fits;
use crate::model::{PlanDoubt, Task, TaskId, TaskList};

/// At most so many candidates are named.
const MAX_CANDIDATES: usize = 5;

/// A plan whose servers were looked up in the account.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The tasks. A server without one stays in the list.
    pub list: TaskList,
    /// By position in the plan's list: the position in this one.
    pub positions: Vec<usize>,
    /// The rows that are not in this list because a row before them is the same server, as the plan names them.
    pub same_server: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What a row was found to be.
struct Match<'a> {
    index: usize,
    claim: &'a Claim,
    server: Option<usize>,
    by: Option<By>,
}

/// Looks up the servers of `claims` in the account.
///
/// # Errors
/// A fault for each row that fits several servers, with these.
pub fn resolve(
    plan: &TaskList,
    claims: &BTreeMap<usize, Claim>,
    account: &Account,
) -> Result<Resolved, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut matches: HashMap<usize, Match<'_>> = HashMap::new();
    for (index, claim) in claims {
        let (server, by) = match account.find(claim) {
            Found::Nothing => (None, None),
            Found::One(server, by) => (Some(server), Some(by)),
            Found::Several(text, servers) => {
                faults.push(fault(claim, ambiguous(&text, &servers, account)));
                continue;
            }
        };
        matches.insert(*index, Match { index: *index, claim, server, by });
    }
    faults.extend(contradictions(&matches, account));
    if !faults.is_empty() {
        faults.sort_by(|one, other| (&one.origin, one.line).cmp(&(&other.origin, other.line)));
        return Err(faults);
    }
    Ok(without_repeats(plan, &matches, account))
}

/// The tasks of a plan's rows with what was found; of several rows that are one server, the first.
fn without_repeats(plan: &TaskList, matches: &HashMap<usize, Match<'_>>, account: &Account) -> Resolved {
    let mut resolved =
        Resolved { list: TaskList { labels: plan.labels.clone(), tasks: Vec::new() }, ..Resolved::default() };
    let mut by_task: HashMap<TaskId, usize> = HashMap::new();
    let mut by_server: HashMap<usize, usize> = HashMap::new();
    let mut rows: Vec<Option<&Claim>> = Vec::new();
    for (index, task) in plan.tasks.iter().enumerate() {
        let found = matches.get(&index);
        let server = found.and_then(|found| found.server);
        let task = found.map_or_else(|| task.clone(), |found| filled(task, found, account));
        let known = task.task_id.as_ref().and_then(|id| by_task.get(id));
        let known = known.or_else(|| server.and_then(|server| by_server.get(&server))).copied();
        if let Some(known) = known {
            resolved.positions.push(known);
            resolved.record_repeat(
                known,
                &task,
                found.map(|found| found.claim),
                rows.get(known).copied().flatten(),
            );
            continue;
        }
        let position = resolved.list.tasks.len();
        by_task.extend(task.task_id.clone().map(|id| (id, position)));
        by_server.extend(server.map(|server| (server, position)));
        rows.push(found.map(|found| found.claim));
        resolved.positions.push(position);
        resolved.list.tasks.push(task);
    }
    resolved
}

impl Resolved {
    /// Records a row that is not in the list, because the row at `known` is the same server.
    fn record_repeat(&mut self, known: usize, task: &Task, claim: Option<&Claim>, first: Option<&Claim>) {
        let Some(row) = self.list.tasks.get_mut(known) else { return };
        let here = claim
            .map_or_else(|| task.key().to_owned(), |claim| format!("{}: `{}`", location(claim), task.key()));
        let there = first
            .map_or_else(|| row.key().to_owned(), |first| format!("`{}` at {}", row.key(), location(first)));
        let differs = task.labels.iter().find_map(|(name, value)| {
            let before = row.labels.get(name).filter(|before| *before != value)?;
            Some(format!("; it has `{value}` in `{name}` instead of `{before}`: the first row counts"))
        });
        let differs = differs.unwrap_or_default();
        self.warnings.push(format!("{here} is the same server as {there}; it is fetched once{differs}"));
        self.same_server.push(task.key().to_owned());
        if let Some(planned) = &mut row.planned {
            planned.also.push(task.key().to_owned());
        }
    }
}

/// The task of a row with what the account knows of its server.
fn filled(task: &Task, found: &Match<'_>, account: &Account) -> Task {
    let mut task = task.clone();
    let Some(planned) = &mut task.planned else { return task };
    let Some(server) = found.server.and_then(|index| account.server(index)) else {
        planned.near = account.similar(&found.claim.names);
        return task;
    };
    planned.tasks = server.task_count();
    planned.doubts = doubts(found, server, account);
    task.task_id = server.task().cloned();
    task.source_id = server.id.clone().or(task.source_id);
    task.source_name = task.source_name.or_else(|| server.name.clone());
    task
}

fn doubts(found: &Match<'_>, server: &Server, account: &Account) -> Vec<PlanDoubt> {
    let claim = found.claim;
    let by_id = found.by == Some(By::SourceId);
    let unknown_id = claim.source_id.clone().filter(|_| !by_id).map(PlanDoubt::UnknownSourceId);
    let is_by_address = found.by == Some(By::Address) && !claim.names.is_empty();
    let by_address = server.name.clone().filter(|_| is_by_address).map(PlanDoubt::FoundByAddress);
    let is_apart = !claim.addresses.is_empty()
        && !server.addresses.is_empty()
        && !claim.addresses.iter().any(|ip| server.addresses.contains(ip));
    let address = is_apart.then(|| match account.at_address(claim) {
        Some(other) => PlanDoubt::AddressOfAnother(other.described()),
        None => {
            let known: Vec<String> = server.addresses.iter().map(ToString::to_string).collect();
            PlanDoubt::OtherAddress(known.join(", "))
        }
    });
    unknown_id.into_iter().chain(by_address).chain(address).collect()
}

/// Rows whose names have different domains and that fit one server, whose name has none: at most one is right.
fn contradictions(matches: &HashMap<usize, Match<'_>>, account: &Account) -> Vec<Fault> {
    let mut by_server: BTreeMap<usize, Vec<(&Match<'_>, &str)>> = BTreeMap::new();
    for found in matches.values() {
        let (Some(server), Some(By::Name { key: name, is_exact: false })) = (found.server, &found.by) else {
            continue;
        };
        let known = account.server(server).map(|server| &server.addresses);
        let is_confirmed =
            found.claim.addresses.iter().any(|ip| known.is_some_and(|known| known.contains(ip)));
        if !is_confirmed {
            by_server.entry(server).or_default().push((found, name));
        }
    }
    let mut faults = Vec::new();
    for (server, mut rows) in by_server {
        rows.sort_by_key(|(found, _)| found.index);
        for (number, (found, name)) in rows.iter().enumerate() {
            let other = rows.iter().take(number).find(|(_, other)| !fits(name, other));
            if let (Some((first, other)), Some(server)) = (other, account.server(server)) {
                let what = format!(
                    "`{name}` and `{other}` ({}) have different domains but match one source server, {}; add the address or source_id",
                    location(first.claim),
                    server.described()
                );
                faults.push(fault(found.claim, what));
            }
        }
    }
    faults
}

fn ambiguous(text: &str, servers: &[usize], account: &Account) -> String {
    let named = servers.iter().filter_map(|index| account.server(*index)).take(MAX_CANDIDATES);
    let mut candidates: Vec<String> = named.map(Server::described).collect();
    if let Some(more) = servers.len().checked_sub(MAX_CANDIDATES).filter(|more| *more > 0) {
        candidates.push(format!("and {more} more"));
    }
    format!(
        "`{text}` matches {} source servers: {}; add the name with its domain, the address or the source_id",
        servers.len(),
        candidates.join("; ")
    )
}

fn fault(claim: &Claim, what: String) -> Fault {
    Fault { origin: claim.origin.clone(), line: claim.line, what }
}

fn location(claim: &Claim) -> String {
    claim.line.map_or_else(|| claim.origin.clone(), |line| format!("{}:{line}", claim.origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Planned;
    use crate::sms::pages::{Entry, ListedTask};
    use proptest::prelude::*;

    /// A task of the server `source`: id, creation, state.
    fn task(source: (&str, &str, &str), id: &str, created: i64, state: &str) -> Entry {
        let listed = ListedTask {
            id: id.to_owned(),
            state: Some(state.to_owned()),
            created: Some(created),
            ..ListedTask::default()
        };
        Entry { id: id.to_owned(), task: Some(listed), ..server(source) }
    }

    fn server((id, name, ip): (&str, &str, &str)) -> Entry {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Entry {
            id: id.to_owned(),
            source_id: text(id),
            source_name: text(name),
            ip: text(ip),
            ..Entry::default()
        }
    }

    fn with_results(source: (&str, &str, &str), current: &str) -> Entry {
        let listed = ListedTask { id: current.to_owned(), ..ListedTask::default() };
        Entry { has_results: Some(true), task: Some(listed), ..server(source) }
    }

    /// A plan of rows `source id|names|addresses`, names separated by spaces.
    fn plan(rows: &[&str]) -> (TaskList, BTreeMap<usize, Claim>) {
        let mut list = TaskList::default();
        let mut claims = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            let mut parts = row.split('|');
            let mut part = || parts.next().unwrap_or_default().to_owned();
            let (id, names, ips) = (part(), part(), part());
            let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
            let planned = Planned {
                name: (*row).to_owned(),
                tasks: 0,
                near: Vec::new(),
                also: Vec::new(),
                doubts: Vec::new(),
            };
            list.tasks.push(Task {
                source_name: names.first().cloned(),
                planned: Some(Box::new(planned)),
                ..Task::default()
            });
            let source_id = Some(id).filter(|id| !id.is_empty());
            let addresses = super::super::names::addresses(&ips);
            let line = Some(index as u64 + 2);
            claims.insert(index, Claim { origin: "p".to_owned(), line, source_id, names, addresses });
        }
        (list, claims)
    }

    /// The task id of each row, or the faults.
    fn resolved(rows: &[&str], tasks: &[Entry], sources: &[Entry]) -> Result<Vec<String>, String> {
        let (list, claims) = plan(rows);
        match resolve(&list, &claims, &Account::new(tasks, sources)) {
            Ok(resolved) => {
                let id = |position: &usize| resolved.list.tasks[*position].id_text().to_owned();
                Ok(resolved.positions.iter().map(id).collect())
            }
            Err(faults) => Err(faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")),
        }
    }

    const WEB: (&str, &str, &str) = ("s1", "web-01", "10.0.0.1");
    const LAB: (&str, &str, &str) = ("s2", "web-01.lab.example", "10.0.0.2");
    const DB: (&str, &str, &str) = ("s3", "db-01.a.example", "10.0.0.3");
    const DB_B: (&str, &str, &str) = ("s4", "db-01.b.example", "10.0.0.4");

    #[test]
    fn row_is_resolved_by_id_then_name_then_address() {
        let tasks =
            [task(WEB, "t1", 1, "RUNNING"), task(DB, "t3", 1, "RUNNING"), task(DB_B, "t4", 1, "RUNNING")];
        for (row, id) in [
            ("s1||", "t1"),
            ("s3|web-01|10.0.0.1", "t3"),
            ("s9|web-01|", "t1"),
            ("|WEB-01|", "t1"),
            ("|web-01.corp.example|", "t1"),
            ("|web-01|10.0.0.3", "t1"),
            ("|db-01.a.example|", "t3"),
            ("|DB-01.A|", "t3"),
            ("|db-01|10.0.0.4", "t4"),
            ("|db-01 db-01.b.example|", "t4"),
            ("|unknown|10.0.0.3", "t3"),
            ("||10.0.0.3", "t3"),
            ("|10.0.0.9|", ""),
            ("|db-01.c.example|", ""),
            ("|web-02|", ""),
            ("S1||", ""),
        ] {
            assert_eq!(resolved(&[row], &tasks, &[]).as_deref(), Ok(&[id.to_owned()][..]), "{row}");
        }
    }

    #[test]
    fn several_servers_are_a_fault_with_candidates_unless_another_column_decides() {
        let tasks = [task(DB, "t3", 1, "RUNNING"), task(DB_B, "t4", 1, "RUNNING")];
        let fault = resolved(&["|x|", "|DB-01|"], &tasks, &[]).unwrap_err();
        assert_eq!(
            fault,
            "p:3: `DB-01` matches 2 source servers: db-01.a.example (10.0.0.3, source id s3); db-01.b.example \
             (10.0.0.4, source id s4); add the name with its domain, the address or the source_id"
        );
        assert!(resolved(&["|db-01|10.0.0.9"], &tasks, &[]).is_err());
        let same = [task(("s5", "a", "10.0.0.5"), "t5", 1, ""), task(("s6", "b", "10.0.0.5"), "t6", 1, "")];
        assert!(
            resolved(&["||10.0.0.5"], &same, &[])
                .unwrap_err()
                .contains("`10.0.0.5` matches 2 source servers")
        );
    }

    #[test]
    fn names_of_two_domains_never_share_a_server_without_one() {
        let tasks = [task(WEB, "t1", 1, "RUNNING")];
        let fault = resolved(&["|web-01.a|", "|web-01.b|"], &tasks, &[]).unwrap_err();
        assert!(
            fault.starts_with(
                "p:3: `web-01.b` and `web-01.a` (p:2) have different domains but match one source server"
            ),
            "{fault}"
        );
        assert_eq!(
            resolved(&["|web-01.a|10.0.0.1", "|web-01.b|10.0.0.1"], &tasks, &[]).unwrap(),
            ["t1", "t1"]
        );
        assert_eq!(resolved(&["|web-01|", "|web-01.b|"], &tasks, &[]).unwrap(), ["t1", "t1"]);
    }

    #[test]
    fn exact_name_wins_over_one_with_a_domain() {
        let tasks = [task(WEB, "t1", 1, ""), task(LAB, "t2", 1, "")];
        assert_eq!(resolved(&["|Web-01|", "|web-01.lab|"], &tasks, &[]).unwrap(), ["t1", "t2"]);
    }

    #[test]
    fn of_several_tasks_the_last_made_with_results_counts_and_gone_ones_come_last() {
        let all = [("t1", 1), ("t2", 2), ("t3", 3)];
        for (states, current, expected) in [
            (["MIGRATE_SUCCESS"; 3], None, "t3"),
            (["MIGRATE_SUCCESS"; 3], Some("t1"), "t1"),
            (["MIGRATE_SUCCESS", "MIGRATE_SUCCESS", "ABORT"], None, "t2"),
            (["MIGRATE_SUCCESS", "MIGRATE_FAIL", "DELETING"], Some("t3"), "t2"),
            (["ABORT", "ABORTING", "DELETING"], Some("t1"), "t1"),
            (["ABORT", "ABORTING", "DELETING"], None, "t3"),
        ] {
            let tasks: Vec<Entry> =
                all.iter().zip(states).map(|((id, created), state)| task(WEB, id, *created, state)).collect();
            let sources = [current.map_or_else(|| server(WEB), |current| with_results(WEB, current))];
            let (list, claims) = plan(&["|web-01|"]);
            let resolved = resolve(&list, &claims, &Account::new(&tasks, &sources)).unwrap();
            let found = &resolved.list.tasks[0];
            assert_eq!(
                (found.id_text(), found.planned.as_ref().unwrap().tasks),
                (expected, 3),
                "{states:?} {current:?}"
            );
        }
    }

    #[test]
    fn server_without_task_stays_with_similar_names() {
        let tasks = [task(WEB, "t1", 1, ""), task(DB, "t3", 1, "")];
        let (list, claims) = plan(&["|web-02|", "|mainframe|", "|idle|"]);
        let account = Account::new(&tasks, &[server(("s7", "idle", ""))]);
        let resolved = resolve(&list, &claims, &account).unwrap();
        let near = |index: usize| resolved.list.tasks[index].planned.as_ref().unwrap().near.join(" ");
        assert_eq!([near(0), near(1), near(2)], ["web-01", "", ""]);
        assert_eq!(resolved.list.tasks[2].source_id.as_deref(), Some("s7"));
        assert!(resolved.list.tasks.iter().all(|task| task.task_id.is_none()));
    }

    #[test]
    fn what_the_account_contradicts_is_noted() {
        let tasks = [task(WEB, "t1", 1, ""), task(DB, "t3", 1, "")];
        let (list, claims) = plan(&["s9|web-01|10.0.0.3", "|db-01.a|10.9.9.9"]);
        let resolved = resolve(&list, &claims, &Account::new(&tasks, &[])).unwrap();
        let doubts = |index: usize| resolved.list.tasks[index].planned.as_ref().unwrap().doubts.clone();
        let another = "db-01.a.example (10.0.0.3, source id s3)".to_owned();
        assert_eq!(
            doubts(0),
            [PlanDoubt::UnknownSourceId("s9".to_owned()), PlanDoubt::AddressOfAnother(another)]
        );
        assert_eq!(doubts(1), [PlanDoubt::OtherAddress("10.0.0.3".to_owned())]);
        let (list, claims) = plan(&["|mail|10.0.0.3"]);
        let resolved = resolve(&list, &claims, &Account::new(&tasks, &[])).unwrap();
        let name = "db-01.a.example".to_owned();
        assert_eq!(
            resolved.list.tasks[0].planned.as_ref().unwrap().doubts,
            [PlanDoubt::FoundByAddress(name)]
        );
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let entry =
            (0..4_usize, prop::sample::select(vec!["web", "WEB.a", "web.b", "db"]), 0..4_usize, 0..5_usize);
        let entry = entry.prop_map(|(id, name, ip, number)| {
            let ip = format!("10.0.0.{ip}");
            let id = if id == 0 { String::new() } else { format!("s{id}") };
            let state = ["RUNNING", "ABORT"][number % 2];
            let number_text = format!("t{number}");
            task((&id, name, &ip), &number_text, number as i64, state)
        });
        prop::collection::vec(entry, 0..8)
    }

    fn rows() -> impl Strategy<Value = Vec<String>> {
        let row =
            (0..5_usize, prop::sample::select(vec!["", "web", "Web.A", "web.c", "db", "other"]), 0..6_usize);
        let row = row.prop_map(|(id, name, ip)| {
            let id = if id == 0 { format!("s{id}") } else { String::new() };
            let ip = if ip < 4 { format!("10.0.0.{ip}") } else { String::new() };
            format!("{id}|{name}|{ip}")
        });
        prop::collection::vec(row, 1..6)
    }

    proptest! {
        #[test]
        fn listing_order_changes_nothing_and_no_row_is_dropped(
            (tasks, shuffled) in entries().prop_flat_map(|tasks| (Just(tasks.clone()), Just(tasks).prop_shuffle())),
            sources in entries(),
            rows in rows(),
        ) {
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let (list, claims) = plan(&rows);
            let one = resolve(&list, &claims, &Account::new(&tasks, &sources));
            let other = resolve(&list, &claims, &Account::new(&shuffled, &sources));
            prop_assert_eq!(&one, &other);
            if let Ok(resolved) = one {
                prop_assert_eq!(resolved.positions.len(), rows.len());
                prop_assert_eq!(resolved.list.tasks.len() + resolved.same_server.len(), rows.len());
                prop_assert!(resolved.positions.iter().all(|position| *position < resolved.list.tasks.len()));
            }
        }
    }
}
