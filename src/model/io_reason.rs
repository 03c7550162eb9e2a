//! What a message says of an input or output error.

use std::fmt::Display;
use std::io::{self, ErrorKind};

/// The reason, without the system's number wherever a library's text has it.
pub fn io_reason(error: &(impl Display + ?Sized)) -> String {
    const NUMBER: &str = " (os error ";
    let text = error.to_string();
    let mut reason = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(NUMBER) {
        reason += before;
        rest = match after.split_once(')') {
            Some((number, rest)) if number.parse::<i32>().is_ok() => rest,
            _ => {
                reason += NUMBER;
                after
            }
        };
    }
    reason + rest
}

/// The reason, and what the user can do about it.
pub fn io_advice(error: &io::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::NotFound => "; check the path",
        ErrorKind::PermissionDenied => "; check the permissions of the file and of its folder",
        ErrorKind::IsADirectory => "; give the path of a file",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; free some space",
        ErrorKind::FileTooLarge => "; check the limit on file sizes (ulimit -f)",
        ErrorKind::ReadOnlyFilesystem => "; choose a path on a writable file system",
        ErrorKind::NotADirectory => "; a part of the path is not a folder",
        // As an error of the system, not of this program: a folder cannot be created.
        ErrorKind::AlreadyExists if error.raw_os_error().is_some() => "; a part of the path is not a folder",
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
        let in_file = io::Error::from_raw_os_error(20);
        assert_eq!(io_advice(&in_file), "Not a directory; a part of the path is not a folder");
    }

    #[test]
    fn reason_of_library_error_loses_each_number() {
        let twice = "part 1: Broken pipe (os error 32): Input/output error (os error 5), (os error -)";
        assert_eq!(io_reason(&twice), "part 1: Broken pipe: Input/output error, (os error -)");
        assert_eq!(io_reason(&"cut off (os error 5"), "cut off (os error 5");
    }
}
