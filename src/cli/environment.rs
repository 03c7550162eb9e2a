//! The environment variables that the program reads.

/// Variables of one purpose.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// What they are for; selects the commands that have them in their help.
    pub topic: Topic,
    /// Names, separated by commas.
    pub names: &'static str,
    /// What they set.
    pub meaning: &'static str,
}

/// What variables are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The configuration file.
    Configuration,
    /// Access to the API.
    Credentials,
    /// The connection to the API, ticket systems and object storage.
    Network,
    /// Ticket systems and mail.
    Delivery,
    /// Object storage.
    Storage,
    /// ssh-agent.
    Signing,
    /// The number of this shard.
    Shards,
}

const fn variable(topic: Topic, names: &'static str, meaning: &'static str) -> Variable {
    Variable { topic, names, meaning }
}

/// All, in the order of the help.
pub const VARIABLES: &[Variable] = &[
    variable(Topic::Configuration, "CUTOVER_REPORT_CONFIG", "configuration file"),
    variable(Topic::Configuration, "XDG_CONFIG_HOME", "folder of configuration files [default: ~/.config]"),
    variable(
        Topic::Configuration,
        "LC_ALL, LC_MESSAGES, LANG",
        "language of the terminal: Chinese if the first that is set begins with zh",
    ),
    variable(Topic::Credentials, "SMS_AUTH_TOKEN", "IAM token"),
    variable(Topic::Credentials, "HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK", "access key"),
    variable(Topic::Credentials, "CLOUD_SDK_AK, CLOUD_SDK_SK", "access key, if the above are not set"),
    variable(
        Topic::Credentials,
        "HUAWEICLOUD_SDK_SECURITY_TOKEN",
        "security token of a temporary access key",
    ),
    variable(
        Topic::Credentials,
        "HUAWEICLOUD_SDK_CREDENTIALS_FILE",
        "file with an access key [default: ~/.huaweicloud/credentials]",
    ),
    variable(Topic::Credentials, "HUAWEICLOUD_SDK_PROJECT_ID", "project id"),
    variable(Topic::Credentials, "HUAWEICLOUD_SDK_DOMAIN_ID", "account (domain) id"),
    variable(
        Topic::Credentials,
        "SMS_IAM_USER, SMS_IAM_PASSWORD, SMS_IAM_DOMAIN",
        "IAM user, password, account",
    ),
    variable(Topic::Credentials, "SMS_IAM_PROJECT", "project of the IAM token"),
    variable(Topic::Credentials, "HUAWEICLOUD_SDK_IAM_ENDPOINT", "URL of IAM [default: that of the region]"),
    variable(Topic::Credentials, "SMS_METADATA_ENDPOINT", "URL of the metadata service of cloud servers"),
    variable(Topic::Network, "HUAWEICLOUD_SDK_REGION_SMS_<ID>", "URL of the API in the region ID"),
    variable(Topic::Network, "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY", "proxy (also in lower case)"),
    variable(Topic::Network, "NO_PROXY", "hosts to reach without a proxy (also in lower case)"),
    variable(Topic::Delivery, "JIRA_USER, JIRA_API_TOKEN", "e-mail address and API token for Jira Cloud"),
    variable(Topic::Delivery, "JIRA_PAT", "personal access token for Jira Data Center"),
    variable(Topic::Delivery, "REDMINE_API_KEY", "API key"),
    variable(Topic::Delivery, "RT_TOKEN", "authentication token for Request Tracker"),
    variable(Topic::Delivery, "GITLAB_TOKEN", "access token with the scope api"),
    variable(Topic::Delivery, "SERVICENOW_TOKEN", "token"),
    variable(Topic::Delivery, "SERVICENOW_USER, SERVICENOW_PASSWORD", "user and password instead of a token"),
    variable(Topic::Delivery, "SMTP_PASSWORD", "password of the user in --smtp"),
    variable(Topic::Storage, "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY", "key of object storage"),
    variable(Topic::Storage, "AWS_SESSION_TOKEN", "session token of a temporary key"),
    variable(Topic::Storage, "AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL", "URL of object storage [default: AWS]"),
    variable(Topic::Storage, "AWS_REGION, AWS_DEFAULT_REGION", "region of object storage"),
    variable(Topic::Storage, "AWS_CA_BUNDLE", "further trusted certificates for object storage (PEM file)"),
    variable(
        Topic::Storage,
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
        "true: address buckets by host name; false: by path",
    ),
    variable(Topic::Storage, "TMPDIR", "folder for copies of objects"),
    variable(Topic::Signing, "SSH_AUTH_SOCK", "socket of ssh-agent, for --sign-key"),
    variable(Topic::Shards, "JOB_COMPLETION_INDEX", "shard of --shard auto/N, from 0 (Kubernetes)"),
    variable(
        Topic::Shards,
        "SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_MIN, SLURM_ARRAY_TASK_COUNT",
        "shard of --shard auto/N (Slurm)",
    ),
];
