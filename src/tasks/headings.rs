//! Column headings: which of them name a field of a task or of its source server.

use std::fmt;

use crate::model::nearest;

/// A field that every task list may have. All other columns are labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The id of the migration task.
    TaskId,
    /// The id of the source server.
    SourceId,
    /// The name of the source server.
    SourceName,
    /// An address of the source server.
    Ip,
}

/// Headings of plans for the name of a server, without spaces and underscores. A name with its domain comes last:
/// reports show the first that a plan has.
const SERVER_NAMES: [&str; 33] = [
    "server",
    "servername",
    "hostname",
    "host",
    "vm",
    "vmname",
    "machine",
    "machinename",
    "computername",
    "sourceserver",
    "sourceservername",
    "sourcehost",
    "sourcehostname",
    "sourcevm",
    "sourcemachine",
    "主机名",
    "主机名称",
    "主机",
    "服务器名称",
    "服务器名",
    "服务器",
    "虚拟机名称",
    "虚拟机",
    "源端服务器",
    "源端服务器名称",
    "源服务器",
    "源端主机",
    "源端主机名",
    "源端主机名称",
    "sourceserverfqdn",
    "serverfqdn",
    "hostfqdn",
    "fqdn",
];
/// Headings of plans for an address.
const ADDRESSES: [&str; 24] = [
    "ip",
    "ipaddress",
    "ipaddr",
    "ipv4",
    "ipv4address",
    "privateip",
    "privateipaddress",
    "hostip",
    "serverip",
    "serveripaddress",
    "sourceip",
    "sourceipaddress",
    "sourceserverip",
    "sourceprivateip",
    "ip地址",
    "私有ip",
    "私有ip地址",
    "内网ip",
    "内网ip地址",
    "主机ip",
    "服务器ip",
    "源端ip",
    "源端ip地址",
    "源端私有ip",
];

impl Field {
    /// All fields.
    pub const ALL: [Self; 4] = [Self::TaskId, Self::SourceId, Self::SourceName, Self::Ip];

    /// The name in options, errors and lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TaskId => "task_id",
            Self::SourceId => "source_id",
            Self::SourceName => "source_name",
            Self::Ip => "ip",
        }
    }

    /// The field that a heading names in any list: in any case, with spaces, hyphens or underscores, in English or
    /// as the console shows it in Chinese.
    pub(super) fn of(heading: &str) -> Option<Self> {
        match key(heading).replace('_', "").as_str() {
            "taskid" | "任务id" => Some(Self::TaskId),
            "sourceid" | "源端id" => Some(Self::SourceId),
            "sourcename" | "源端名称" => Some(Self::SourceName),
            _ => None,
        }
    }

    /// The field that a heading names in a plan without task ids, in one of the words that plans use.
    pub(super) fn of_plan(heading: &str) -> Option<Self> {
        if let Some(field) = Self::of(heading) {
            return Some(field);
        }
        let bare = bare(heading);
        if bare == "sourceserverid" || bare == "源端服务器id" {
            Some(Self::SourceId)
        } else if SERVER_NAMES.contains(&bare.as_str()) {
            Some(Self::SourceName)
        } else if ADDRESSES.contains(&bare.as_str()) {
            Some(Self::Ip)
        } else {
            None
        }
    }
}

/// The place of a heading among those for a server's name: smaller ones are shown before others.
pub(super) fn name_rank(heading: &str) -> u8 {
    match bare(heading) {
        _ if Field::of(heading) == Some(Field::SourceName) => 0,
        bare if bare.ends_with("fqdn") => 2,
        _ => 1,
    }
}

/// A heading without a remark in brackets or a mark behind it, as in `Server name (FQDN) *`.
fn bare(heading: &str) -> String {
    let narrow: String = heading.chars().map(narrow).collect();
    let text = narrow.trim_end_matches(|c: char| !c.is_alphanumeric() && !matches!(c, ')' | ']'));
    let before = text.strip_suffix([')', ']']).and_then(|text| text.rsplit_once(['(', '[']));
    let before = before.map(|(before, _)| before).filter(|before| !before.trim().is_empty());
    let key = key(before.unwrap_or(text)).replace('_', "");
    key.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

/// A column that the user names for a field, as in `--column source_name=Asset`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnChoice {
    /// The field.
    pub field: Field,
    /// The heading of its column; upper and lower case, spaces, hyphens and underscores count as equal.
    pub heading: String,
}

impl ColumnChoice {
    /// Reads `FIELD=HEADING`.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, heading) =
            text.split_once('=').ok_or("write FIELD=HEADING, as in source_name=Asset".to_owned())?;
        let names = || Field::ALL.map(Field::name);
        let field = Field::ALL.into_iter().find(|field| key(name) == field.name()).or(Field::of_plan(name));
        let field = field.ok_or_else(|| {
            let near = nearest(name, names()).map_or(String::new(), |near| format!("; did you mean {near}?"));
            format!("the field is one of {}{near}", names().join(", "))
        })?;
        if heading.trim().is_empty() {
            return Err(format!("name the heading of the column with the {}", field.name()));
        }
        Ok(Self { field, heading: heading.trim().to_owned() })
    }
}

impl fmt::Display for ColumnChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.field.name(), self.heading)
    }
}

/// The field that a heading names in any list, by the user's choices first.
pub(super) fn field(heading: &str, choices: &[ColumnChoice]) -> Option<Field> {
    chosen(heading, choices, Field::of)
}

/// The field that a heading names in a plan, by the user's choices first.
pub(super) fn plan_field(heading: &str, choices: &[ColumnChoice]) -> Option<Field> {
    chosen(heading, choices, Field::of_plan)
}

/// Where the user chose a column for a field, no other is that field.
fn chosen(heading: &str, choices: &[ColumnChoice], of: fn(&str) -> Option<Field>) -> Option<Field> {
    let wanted = key(heading);
    let choice = choices.iter().find(|choice| key(&choice.heading) == wanted);
    choice
        .map(|choice| choice.field)
        .or_else(|| of(heading).filter(|field| !choices.iter().any(|choice| choice.field == *field)))
}

/// The form of a heading by which two headings are compared: `Task ID` is `task_id`.
pub(super) fn key(heading: &str) -> String {
    // Full-width letters come from Chinese input methods, invisible characters from copying.
    let visible = heading.chars().filter(|c| c.is_whitespace() || !crate::model::is_invisible(*c));
    let narrow: String = visible.map(narrow).collect();
    let words = narrow.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_'));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_").to_lowercase()
}

/// The ASCII character of a full-width one.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    }
}

/// The error for two columns of one name.
pub(super) fn same_field(one: &str, other: &str) -> String {
    if one == other {
        format!("`{one}` appears twice")
    } else {
        format!("`{one}` and `{other}` are the same field")
    }
}

/// The name by which two columns are the same: a field's, else the heading's own.
pub(super) fn identity(heading: &str) -> String {
    Field::of(heading).map_or_else(|| key(heading), |field| field.name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_of_plans_name_their_fields() {
        for (headings, field) in [
            (
                "server|Server Name|HOSTNAME|host-name|host|VM|machine|server_fqdn|Source Server|ＳＥＲＶＥＲ|主机名|\
                 主机名称|服务器名称|源端服务器|源端名称|source_name|Server name (FQDN) *|主机名（必填）|Hostname:",
                Some(Field::SourceName),
            ),
            (
                "IP|ip address|IP-Address|Private_IP|IP地址|私有IP|ip 地址|IP Address (private)",
                Some(Field::Ip),
            ),
            ("source_id|Source ID|源端ID|source server id", Some(Field::SourceId)),
            ("task_id|任务ID", Some(Field::TaskId)),
            ("name|Target server|Target IP|server role|host group|wave|目的端IP|服务器状态|()|", None),
        ] {
            for heading in headings.split('|') {
                assert_eq!(Field::of_plan(heading), field, "{heading}");
            }
        }
    }

    #[test]
    fn column_choice_is_read_or_says_what_to_write() {
        let choice = ColumnChoice::parse("Source-Name= Asset = tag ").unwrap();
        assert_eq!(choice, ColumnChoice { field: Field::SourceName, heading: "Asset = tag".to_owned() });
        assert_eq!(ColumnChoice::parse("server=x").unwrap().field, Field::SourceName);
        for (text, what) in [
            ("ip", "write FIELD=HEADING"),
            ("ip=", "name the heading"),
            ("souce_id=x", "did you mean source_id?"),
        ] {
            assert!(ColumnChoice::parse(text).unwrap_err().contains(what), "{text}");
        }
    }

    #[test]
    fn chosen_column_replaces_recognized_ones() {
        let choices = [ColumnChoice::parse("source_name=asset tag").unwrap()];
        assert_eq!(plan_field("Asset-Tag", &choices), Some(Field::SourceName));
        assert_eq!(plan_field("hostname", &choices), None);
        assert_eq!(plan_field("ip", &choices), Some(Field::Ip));
    }
}
