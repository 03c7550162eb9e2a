//! Answers of ticket systems. The first byte chooses the system, anything else reads the address of a ticket.

use cutover_report::delivery::{Address, Kind, read_state};

const MARK: &str = "0a1b";
const ADDRESSES: [&str; 6] = [
    "https://x.atlassian.net/browse/OPS-12",
    "https://jira.x.org/browse/OPS-12",
    "https://x.org/issues/17",
    "https://x.org/rt/Ticket/Display.html?id=17",
    "https://x.org/a/b/-/issues/17",
    "https://x.service-now.com/change_request.do?sys_id=0a",
];

pub fn run(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else { return };
    let kind = usize::from(kind.wrapping_sub(b'0'));
    let Some((address, kind)) = ADDRESSES.get(kind).zip(Kind::ALL.get(kind)) else { return address(body) };
    let address = Address::parse(address, Some(*kind), false).expect("an address");
    match read_state(&address, body, MARK) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(state) => {
            let text = String::from_utf8_lossy(body);
            let is_escaped = text.contains('\\');
            assert!(state.comment.is_none() || text.contains(MARK) || is_escaped);
            assert!(state.attachments.iter().all(|file| text.contains(&file.name) || is_escaped));
        }
    }
}

/// The text of a parsed address is an address of the same ticket.
fn address(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(address) = Address::parse(text, None, true) else { return };
    if !text.starts_with("servicenow:") {
        assert_eq!(Address::parse(&address.to_string(), Some(address.kind()), true).as_ref(), Ok(&address));
    }
}
