//! Configuration files, as settings of `export`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

use cutover_report::cli::{Cli, ReadError, read_config};
use cutover_report::model::Language;

use super::shared::scratch;

static PATH: LazyLock<PathBuf> = LazyLock::new(|| scratch("config.toml"));

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = read_config(&PATH, text);
    if let Err(errors) = &read {
        check(errors);
    }
    // A command line costs a hundred times more, so only some of the files with errors get one.
    if read.is_err() && !data.len().is_multiple_of(64) {
        return;
    }
    std::fs::write(&*PATH, data).expect("the scratch file can be written");
    let mut arguments = ["cutover-report", "export", "tasks.csv", "--config"].map(OsString::from).to_vec();
    arguments.push(PATH.clone().into());
    Cli::on_finish(&arguments);
    match (Cli::read(arguments, Language::English), read) {
        (Ok(cli), Ok(())) => assert_eq!(cli.config_used.as_ref(), Some(&*PATH)),
        (Err(ReadError::Config(errors)), read) => {
            check(&errors);
            assert!(read.is_ok() || read == Err(errors));
        }
        (Err(ReadError::Command(error)), Ok(())) => assert!(!error.to_string().is_empty()),
        (found, read) => panic!("{read:?}, but with a command line {found:?}"),
    }
}

fn check(errors: &[String]) {
    assert!(!errors.is_empty());
    assert!(errors.iter().all(|error| error.contains("config.toml")), "{errors:?}");
}
