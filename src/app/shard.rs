//! The shard of a run, and its share of the rate.

use std::mem;

use crate::cli::ShardArg;
use crate::journal::{Header, Part};
use crate::model::{Rate, Shard, TaskList};

use super::exit::Failure;

/// The index of a pod in an Indexed Job, from 0.
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";
/// The id of a Slurm array task, the first id, and the number of tasks.
const SLURM: &str = "SLURM_ARRAY_TASK_ID";
const SLURM_FIRST: &str = "SLURM_ARRAY_TASK_MIN";
const SLURM_COUNT: &str = "SLURM_ARRAY_TASK_COUNT";

/// The shard of `--shard`; `auto` reads the environment through `variable`.
///
/// # Errors
/// Wrong usage, when the environment has no valid shard.
pub(crate) fn of(arg: ShardArg, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, Failure> {
    let of = match arg {
        ShardArg::Fixed(shard) => return Ok(shard),
        ShardArg::Auto(of) => of,
    };
    let number = |name: &'static str| {
        let Some(text) = variable(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let wrong = |_| Failure::usage(format!("--shard auto/{of}: {name}={text} is not a whole number"));
        text.trim().parse::<u32>().map(Some).map_err(wrong)
    };
    let (name, value, index) = if let Some(index) = number(KUBERNETES)? {
        (KUBERNETES, index, index.checked_add(1))
    } else if let Some(id) = number(SLURM)? {
        // An array with one task per shard may start at any id. A smaller array repeats some shards, and its first id
        // means nothing.
        let is_whole = number(SLURM_COUNT)?.is_none_or(|count| count == of.get());
        let first = number(SLURM_FIRST)?.filter(|_| is_whole).unwrap_or(1);
        (SLURM, id, id.checked_sub(first).and_then(|before| before.checked_add(1)))
    } else {
        return Err(Failure::usage(format!(
            "--shard auto/{of}: neither {KUBERNETES} nor {SLURM} is set; give the shard itself, as in --shard 1/{of}"
        )));
    };
    index.and_then(|index| Shard::new(index, of)).ok_or_else(|| {
        Failure::usage(format!("--shard auto/{of}: {name}={value} is out of range for {of} shards; set N to the number of tasks of the job"))
    })
}

/// Number of tasks of a list that a run fetches.
pub(crate) fn count(shard: Option<Shard>, list: &TaskList) -> usize {
    list.tasks.iter().filter(|task| shard.is_none_or(|shard| shard.holds(task.key()))).count()
}

/// Reduces the header to the tasks of the shard.
pub(crate) fn take(shard: Shard, header: &mut Header) {
    let (part, list) = Part::take(shard, mem::take(&mut header.list));
    header.list = list;
    header.shard = Some(part);
    header.reconciliation = header.reconciliation.take().map(|found| found.of_shard(shard));
}

/// Describes the tasks and the rate of a shard, for people.
pub(crate) fn describe(shard: Shard, header: &Header, [whole, share]: [Rate; 2]) -> String {
    let all = header.shard.as_ref().map_or(0, |part| part.list.list_tasks);
    format!(
        "shard {shard}: {} of {all} tasks, at {share} (--rate {whole} is shared by all {})",
        header.list.tasks.len(),
        shard.of()
    )
}

/// The run's share of the rate of all shards.
pub(crate) fn rate(rate: Rate, shard: Option<Shard>) -> Rate {
    shard.map_or(rate, |shard| rate.share(shard.of()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    /// The shard of 4 in an environment, or the error.
    fn shard_in(variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            let set = variables.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        let auto = ShardArg::Auto(NonZeroU32::new(4).unwrap());
        of(auto, variable).map_or_else(|failure| failure.message().to_owned(), |shard| shard.to_string())
    }

    #[test]
    fn auto_shard_is_read_from_the_environment() {
        let slurm = |id, first, count| shard_in(&[(SLURM, id), (SLURM_FIRST, first), (SLURM_COUNT, count)]);
        for (shard, expected) in [
            (shard_in(&[(KUBERNETES, "0")]), "1/4"),
            (shard_in(&[(KUBERNETES, "3"), (SLURM, "1")]), "4/4"),
            (shard_in(&[(SLURM, "3")]), "3/4"),
            (shard_in(&[(SLURM, "0"), (SLURM_FIRST, "0")]), "1/4"),
            (slurm("3", "0", "4"), "4/4"),
            (slurm("8", "5", "4"), "4/4"),
            (slurm("3", "3", "1"), "3/4"),
            (slurm("4", "1", "4"), "4/4"),
        ] {
            assert_eq!(shard, expected);
        }
        let wrong = [
            shard_in(&[]),
            shard_in(&[(KUBERNETES, "")]),
            shard_in(&[(KUBERNETES, "4")]),
            shard_in(&[(KUBERNETES, "one")]),
            shard_in(&[(SLURM, "0")]),
            slurm("5", "1", "8"),
            shard_in(&[(KUBERNETES, "4294967295")]),
        ];
        insta::assert_snapshot!(wrong.join("\n"));
    }
}
