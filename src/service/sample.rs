//! Sample tasks, and any number of generated ones.

use rusqlite::Connection;
use serde_json::json;

use super::context;
use super::store::{NewTask, Stamp, add_task, record_upload};
use super::validate::Directory;
use crate::model::{Shape, Task, TaskId, TaskList};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

struct Sample {
    task_id: &'static str,
    source_id: &'static str,
    source_name: &'static str,
    wave: &'static str,
    owner: &'static str,
    shape: Option<Shape>,
    /// Oldest first, the order of uploads.
    verifications: &'static [Run],
}

/// A verification: how long before the service's start it ended, and its results.
struct Run {
    ago: i64,
    check_result: &'static str,
    /// Directory, total, different, missing, redundant.
    directories: &'static [(&'static str, u64, u64, u64, u64)],
}

const fn success(ago: i64, directories: &'static [(&'static str, u64, u64, u64, u64)]) -> Run {
    Run { ago, check_result: "success", directories }
}

const SAMPLES: &[Sample] = &[
    Sample {
        task_id: "6e1c7a52-93f4-4a0b-8d27-51b0c9e4f301",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a01",
        source_name: "web-prod-01",
        wave: "1",
        owner: "web",
        shape: None,
        verifications: &[success(
            42 * MINUTE,
            &[("/etc/nginx", 214, 0, 0, 0), ("/var/www/shop", 48_213, 0, 0, 0), ("/opt/certs", 36, 0, 0, 0)],
        )],
    },
    Sample {
        task_id: "0f8b3d61-2c47-4d9e-b5a8-7e640d12c302",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a02",
        source_name: "web-prod-02",
        wave: "1",
        owner: "web",
        shape: Some(Shape::Legacy),
        verifications: &[success(
            39 * MINUTE,
            &[("/etc/nginx", 214, 0, 0, 0), ("/var/www/shop", 48_213, 0, 0, 0)],
        )],
    },
    Sample {
        task_id: "c94a0e7d-51b6-4f32-9c18-a2d37f5be303",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a03",
        source_name: "app-orders-01",
        wave: "1",
        owner: "orders",
        shape: None,
        verifications: &[
            success(
                19 * HOUR,
                &[("/opt/orders/releases", 9_120, 214, 1_377, 0), ("/srv/orders/spool", 15_004, 31, 0, 12)],
            ),
            success(
                7 * HOUR,
                &[("/opt/orders/releases", 9_120, 3, 18, 0), ("/srv/orders/spool", 15_211, 0, 0, 4)],
            ),
            success(
                55 * MINUTE,
                &[("/opt/orders/releases", 9_120, 0, 0, 0), ("/srv/orders/spool", 15_288, 0, 0, 0)],
            ),
        ],
    },
    Sample {
        task_id: "3a57d2f8-e01c-4b69-86d4-19c8b7a0f304",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a04",
        source_name: "db-orders-01",
        wave: "2",
        owner: "orders",
        shape: None,
        verifications: &[success(
            2 * HOUR,
            &[
                ("/var/lib/pgsql/15/data", 31_870, 412, 0, 0),
                ("/var/lib/pgsql/wal_archive", 2_048, 0, 6, 0),
                ("/etc/postgresql", 18, 0, 0, 0),
            ],
        )],
    },
    Sample {
        task_id: "d81e6b09-47a2-4c5f-a3e1-60f9d4c27305",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a05",
        source_name: "db-orders-02",
        wave: "2",
        owner: "orders",
        shape: Some(Shape::ResultListStrings),
        verifications: &[success(
            95 * MINUTE,
            &[("/var/lib/pgsql/15/data", 31_866, 0, 0, 0), ("/etc/postgresql", 18, 0, 0, 0)],
        )],
    },
    Sample {
        task_id: "75f2c4b3-8d10-4e76-91ab-c5e03a6df306",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a06",
        source_name: "cache-session-01",
        wave: "2",
        owner: "platform",
        shape: Some(Shape::Legacy),
        verifications: &[success(3 * HOUR, &[("/etc/redis", 7, 0, 0, 0), ("/var/lib/redis", 12, 0, 0, 0)])],
    },
    Sample {
        task_id: "1b9d05ea-f623-4780-bc4e-82a7d1f36307",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a07",
        source_name: "file-share-01",
        wave: "2",
        owner: "office",
        shape: None,
        verifications: &[success(
            4 * HOUR,
            &[("/export/home", 412_907, 0, 0, 0), ("/export/projects", 1_000_000, 0, 0, 0)],
        )],
    },
    Sample {
        task_id: "e4c8a71f-30d5-4926-8b7f-d90e5c1b2308",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a08",
        source_name: "财务报表-01",
        wave: "3",
        owner: "finance",
        shape: None,
        verifications: &[success(
            80 * MINUTE,
            &[("/data/财务/2025年报表", 6_402, 0, 0, 0), ("/data/财务/凭证扫描", 128_450, 0, 0, 0)],
        )],
    },
    Sample {
        task_id: "9d36f0c2-b78e-4a15-ae92-04c7b5d8e309",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a09",
        source_name: "mail-relay-01",
        wave: "3",
        owner: "platform",
        shape: None,
        verifications: &[],
    },
    Sample {
        task_id: "52a1e8d7-0c9b-4f43-b6d0-f17e93a4c310",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a10",
        source_name: "ci-runner-01",
        wave: "3",
        owner: "platform",
        shape: None,
        verifications: &[Run {
            ago: 5 * HOUR,
            check_result: "failed",
            directories: &[("/var/lib/runner", 20_114, 0, 0, 0)],
        }],
    },
    Sample {
        task_id: "a7036d9c-64e1-4b58-92f3-2d8b0e5fc311",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a11",
        source_name: "erp-legacy-01",
        wave: "3",
        owner: "finance",
        shape: None,
        verifications: &[success(
            3 * DAY,
            &[(r"C:\ERP\Programs", 17_352, 0, 0, 0), (r"D:\ERP\Data", 88_019, 0, 0, 0)],
        )],
    },
    Sample {
        task_id: "48e7b1a0-d5f3-4c2d-8719-b3a60f9e5312",
        source_id: "b2d90c14-7f35-4e68-a1c0-3d5e8f724a12",
        source_name: "log-archive-01",
        wave: "3",
        owner: "platform",
        shape: None,
        verifications: &[success(
            6 * HOUR,
            &[("/srv/archive/2024", 73_455, 0, 0, 0), ("/srv/archive/2025", 91_208, 0, 327, 41)],
        )],
    },
];

/// The sample tasks with their labels.
pub fn sample_tasks() -> TaskList {
    let task = |sample: &Sample| {
        let labels = [("wave", sample.wave), ("owner", sample.owner)];
        Some(Task {
            source_id: Some(sample.source_id.to_owned()),
            source_name: Some(sample.source_name.to_owned()),
            labels: labels.into_iter().collect(),
            ..Task::new(TaskId::new(sample.task_id).ok()?)
        })
    };
    TaskList {
        labels: vec!["wave".to_owned(), "owner".to_owned()],
        tasks: SAMPLES.iter().filter_map(task).collect(),
    }
}

/// The tasks of a service with `generate: count`.
pub fn generated_tasks(count: usize) -> TaskList {
    let task = |index| {
        let generated = Generated::new(index);
        Some(Task {
            source_id: Some(generated.source_id),
            source_name: Some(generated.source_name),
            ..Task::new(TaskId::new(&generated.task_id).ok()?)
        })
    };
    TaskList { labels: Vec::new(), tasks: (0..count).filter_map(task).collect() }
}

/// Inserts the sample data.
pub(super) fn fill(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    for sample in SAMPLES {
        add_task(
            connection,
            &NewTask {
                task_id: sample.task_id,
                source_id: Some(sample.source_id),
                source_name: Some(sample.source_name),
                shape: sample.shape,
            },
        )?;
        for run in sample.verifications {
            let directory = |&(name, total, different, missing, redundant): &(&str, u64, u64, u64, u64)| {
                directory(name, [total, different, missing, redundant])
            };
            let directories: Vec<Directory> = run.directories.iter().map(directory).collect();
            let stamp = Stamp { finished_time: now - run.ago, check_result: run.check_result };
            record_upload(connection, sample.task_id, &directories, stamp)?;
        }
    }
    // The context changes no verdict of the sample, under any policy and with any waivers.
    let setting = context::setting;
    for (task_id, fields) in [
        (
            "6e1c7a52-93f4-4a0b-8d27-51b0c9e4f301",
            json!({ "special_config": [
                setting("CONSISTENCY_MODE", "quick"),
                setting("CONSISTENCY_DIR", r#"["/etc/nginx","/var/www/shop","/opt/certs"]"#),
            ] }),
        ),
        (
            "52a1e8d7-0c9b-4f43-b6d0-f17e93a4c310",
            json!({
                "special_config": [setting("CONSISTENCY_DIR", "/var/lib/runner,/etc/runner")],
                "sub_tasks": [{ "id": 6, "name": "SYNC_LINUX_FILE", "progress": 100,
                    "start_date": now - 2 * HOUR, "end_date": now - HOUR, "process_trace": "" }],
            }),
        ),
        (
            "a7036d9c-64e1-4b58-92f3-2d8b0e5fc311",
            json!({
                "os_type": "WINDOWS",
                "special_config": [setting("SYNC_EXCLUDE_DIR", r"D:\ERP\Temp")],
            }),
        ),
    ] {
        context::add(connection, task_id, fields)?;
    }
    Ok(())
}

/// Inserts `count` generated tasks.
pub(super) fn generate(connection: &Connection, count: usize, now: i64) -> rusqlite::Result<()> {
    for index in 0..count {
        let mut generated = Generated::new(index);
        let task_id = generated.task_id.clone();
        add_task(
            connection,
            &NewTask {
                task_id: &task_id,
                source_id: Some(&generated.source_id),
                source_name: Some(&generated.source_name),
                shape: None,
            },
        )?;
        let ago = generated.rng.i64(5..12 * 60) * MINUTE;
        // One in ten has an earlier verification, usually with differences.
        if generated.rng.u8(..10) == 0 {
            let stamp = Stamp { finished_time: now - ago - 6 * HOUR, check_result: "success" };
            let differs = generated.rng.u8(..10) < 7;
            record_upload(connection, &task_id, &generated.directories(differs), stamp)?;
        }
        let differs = generated.rng.u8(..20) == 0;
        let stamp = Stamp { finished_time: now - ago, check_result: "success" };
        record_upload(connection, &task_id, &generated.directories(differs), stamp)?;
    }
    Ok(())
}

/// A generated task, determined by its index.
struct Generated {
    task_id: String,
    source_id: String,
    source_name: String,
    rng: fastrand::Rng,
}

const PLACES: [&str; 10] = [
    "/etc",
    "/home",
    "/opt/app",
    "/opt/tools",
    "/root",
    "/srv/data",
    "/srv/uploads",
    "/usr/local",
    "/var/lib/app",
    "/var/www",
];
const PARTS: [&str; 3] = ["config", "current", "shared"];

impl Generated {
    fn new(index: usize) -> Self {
        // A usize has at most 64 bits.
        let number = index as u64 + 1;
        let mut rng = fastrand::Rng::with_seed(number);
        let task_id = id(&mut rng, number);
        let source_id = id(&mut rng, number);
        Self { task_id, source_id, source_name: format!("web-{number:04}"), rng }
    }

    /// Thirty directories; with `differs`, one to three of them differ.
    fn directories(&mut self, differs: bool) -> Vec<Directory> {
        let mut directories: Vec<Directory> = PLACES
            .iter()
            .flat_map(|place| PARTS.iter().map(move |part| format!("{place}/{part}")))
            .map(|name| directory(&name, [self.rng.u64(10..20_000), 0, 0, 0]))
            .collect();
        if differs {
            for _ in 0..self.rng.u8(1..=3) {
                let chosen = self.rng.usize(..directories.len());
                if let Some(directory) = directories.get_mut(chosen) {
                    directory.num_different_files = self.rng.u64(1..=5);
                    directory.num_target_miss_files = self.rng.u64(..=4);
                    directory.num_target_more_files = self.rng.u64(..=3);
                }
            }
        }
        directories
    }
}

/// A unique id that looks random: it ends in the number.
fn id(rng: &mut fastrand::Rng, number: u64) -> String {
    let variant = rng.u16(..0x4000) | 0x8000;
    format!("{:08x}-{:04x}-4{:03x}-{variant:04x}-{number:012x}", rng.u32(..), rng.u16(..), rng.u16(..0x1000))
}

fn directory(name: &str, [total, different, missing, redundant]: [u64; 4]) -> Directory {
    Directory {
        dir_check: name.to_owned(),
        num_total_files: total,
        num_different_files: different,
        num_target_miss_files: missing,
        num_target_more_files: redundant,
    }
}
