//! Results in the three shapes of the API's pages and SDKs.

use serde_json::Value;

use super::store::{Results, StoredVerification};
use crate::model::Shape;

/// The response body with the `results` of `task_id`. The stored texts are JSON and are not parsed again.
pub(super) fn body(task_id: &str, results: &Results) -> String {
    match results.shape {
        Shape::Legacy => match results.verifications.first() {
            Some(newest) => format!(
                r#"{{"consistency_result":{},"finished_time":{}}}"#,
                newest.directories, newest.finished_time
            ),
            None => r#"{"consistency_result":[]}"#.to_owned(),
        },
        Shape::ResultList => list(task_id, &results.verifications, |text| text),
        Shape::ResultListStrings => list(task_id, &results.verifications, |text| quoted(&text)),
    }
}

fn list(task_id: &str, verifications: &[StoredVerification], form: impl Fn(String) -> String) -> String {
    let length: usize = verifications.iter().map(|kept| kept.directories.len() + 128).sum();
    let mut body = String::with_capacity(length + 128);
    body.push_str(r#"{"result_list":["#);
    for (index, kept) in verifications.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push_str(&form(object(kept)));
    }
    body.push_str(r#"],"task_id":"#);
    body.push_str(&quoted(task_id));
    body.push('}');
    body
}

fn object(kept: &StoredVerification) -> String {
    format!(
        r#"{{"finished_time":{},"check_result":{},"consistency_result":{}}}"#,
        kept.finished_time,
        quoted(&kept.check_result),
        kept.directories
    )
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn results(shape: Shape, times: &[i64]) -> Results {
        let kept = |time: &i64| StoredVerification {
            finished_time: *time,
            check_result: "su\"ccess".to_owned(),
            directories: r#"[{"dir_check":"/a \"b\""}]"#.to_owned(),
        };
        Results { shape, verifications: times.iter().map(kept).collect() }
    }

    fn read(shape: Shape, times: &[i64]) -> Value {
        serde_json::from_str(&body("t\"1", &results(shape, times))).unwrap()
    }

    #[test]
    fn every_shape_is_valid_json_with_the_same_results() {
        let directories = json!([{ "dir_check": "/a \"b\"" }]);
        let object = |time: i64| json!({ "finished_time": time, "check_result": "su\"ccess", "consistency_result": directories });
        assert_eq!(
            read(Shape::ResultList, &[2, 1]),
            json!({ "result_list": [object(2), object(1)], "task_id": "t\"1" })
        );
        assert_eq!(
            read(Shape::Legacy, &[2, 1]),
            json!({ "consistency_result": directories, "finished_time": 2 })
        );
        let strings = read(Shape::ResultListStrings, &[2, 1]);
        let first: Value = serde_json::from_str(strings["result_list"][0].as_str().unwrap()).unwrap();
        assert_eq!(first, object(2));
    }

    #[test]
    fn task_without_results_has_an_empty_list() {
        assert_eq!(read(Shape::Legacy, &[]), json!({ "consistency_result": [] }));
        for shape in [Shape::ResultList, Shape::ResultListStrings] {
            assert_eq!(read(shape, &[]), json!({ "result_list": [], "task_id": "t\"1" }));
        }
    }
}
