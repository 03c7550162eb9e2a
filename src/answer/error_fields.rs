//! Code and message of an error answer of any form.

/// Code and message of an error response of any form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// `SMS.…`, `APIG.…`, or another code of the response.
    pub code: Option<String>,
    /// What the server says, cut to 500 characters; else the first words of the body.
    pub message: Option<String>,
    /// The request id, if the body holds it.
    pub request_id: Option<String>,
}
