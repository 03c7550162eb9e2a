//! Endpoints of the API.

/// The regions of the service and their endpoints, from the official SDKs.
///
/// The service is a control plane: accounts of the Chinese site use `cn-north-4`, international ones
/// `ap-southeast-3`, for servers of every region.
pub const REGIONS: [(&str, &str); 4] = [
    ("cn-north-4", "https://sms.cn-north-4.myhuaweicloud.com"),
    ("ap-southeast-3", "https://sms.ap-southeast-3.myhuaweicloud.com"),
    ("my-kualalumpur-1", "https://sms.my-kualalumpur-1.myhuaweicloud.com"),
    ("ru-moscow-1", "https://sms-api.ru-moscow-1.myhuaweicloud.com"),
];

/// A region that is not in [`REGIONS`] and for which no variable gives an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown region `{region}`; known regions: {}; for another region set its endpoint in {variable}",
    REGIONS.map(|(id, _)| id).join(", ")
)]
pub struct UnknownRegion {
    region: String,
    variable: String,
}

/// The endpoint of a region: from the environment variable of the official SDK, else from the table.
///
/// # Errors
/// [`UnknownRegion`] when neither has it.
pub fn endpoint(region: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, UnknownRegion> {
    let name = format!("HUAWEICLOUD_SDK_REGION_SMS_{}", region.replace('-', "_").to_ascii_uppercase());
    // The SDK takes several endpoints, separated by commas, and uses the first.
    let given =
        variable(&name).and_then(|value| value.split(',').next().map(|first| first.trim().to_owned()));
    let known = || REGIONS.iter().find(|(id, _)| *id == region).map(|(_, endpoint)| (*endpoint).to_owned());
    given
        .filter(|endpoint| !endpoint.is_empty())
        .or_else(known)
        .ok_or_else(|| UnknownRegion { region: region.to_owned(), variable: name })
}

/// The IAM endpoint for a service at `host`: of the same region if the host name contains one.
pub(super) fn iam_of(host: Option<&str>) -> String {
    let host = host.and_then(|host| host.strip_suffix(".myhuaweicloud.com"));
    match host.and_then(|host| host.split_once('.')) {
        Some((_, region)) if !region.contains('.') => format!("https://iam.{region}.myhuaweicloud.com"),
        _ => "https://iam.myhuaweicloud.com".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_variable_overrides_the_table() {
        let none = |_: &str| None;
        assert_eq!(endpoint("cn-north-4", none).unwrap(), "https://sms.cn-north-4.myhuaweicloud.com");
        let given = |name: &str| {
            (name == "HUAWEICLOUD_SDK_REGION_SMS_EU_WEST_101")
                .then(|| "https://a.example,https://b".to_owned())
        };
        assert_eq!(endpoint("eu-west-101", given).unwrap(), "https://a.example");
        let reported = endpoint("eu-west-101", none).unwrap_err().to_string();
        assert!(reported.contains("ru-moscow-1") && reported.contains("SMS_EU_WEST_101"), "{reported}");
    }

    #[test]
    fn iam_endpoint_is_in_the_same_region() {
        assert_eq!(
            iam_of(Some("sms-api.ru-moscow-1.myhuaweicloud.com")),
            "https://iam.ru-moscow-1.myhuaweicloud.com"
        );
        assert_eq!(iam_of(Some("proxy.example")), "https://iam.myhuaweicloud.com");
    }
}
