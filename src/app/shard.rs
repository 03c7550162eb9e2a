//! Which part of the tasks a run takes, and at what share of the rate.

use std::mem;

use crate::cli::ShardArg;
use crate::journal::{Header, Part};
use crate::model::{Rate, Shard, TaskList};

use super::exit::Failure;

/// The place of a pod among those of an Indexed Job, from 0.
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";
/// The number of a task of a Slurm array, its first number, and how many there are.
const SLURM: &str = "SLURM_ARRAY_TASK_ID";
const SLURM_FIRST: &str = "SLURM_ARRAY_TASK_MIN";
const SLURM_COUNT: &str = "SLURM_ARRAY_TASK_COUNT";

/// The shard that is asked for; `auto` reads the environment by `variable`.
///
/// # Errors
/// Wrong usage, when the environment names none of the shards.
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
    let (name, told, index) = if let Some(index) = number(KUBERNETES)? {
        (KUBERNETES, index, index.checked_add(1))
    } else if let Some(id) = number(SLURM)? {
        // An array that has as many tasks as there are shards may begin at any number. One that has
        // fewer fetches some shards again, and its first number says nothing.
        let is_whole = number(SLURM_COUNT)?.is_none_or(|count| count == of.get());
        let first = number(SLURM_FIRST)?.filter(|_| is_whole).unwrap_or(1);
        (SLURM, id, id.checked_sub(first).and_then(|before| before.checked_add(1)))
    } else {
        return Err(Failure::usage(format!(
            "--shard auto/{of}: neither {KUBERNETES} nor {SLURM} is set; give the shard itself, as in --shard 1/{of}"
        )));
    };
    index.and_then(|index| Shard::new(index, of)).ok_or_else(|| {
        Failure::usage(format!("--shard auto/{of}: {name}={told} is of a job that has not just {of} parts"))
    })
}

/// How many tasks of a list a run fetches.
pub(crate) fn count(shard: Option<Shard>, list: &TaskList) -> usize {
    list.tasks.iter().filter(|task| shard.is_none_or(|shard| shard.holds(task.key()))).count()
}

/// Leaves in the header what falls to the shard.
pub(crate) fn take(shard: Shard, header: &mut Header) {
    let (part, list) = Part::take(shard, mem::take(&mut header.list));
    header.list = list;
    header.shard = Some(part);
    header.reconciliation = header.reconciliation.take().map(|found| found.of_shard(shard));
}

/// What a run takes, for who wonders why it does not fetch all of the list as fast as it may.
pub(crate) fn told(shard: Shard, header: &Header, [whole, share]: [Rate; 2]) -> String {
    let all = header.shard.as_ref().map_or(0, |part| part.list.list_tasks);
    format!(
        "shard {shard}: {} of {all} tasks, at {share}: --rate {whole} is that of all {} together",
        header.list.tasks.len(),
        shard.of()
    )
}

/// The rate that a run may keep of the one that all shards have together.
pub(crate) fn rate(rate: Rate, shard: Option<Shard>) -> Rate {
    shard.map_or(rate, |shard| rate.share(shard.of()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    /// The shard of 4 in an environment, or what is said instead.
    fn told(variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            let set = variables.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        let auto = ShardArg::Auto(NonZeroU32::new(4).unwrap());
        of(auto, variable).map_or_else(|failure| failure.message().to_owned(), |shard| shard.to_string())
    }

    #[test]
    fn the_environment_tells_which_shard() {
        let slurm = |id, first, count| told(&[(SLURM, id), (SLURM_FIRST, first), (SLURM_COUNT, count)]);
        for (shard, expected) in [
            (told(&[(KUBERNETES, "0")]), "1/4"),
            (told(&[(KUBERNETES, "3"), (SLURM, "1")]), "4/4"),
            (told(&[(SLURM, "3")]), "3/4"),
            (told(&[(SLURM, "0"), (SLURM_FIRST, "0")]), "1/4"),
            (slurm("3", "0", "4"), "4/4"),
            (slurm("8", "5", "4"), "4/4"),
            (slurm("3", "3", "1"), "3/4"),
            (slurm("4", "1", "4"), "4/4"),
        ] {
            assert_eq!(shard, expected);
        }
        let wrong = [
            told(&[]),
            told(&[(KUBERNETES, "")]),
            told(&[(KUBERNETES, "4")]),
            told(&[(KUBERNETES, "one")]),
            told(&[(SLURM, "0")]),
            slurm("5", "1", "8"),
            told(&[(KUBERNETES, "4294967295")]),
        ];
        insta::assert_snapshot!(wrong.join("\n"));
    }
}
