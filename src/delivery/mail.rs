//! Mail with the files attached, by SMTP with TLS.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};
use reqwest::Url;

use super::blocks;
use super::comment::Comment;
use super::payload::{Payload, digest};
use crate::model::{Redactor, Secret, clean, io_reason};
use crate::net::{is_certificate, is_loopback};
use crate::sms::{retry, sign};

/// How to reach the mail server.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// `smtps://USER@HOST:465`, or `smtp://HOST:587` for STARTTLS.
    pub server: String,
    /// The sender; else the user of the server's address.
    pub from: Option<String>,
    /// The password of the user.
    pub password: Option<Secret>,
    /// The largest message that gets the files attached, in bytes; above, it names them only.
    pub max_mail: u64,
    /// The time for one step of the dialogue.
    pub timeout: Duration,
    /// Attempts to send.
    pub max_attempts: NonZeroU32,
    /// Certificates to trust beside the public ones, as PEM.
    pub ca_cert: Option<std::path::PathBuf>,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum MailError {
    #[error("--to {0}: it is not a list of mail addresses; write mailto:a@example.org,b@example.org")]
    Recipients(String),
    #[error("--smtp: it is not a mail server; write smtps://USER@HOST:465 or smtp://USER@HOST:587")]
    Server,
    #[error("--smtp: the address has a password; remove it, and set SMTP_PASSWORD")]
    Password,
    #[error("no sender: add --mail-from ADDRESS")]
    NoSender,
    #[error("--mail-from {0}: it is not a mail address")]
    Sender(String),
    #[error("--ca-cert: {0}")]
    CaCert(String),
    #[error("cannot send the mail: {0}")]
    Failed(String),
}

/// A mail server, a sender and recipients.
pub struct Mailer {
    transport: SmtpTransport,
    from: Mailbox,
    to: Vec<Mailbox>,
    redactor: Redactor,
    max_mail: u64,
    max_attempts: NonZeroU32,
}

impl Mailer {
    /// For the recipients of a `mailto:` address; connects to nothing.
    ///
    /// # Errors
    /// [`MailError`] for settings that cannot work.
    pub fn new(mailto: &str, settings: MailSettings) -> Result<Self, MailError> {
        let wrong = || MailError::Recipients(mailto.to_owned());
        let list = mailto.strip_prefix("mailto:").ok_or_else(wrong)?;
        let list = list.split('?').next().unwrap_or_default();
        let to = list.split(',').map(|address| decode(address).trim().parse::<Mailbox>());
        let to: Vec<Mailbox> = to.collect::<Result<_, _>>().map_err(|_| wrong())?;
        let url = Url::parse(&settings.server).map_err(|_| MailError::Server)?;
        if url.password().is_some() {
            return Err(MailError::Password);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(MailError::Server)?.to_owned();
        let user = Some(decode(url.username())).filter(|user| !user.is_empty());
        let sender = settings.from.clone().or_else(|| user.clone().filter(|user| user.contains('@')));
        let sender = sender.ok_or(MailError::NoSender)?;
        let from = sender.parse::<Mailbox>().map_err(|_| MailError::Sender(sender))?;
        let mut tls = TlsParameters::builder(host.trim_matches(['[', ']']).to_owned());
        if let Some(path) = &settings.ca_cert {
            tls = tls.add_root_certificate(certificate(path)?);
        }
        let tls = tls.build().map_err(|error| MailError::Failed(error.to_string()))?;
        let (port, tls) = match url.scheme() {
            "smtps" => (465, Tls::Wrapper(tls)),
            "smtp" if is_loopback(&url) => (587, Tls::Opportunistic(tls)),
            "smtp" => (587, Tls::Required(tls)),
            _ => return Err(MailError::Server),
        };
        let mut transport = SmtpTransport::builder_dangerous(host)
            .port(url.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(settings.timeout));
        if let (Some(user), Some(password)) = (user, &settings.password) {
            transport = transport.credentials(Credentials::new(user, password.expose().to_owned()));
        }
        Ok(Self {
            transport: transport.build(),
            from,
            to,
            redactor: Redactor::new(&settings.password),
            max_mail: settings.max_mail,
            max_attempts: settings.max_attempts,
        })
    }

    /// Sends the comment with its files; returns the address of the message.
    ///
    /// The same manifest gives the same Message-ID, so that a mail that is sent again is known as the same.
    ///
    /// # Errors
    /// [`MailError::Failed`] with what the server says.
    pub fn send(&self, comment: &Comment, files: &[Payload]) -> Result<String, MailError> {
        let (id, message) = self.message(comment, files)?;
        let mut attempt = 1;
        loop {
            let error = match self.transport.send(&message) {
                Ok(_) => return Ok(format!("mid:{id}")),
                Err(error) => error,
            };
            let failed = self.failed(&error);
            // Refused for good: a wrong password, an unknown recipient, a message that is too large, a certificate.
            let is_lasting =
                error.is_permanent() || error.is_tls() || error.is_client() || is_certificate(&error);
            if is_lasting || attempt >= self.max_attempts.get() {
                return Err(failed);
            }
            std::thread::sleep(retry::delay(attempt, fastrand::f64(), None));
            attempt += 1;
        }
    }

    /// Connects and authenticates, and sends nothing.
    ///
    /// # Errors
    /// [`MailError::Failed`] with what the server says.
    pub fn check(&self) -> Result<(), MailError> {
        match self.transport.test_connection() {
            Ok(true) => Ok(()),
            Ok(false) => Err(MailError::Failed("the server does not answer".to_owned())),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &lettre::transport::smtp::Error) -> MailError {
        use std::error::Error as _;
        let status = error.status().map(|status| format!("{status}: ")).unwrap_or_default();
        let cause = error.source().map_or_else(|| io_reason(&error), io_reason);
        let advice = match error.status().map(|status| status.to_string()).as_deref() {
            Some("535" | "534" | "530") => "; check SMTP_PASSWORD and the user in --smtp",
            Some("552") => "; lower --max-mail, so that the mail names the files instead",
            _ if error.is_tls() || is_certificate(error) => {
                "; check the certificate of the server, and --ca-cert"
            }
            None => "; check --smtp and the network",
            Some(_) => "",
        };
        let what = format!("{status}{cause}");
        MailError::Failed(clean(&self.redactor.redact_text(what)).into_owned() + advice)
    }

    fn message(&self, comment: &Comment, files: &[Payload]) -> Result<(String, Message), MailError> {
        let domain = self.from.email.domain();
        let id = format!("{}@{domain}", comment.mark);
        let report = comment.manifest.strip_suffix(".manifest.json").unwrap_or(&comment.manifest);
        let thread = format!("<{}@{domain}>", digest(report.as_bytes()));
        let size: u64 = files.iter().map(Payload::size).sum();
        // Base64 with line breaks.
        let is_attached = size.saturating_mul(4) / 3 + size / 38 < self.max_mail;
        let mut blocks = comment.blocks();
        if !is_attached && !files.is_empty() {
            let text =
                format!("The files are not attached: together they are larger than {} bytes.", self.max_mail);
            blocks.push(super::blocks::Block::Paragraph(vec![super::blocks::Span::plain(text)]));
        }
        let page = files.iter().find(|file| file.name.ends_with(".html"));
        let html = match page.and_then(|page| std::str::from_utf8(&page.content).ok()) {
            Some(page) => without_script(page),
            None => blocks::html(&blocks),
        };
        let texts = MultiPart::alternative_plain_html(blocks::plain(&blocks), html);
        let mut body = MultiPart::mixed().multipart(texts);
        for file in files.iter().filter(|_| is_attached) {
            body = body.singlepart(attachment(file));
        }
        let subject = format!("{report}: {}", comment.headline);
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(clean(&subject).into_owned())
            .message_id(Some(format!("<{id}>")))
            .in_reply_to(thread.clone())
            .references(thread)
            .header(AutoSubmitted);
        for recipient in &self.to {
            message = message.to(recipient.clone());
        }
        let message = message.multipart(body).map_err(|error| MailError::Failed(error.to_string()))?;
        Ok((id, message))
    }
}

fn attachment(file: &Payload) -> SinglePart {
    let kind = ContentType::parse(file.content_type()).unwrap_or(ContentType::TEXT_PLAIN);
    Attachment::new(file.name.clone()).body(file.content.clone(), kind)
}

fn certificate(path: &Path) -> Result<Certificate, MailError> {
    let failed = |why: String| MailError::CaCert(format!("{}: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|error| failed(io_reason(&error)))?;
    Certificate::from_pem(&pem).map_err(|_| failed("it contains no PEM certificate".to_owned()))
}

/// A page without its scripts.
fn without_script(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(start) = rest.find("<script") {
        let (before, script) = rest.split_at(start);
        text += before;
        rest = script.split_once("</script>").map_or("", |(_, after)| after);
    }
    text + rest
}

/// Text with percent-encoded bytes decoded.
fn decode(text: &str) -> String {
    String::from_utf8_lossy(&sign::decode(text)).into_owned()
}

/// Says that no person wrote the mail (RFC 3834).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer(server: &str, to: &str) -> Result<Mailer, MailError> {
        Mailer::new(
            to,
            MailSettings {
                server: server.to_owned(),
                from: Some("report@x.org".to_owned()),
                password: Some(Secret::new("hush-hush-hush".to_owned())),
                max_mail: 1000,
                timeout: Duration::from_secs(1),
                max_attempts: NonZeroU32::MIN,
                ca_cert: None,
            },
        )
    }

    fn files(size: usize) -> Vec<Payload> {
        let content = vec![7; size];
        let sha256 = digest(&content);
        vec![Payload { name: "r.xlsx".to_owned(), content, sha256 }]
    }

    fn text(size: usize) -> String {
        let files = files(size);
        let comment = Comment::new(
            "**READY**".to_owned(),
            "READY".to_owned(),
            &files,
            "r.manifest.json".to_owned(),
            "ab".repeat(32),
        );
        let (_, message) =
            mailer("smtp://h", "mailto:a@x.org,b@y.org").unwrap().message(&comment, &files).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn message_has_stable_id_and_is_marked_as_generated() {
        let text = text(10);
        for line in [
            format!("Message-ID: <{}@x.org>", "ab".repeat(32)),
            "Auto-Submitted: auto-generated".to_owned(),
            "Subject: r: READY".to_owned(),
            "filename=\"r.xlsx\"".to_owned(),
        ] {
            assert!(text.contains(&line), "{line}: {text}");
        }
        let thread = |text: &str| text.lines().find(|line| line.starts_with("References")).map(str::to_owned);
        assert!(thread(&text).is_some() && thread(&text) == thread(&super::tests::text(11)));
    }

    #[test]
    fn message_above_the_limit_names_its_files_only() {
        let text = text(2000);
        assert!(text.contains("The files are not attached") && !text.contains("filename="), "{text}");
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        assert_eq!(
            mailer("smtp://h", "mailto:nobody").err(),
            Some(MailError::Recipients("mailto:nobody".to_owned()))
        );
        assert_eq!(mailer("https://h", "mailto:a@x.org").err(), Some(MailError::Server));
        let secret = mailer("smtps://me:hush@h", "mailto:a@x.org").err();
        assert_eq!(secret, Some(MailError::Password));
    }

    #[test]
    fn page_loses_its_scripts() {
        assert_eq!(without_script("a<script>x</script>b<script src=1>"), "ab");
        assert_eq!(decode("me%40x.org%"), "me@x.org%");
    }
}
