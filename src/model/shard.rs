//! Shards of task lists.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A shard of a task list, numbered from 1, as in `2/4`.
///
/// The hash of a task's id, or of its server's name in a plan, decides its shard, so sorting or extending the list
/// does not move other tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Shard {
    index: NonZeroU32,
    of: NonZeroU32,
}

impl Shard {
    /// Shard `index` of `of`; none if `index` is out of range.
    pub fn new(index: u32, of: NonZeroU32) -> Option<Self> {
        NonZeroU32::new(index).filter(|index| *index <= of).map(|index| Self { index, of })
    }

    /// The number of the shard, from 1.
    pub const fn index(self) -> NonZeroU32 {
        self.index
    }

    /// The number of shards.
    pub const fn of(self) -> NonZeroU32 {
        self.of
    }

    /// Whether the task with this [key](super::Task::key) is in this shard: the first eight bytes of the key's
    /// SHA-256, as a big-endian number, modulo the number of shards.
    pub fn holds(self, key: &str) -> bool {
        let mut first = [0; 8];
        first.iter_mut().zip(Sha256::digest(key)).for_each(|(byte, hashed)| *byte = hashed);
        u64::from_be_bytes(first) % u64::from(self.of.get()) == u64::from(self.index.get() - 1)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// A shard before validation.
#[derive(Deserialize)]
struct Written {
    index: u32,
    of: NonZeroU32,
}

impl TryFrom<Written> for Shard {
    type Error = String;

    fn try_from(Written { index, of }: Written) -> Result<Self, String> {
        Self::new(index, of)
            .ok_or_else(|| format!("shard {index}/{of} does not exist; write I/N, with I from 1 to N"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shard(index: u32, of: u32) -> Option<Shard> {
        Shard::new(index, NonZeroU32::new(of)?)
    }

    /// By Python: `int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big") % n + 1`.
    const VECTORS: &[(&str, [(u32, u32); 4])] = &[
        ("6e1c7a52-93f4-4a0b-8d27-51b0c9e4f301", [(1, 2), (1, 4), (3, 7), (673, 1000)]),
        ("0f8b3d61-2c47-4d9e-b5a8-7e640d12c302", [(1, 2), (1, 4), (1, 7), (701, 1000)]),
        ("137224b7-8d7c-4919-b33e-ed159778xxxx", [(2, 2), (4, 4), (1, 7), (532, 1000)]),
        ("a", [(1, 2), (3, 4), (5, 7), (251, 1000)]),
        ("Ümläut 任务", [(2, 2), (2, 4), (7, 7), (218, 1000)]),
    ];

    #[test]
    fn task_is_in_the_shard_of_its_hash() {
        for (id, places) in VECTORS {
            for (index, of) in places {
                let holding: Vec<u32> =
                    (1..=*of).filter(|index| shard(*index, *of).unwrap().holds(id)).collect();
                assert_eq!(holding, [*index], "{id} of {of}");
            }
        }
    }

    #[test]
    fn invalid_shard_is_refused() {
        assert_eq!([shard(0, 4), shard(5, 4), shard(1, 0)], [None; 3]);
        assert_eq!(shard(4, 4).unwrap().to_string(), "4/4");
        assert!(serde_json::from_str::<Shard>(r#"{"index":5,"of":4}"#).is_err());
    }

    proptest! {
        #[test]
        fn each_task_is_in_exactly_one_shard(id in "[a-zü0-9-]{1,40}", of in 1_u32..40) {
            prop_assert_eq!((1..=of).filter(|index| shard(*index, of).unwrap().holds(&id)).count(), 1);
        }
    }
}
