//! The texts of histories and of comparisons with the last run, in Chinese.

/// By English text, in the order in which a reader meets them.
pub(super) const CHINESE: &[(&str, &str)] = &[
    ("Course over many nights", "多晚校验进展"),
    ("Nights: {0}; tasks: {1}, {2} pass, {3} do not pass", "共{0}晚，{1}个任务：{2}个通过，{3}个未通过"),
    ("without progress: {0}", "{0}个没有进展"),
    ("changed side more than once: {0}", "{0}个结论反复"),
    ("no longer listed: {0}", "{0}个已不在清单中"),
    (
        "Every night is judged by the options of this history; ages and waivers are as of the end of that night's run.",
        "每晚均按本次命令的选项判定；校验时长和豁免以当晚运行结束时为准。",
    ),
    (
        "results are missing, so the counts are too low, in these nights ({0}): {1}",
        "以下{0}晚缺少结果，计数偏低：{1}",
    ),
    (
        "the clock of a machine that fetched was off by more than 5 minutes in these nights ({0}), which are ordered by \
         the service's clock: {1}",
        "以下{0}晚获取数据的机器时钟偏差超过5分钟，已按服务端时间排序：{1}",
    ),
    ("Status", "状态"),
    ("Night", "晚"),
    ("Nights", "各晚运行"),
    (
        "the runs that ended between noon and noon; their journals are merged, but a run does not count if a later one of \
         the night is finished and has all its tasks",
        "从中午到次日中午结束的运行，其运行记录已合并；如果当晚有更晚完成的运行含有某次运行的全部任务，则不计该次运行",
    ),
    ("Synchronised", "同步"),
    (
        "a blue line above a night: the server was synchronised after that night's verification, or since the last \
         night whose context is known",
        "某晚上方的蓝线：服务器在当晚的校验之后，或自上一个任务信息已知的夜晚以来有过同步",
    ),
    (
        "earlier runs do not count in these nights ({0}), because a later finished run has all their tasks: {1}",
        "以下{0}晚有较早的运行不计，因为更晚完成的运行含有其全部任务：{1}",
    ),
    ("No result", "无结果"),
    (
        "the task was not fetched or the fetch failed, its shard is missing, or the list does not have it",
        "任务未获取或获取失败，所在分片缺失，或不在任务清单中",
    ),
    ("Nights without progress", "无进展晚数"),
    (
        "nights with a verdict since the last better verdict, or the last fewer differences under the same verdict; 0 if \
         the task passes",
        "自上次结论好转，或结论不变而不一致文件数减少以来，有结论的晚数；任务通过时为0",
    ),
    ("Changed side", "反复次数"),
    (
        "how often the task changed between passing and not passing; nights without a result do not count",
        "任务在通过与未通过之间变化的次数；无结果的晚不计",
    ),
    ("First passed", "首次通过"),
    ("the end of the first run in which the task passed", "任务首次通过的那次运行的结束时间"),
    ("Last got worse", "最近变差"),
    (
        "the end of the last run with a worse verdict than before, or with more differences under the same verdict",
        "最近一次结论变差，或结论不变而不一致文件数增加的那次运行的结束时间",
    ),
    ("Nights without evidence", "无校验依据晚数"),
    (
        "nights without a result, and nights in which the task was Unreadable or Not verified",
        "无结果的晚，以及任务无法解析或未校验的晚",
    ),
    ("Run ended ({0})", "运行结束（{0}）"),
    ("Runs that ended {0} to {1} ({2})", "运行结束于{0}至{1}（{2}）"),
    ("… and {0} earlier nights", "……另有更早的{0}晚"),
    (
        "Tasks that do not pass or changed side more than once, stuck longest first",
        "未通过或结论反复的任务，停滞最久的在前",
    ),
    ("Stuck", "停滞"),
    ("Changed", "反复"),
    ("stuck longest first", "停滞最久的在前"),
    ("no longer listed", "已不在清单中"),
    (
        "✓ passes  × differs or check failed  ▲ stale or inconclusive  ○ no evidence  · no result",
        "✓ 通过  × 不一致或校验未成功  ▲ 校验过期或无法判定  ○ 无校验依据  · 无结果",
    ),
    ("Tasks by verdict and night", "每晚各结论的任务数"),
    ("Tasks that do not pass, by night", "每晚未通过的任务数"),
    (
        "Changes since the last run: {0} fixed, {1} worse, {2} new, {3} gone (it ended {4}, {5})",
        "与上次运行相比：{0}个已修复，{1}个变差，{2}个新增，{3}个已移除（上次运行结束于{4}，{5}）",
    ),
    ("0 to {0} tasks", "0至{0}个任务"),
];
