//! `tasks`: the account's tasks, as a list that `export` reads.

use std::path::Path;

use serde::{Serialize, Serializer};

use crate::cli::{ListFormat, TasksArgs};
use crate::model::{Task, TaskList};
use crate::output::{ListKind, list_csv, write_list};
use crate::sms::throttle::Gate;
use crate::storage::{Storage, is_remote};
use crate::tasks::discovery::{Discovered, Search};
use crate::tasks::{ListOptions, ListTable, Loaded, Resolved, TableRow};
use crate::threads::runtime;

use crate::app::connect::connect;
use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::path_conflicts::{Place, check_path_conflicts};
use crate::app::task_source::{find, load_tasks, resolve_plan};

/// Maximum number of servers without a task that are named.
const NAMED: usize = 10;

pub(super) fn run(args: &TasksArgs, storage: &Storage) -> Result<Exit, Failure> {
    if let Some(plan) = &args.plan {
        return match_plan(args, plan, storage);
    }
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
    let Discovered { list, warnings, .. } = found;
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

/// Prints a plan with its task ids filled in.
fn match_plan(args: &TasksArgs, plan: &Path, storage: &Storage) -> Result<Exit, Failure> {
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if let Some(path) = output.filter(|path| is_remote(path)) {
        let path = path.display();
        return Err(Failure::usage(format!(
            "-o {path}: --match writes only to local files, not to object storage"
        )));
    }
    let kind = output.map(ListKind::of).transpose().map_err(Failure::usage)?;
    if let Some(path) = output {
        check_path_conflicts(&[Place::task_list(plan), Place::output(path)])?;
    }
    let options = ListOptions { sheet: args.sheet.clone(), columns: args.columns.clone(), keep_tables: true };
    let plan = [plan.to_owned()];
    let Loaded { list, claims, tables, .. } = load_tasks(&plan, &[], &options, &args.connection, storage)?;
    let runtime = runtime().map_err(Failure::stopped)?;
    let planned = runtime.block_on(async {
        let connected = connect(&args.connection).await?;
        let gate = Gate::new(args.connection.rate);
        let planned = resolve_plan(&list, &claims, &connected, &gate, args.connection.max_attempts).await;
        connected.close().await;
        planned
    })?;
    let resolved = &planned.resolved;
    let without: Vec<&Task> = resolved.list.tasks.iter().filter(|task| task.task_id.is_none()).collect();
    if !without.is_empty() && !console::is_quiet() {
        let named: Vec<&str> = without.iter().take(NAMED).map(|task| task.display_name()).collect();
        let more = without.len().checked_sub(NAMED).filter(|more| *more > 0);
        let more = more.map_or_else(String::new, |more| format!(" and {more} more"));
        console::warning(&format!(
            "{} of {} servers have no migration task: {}{more}",
            without.len(),
            resolved.list.tasks.len(),
            named.join(", ")
        ));
    }
    let table = tables.into_iter().next().unwrap_or_default();
    let (columns, rows) = with_task_ids(table, resolved);
    let exit = match output.zip(kind) {
        Some((path, kind)) => {
            write_list(path, kind, &columns, &rows).map_err(Failure::stopped)?;
            console::out(&path.display().to_string())?
        }
        None if !console::is_stdout_open() => return Ok(Exit::Stopped),
        None => match args.format {
            ListFormat::Csv => console::out_data(&list_csv(&columns, &rows).map_err(Failure::stopped)?)?,
            ListFormat::Json => console::out_json(&rows_json(&columns, &rows).map_err(Failure::stopped)?)?,
        },
    };
    // A server may seem to have no task where the listing has gaps.
    Ok(if planned.unlisted.is_empty() { exit } else { Exit::Incomplete })
}

/// The columns and rows of a plan with the task ids, which come first where the plan has no column for them.
fn with_task_ids(table: ListTable, resolved: &Resolved) -> (Vec<String>, Vec<Vec<String>>) {
    let ListTable { mut columns, task_id, rows } = table;
    let place = task_id.unwrap_or(0);
    if task_id.is_none() {
        columns.insert(0, "task_id".to_owned());
    }
    let filled = rows.into_iter().map(|TableRow { mut cells, task }| {
        let found = resolved.places.get(task).and_then(|place| resolved.list.tasks.get(*place));
        let id = found.map_or("", Task::id_text);
        match cells.get_mut(place).filter(|_| task_id.is_some()) {
            Some(cell) if cell.trim().is_empty() => id.clone_into(cell),
            Some(_) => {}
            None => cells.insert(0, id.to_owned()),
        }
        cells
    });
    let rows = filled.collect();
    (columns, rows)
}

fn rows_json(columns: &[String], rows: &[Vec<String>]) -> Result<Vec<u8>, serde_json::Error> {
    struct Row<'a>(&'a [String], &'a [String]);
    impl Serialize for Row<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().zip(self.1).filter(|(_, value)| !value.is_empty()))
        }
    }
    let rows: Vec<Row<'_>> = rows.iter().map(|row| Row(columns, row)).collect();
    let mut text = serde_json::to_vec_pretty(&rows)?;
    text.push(b'\n');
    Ok(text)
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
