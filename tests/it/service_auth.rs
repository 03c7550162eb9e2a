//! Authentication of the embedded service, over real connections.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use cutover_report::model::Secret;
use cutover_report::service::{AccessKey, Auth, Iam, Service, Settings};
use cutover_report::sms::sign;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

struct Api {
    url: String,
    client: Client,
    /// Ends when the test does.
    _service: Option<Service>,
}

struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn refused(&self, code: &str, message: &str) {
        assert_eq!(self.status, 401, "{}", self.body);
        assert_eq!(self.body["error_code"], code);
        assert!(self.body["error_msg"].as_str().unwrap().contains(message), "{}", self.body);
        assert_eq!(self.body["request_id"], self.headers["x-request-id"].to_str().unwrap());
        assert!(self.headers.contains_key("date"), "clients compare their clocks");
    }
}

impl Api {
    fn at(url: String) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { url, client: Client::builder().no_proxy().build().unwrap(), _service: None }
    }

    async fn start(settings: Settings) -> Self {
        let service = Service::start("127.0.0.1:0".parse().unwrap(), settings).await.unwrap();
        let api = Self::at(format!("http://{}", service.address()));
        Self { _service: Some(service), ..api }
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, body: serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap() }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// Requests the tasks, signed at `time` like `AccessKey`.
    async fn with_key(&self, id: &str, secret: &str, time: Timestamp) -> Answer {
        let host = self.url.strip_prefix("http://").unwrap();
        let headers = [("host", host.to_owned()), (sign::DATE_HEADER, sign::date(time))];
        let headers = headers.map(|(name, value)| (name.to_owned(), value));
        let request =
            sign::Request { method: "GET", path: "/v3/tasks", query: &[], headers: &headers, body: b"" };
        let authorization = request.authorization(id, &Secret::new(secret.to_owned()));
        let dated = self.get("/v3/tasks").header(sign::DATE_HEADER, &headers[1].1);
        self.send(dated.header("authorization", authorization)).await
    }

    async fn with_token(&self, token: &str) -> Answer {
        self.send(self.get("/v3/tasks").header("x-auth-token", token)).await
    }

    async fn log_in(&self, body: &Value) -> Answer {
        let url = format!("{}/v3/auth/tokens?nocatalog=true", self.url);
        self.send(self.client.post(url).body(body.to_string())).await
    }
}

fn key() -> AccessKey {
    let secret = Secret::new("secret".to_owned());
    AccessKey { id: "AK".to_owned(), secret, security_token: None, locks: false }
}

fn user(name: &str, password: &str, project: &str) -> Value {
    let user = json!({ "name": name, "password": password, "domain": { "name": "acme" } });
    let identity = json!({ "methods": ["password"], "password": { "user": user } });
    json!({ "auth": { "identity": identity, "scope": { "project": { "name": project } } } })
}

#[tokio::test]
async fn only_a_valid_signature_is_accepted() {
    let api = Api::start(Settings { auth: Auth::Aksk(key()), ..Settings::default() }).await;
    let now = Timestamp::now();
    let answer = api.with_key("AK", "secret", now).await;
    assert_eq!((answer.status, &answer.body["count"]), (200, &json!(12)));
    api.with_key("AK", "another", now).await.refused("APIG.0301", "the signature is not that of the request");
    api.with_key("BK", "secret", now).await.refused("APIG.0301", "the access key is not known");
    let old = now - SignedDuration::from_mins(16);
    api.with_key("AK", "secret", old).await.refused("APIG.0301", "more than 15 minutes");
    api.with_token("token").await.refused("APIG.0301", "takes signatures by access key");
    let unsigned = api
        .get("/v3/tasks")
        .header("authorization", "SDK-HMAC-SHA256 Access=AK, SignedHeaders=x-sdk-date, Signature=00");
    let unsigned = unsigned.header("x-sdk-date", sign::date(now));
    api.send(unsigned).await.refused("APIG.0301", "host is not among the signed headers");
    api.send(api.get("/v3/nothing")).await.refused("APIG.0301", "no Authorization header");
}

#[tokio::test]
async fn locked_key_is_refused_with_any_signature() {
    let locks = AccessKey { locks: true, ..key() };
    let api = Api::start(Settings { auth: Auth::Aksk(locks), ..Settings::default() }).await;
    for _ in 0..5 {
        api.with_key("AK", "another", Timestamp::now()).await.refused("APIG.0301", "signature");
    }
    api.with_key("AK", "secret", Timestamp::now())
        .await
        .refused("APIG.0301", "the access key is locked until");
}

#[tokio::test]
async fn token_is_issued_accepted_and_expires() {
    let api = Api::start(Settings { auth: Auth::Token(None), ..Settings::default() }).await;
    api.send(api.get("/v3/tasks")).await.refused("APIG.0301", "no x-auth-token header");
    api.with_token("made-up").await.refused("APIG.0301", "not known");
    api.with_key("AK", "secret", Timestamp::now()).await.refused("APIG.0301", "takes tokens");
    let issued = api.log_in(&user("anyone", "anything", "ap-southeast-3")).await;
    assert_eq!(issued.status, 201);
    let token = issued.headers["x-subject-token"].to_str().unwrap();
    assert_eq!(api.with_token(token).await.status, 200);
    let reported = &issued.body["token"];
    let expires: Timestamp = reported["expires_at"].as_str().unwrap().parse().unwrap();
    let issued_at: Timestamp = reported["issued_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(expires.duration_since(issued_at), SignedDuration::from_hours(24));
    assert_eq!(
        (&reported["user"]["name"], &reported["project"]["name"]),
        (&json!("anyone"), &json!("ap-southeast-3"))
    );

    let iam = Iam { token_life: Duration::ZERO, ..Iam::default() };
    let api = Api::start(Settings { auth: Auth::Token(None), iam, ..Settings::default() }).await;
    api.with_token(token).await.refused("APIG.0301", "not known");
    let issued = api.log_in(&user("anyone", "anything", "p")).await;
    let token = issued.headers["x-subject-token"].to_str().unwrap();
    api.with_token(token).await.refused("APIG.0307", "the token has expired");
}

#[tokio::test]
async fn iam_errors_have_iam_format() {
    let named = |text: &str| Some(text.to_owned());
    let password = Some(Secret::new("right".to_owned()));
    let iam =
        Iam { user: named("ada"), password, domain: named("acme"), project: named("p"), ..Iam::default() };
    let api = Api::start(Settings { iam, limit: Some("1/h".parse().unwrap()), ..Settings::default() }).await;
    let refused = async |body: Value, code: u16, title: &str, message: &str| {
        let answer = api.log_in(&body).await;
        let error = &answer.body["error"];
        assert_eq!((answer.status, &error["code"], &error["title"]), (code, &json!(code), &json!(title)));
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
        assert!(!answer.headers.contains_key("x-subject-token"));
        assert!(!answer.body.to_string().contains("s3cret"));
    };
    for (name, password, project) in [("bob", "right", "p"), ("ada", "s3cret", "p"), ("ada", "right", "q")] {
        refused(user(name, password, project), 401, "Unauthorized", "is wrong").await;
    }
    let mut body = user("ada", "right", "p");
    body["auth"]["identity"]["password"]["user"]["domain"]["name"] = json!("others");
    refused(body.clone(), 401, "Unauthorized", "is wrong").await;
    body["auth"]["identity"]["methods"] = json!(["token"]);
    refused(body.clone(), 400, "Bad Request", "methods must be").await;
    body["auth"]["identity"]["password"]["user"] = json!("s3cret");
    refused(body, 400, "Bad Request", "must hold auth.identity.password.user").await;
    refused(json!({}), 400, "Bad Request", "line 1, column 2").await;
    assert_eq!(api.log_in(&user("ada", "right", "p")).await.status, 201, "the limit is not IAM's");
}

struct Serving {
    child: Child,
    url: String,
    reported: String,
}

impl Serving {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(cargo_bin("cutover-report"))
            .arg("serve")
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap();
        Self { child, url: url.to_owned(), reported: String::new() }
    }

    /// Stops it and reads its stderr.
    fn end(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut self.reported).unwrap();
        self.child.wait().unwrap();
        self
    }
}

#[tokio::test]
async fn client_and_service_use_the_same_environment() {
    for (ak, sk) in [("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"), ("CLOUD_SDK_AK", "CLOUD_SDK_SK")] {
        let serving = Serving::start(&["--auth", "aksk"], &[(ak, "AK"), (sk, "hush-hush")]);
        assert_eq!(
            Api::at(serving.url.clone()).with_key("AK", "hush-hush", Timestamp::now()).await.status,
            200
        );
        assert_eq!(serving.end().reported, "");
    }
    let variables = [("SMS_AUTH_TOKEN", "fixed"), ("SMS_IAM_USER", "ada"), ("SMS_IAM_PASSWORD", "right")];
    let serving = Serving::start(&["--auth", "token", "--token-life", "0s"], &variables);
    let api = Api::at(serving.url.clone());
    assert_eq!(api.with_token("fixed").await.status, 200);
    assert_eq!(api.log_in(&user("ada", "wrong", "p")).await.status, 401);
    let issued = api.log_in(&user("ada", "right", "p")).await;
    let token = issued.headers["x-subject-token"].to_str().unwrap();
    api.with_token(token).await.refused("APIG.0307", "expired");
    assert_eq!(serving.end().reported, "");
}

#[tokio::test]
async fn serve_without_key_generates_and_prints_one() {
    let mut serving = Serving::start(&["--auth", "aksk"], &[]);
    let mut reported = BufReader::new(serving.child.stderr.as_mut().unwrap()).lines().map(Result::unwrap);
    assert!(reported.next().unwrap().starts_with("no access key is set"));
    let export = reported.next().unwrap();
    let (id, secret) = export.strip_prefix("export HUAWEICLOUD_SDK_AK=").unwrap().split_once(' ').unwrap();
    let secret = secret.strip_prefix("HUAWEICLOUD_SDK_SK=").unwrap();
    let api = Api::at(serving.url.clone());
    assert_eq!(api.with_key(id, secret, Timestamp::now()).await.status, 200);
    serving.end();

    let half = Command::new(cargo_bin("cutover-report"))
        .args(["serve", "--auth", "aksk"])
        .env_clear()
        .env("HUAWEICLOUD_SDK_AK", "AK")
        .output()
        .unwrap();
    assert_eq!(half.status.code(), Some(5));
    assert!(
        String::from_utf8(half.stderr)
            .unwrap()
            .contains("only one of HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK is set")
    );
}
