//! Certificates and proxies.

use std::sync::Arc;

use crate::support::run_with;
use crate::support::server::{Server, consistent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

const TOKEN: (&str, &str) = ("SMS_AUTH_TOKEN", "token-not-to-be-seen");

#[test]
fn self_signed_certificate_is_trusted_only_with_ca_cert() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), key.cert.pem()).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![key.cert.der().clone()], private);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    runtime.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate closes the connection.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let body = r#"{"result_list":[]}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    let export = |more: &[&str]| {
        let arguments = ["export", "--endpoint", &endpoint, "--task", "a", "--task", "b", "-o", "r.csv"];
        run_with(folder.path(), &[TOKEN], &[&arguments[..], more].concat())
    };
    let refused = export(&[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("certificate"), "{}", refused.stderr);
    let journal = std::fs::read_to_string(folder.path().join("r.journal.jsonl")).unwrap();
    assert!(!journal.contains("\"attempts\":2"), "a wrong certificate is not retried: {journal}");
    let trusted = export(&["--ca-cert", "ca.pem"]);
    assert_eq!(trusted.code, 0, "{}", trusted.stderr);
    assert!(trusted.stderr.contains("not verified"), "{}", trusted.stderr);
    assert_eq!(export(&["--ca-cert", "r.csv"]).code, 2, "no certificate is in it");
    let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(folder.path().join("rubbish.pem"), rubbish).unwrap();
    let refused = export(&["--ca-cert", "rubbish.pem"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--ca-cert rubbish.pem"), "{}", refused.stderr);
}

#[test]
fn proxy_of_the_environment_is_used_except_for_loopback() {
    let (proxy, server) = (Server::start(|_, _| consistent()), Server::start(|_, _| consistent()));
    let (proxy_url, server_url) = (proxy.url(), server.url());
    let folder = tempfile::tempdir().unwrap();
    let export = |endpoint: &str, more: &[(&str, &str)]| {
        let variables = [&[TOKEN, ("http_proxy", &proxy_url)], more].concat();
        let arguments = [
            "export",
            "--context",
            "off",
            "--endpoint",
            endpoint,
            "--allow-http",
            "--task",
            "a",
            "--max-attempts",
            "1",
            "-o",
            "r.csv",
        ];
        run_with(folder.path(), &variables, &arguments).code
    };
    assert_eq!(export("http://sms.example", &[]), 0);
    assert_eq!(proxy.seen().len(), 1);
    assert_eq!(proxy.seen().first().unwrap().header("host"), Some("sms.example"));
    assert_eq!(export(&server_url, &[]), 0);
    assert_eq!((proxy.seen().len(), server.seen().len()), (1, 1));
    assert_eq!(export("http://sms.example", &[("no_proxy", "sms.example")]), 3, "there is no such host");
    assert_eq!(proxy.seen().len(), 1);
}
