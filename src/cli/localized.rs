//! Help in the language of the terminal.

use clap::builder::StyledStr;
use clap::{Arg, Command};

use crate::model::Language;

/// As clap's own, with the heading of the usage.
const TEMPLATE: &str = "{before-help}{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";

/// The headings of options.
const HEADINGS: [(&str, &str); 13] = [
    ("Tasks", "任务"),
    ("Outputs", "输出"),
    ("Report", "报告"),
    ("Delivery", "投递"),
    ("Connection", "连接"),
    ("Credentials", "鉴权"),
    ("Rate and retries", "请求速率与重试"),
    ("Resume and shards", "继续运行与分片"),
    ("Signature", "签名"),
    ("Checks", "检查"),
    ("Service", "内置服务"),
    ("Logging", "日志"),
    ("Global options", "全局选项"),
];

/// The command with its help in `language`. Texts without a translation stay English, names of options always.
pub(super) fn command(mut command: Command, language: Language) -> Command {
    match language {
        Language::English => command,
        Language::Chinese => {
            // Adds the options and commands that clap has by itself.
            command.build();
            translated(command)
        }
    }
}

fn translated(mut command: Command) -> Command {
    command = command.help_template(TEMPLATE).subcommand_help_heading("命令");
    if let Some(about) = command.get_about().map(text) {
        command = command.about(about);
    }
    if let Some(after) = command.get_after_help().map(text) {
        command = command.after_help(after);
    }
    if let Some(after) = command.get_after_long_help().map(below_options) {
        command = command.after_long_help(after);
    }
    command.mut_args(argument).mut_subcommands(translated)
}

fn argument(arg: Arg) -> Arg {
    let heading = match arg.get_help_heading() {
        Some(english) => HEADINGS.iter().find(|(known, _)| *known == english).map(|(_, chinese)| *chinese),
        None if arg.is_positional() => Some("参数"),
        None => Some("选项"),
    };
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default =
        if defaults.is_empty() || arg.is_hide_default_value_set() || !arg.get_action().takes_values() {
            String::new()
        } else {
            format!("[默认：{}]", defaults.join("、"))
        };
    let with_default = |help: &StyledStr| StyledStr::from(format!("{}{default}", text(help)));
    let help = arg.get_help().map(with_default);
    let long = arg.get_long_help().map(with_default);
    let arg = heading.into_iter().fold(arg, Arg::help_heading).hide_default_value(true);
    let arg = help.into_iter().fold(arg, Arg::help);
    long.into_iter().fold(arg, Arg::long_help)
}

/// Examples, environment variables and exit codes: of each line, what follows its last column.
fn below_options(english: &StyledStr) -> StyledStr {
    let english = english.to_string();
    let lines = english.lines().map(|line| {
        let start = line.rfind("  ").map_or(0, |at| at + 2);
        let (start, what) = line.split_at_checked(start).unwrap_or(("", line));
        match what.strip_prefix("# ") {
            Some(what) => format!("{start}# {}", text(what)),
            None => format!("{start}{}", text(what)),
        }
    });
    lines.collect::<Vec<_>>().join("\n").into()
}

fn text(english: impl ToString) -> StyledStr {
    Language::Chinese.message(&english.to_string()).into_owned().into()
}
