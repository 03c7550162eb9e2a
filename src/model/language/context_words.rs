//! The texts about a task's context in Chinese.

/// By English text.
pub(super) const CHINESE: &[(&str, &str)] = &[
    // Columns and facts.
    ("Last synchronised", "最近同步时间"),
    ("Mode", "校验模式"),
    ("Not verified directories", "未校验的目录"),
    ("Task state", "任务状态"),
    ("Context", "任务信息"),
    (
        "not known: later synchronisations and configured directories are not checked",
        "未知：未检查校验之后的同步和配置的校验目录",
    ),
    ("known for {0} of {1} tasks", "{1}个任务中{0}个已知"),
    ("The configured mode of verification is {0}.", "配置的校验模式：{0}。"),
    ("Tasks by configured mode of verification: {0}.", "按配置的校验模式统计任务：{0}。"),
    ("{1} {0}", "{1}{0}个"),
    ("not known {0}", "未知{0}个"),
    // Reasons.
    ("verified before the synchronisation that ended {0}", "校验早于{0}结束的同步"),
    ("is being synchronised", "正在同步"),
    ("{0} of {1} configured directories are not in the verification", "配置的{1}个校验目录中有{0}个未校验"),
    ("configured directories found illegal: {0}", "不合法的校验目录：{0}个"),
    // Notes.
    ("synchronised after the verification", "校验之后有过同步"),
    ("later synchronisation accepted: {0}", "校验之后的同步已豁免：{0}"),
    ("a later synchronisation is accepted", "豁免校验之后的同步"),
    ("mode of verification: {0}", "校验模式：{0}"),
    ("excluded from the migration: {0}", "迁移时排除：{0}"),
    ("excluded from synchronisations: {0}", "同步时排除：{0}"),
    ("only these are synchronised: {0}", "仅同步：{0}"),
    ("the migration task failed ({0})", "迁移任务失败（{0}）"),
    ("the migration task was aborted ({0})", "迁移任务已中止（{0}）"),
    ("the migration task is being deleted ({0})", "迁移任务正在删除（{0}）"),
    ("{0} cannot be parsed: {1}", "{0}无法解析：{1}"),
    // The line of a task.
    ("last synchronised {0} ({1})", "最近同步{0}（{1}）"),
    ("directories configured: {0}", "配置的校验目录：{0}个"),
    ("checked again: {0}", "复核：{0}"),
    ("task state {0}", "任务状态{0}"),
    // Brief meanings of verdicts, and numbers of a part, in the page for the browser.
    ("the response is not a valid answer", "响应不是有效的校验结果"),
    ("no unwaived difference, but the verification is too old", "没有未豁免的差异，但校验已过期"),
    ("no unwaived difference, but the evidence is not sufficient", "没有未豁免的差异，但校验依据不足"),
    ("{0} of {1} shown pass", "所示{1}个任务中{0}个通过"),
];
