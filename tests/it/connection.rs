//! Secrets, proxies, certificates, content codings and hosts that cannot be reached.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tempfile::tempdir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::support::server::{Server, consistent, json};
use crate::support::{Run, files, run_with};

const TOKEN: &str = "MIIsecret/token+not-to-be-seen==";

fn export(folder: &Path, endpoint: &str, variables: &[(&str, &str)], more: &[&str]) -> Run {
    let fixed = [
        "export",
        "--context",
        "off",
        "--endpoint",
        endpoint,
        "--rate",
        "1000/s",
        "-o",
        "r.json",
        "-o",
        "r.csv",
    ];
    let variables = [&[("SMS_AUTH_TOKEN", TOKEN)], variables].concat();
    run_with(folder, &variables, &[&fixed[..], more].concat())
}

/// The message of a run of one task, which fails.
fn failure(folder: &Path, endpoint: &str, more: &[&str]) -> String {
    let run = export(folder, endpoint, &[], &[&["--task", "a", "--max-attempts", "1"], more].concat());
    assert_eq!(run.code, 3, "{}", run.stderr);
    let line = run.stderr.lines().find(|line| line.contains("Fetch failed  a: "));
    line.unwrap_or_else(|| panic!("{}", run.stderr)).to_owned()
}

#[test]
fn export_with_a_server_that_echoes_the_token_keeps_it_out_of_every_output() {
    let spell = |equals: &str, slash: &str| TOKEN.replace('=', equals).replace('/', slash);
    let every = |spell: fn(u32) -> String| TOKEN.chars().map(|c| spell(u32::from(c))).collect::<String>();
    let spellings = [
        spell("\\u003d", "/"),
        spell("\\u003D", "\\/"),
        spell("\\\\u003d", "\\\\/"),
        spell("%3D", "%2f"),
        spell("%253d", "%252F"),
        spell("&#61;", "&#x2F;"),
        spell("&#x3d;", "&sol;"),
        spell("&amp;#61;", "/"),
        spell("", "/"),
        every(|code| format!("\\u{code:04x}")),
        every(|code| format!("%{code:02x}")),
        every(|code| format!("&#{code};")),
    ];
    // A part of the token that occurs nowhere else in the answer.
    let parts = ["not-to-be-seen", "%6e%6f%74%2d", "\\u006e\\u006f", "&#110;&#111;", "MIIsecret"];
    for status in [200, 403] {
        for spelled in &spellings {
            let echo = spelled.clone();
            let server = Server::start(move |seen, _| {
                let nested =
                    format!("{{\"{echo}\":[{{\"deep\":\"{echo}\"}}],\"error_msg\":\"bad {echo}.\"}}");
                let mut response = json(status, nested);
                let id = seen.header("x-auth-token").unwrap().replace('=', "%3D");
                response.headers_mut().insert("x-request-id", id.parse().unwrap());
                response
            });
            let folder = tempdir().unwrap();
            let run = export(folder.path(), &server.url(), &[], &["--task", "a", "-o", "r/"]);
            assert_eq!(run.code, 3, "{}", run.stderr);
            let mut left = files(folder.path());
            left.insert("stderr".into(), run.stderr.into_bytes());
            left.insert("stdout".into(), run.stdout.into_bytes());
            for (name, content) in left {
                let content = String::from_utf8_lossy(&content).replace("\\\\", "\\");
                for part in parts {
                    assert!(!content.contains(part), "{} of {spelled}: {content}", name.display());
                }
            }
            let journal = std::fs::read_to_string(folder.path().join("r.journal.jsonl")).unwrap();
            assert!(journal.contains("[redacted]"), "{journal}");
        }
    }
}

#[test]
fn export_with_a_proxy_that_echoes_its_password_keeps_it_out_of_every_output() {
    let proxy = Server::start(|seen, _| {
        let echo = seen.header("proxy-authorization").unwrap();
        json(407, format!(r#"{{"error_msg":"{echo} hush-hush-hush"}}"#))
    });
    let folder = tempdir().unwrap();
    let url = proxy.url().replace("http://", "http://user:hush-hush-hush@");
    let variables = [("http_proxy", url.as_str())];
    let run = export(folder.path(), "http://sms.example", &variables, &["--allow-http", "--task", "a"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("[redacted]"), "{}", run.stderr);
    for content in files(folder.path()).into_values().chain([run.stderr.into_bytes()]) {
        let content = String::from_utf8_lossy(&content).into_owned();
        assert!(!content.contains("hush") && !content.contains("odXNoLWh1c2g"), "{content}");
    }
}

#[cfg(unix)]
#[test]
fn token_file_with_byte_order_mark_and_line_ends_sends_the_bare_token() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(|_, _| consistent());
    let folder = tempdir().unwrap();
    let path = folder.path().join("token");
    let run = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let arguments = ["--task", "a", "--token-file", "token"];
        export(folder.path(), &server.url(), &[], &arguments)
    };
    for content in ["\u{feff}t1-token\r\n", " t1-token \n\n", "t1-token", "\r\n\u{feff}t1-token\u{feff}\r\n"]
    {
        let run = run(content.as_bytes());
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    assert!(server.seen().iter().all(|seen| seen.header("x-auth-token") == Some("t1-token")));
    for (content, found) in [
        (&b"t1-half\r\nt1-half"[..], "a line break"),
        (b"t1 half", "a space"),
        (b"t1\x01half", "a control character"),
        ("t1\u{200b}half".as_bytes(), "a character that is not ASCII"),
        (b"\xff\xfet\x001\x00", "is not UTF-8"),
    ] {
        let run = run(content);
        assert_eq!(run.code, 5, "{}", run.stderr);
        assert!(run.stderr.contains("token") && run.stderr.contains(found), "{}", run.stderr);
        assert!(!run.stderr.contains("half"), "{}", run.stderr);
    }
    assert_eq!(server.seen().len(), 4, "nothing is sent with a broken token");
}

#[test]
fn export_with_an_unreadable_proxy_variable_exits_2_and_names_it() {
    let folder = tempdir().unwrap();
    let server = Server::start(|_, _| consistent());
    for variable in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        for value in [" http://u:hush-hush@proxy:1", "http://[bad", "socks5://u:hush-hush@proxy:1"] {
            for endpoint in ["https://sms.example", &server.url()] {
                let run = export(folder.path(), endpoint, &[(variable, value)], &["--task", "a"]);
                assert_eq!(run.code, 2, "{}", run.stderr);
                assert!(run.stderr.contains(&format!("proxy variable {variable}: ")), "{}", run.stderr);
                assert!(!run.stderr.contains("hush"), "{}", run.stderr);
            }
        }
    }
    assert!(server.seen().is_empty());
    let embedded = export(folder.path(), "embedded", &[("http_proxy", "http://[bad")], &["--task", "a"]);
    assert_ne!(embedded.code, 2, "no proxy is used for the embedded service: {}", embedded.stderr);
}

#[test]
fn export_with_endpoint_and_region_exits_2() {
    let folder = tempdir().unwrap();
    let run = export(folder.path(), "https://sms.example", &[], &["--region", "cn-north-4", "--task", "a"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("--endpoint") && run.stderr.contains("--region"), "{}", run.stderr);
}

/// A server that only does the TLS handshake; its runtime must be kept.
fn tls(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> (tokio::runtime::Runtime, String) {
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    runtime.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = acceptor.accept(stream).await;
        }
    });
    (runtime, endpoint)
}

fn no_library_names(text: &str) {
    for name in
        ["Other(", "OtherError", "CaUsed", "UnknownIssuer", "CertificateError", "reqwest", "hyper", "rustls"]
    {
        assert!(!text.contains(name), "{text}");
    }
}

#[test]
fn export_with_an_invalid_certificate_says_why_and_what_to_do() {
    let folder = tempdir().unwrap();
    let params = || CertificateParams::new(["localhost".to_owned()]).unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
    let mut own_ca = params();
    own_ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut expired = params();
    expired.not_after = date_time_ymd(2020, 2, 3);
    let mut early = params();
    early.not_before = date_time_ymd(2090, 2, 3);
    let other = CertificateParams::new(["other.example".to_owned()]).unwrap();
    let mut stranger = params();
    stranger.distinguished_name.push(rcgen::DnType::CommonName, "stranger");
    let key = KeyPair::generate().unwrap();
    for (params, by_ca, parts) in [
        (own_ca, false, ["is a CA certificate", "basicConstraints=CA:FALSE"]),
        (expired, true, ["expired on 2020-02-03", "renew"]),
        (early, true, ["not valid before 2090-02-03", "clock"]),
        (other, true, ["another host name: other.example", "--endpoint"]),
        (stranger, false, ["issuer is unknown", "--ca-cert"]),
        // Self-signed, with the name of the CA.
        (params(), false, ["issuer with that name has another key", "--ca-cert"]),
    ] {
        let certificate =
            if by_ca { params.signed_by(&key, &ca).unwrap() } else { params.self_signed(&key).unwrap() };
        let trusted = if parts[0].contains("is a CA") { certificate.pem() } else { ca.pem() };
        std::fs::write(folder.path().join("trusted.pem"), trusted).unwrap();
        let (_runtime, endpoint) = tls(vec![certificate.der().clone()], &key);
        let said = failure(folder.path(), &endpoint, &["--ca-cert", "trusted.pem"]);
        no_library_names(&said);
        assert!(parts.iter().all(|part| said.contains(part)) && said.contains("localhost"), "{said}");
    }
}

#[test]
fn export_with_a_file_that_is_no_certificate_exits_2_and_says_what_it_is() {
    let folder = tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    for (content, part) in [
        (String::new(), "is empty"),
        (key.serialize_pem(), "private key"),
        ("hello".to_owned(), "no PEM certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(), "damaged"),
    ] {
        std::fs::write(folder.path().join("ca.pem"), content).unwrap();
        let arguments = ["--ca-cert", "ca.pem", "--task", "a"];
        let run = export(folder.path(), "https://sms.example", &[], &arguments);
        assert_eq!(run.code, 2, "{}", run.stderr);
        no_library_names(&run.stderr);
        assert!(run.stderr.contains("--ca-cert ca.pem: ") && run.stderr.contains(part), "{}", run.stderr);
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn coded(status: u16, coding: &str, body: Vec<u8>) -> Response<Body> {
    let response = Response::builder().status(status).header("content-encoding", coding);
    response.body(Body::from(body)).unwrap()
}

#[test]
fn export_with_gzip_in_any_form_reads_the_answer() {
    let answer = {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(axum::body::to_bytes(consistent().into_body(), usize::MAX)).unwrap().to_vec()
    };
    let folder = tempdir().unwrap();
    for coding in ["gzip", "x-gzip", "GZIP"] {
        let (one, two) = answer.split_at(answer.len() / 2);
        for body in [gzip(&answer), [gzip(one), gzip(two)].concat()] {
            let server = Server::start(move |_, _| coded(200, coding, body.clone()));
            let run = export(folder.path(), &server.url(), &[], &["--task", "a"]);
            assert_eq!(run.code, 0, "{coding}: {}", run.stderr);
        }
    }
}

#[test]
fn export_with_another_content_coding_names_it_and_does_not_retry() {
    let folder = tempdir().unwrap();
    for (coding, status) in [("br", 200), ("zstd", 200), ("deflate", 200), ("gzip, br", 200), ("br", 403)] {
        let server = Server::start(move |_, _| coded(status, coding, b"whatever".to_vec()));
        let said = failure(folder.path(), &server.url(), &["--max-attempts", "3"]);
        assert!(said.contains(&format!("unsupported content coding {coding}")), "{said}");
        assert_eq!(server.seen().len(), 1, "{said}");
    }
}

#[test]
fn export_with_a_gzip_bomb_stops_at_the_limit() {
    let folder = tempdir().unwrap();
    let bomb = gzip(&vec![b' '; 20 << 20]);
    let server = Server::start(move |_, _| coded(200, "gzip", bomb.clone()));
    let said = failure(folder.path(), &server.url(), &["--max-response", "1MiB"]);
    assert!(said.contains("--max-response"), "{said}");
}

#[test]
fn export_with_a_service_out_of_reach_says_so_once_with_the_host() {
    let folder = tempdir().unwrap();
    let tasks: Vec<String> = (0..12).flat_map(|n| ["--task".to_owned(), format!("t{n}")]).collect();
    let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
    // A closed port.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (_runtime, untrusted) = tls(vec![certificate.der().clone()], &key);
    let refused = format!("https://127.0.0.1:{port}");
    for (endpoint, reason, attempts) in [
        (refused.as_str(), "connection refused", "2"),
        (&untrusted, "issuer is unknown", "12"),
        ("https://no-such-host.invalid", "host no-such-host.invalid", "2"),
    ] {
        let run = export(folder.path(), endpoint, &[], &[&tasks[..], &["--max-attempts", attempts]].concat());
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert_eq!(run.stderr.matches(reason).count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains("Fetch failed  12 tasks: "), "{}", run.stderr);
        let host = endpoint.trim_start_matches("https://");
        assert!(run.stderr.contains(host), "{}", run.stderr);
        no_library_names(&run.stderr);
        let journal = std::fs::read_to_string(folder.path().join("r.journal.jsonl")).unwrap();
        assert_eq!(journal.matches("\"kind\":").count(), 12, "{journal}");
    }
}

#[test]
fn export_with_an_error_body_of_any_form_shows_its_words() {
    let folder = tempdir().unwrap();
    for body in [
        r#"{"error_code":"SMS.1","error_msg":"quota is used up"}"#,
        r#"{"error":{"code":"SMS.1","message":"quota is used up"}}"#,
        "quota is used up",
        "quota\u{1b}[31m is used up",
    ] {
        let server = Server::start(move |_, _| json(400, body));
        let said = failure(folder.path(), &server.url(), &[]);
        assert!(said.contains("quota") && said.contains("is used up") && !said.contains('\u{1b}'), "{said}");
    }
}
