//! The account's source servers with their tasks, and which of them a plan's row names.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::claim::Claim;
use super::names::{addresses, fits, host, name_key};
use crate::model::TaskId;
use crate::sms::pages::Entry;

/// How alike two names must be to be called similar, from 0 to 1.
const SIMILAR: f64 = 0.85;
/// At most so many similar names are given.
const MAX_SIMILAR: usize = 3;

/// A source server of the account.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) id: Option<String>,
    /// The name to show.
    pub(super) name: Option<String>,
    keys: BTreeSet<String>,
    pub(super) addresses: BTreeSet<IpAddr>,
    tasks: BTreeMap<TaskId, ServerTask>,
    has_results: bool,
    current: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct ServerTask {
    is_gone: bool,
    has_results: Option<bool>,
    created: Option<i64>,
}

/// What decided which server a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum By {
    SourceId,
    Name {
        /// The name in the form for comparison.
        key: String,
        /// Whether the account has just this name.
        is_exact: bool,
    },
    Address,
}

/// What a row's fields find.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    One(usize, By),
    /// What the row says, and the servers that it fits.
    Several(String, Vec<usize>),
}

/// The source servers of an account, in an order that does not depend on that of the listings.
#[derive(Debug, Default)]
pub struct Account {
    servers: Vec<Server>,
    by_id: HashMap<String, usize>,
    by_host: HashMap<String, Vec<usize>>,
    by_address: HashMap<IpAddr, Vec<usize>>,
}

impl Account {
    /// The servers of the listings of tasks and of source servers.
    pub fn new(tasks: &[Entry], sources: &[Entry]) -> Self {
        let mut servers: BTreeMap<(bool, String, String), Server> = BTreeMap::new();
        let text = |text: &Option<String>| text.as_deref().map(str::trim).unwrap_or_default().to_owned();
        for (entry, is_source) in
            sources.iter().map(|entry| (entry, true)).chain(tasks.iter().map(|entry| (entry, false)))
        {
            let (id, name, ip) = (text(&entry.source_id), text(&entry.source_name), text(&entry.ip));
            // A task that does not say its server's id is of the server with this name and address.
            let key = if id.is_empty() {
                (true, name.clone(), ip.clone())
            } else {
                (false, id.clone(), String::new())
            };
            let server = servers.entry(key).or_default();
            server.id = Some(id).filter(|id| !id.is_empty());
            if !name.is_empty() {
                server.keys.insert(name_key(&name));
                // Of several names the smallest, so that the order does not matter.
                let known = server.name.take().filter(|known| *known < name);
                server.name = Some(known.unwrap_or(name));
            }
            server.addresses.extend(addresses(&ip));
            server.has_results |= is_source && entry.has_results == Some(true);
            let Some(task) = &entry.task else { continue };
            if is_source {
                server.current.insert(task.id.clone());
            }
            let Ok(task_id) = TaskId::new(&task.id) else { continue };
            let listed = server.tasks.entry(task_id).or_default();
            listed.created = listed.created.max(task.created);
            listed.has_results = listed.has_results.max(task.has_results);
            // The listing of tasks comes last and knows the state best.
            listed.is_gone = task.state.as_deref().is_some_and(is_gone);
        }
        let mut account = Self { servers: servers.into_values().collect(), ..Self::default() };
        for (index, server) in account.servers.iter().enumerate() {
            account.by_id.extend(server.id.clone().map(|id| (id, index)));
            let hosts: BTreeSet<&str> = server.keys.iter().map(|key| host(key)).collect();
            hosts
                .into_iter()
                .for_each(|host| account.by_host.entry(host.to_owned()).or_default().push(index));
            server.addresses.iter().for_each(|ip| account.by_address.entry(*ip).or_default().push(index));
        }
        account
    }

    pub(super) fn server(&self, index: usize) -> Option<&Server> {
        self.servers.get(index)
    }

    /// The server of a row: by its source id; else by a name; else by an address. Where these fit several servers,
    /// its other fields decide.
    pub(super) fn find(&self, claim: &Claim) -> Found {
        if let Some(index) = claim.source_id.as_ref().and_then(|id| self.by_id.get(id)) {
            return Found::One(*index, By::SourceId);
        }
        let by_names: Vec<(&str, Vec<usize>, bool)> = claim
            .names
            .iter()
            .filter_map(|name| {
                let (servers, is_exact) = self.named(&name_key(name))?;
                Some((name.as_str(), servers, is_exact))
            })
            .collect();
        let mut by_address: Vec<usize> =
            claim.addresses.iter().filter_map(|ip| self.by_address.get(ip)).flatten().copied().collect();
        by_address.sort_unstable();
        by_address.dedup();
        let (text, mut servers, by) = match by_names.first() {
            Some((name, servers, is_exact)) => {
                ((*name).to_owned(), servers.clone(), By::Name { key: name_key(name), is_exact: *is_exact })
            }
            None => {
                let texts: Vec<String> = claim.addresses.iter().map(ToString::to_string).collect();
                (texts.join(", "), by_address.clone(), By::Address)
            }
        };
        for others in by_names.iter().skip(1).map(|(_, servers, _)| servers).chain([&by_address]) {
            let both: Vec<usize> = servers.iter().filter(|index| others.contains(index)).copied().collect();
            if servers.len() > 1 && !both.is_empty() {
                servers = both;
            }
        }
        match servers.as_slice() {
            [] => Found::Nothing,
            [one] => Found::One(*one, by),
            _ => Found::Several(text, servers),
        }
    }

    /// The servers with this name, and whether they have just this name: if none has, those with this name without
    /// the domain, or with one.
    fn named(&self, key: &str) -> Option<(Vec<usize>, bool)> {
        let near = self.by_host.get(host(key))?;
        let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let has = |index: &&usize| {
                self.servers.get(**index).is_some_and(|server| server.keys.iter().any(|key| wanted(key)))
            };
            near.iter().filter(has).copied().collect()
        };
        let exact = of(&|known| known == key);
        if !exact.is_empty() {
            return Some((exact, true));
        }
        // Of names that fit, those with a domain in common with this one.
        let has_domain = |name: &str| name.len() > host(name).len();
        let with_domain = of(&|known| fits(known, key) && has_domain(known) && has_domain(key));
        let fitting = if with_domain.is_empty() { of(&|known| fits(known, key)) } else { with_domain };
        Some((fitting, false)).filter(|(servers, _)| !servers.is_empty())
    }

    /// The other server, if there is one, that has an address of the row.
    pub(super) fn at_address(&self, claim: &Claim) -> Option<&Server> {
        let found = claim.addresses.iter().filter_map(|ip| self.by_address.get(ip)).flatten().min();
        found.and_then(|index| self.servers.get(*index))
    }

    /// Names of servers with tasks that are like one of these, the most alike first.
    pub(super) fn similar(&self, names: &[String]) -> Vec<String> {
        let wanted: Vec<String> = names.iter().map(|name| name_key(name)).collect();
        let likeness = |key: &str| {
            let of = |wanted: &String| {
                strsim::jaro_winkler(wanted, key).max(strsim::jaro_winkler(host(wanted), host(key)))
            };
            wanted.iter().map(of).fold(0.0, f64::max)
        };
        let with_tasks = self.servers.iter().filter(|server| !server.tasks.is_empty());
        let mut alike: Vec<(f64, &str)> = with_tasks
            .filter_map(|server| {
                let likeness = server.keys.iter().map(|key| likeness(key)).fold(0.0, f64::max);
                Some((likeness, server.name.as_deref()?)).filter(|(likeness, _)| *likeness >= SIMILAR)
            })
            .collect();
        alike.sort_by(|(one, a), (other, b)| other.total_cmp(one).then(a.cmp(b)));
        alike.dedup();
        alike.into_iter().take(MAX_SIMILAR).map(|(_, name)| name.to_owned()).collect()
    }
}

/// Whether a task in this state was deleted or aborted, or is being so.
fn is_gone(state: &str) -> bool {
    let state = state.trim().to_ascii_uppercase();
    state.starts_with("ABORT") || state.starts_with("DELET")
}

impl Server {
    pub(super) fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// The task that counts: of those neither deleted nor aborted the last made that has results, else the last
    /// made.
    pub(super) fn task(&self) -> Option<&TaskId> {
        let rank = |(id, task): &(&TaskId, &ServerTask)| {
            let is_current = self.has_results && self.current.contains(id.as_str());
            let has_results = task.has_results.unwrap_or(is_current);
            (task.is_gone, !has_results, Reverse(task.created), (*id).clone())
        };
        self.tasks.iter().min_by_key(rank).map(|(id, _)| id)
    }

    /// For people, as in `web-01 (10.0.0.1, source id 4f0c)`.
    pub(super) fn described(&self) -> String {
        let addresses = self.addresses.iter().map(ToString::to_string);
        let id = self.id.iter().map(|id| format!("source id {id}"));
        let more: Vec<String> = addresses.chain(id).collect();
        let name = self.name.as_deref().unwrap_or("a server without a name");
        if more.is_empty() { name.to_owned() } else { format!("{name} ({})", more.join(", ")) }
    }
}
