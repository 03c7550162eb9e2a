//! Names and addresses of servers, as plans and the service write them.

use std::net::{IpAddr, Ipv4Addr};

use crate::model::is_invisible;

/// The form of a name by which names are compared: without regard to case, invisible characters and a final dot.
pub(super) fn name_key(name: &str) -> String {
    let visible: String = name.chars().filter(|c| c.is_whitespace() || !is_invisible(*c)).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').to_lowercase()
}

/// The first label of a name, without the domain. An address has no domain.
pub(super) fn host(key: &str) -> &str {
    match key.split_once('.') {
        Some((host, _)) if !host.is_empty() && key.parse::<IpAddr>().is_err() => host,
        _ => key,
    }
}

/// Whether two names are of one server if one lacks the domain, or the end of it.
pub(super) fn fits(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let rest = long.strip_prefix(short);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) && host(short) == host(long)
}

/// The addresses in a text: several may be separated by commas, semicolons, slashes or spaces; each may have a port,
/// a mask or a zone. Other texts are skipped.
pub(super) fn addresses(text: &str) -> Vec<IpAddr> {
    let visible: String = text.chars().filter(|c| c.is_whitespace() || !is_invisible(*c)).collect();
    let parts =
        visible.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '，' | '；' | '、' | '|'));
    parts.filter_map(address).collect()
}

/// An address with or without a port, a mask or a zone.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.split('/').next().unwrap_or(text);
    let text = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        // A single colon is a port; an IPv6 address has more.
        None if text.matches(':').count() == 1 => text.split(':').next().unwrap_or(text),
        None => text,
    };
    let text = text.split('%').next().unwrap_or(text);
    let address = text.parse::<IpAddr>().ok().or_else(|| padded(text).map(IpAddr::V4))?;
    Some(address.to_canonical()).filter(|address| !address.is_unspecified())
}

/// An IPv4 address whose numbers are padded with zeros, as in `010.001.000.005`.
fn padded(text: &str) -> Option<Ipv4Addr> {
    let mut numbers = [0; 4];
    let mut parts = text.split('.');
    for number in &mut numbers {
        let part = parts.next().filter(|part| (1..=3).contains(&part.len()))?;
        *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_ports_masks_and_padding() {
        for (text, expected) in [
            ("10.0.0.1", "10.0.0.1"),
            (" 10.0.0.1:22 ", "10.0.0.1"),
            ("10.0.0.1/24", "10.0.0.1"),
            ("10.0.0.1/255.255.255.0", "10.0.0.1"),
            ("010.000.000.001", "10.0.0.1"),
            ("10.0.0.1,10.0.0.2; 10.0.0.3\n10.0.0.4 (eth1)", "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4"),
            ("[2001:DB8::1]:443", "2001:db8::1"),
            ("2001:db8:0:0:0:0:0:1/64", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("web-01", ""),
            ("TBD", ""),
            ("0.0.0.0", ""),
            ("10.0.0", ""),
            ("10.0.0.256", ""),
            ("10.0.0.1.5", ""),
        ] {
            let found: Vec<String> = addresses(text).iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn names_fit_with_and_without_their_domain() {
        for (one, other, expected) in [
            ("web-01", "web-01", true),
            ("web-01", "web-01.corp.example", true),
            ("web-01.corp", "web-01.corp.example", true),
            ("web-01.corp", "web-01.lab", false),
            ("web-01", "web-011", false),
            ("web-01.co", "web-01.corp", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10", "10.0.0.1", false),
        ] {
            assert_eq!((fits(one, other), fits(other, one)), (expected, expected), "{one} {other}");
        }
        assert_eq!(name_key(" WEB-01\u{200b}.Corp. "), "web-01.corp");
    }
}
