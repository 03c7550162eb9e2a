//! `tasks`: the account's tasks, as a list that `export` reads.

use serde::{Serialize, Serializer};

use crate::cli::{ListFormat, TasksArgs};
use crate::model::{Task, TaskList};
use crate::sms::throttle::Gate;
use crate::tasks::discovery::{Discovered, Search};
use crate::threads::runtime;

use crate::app::connect::connect;
use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::task_source::find;

pub(super) fn run(args: &TasksArgs) -> Result<Exit, Failure> {
    let runtime = runtime().map_err(Failure::stopped)?;
    let found = runtime.block_on(async {
        let connected = connect(&args.connection).await?;
        let search = Search {
            with_results: args.with_results,
            state: args.search.state.clone(),
            name: args.search.name.clone(),
        };
        let gate = Gate::new(args.connection.rate);
        let found = find(&connected, &gate, args.connection.max_attempts, &search).await;
        connected.close().await;
        found
    })?;
    let Discovered { list, warnings } = found;
    if list.tasks.is_empty() {
        console::note("the account has no such task");
    }
    if !console::is_stdout_open() {
        return Ok(Exit::Stopped);
    }
    let exit = match args.format {
        ListFormat::Csv => console::out_data(&csv(&list).map_err(Failure::stopped)?),
        ListFormat::Json => console::out_json(&json(&list).map_err(Failure::stopped)?),
    }?;
    // A script must not take a list with gaps for a whole one.
    Ok(if warnings.is_empty() { exit } else { Exit::Incomplete })
}

/// A task's fields by the names that task lists know, in their order.
fn fields<'a>(list: &'a TaskList, task: &'a Task) -> impl Iterator<Item = (&'a str, &'a str)> {
    let known = [
        ("task_id", task.id_text()),
        ("source_id", task.source_id.as_deref().unwrap_or_default()),
        ("source_name", task.source_name.as_deref().unwrap_or_default()),
    ];
    let label = |name: &'a String| (name.as_str(), task.labels.get(name).map_or("", String::as_str));
    known.into_iter().chain(list.labels.iter().map(label))
}

fn csv(list: &TaskList) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(
        ["task_id", "source_id", "source_name"].into_iter().chain(list.labels.iter().map(String::as_str)),
    )?;
    for task in &list.tasks {
        writer.write_record(fields(list, task).map(|(_, value)| value))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn json(list: &TaskList) -> Result<Vec<u8>, serde_json::Error> {
    let tasks: Vec<Object<'_>> = list.tasks.iter().map(|task| Object { list, task }).collect();
    let mut text = serde_json::to_vec_pretty(&tasks)?;
    text.push(b'\n');
    Ok(text)
}

/// A task as one flat object, without the fields that are empty.
struct Object<'a> {
    list: &'a TaskList,
    task: &'a Task,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(fields(self.list, self.task).filter(|(_, value)| !value.is_empty()))
    }
}
