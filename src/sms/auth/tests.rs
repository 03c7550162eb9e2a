use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::*;
use crate::sms::Scope;

fn look(wanted: &CredentialChoice, variables: &[(&str, &str)]) -> Result<Found, FindError> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let variable = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    find(wanted, Environment { variable: &variable })
}

fn origin(variables: &[(&str, &str)]) -> String {
    look(&CredentialChoice::default(), variables).unwrap().origin
}

/// A home folder with a credentials file of this `text` and `mode`.
fn home(text: &str, mode: u32) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".huaweicloud")).unwrap();
    let path = home.path().join(".huaweicloud/credentials");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    home
}

const PROFILE: &str =
    "[basic]\nak = profile;key\nsk = s#k\nproject_id=p1\n\n[global]\nak=other\nsk=other\ndomain_id=d1\n";

#[test]
fn first_available_credentials_are_used() {
    let home = home(PROFILE, 0o600);
    let token = ("SMS_AUTH_TOKEN", "t");
    let sdk = [("HUAWEICLOUD_SDK_AK", "a"), ("HUAWEICLOUD_SDK_SK", "s")];
    let pages = [("CLOUD_SDK_AK", "b"), ("CLOUD_SDK_SK", "s")];
    let profile = [("HOME", home.path().to_str().unwrap())];
    let password = [("SMS_IAM_USER", "u"), ("SMS_IAM_PASSWORD", "p"), ("SMS_IAM_DOMAIN", "d")];
    let mut all: Vec<(&str, &str)> =
        [token].into_iter().chain(sdk).chain(pages).chain(profile).chain(password).collect();
    let mut found = Vec::new();
    for less in [1, 2, 2, 1, 3] {
        found.push(origin(&all));
        all.drain(..less);
    }
    found.push(origin(&all));
    let file = format!("{}/.huaweicloud/credentials, [basic]", home.path().display());
    let metadata = "the metadata service at http://169.254.169.254";
    assert_eq!(
        found,
        ["SMS_AUTH_TOKEN", "HUAWEICLOUD_SDK_AK", "CLOUD_SDK_AK", &file, "SMS_IAM_USER", metadata]
    );
}

#[test]
fn profile_gives_key_and_scope_unless_overridden() {
    let home = home(PROFILE, 0o600);
    let variables = [("HOME", home.path().to_str().unwrap()), ("HUAWEICLOUD_SDK_PROJECT_ID", "p2")];
    let found = look(&CredentialChoice::default(), &variables).unwrap();
    let Credentials::Key(key) = found.credentials else { panic!("a key") };
    assert_eq!((key.id.expose(), key.secret.expose()), ("profile;key", "s#k"));
    let scope = |project: &str, domain: &str| Scope {
        project_id: Some(project.into()),
        domain_id: Some(domain.into()),
    };
    assert_eq!(found.scope, scope("p1", "d1"));
    let wanted = CredentialChoice { scope: scope("p3", "d3"), ..CredentialChoice::default() };
    assert_eq!(look(&wanted, &variables).unwrap().scope, scope("p3", "d3"));
}

#[test]
fn incomplete_or_exposed_credentials_are_refused() {
    let exposed = home(PROFILE, 0o640);
    let empty = home("[basic]\nak = a\n", 0o600);
    let broken = home("[basic\nsk = secret-in-a-broken-file\n", 0o600);
    let reported: Vec<String> = [
        vec![("HUAWEICLOUD_SDK_AK", "a")],
        vec![("CLOUD_SDK_SK", "s")],
        vec![("SMS_IAM_USER", "u"), ("SMS_IAM_PASSWORD", "p")],
        vec![("HOME", exposed.path().to_str().unwrap())],
        vec![("HOME", empty.path().to_str().unwrap())],
        vec![("HOME", broken.path().to_str().unwrap())],
    ]
    .iter()
    .map(|variables| look(&CredentialChoice::default(), variables).unwrap_err().to_string())
    .collect();
    for (reported, part) in reported.iter().zip([
        "HUAWEICLOUD_SDK_SK",
        "CLOUD_SDK_AK",
        "SMS_IAM_DOMAIN",
        "chmod 600",
        "`ak` and `sk`",
        "format",
    ]) {
        assert!(reported.contains(part), "{reported}");
        assert!(!reported.contains("secret-in"), "{reported}");
    }
}

#[test]
fn profile_with_only_iam_endpoint_leaves_login_by_password() {
    let home = home("[basic]\niam_endpoint = https://iam.example\n", 0o600);
    let home = ("HOME", home.path().to_str().unwrap());
    let password = [("SMS_IAM_USER", "u"), ("SMS_IAM_PASSWORD", "p"), ("SMS_IAM_DOMAIN", "d"), home];
    let found = look(&CredentialChoice::default(), &password).unwrap();
    let Credentials::Password(login) = found.credentials else { panic!("{found:?}") };
    assert_eq!(login.endpoint, "https://iam.example");
    let asked = look(&CredentialChoice { method: Some(Method::Key), ..CredentialChoice::default() }, &[home]);
    assert!(matches!(asked, Err(FindError::Missing(_))), "{asked:?}");
}

#[test]
fn profile_with_byte_order_mark_is_read() {
    let home = home("\u{feff}[basic]\r\nak = a\r\nsk = s\r\n", 0o600);
    let found = look(&CredentialChoice::default(), &[("HOME", home.path().to_str().unwrap())]).unwrap();
    assert!(matches!(found.credentials, Credentials::Key(_)), "{found:?}");
}

#[test]
fn chosen_method_is_not_replaced_by_another() {
    let wanted = |method| CredentialChoice { method: Some(method), ..CredentialChoice::default() };
    for method in [Method::Token, Method::Key, Method::Password] {
        assert!(matches!(look(&wanted(method), &[]), Err(FindError::Missing(_))), "{method:?}");
    }
    let found = look(&wanted(Method::None), &[("SMS_AUTH_TOKEN", "t")]).unwrap();
    assert!(matches!(found.credentials, Credentials::None));
    assert!(look(&CredentialChoice::default(), &[]).unwrap().is_fallback);
}

#[test]
fn iam_endpoint_is_the_configured_one_or_derived_from_the_service() {
    let iam = |endpoint: &str, more: &[(&str, &str)]| {
        let mut variables = vec![("SMS_IAM_USER", "u"), ("SMS_IAM_PASSWORD", " p "), ("SMS_IAM_DOMAIN", "d")];
        variables.extend(more);
        let wanted = CredentialChoice { endpoint: endpoint.to_owned(), ..CredentialChoice::default() };
        match look(&wanted, &variables).unwrap().credentials {
            Credentials::Password(login) => {
                assert_eq!(login.password.expose(), " p ", "a password is not trimmed");
                login.endpoint
            }
            _ => panic!("a password"),
        }
    };
    assert_eq!(iam("http://127.0.0.1:8080", &[]), "http://127.0.0.1:8080");
    assert_eq!(
        iam("https://sms.ap-southeast-3.myhuaweicloud.com", &[]),
        "https://iam.ap-southeast-3.myhuaweicloud.com"
    );
    let said = [("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://iam.example")];
    assert_eq!(iam("http://127.0.0.1:8080", &said), "https://iam.example");
}

#[test]
fn lease_is_renewed_before_expiry_but_not_constantly() {
    let now = Timestamp::now();
    let lease = |seconds: i64| {
        let end = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        Lease::expiring(Authority::None, Some(end), SignedDuration::from_mins(40))
    };
    let in_seconds = |seconds: i64| now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    assert!(lease(3600).is_fresh(in_seconds(1199)) && !lease(3600).is_fresh(in_seconds(1201)));
    assert!(lease(600).is_fresh(in_seconds(30)), "the margin is longer than its lifetime");
    assert!(lease(-60).is_fresh(in_seconds(86_400)), "the clocks differ");
}
