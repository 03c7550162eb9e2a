//! Configuration files, as settings of `export`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::LazyLock;

use super::shared::scratch;
use cutover_report::cli::{Cli, ReadError};
use cutover_report::model::Language;

static PATH: LazyLock<PathBuf> = LazyLock::new(|| scratch("config.toml"));

pub fn run(data: &[u8]) {
    std::fs::write(&*PATH, data).expect("the scratch file can be written");
    let mut arguments = ["cutover-report", "export", "tasks.csv", "--config"].map(OsString::from).to_vec();
    arguments.push(PATH.clone().into());
    Cli::on_finish(&arguments);
    match Cli::read(arguments, Language::English) {
        Ok(cli) => assert_eq!(cli.config_used.as_ref(), Some(&*PATH)),
        Err(ReadError::Config(errors)) => {
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|error| error.contains("config.toml")), "{errors:?}");
        }
        Err(ReadError::Command(error)) => assert!(!error.to_string().is_empty()),
    }
}
