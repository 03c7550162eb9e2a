//! What an error answer says, whatever its form.

/// Code and message of an error response, whatever its form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// `SMS.…`, `APIG.…`, or whatever the response has as a code.
    pub code: Option<String>,
    /// What the server says, cut to 500 characters; else the first words of the body.
    pub message: Option<String>,
    /// The request id, if the body holds it.
    pub request_id: Option<String>,
}
