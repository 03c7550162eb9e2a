//! The texts in Chinese.

/// The Chinese text for an English one, if there is one.
pub(super) fn chinese(english: &str) -> Option<&'static str> {
    CHINESE.iter().find(|(key, _)| *key == english).map(|(_, chinese)| *chinese)
}

/// By English text, in the order in which a reader meets them.
const CHINESE: &[(&str, &str)] = &[
    // Verdicts.
    ("Fetch failed", "获取失败"),
    ("Unreadable", "无法解析"),
    ("Not verified", "未校验"),
    ("Check failed", "校验失败"),
    ("Inconsistent", "不一致"),
    ("Stale", "已过期"),
    ("Accepted", "已豁免"),
    ("Consistent", "一致"),
    ("the results could not be fetched", "未能获取校验结果"),
    (
        "the service answered in no known form, or for another task; its answer is in the journal",
        "服务的应答格式未知，或属于其他任务；原始应答保存在日志文件中",
    ),
    ("the service has no verification results", "服务中没有校验结果"),
    ("the verification itself did not succeed", "校验本身未成功"),
    ("files differ, are missing at the target or are redundant there", "目的端有不同、缺失或多余的文件"),
    (
        "nothing differs that is not waived, but the verification is older than allowed or has no time",
        "没有未豁免的差异，但校验时间过早或未知",
    ),
    ("every difference is covered by a waiver", "所有差异均已豁免"),
    ("source and target hold the same files", "源端与目的端文件一致"),
    // Notes.
    (
        "count saturated in {0} directories: the real number may be higher",
        "{0} 个目录的计数已达上限，实际数量可能更多",
    ),
    (
        "count saturated in 1 directory: the real number may be higher",
        "1 个目录的计数已达上限，实际数量可能更多",
    ),
    (
        "different + missing exceed the total in {0} directories",
        "{0} 个目录的不同与缺失文件数之和超过文件总数",
    ),
    ("different + missing exceed the total in 1 directory", "1 个目录的不同与缺失文件数之和超过文件总数"),
    ("total is 0: no file was checked", "文件总数为 0：没有校验任何文件"),
    ("finished time is in the future: check the clocks", "校验完成时间晚于报告时间：请检查时钟"),
    ("no finished time: age unknown", "没有完成时间，无法判断时效"),
    (
        "judged by a verification without a time, which may be the newest",
        "判定依据一次没有时间的校验，它可能是最新的",
    ),
    ("not among the tasks that the account lists", "账号的任务列表中没有该任务"),
    ("the answer names another task: {0}", "应答属于其他任务：{0}"),
    ("directories no longer checked: {0}", "不再校验的目录：{0} 个"),
    ("directories with more differences: {0}", "差异增加的目录：{0} 个"),
    ("directories with fewer differences: {0}", "差异减少的目录：{0} 个"),
    ("directories newly checked: {0}", "新增校验的目录：{0} 个"),
    ("not verified again since", "此后未再次校验"),
    ("the newest verification is older than the one before", "最近一次校验早于之前的校验"),
    ("1 directory waived: {0}", "1 个目录的差异已豁免：{0}"),
    ("{0} directories waived: {1}", "{0} 个目录的差异已豁免：{1}"),
    ("a waiver expired on {0}", "豁免已于 {0} 失效"),
    // Waivers.
    ("Waiver", "豁免"),
    ("{0} ({1})", "{0}（{1}）"),
    ("until {0}", "有效期至 {0}"),
    ("task {0}, directory {1}", "任务 {0}，目录 {1}"),
    ("at most {0} different, {1} missing, {2} redundant", "最多 {0} 个不同、{1} 个缺失、{2} 个多余"),
    ("EXPIRED, does not count; rows that it would cover: {0}", "已失效，不计入；本可豁免的行数：{0}"),
    ("UNUSED: covers no row", "未使用：没有可豁免的行"),
    ("rows covered: {0}", "已豁免的行数：{0}"),
    ("differences are waived as {0} says", "按 {0} 豁免差异"),
    // Columns.
    ("Task ID", "任务 ID"),
    ("Source server", "源端服务器"),
    ("Source ID", "源端 ID"),
    ("Verdict", "结论"),
    ("Last verified", "最近校验时间"),
    ("Check result", "校验结果"),
    ("Directories", "目录数"),
    ("Total files", "文件总数"),
    ("Different", "不同文件数"),
    ("Missing at target", "目的端缺失"),
    ("Redundant at target", "目的端多余"),
    ("Verifications", "校验次数"),
    ("Response shape", "应答格式"),
    ("Attempts", "请求次数"),
    ("Error code", "错误码"),
    ("Error message", "错误信息"),
    ("Request ID", "请求 ID"),
    ("Notes", "备注"),
    ("Verification", "校验序号"),
    ("Finished", "完成时间"),
    ("Directory", "目录"),
    ("Finding", "核对结果"),
    ("declared, not found", "已声明，账号中没有"),
    ("found, not declared", "账号中有，未声明"),
    // The outcome.
    ("{0} of {1} tasks pass", "{1} 个任务中 {0} 个通过"),
    ("{0} of 1 task passes", "1 个任务中 {0} 个通过"),
    ("{0} {1}", "{0} 个{1}"),
    ("All {0} tasks pass", "全部 {0} 个任务通过"),
    ("The task passes", "任务通过"),
    ("No task is listed, so nothing is verified", "任务列表为空，没有校验任何任务"),
    ("the run is unfinished", "本次运行未完成"),
    (
        "{0} declared but not found, {1} found but not declared",
        "{0} 个已声明但账号中没有，{1} 个账号中有但未声明",
    ),
    ("the list holds just the tasks that the account has", "任务列表与账号中的任务一致"),
    ("A verification may be of any age", "不限制校验时间"),
    ("A verification is stale when {0}", "以下校验视为过期：{0}"),
    (" or ", "或"),
    ("more than {0} old at the end of the run", "运行结束时已超过 {0}"),
    ("finished before {0} ({1})", "完成于 {0}（{1}）之前"),
    ("{0} h", "{0} 小时"),
    ("{0} min", "{0} 分钟"),
    ("{0} s", "{0} 秒"),
    ("Run {0} to {1} ({2})", "运行时间 {0} 至 {1}（{2}）"),
    ("Run {0} to {1} ({2}), endpoint {3}", "运行时间 {0} 至 {1}（{2}），接入点 {3}"),
    ("Endpoint {0}", "接入点 {0}"),
    (
        "SAMPLE DATA from the embedded service: not evidence",
        "示例数据（SAMPLE DATA），来自内置服务：不能作为依据",
    ),
    ("Tasks", "任务数"),
    ("Tasks by verdict", "各结论的任务数"),
    ("Summary", "汇总"),
    ("Back to the Summary", "返回汇总"),
    ("Go to the task's sheet", "转到该任务的工作表"),
    ("Go to the task's sheet in {0}", "转到 {0} 中该任务的工作表"),
    ("Part {0} of {1} of {2}", "{2} 的第 {0} 部分，共 {1} 部分"),
    (
        "The Summary of all tasks stands there; here are sheets of single tasks.",
        "所有任务的汇总见该文件；此处为单个任务的工作表。",
    ),
    ("Sheet", "工作表"),
    ("Task list and account", "任务列表与账号核对"),
    ("Tasks with the most differences", "差异文件最多的任务"),
    ("Most differences", "差异最多"),
    ("differing, missing and redundant files of a task", "任务中不同、缺失与多余的文件数"),
    ("Course", "变化趋势"),
    ("differences, newest to the right", "差异数，最右为最新"),
    ("&L&A&RPage &P of &N", "&L&A&R第 &P 页，共 &N 页"),
    ("Evidence", "校验依据"),
    ("Oldest verification", "最早的校验"),
    ("0 of {0} tasks have evidence", "{0} 个任务均没有校验依据"),
    (
        "{0} of {1} tasks have evidence; {2} of these pass ({3})",
        "{1} 个任务中 {0} 个有校验依据，其中 {2} 个通过（{3}）",
    ),
    ("{0} at the end of the run: verified {1} ({2}), {3}", "运行结束时已过 {0}：校验于 {1}（{2}），{3}"),
    // Sign-off.
    ("Scope", "范围"),
    ("{0} tasks", "{0} 个任务"),
    ("Outcome", "结果"),
    ("Decision", "决定"),
    ("Choose from the list", "请从列表中选择"),
    ("Role", "角色"),
    ("Name", "姓名"),
    ("Date", "日期"),
    ("Signature", "签字"),
    // What changed.
    ("What changed between two runs", "两次运行之间的变化"),
    ("Directories that changed", "有变化的目录"),
    (
        "of tasks in both journals, from the verification that the verdict rests on",
        "仅含两份日志中都有的任务，取自判定所依据的校验",
    ),
    ("Worse", "变差"),
    ("Gone", "已移除"),
    ("New", "新增"),
    ("Better", "好转"),
    ("Fixed", "已修复"),
    ("Same", "无变化"),
    (
        "a worse verdict, a directory that is no longer checked, or under the same verdict more differences in one",
        "结论变差，有目录不再校验，或结论相同但有目录差异增加",
    ),
    ("the task is in the earlier journal alone", "任务仅在较早的日志中"),
    ("the task is in the later journal alone", "任务仅在较新的日志中"),
    (
        "nothing got worse; a better verdict, fewer differences, or more directories checked",
        "没有变差之处，且结论好转、差异减少或校验的目录增多",
    ),
    (
        "the task did not pass and passes now, with every directory still checked",
        "任务之前未通过，现已通过，且各目录仍在校验",
    ),
    ("verdict and differences are what they were", "结论与差异均未变化"),
    (
        "what became of a task since the run before; whatever got worse outweighs what got better:",
        "任务自之前的运行以来的变化；只要有变差之处，即不算好转：",
    ),
    ("Before", "之前"),
    ("Now", "现在"),
    ("Warning", "警告"),
    ("Change", "变化"),
    ("Verdict before", "之前结论"),
    ("Verdict now", "现在结论"),
    ("Total files before", "之前文件总数"),
    ("Total files now", "现在文件总数"),
    ("Different before", "之前不同"),
    ("Different now", "现在不同"),
    ("Different +/-", "不同增减"),
    ("Missing before", "之前缺失"),
    ("Missing now", "现在缺失"),
    ("Missing +/-", "缺失增减"),
    ("Redundant before", "之前多余"),
    ("Redundant now", "现在多余"),
    ("Redundant +/-", "多余增减"),
    ("Last verified before", "之前校验时间"),
    ("Last verified now", "现在校验时间"),
    ("No task is listed, so nothing is compared", "任务列表为空，没有比较任何任务"),
    (
        "{0} of {1} tasks pass, {2} of {3} before",
        "现在 {1} 个任务中 {0} 个通过，之前 {3} 个任务中 {2} 个通过",
    ),
    ("… and {0} more that changed", "……另有 {0} 个任务有变化"),
    ("the endpoints differ: {0} before, {1} now", "接入点不同：之前为 {0}，现在为 {1}"),
    (
        "the task lists differ: {0} only before, {1} only now",
        "任务列表不同：{0} 个任务仅之前有，{1} 个仅现在有",
    ),
    (
        "the run that counts as now began before the other one: are they swapped?",
        "作为“现在”的运行开始得更早：两份日志的顺序是否颠倒？",
    ),
    (
        "the run before did not come to its end: {0} of {1} tasks are recorded",
        "之前的运行未完成：{1} 个任务中记录了 {0} 个",
    ),
    (
        "the run now did not come to its end: {0} of {1} tasks are recorded",
        "现在的运行未完成：{1} 个任务中记录了 {0} 个",
    ),
    // Why a task does not pass.
    ("{0} different, {1} missing, {2} redundant", "不同 {0}，缺失 {1}，多余 {2}"),
    ("verified {0}", "校验于 {0}"),
    // The text for a ticket.
    ("Consistency verification results: {0}", "数据一致性校验结果：{0}"),
    ("Tasks that do not pass", "未通过的任务"),
    ("Reason", "原因"),
    ("… and {0} more", "……另有 {0} 个"),
    ("Tasks without evidence: {0} of {1} ({2})", "{1} 个任务中 {0} 个没有校验结果（{2}）"),
    ("Every task has verification results", "所有任务都有校验结果"),
    ("Files", "文件"),
    ("File", "文件"),
    ("Size", "大小"),
    ("{0} bytes", "{0} 字节"),
    ("could not be written", "未能写入"),
    ("{0}: {1}", "{0}：{1}"),
    // About.
    ("About this report", "关于本报告"),
    ("Data", "数据"),
    ("Endpoint", "接入点"),
    ("Run began", "运行开始"),
    ("Run ended", "运行结束"),
    ("Tasks listed", "列表中的任务"),
    ("Tasks in the journal", "日志中的任务"),
    ("Unfinished", "未完成"),
    (
        "the run did not come to its end; tasks that it did not reach count as Fetch failed",
        "本次运行未完成；未处理的任务计为“获取失败”",
    ),
    ("Journal", "日志"),
    ("Reconciliation", "核对"),
    ("Criteria", "判定标准"),
    ("Journal written by", "日志生成程序"),
    ("Report written by", "报告生成程序"),
    (
        "taken from a task's newest verification; the first of these that applies:",
        "取自任务最新一次校验，按以下顺序取第一个符合的：",
    ),
    ("the number of a verification: 1 is the newest", "校验的序号，1 为最新"),
    (
        "files that are on both sides and differ; the default check compares size and time of change",
        "两端都有但不同的文件；默认比较大小与修改时间",
    ),
    ("files that the target lacks", "目的端没有的文件"),
    ("files that only the target has", "只有目的端才有的文件"),
    (
        "the share of files that are the same on both sides, of all that either side has; cut, never rounded up, \
         so 100 % means that nothing differs",
        "两端相同的文件占两端全部文件的比例；截断而不进位，因此 100 % 表示没有差异",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_once_and_keeps_its_places() {
        for (place, (english, chinese)) in CHINESE.iter().enumerate() {
            assert!(CHINESE.iter().take(place).all(|(other, _)| other != english), "{english} twice");
            for number in 0..4 {
                let value = format!("{{{number}}}");
                assert_eq!(english.contains(&value), chinese.contains(&value), "{english}");
            }
        }
    }
}
