//! Authentication, as the server sees it, and that secrets do not leak.

use crate::support::server::{Seen, Server, consistent, json};
use crate::support::{Run, files, run_with};
use axum::body::Body;
use axum::http::Response;
use cutover_report::model::Secret;
use cutover_report::sms::sign;

const TOKEN: (&str, &str) = ("SMS_AUTH_TOKEN", "token-not-to-be-seen");
const SECRET_KEY: &str = "secret-key-not-to-be-seen";
const KEYS: [(&str, &str); 2] =
    [("HUAWEICLOUD_SDK_AK", "access-key-not-to-be-seen"), ("HUAWEICLOUD_SDK_SK", SECRET_KEY)];
const LOGIN: [(&str, &str); 4] = [
    ("SMS_IAM_USER", "migrator"),
    ("SMS_IAM_PASSWORD", "password-not-to-be-seen"),
    ("SMS_IAM_DOMAIN", "account"),
    ("SMS_IAM_PROJECT", "cn-north-4"),
];

/// Exports `tasks` tasks from `server` into a folder; returns the folder and the output.
fn export(
    server: &Server,
    tasks: usize,
    variables: &[(&str, &str)],
    more: &[&str],
) -> (Run, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<String> = (0..tasks).map(|n| format!("task {n}/ü")).collect();
    let url = server.url();
    let mut arguments = vec![
        "export",
        "--context",
        "off",
        "--endpoint",
        &url,
        "--rate",
        "1000/s",
        "-o",
        "r.xlsx",
        "-o",
        "r.json",
        "-o",
        "r/",
    ];
    for id in &ids {
        arguments.extend(["--task", id]);
    }
    arguments.extend(more);
    let mut variables = variables.to_vec();
    variables.push(("SMS_METADATA_ENDPOINT", "http://127.0.0.1:9"));
    (run_with(folder.path(), &variables, &arguments), folder)
}

/// Checks that a run's output and files contain no secret.
fn assert_nothing_leaked(run: &Run, folder: &tempfile::TempDir) {
    let mut left = files(folder.path());
    left.insert("stdout".into(), run.stdout.clone().into_bytes());
    left.insert("stderr".into(), run.stderr.clone().into_bytes());
    for (name, content) in left {
        let mut texts = vec![content.clone()];
        if name.extension().is_some_and(|suffix| suffix == "xlsx") {
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(content)).unwrap();
            for index in 0..archive.len() {
                let mut text = Vec::new();
                std::io::copy(&mut archive.by_index(index).unwrap(), &mut text).unwrap();
                texts.push(text);
            }
        }
        for text in texts {
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains("not-to-be-seen"), "{}: {text}", name.display());
        }
    }
}

/// Whether a request has a valid signature of the test's key.
fn is_signed(seen: &Seen) -> bool {
    let authorization = seen.header("authorization").unwrap();
    let (signed, signature) = authorization.split_once(", Signature=").unwrap();
    let (_, signed) = signed.split_once("SignedHeaders=").unwrap();
    let headers: Vec<(String, String)> =
        signed.split(';').map(|name| (name.to_owned(), seen.header(name).unwrap().to_owned())).collect();
    let text = |text: &str| String::from_utf8(sign::decode(text)).unwrap();
    let query: Vec<(String, String)> = seen
        .query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    let request = sign::Request {
        method: &seen.method,
        path: &seen.path,
        query: &query,
        headers: &headers,
        body: &seen.body,
    };
    request.is_signed_by(signature, &Secret::new(SECRET_KEY.to_owned()))
}

fn error(status: u16, code: &str) -> Response<Body> {
    json(status, format!(r#"{{"error_code":"{code}","error_msg":"no","request_id":"r1"}}"#))
}

#[test]
fn token_is_sent_only_in_its_header() {
    let server = Server::start(|_, _| consistent());
    let (run, folder) = export(&server, 3, &[TOKEN], &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(server.seen().iter().all(|seen| seen.header("x-auth-token") == Some(TOKEN.1)));
    assert_nothing_leaked(&run, &folder);
}

#[test]
fn signed_requests_have_project_and_account() {
    let server = Server::start(|_, _| consistent());
    let variables = [&KEYS[..], &[("HUAWEICLOUD_SDK_SECURITY_TOKEN", "temporary-not-to-be-seen")]].concat();
    let (run, folder) = export(&server, 3, &variables, &["--project-id", "p1", "--domain-id", "d1"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for seen in server.seen() {
        assert!(is_signed(&seen), "{seen:?}");
        for (name, value) in
            [("x-project-id", "p1"), ("x-domain-id", "d1"), ("x-security-token", "temporary-not-to-be-seen")]
        {
            assert_eq!(seen.header(name), Some(value));
            assert!(seen.header("authorization").unwrap().contains(name));
        }
    }
    assert_nothing_leaked(&run, &folder);
}

#[test]
fn client_error_with_any_body_is_not_retried() {
    for body in ["whole", "cut off"] {
        let server = Server::start(move |_, before| match before {
            0..2 => consistent(),
            _ if body == "whole" => error(401, "APIG.0301"),
            _ => Response::builder().status(401).header("content-length", "1000").body(cut_off()).unwrap(),
        });
        let (run, folder) = export(&server, 20, &[TOKEN], &["--concurrency", "1"]);
        assert_eq!(run.code, 5, "{}", run.stderr);
        assert_eq!(server.seen().len(), 3, "the first refusal is the last request");
        assert!(run.stderr.contains("HTTP 401"), "{}", run.stderr);
        assert!(!folder.path().join("r.xlsx").exists());
        assert_nothing_leaked(&run, &folder);
    }
}

#[test]
fn requests_in_flight_at_refused_credentials_are_recorded() {
    let server = Server::start(|_, before| match before {
        0 => consistent(),
        1..5 => Response::new(Body::from_stream(futures::stream::once(async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            Ok::<_, std::io::Error>(r#"{"result_list":[]}"#)
        }))),
        _ => error(401, "APIG.0301"),
    });
    let (run, folder) = export(&server, 50, &[TOKEN], &["--rate", "100/s", "--concurrency", "50"]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(server.seen().len() < 50, "nothing more is asked");
    let journal = std::fs::read_to_string(folder.path().join("r.journal.jsonl")).unwrap();
    assert_eq!(journal.lines().count(), 1 + 5, "{journal}");
}

/// A body that ends before its announced length.
fn cut_off() -> Body {
    let end = futures::stream::once(async {
        // The data must be sent before the connection ends.
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    Body::from_stream(futures::StreamExt::chain(futures::stream::iter([Ok("{")]), end))
}

#[test]
fn redirect_is_not_followed() {
    let trap = Server::start(|_, _| consistent());
    let target = format!("{}/caught?secret=1", trap.url());
    let server = Server::start(move |_, _| {
        Response::builder().status(307).header("location", &target).body(Body::empty()).unwrap()
    });
    let (run, folder) = export(&server, 2, &[TOKEN], &[]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(trap.seen().is_empty());
    assert!(run.stderr.contains("/caught; redirects are not followed"), "{}", run.stderr);
    assert_nothing_leaked(&run, &folder);
}

#[test]
fn secret_echoed_by_server_is_redacted() {
    for variables in [vec![TOKEN], KEYS.to_vec()] {
        let server = Server::start(|seen, before| {
            let echo = format!("{:?}", seen.headers).replace('"', "'");
            let status = [200, 404, 302][before % 3];
            let mut response = json(status, format!(r#"{{"error_code":"X.1","error_msg":"{echo}"}}"#));
            let echo = seen.header("x-auth-token").or(seen.header("authorization")).unwrap();
            for name in ["x-request-id", "location"] {
                response.headers_mut().insert(name, echo.parse().unwrap());
            }
            response
        });
        let (run, folder) = export(&server, 3, &variables, &["--concurrency", "1"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert_nothing_leaked(&run, &folder);
        let journal = std::fs::read_to_string(folder.path().join("r.journal.jsonl")).unwrap();
        assert!(journal.contains("[redacted]"));
        for seen in server.seen() {
            if let Some((_, signature)) =
                seen.header("authorization").and_then(|all| all.split_once("Signature="))
            {
                assert!(!journal.contains(signature), "a signature can be sent again");
            }
        }
    }
}

/// IAM and the service in one; `outdated` decides which of the tokens t1, t2 … have expired.
fn with_iam(outdated: impl Fn(&str, usize) -> bool + Send + Sync + 'static) -> Server {
    let issued = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |seen, before| {
        if seen.path == "/v3/auth/tokens" {
            let number = issued.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            let mut response = json(201, r#"{"token":{"expires_at":"2100-01-01T00:00:00.000000Z"}}"#);
            let token = format!("t{number}-not-to-be-seen").parse().unwrap();
            response.headers_mut().insert("x-subject-token", token);
            return response;
        }
        match seen.header("x-auth-token") {
            Some(token) if outdated(token, before) => error(401, "APIG.0307"),
            Some(_) => consistent(),
            None => error(401, "APIG.0301"),
        }
    })
}

fn logins(server: &Server) -> Vec<Seen> {
    server.seen().into_iter().filter(|seen| seen.path == "/v3/auth/tokens").collect()
}

#[test]
fn password_token_is_renewed_once_for_all_requests() {
    let server = with_iam(|token, before| token.starts_with("t1") && before > 30);
    let (run, folder) = export(&server, 100, &LOGIN, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let logins = logins(&server);
    assert_eq!(logins.len(), 2);
    let body: serde_json::Value = serde_json::from_slice(&logins[0].body).unwrap();
    assert_eq!(body["auth"]["identity"]["password"]["user"]["name"], "migrator");
    assert_eq!(body["auth"]["identity"]["password"]["user"]["domain"]["name"], "account");
    assert_eq!(body["auth"]["scope"]["project"]["name"], "cn-north-4");
    assert_eq!(logins[0].query, "nocatalog=true");
    assert_nothing_leaked(&run, &folder);
}

#[test]
fn tokens_that_expire_at_once_stop_the_run() {
    let server = with_iam(|_, _| true);
    let (run, folder) = export(&server, 20, &LOGIN, &["--concurrency", "1"]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert_eq!(logins(&server).len(), 2, "one renewal and no more");
    assert_nothing_leaked(&run, &folder);
}

#[test]
fn password_refused_by_iam_stops_before_the_first_request() {
    let server = Server::start(|seen, _| json(401, String::from_utf8(seen.body.to_vec()).unwrap()));
    let (run, folder) = export(&server, 3, &LOGIN, &[]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert_eq!(server.seen().len(), 1);
    assert!(files(folder.path()).is_empty(), "nothing is left, no journal either");
    assert_nothing_leaked(&run, &folder);
}

#[test]
fn cloud_server_signs_with_the_key_of_its_agency() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/meta-data/latest/api/token" => {
            assert_eq!(
                (seen.method.as_str(), seen.header("x-metadata-token-ttl-seconds")),
                ("PUT", Some("21600"))
            );
            Response::new(Body::from("metadata-token"))
        }
        "/openstack/latest/securitykey" => {
            assert_eq!(seen.header("x-metadata-token"), Some("metadata-token"));
            let credential = format!(
                r#"{{"credential":{{"access":"ak-not-to-be-seen","secret":"{SECRET_KEY}","securitytoken":"st-not-to-be-seen","expires_at":"2100-01-01T00:00:00.000000Z"}}}}"#
            );
            json(200, credential)
        }
        _ => consistent(),
    });
    let url = server.url();
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "export",
        "--context",
        "off",
        "--endpoint",
        &url,
        "--auth",
        "metadata",
        "--task",
        "a",
        "--task",
        "b",
        "-o",
        "r.csv",
    ];
    let run = run_with(folder.path(), &[("SMS_METADATA_ENDPOINT", &url)], &arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let asked: Vec<Seen> = server.seen().into_iter().filter(|seen| seen.path.starts_with("/v3/")).collect();
    assert_eq!((asked.len(), server.seen().len()), (2, 4), "the key is fetched once");
    for seen in asked {
        assert!(is_signed(&seen));
        assert_eq!(seen.header("x-security-token"), Some("st-not-to-be-seen"));
    }
    assert_nothing_leaked(&run, &folder);
}

#[test]
fn missing_credentials_list_the_ways_to_set_them() {
    let server = Server::start(|_, _| consistent());
    let (run, folder) = export(&server, 1, &[], &[]);
    assert_eq!(run.code, 5);
    for way in ["SMS_AUTH_TOKEN", "HUAWEICLOUD_SDK_AK", "SMS_IAM_USER", "agency", "--auth none"] {
        assert!(run.stderr.contains(way), "{}", run.stderr);
    }
    assert!(server.seen().is_empty() && files(folder.path()).is_empty());
    let (run, _) = export(&server, 1, &[KEYS[0]], &[]);
    assert!(run.stderr.contains("HUAWEICLOUD_SDK_SK is not"), "{}", run.stderr);
}

#[test]
fn region_selects_the_endpoint() {
    let server = Server::start(|_, _| consistent());
    let folder = tempfile::tempdir().unwrap();
    let variables =
        [("HUAWEICLOUD_SDK_REGION_SMS_EU_WEST_101", server.url()), ("SMS_AUTH_TOKEN", "t".to_owned())];
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let run = run_with(
        folder.path(),
        &variables,
        &["export", "--context", "off", "--region", "eu-west-101", "--task", "a", "-o", "r.csv"],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(server.seen().len(), 1);
    let run =
        run_with(folder.path(), &variables, &["export", "--region", "moon-1", "--task", "a", "-o", "r.csv"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("cn-north-4, ap-southeast-3, my-kualalumpur-1, ru-moscow-1"),
        "{}",
        run.stderr
    );
}

#[test]
fn failed_tasks_give_hints_after_the_run() {
    for (status, hint) in [
        (403, "needs the permission sms:server:getConsistencyCheckResult"),
        (404, "to compare the list with the account: `cutover-report export "),
    ] {
        let server = Server::start(move |_, _| error(status, "SMS.1"));
        let (run, _) = export(&server, 4, &[TOKEN], &[]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert_eq!(run.stderr.matches("hint: ").count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains(hint), "{}", run.stderr);
    }
    let server = Server::start(|_, before| if before == 0 { error(404, "SMS.1") } else { consistent() });
    let (run, _) = export(&server, 20, &[TOKEN], &[]);
    assert!(!run.stderr.contains("hint: "), "one of many is no pattern: {}", run.stderr);
}
