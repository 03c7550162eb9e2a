//! What is said of an input or output error.

use std::io::{self, ErrorKind};

/// The reason without the system's number.
pub fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.rsplit_once(" (os error ")) {
        (Some(_), Some((reason, _))) => reason.to_owned(),
        _ => text,
    }
}

/// The reason, and what the user can do about it.
pub fn io_advice(error: &io::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::NotFound => "; check the path",
        ErrorKind::PermissionDenied => "; check the permissions of the file and of its folder",
        ErrorKind::IsADirectory => "; give the path of a file",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; free some space",
        _ => "",
    };
    io_reason(error) + advice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_no_number_and_say_what_to_do() {
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(io_reason(&missing), "No such file or directory");
        assert_eq!(io_advice(&missing), "No such file or directory; check the path");
        let own = io::Error::other("the stream ended (os error 2)");
        assert_eq!(io_advice(&own), "the stream ended (os error 2)");
    }
}
