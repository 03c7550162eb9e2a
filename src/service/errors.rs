//! The bodies of error responses.
//!
//! The service and its gateway have different formats. Of the `SMS.*` codes only `SMS.9004` (no permission) is
//! documented; the others are invented, so clients must use the status. The `APIG.*` codes are the gateway's real
//! ones.

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::model::Rate;

/// A parameter is missing or not allowed.
pub(super) const INVALID_PARAMETER: &str = "SMS.9001";
/// The task does not exist.
pub(super) const TASK_NOT_FOUND: &str = "SMS.9002";
/// The service failed.
pub(super) const INTERNAL: &str = "SMS.9003";
/// The user lacks a permission.
const NO_PERMISSION: &str = "SMS.9004";
/// The path is known, but not with this method.
pub(super) const METHOD_NOT_ALLOWED: &str = "SMS.9005";
/// The gateway cannot reach the service.
pub(super) const UNAVAILABLE: &str = "SMS.9006";
/// The gateway does not know the API.
pub(super) const NO_SUCH_API: &str = "APIG.0101";
/// The request is not authenticated.
pub(super) const NOT_AUTHENTICATED: &str = "APIG.0301";
/// The token has expired.
pub(super) const TOKEN_EXPIRED: &str = "APIG.0307";
/// The gateway's limit is reached.
pub(super) const THROTTLED: &str = "APIG.0308";

/// Maximum length of `error_msg`, in characters.
const MESSAGE_CHARS: usize = 1024;

/// A response with `error_code` and `error_msg`.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let message: String = message.chars().take(MESSAGE_CHARS).collect();
    json_text(status, json!({ "error_code": code, "error_msg": message }).to_string())
}

/// 403 in the service's own format.
pub(super) fn forbidden() -> Response {
    let why = "The user is not allowed to do this with this task.";
    let body = json!({
        "error_code": NO_PERMISSION,
        "error_msg": why,
        "encoded_authorization_message": "sample",
        "error_param": [why],
        "details": [{ "error_code": NO_PERMISSION, "error_msg": why }],
    });
    json_text(StatusCode::FORBIDDEN, body.to_string())
}

/// 400 with the reason.
pub(super) fn invalid(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, INVALID_PARAMETER, message)
}

/// 408: the request's body did not arrive in time.
pub(super) fn body_timeout(time: Duration) -> Response {
    let message = format!("the body did not arrive within {} seconds", time.as_secs_f64());
    error(StatusCode::REQUEST_TIMEOUT, INVALID_PARAMETER, &message)
}

/// The gateway's 429.
pub(super) fn throttled(limit: Rate, request_id: &str) -> Response {
    let unit = match limit.window().as_secs() {
        1 => "second",
        60 => "minute",
        _ => "hour",
    };
    let message = format!(
        "The throttling threshold has been reached: policy user over ratelimit,limit:{},time:1 {unit}",
        limit.count()
    );
    gateway(StatusCode::TOO_MANY_REQUESTS, THROTTLED, &message, request_id)
}

/// The gateway's 401 with the reason.
pub(super) fn unauthenticated(code: &str, why: &str, request_id: &str) -> Response {
    gateway(StatusCode::UNAUTHORIZED, code, &format!("Authentication failed: {why}."), request_id)
}

/// A response of the gateway, with the request id.
fn gateway(status: StatusCode, code: &str, message: &str, request_id: &str) -> Response {
    let body = json!({ "error_code": code, "error_msg": message, "request_id": request_id });
    json_text(status, body.to_string())
}

/// A response with `text` as its JSON body.
pub(super) fn json_text(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
