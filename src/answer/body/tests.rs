use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(body: &str) -> Answer {
    normalise(body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}"))
}

fn refuse(body: &str) -> String {
    match normalise(body.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(answer) => panic!("{body} was read as {answer:?}"),
    }
}

const CHECK: &str = r#"{"dir_check":"/d","num_total_files":9,"num_different_files":1,"num_target_miss_files":2,"num_target_more_files":3}"#;

fn check() -> DirectoryCheck {
    DirectoryCheck { directory: "/d".to_owned(), total: 9, different: 1, missing: 2, redundant: 3 }
}

#[test]
fn the_legacy_shape() {
    let answer = read(&format!(r#"{{"consistency_result":[{CHECK}],"finished_time":"1598435801422"}}"#));
    assert_eq!(answer.shape, Shape::Legacy);
    let expected = Verification {
        finished: Some(Timestamp::from_millisecond(1_598_435_801_422).unwrap()),
        check_result: None,
        directories: vec![check()],
    };
    assert_eq!(answer.verifications, [expected]);
}

#[test]
fn check_result_counts_in_the_legacy_shape() {
    let result = |field: &str| {
        let answer = read(&format!(r#"{{"consistency_result":[{CHECK}],"finished_time":1{field}}}"#));
        answer.verifications[0].check_result.clone()
    };
    assert_eq!(result(r#","check_result":"failed""#).as_deref(), Some("failed"));
    assert_eq!(result(r#","check_result":"success""#).as_deref(), Some("success"));
    assert_eq!(result(r#","check_result":null"#), None);
}

/// Fields that report an error, as they stand in an object.
const ERRORS: &[&str] = &[
    r#""error_code":"SMS.9004","error_msg":"no permission""#,
    r#""error_code":"SMS.9004""#,
    r#""error_code":1"#,
    r#""error_code":-1"#,
    r#""errorCode":"SMS.9004","errorMsg":"no permission""#,
    r#""ErrorCode":"x""#,
    r#""err_code":"x""#,
    r#""error_msg":"no permission""#,
    r#""errorMsg":"no permission""#,
    r#""error_code":null,"error_msg":"no permission""#,
    r#""error_code":"","error_msg":"no permission""#,
    r#""error_code":0,"error_msg":"no permission""#,
    r#""error":{"code":"SMS.9004","message":"no permission"}"#,
    r#""error":{"error_code":"SMS.9004"}"#,
    r#""error":{"reason":"x"}"#,
    r#""error":{"anything":[1]}"#,
    r#""error":"no permission""#,
    r#""error":true"#,
    r#""error":500"#,
    r#""error":["x"]"#,
    r#""errors":[{"code":"SMS.9004","message":"no permission"}]"#,
    r#""errors":[{}]"#,
    r#""errors":["no permission"]"#,
    r#""errors":{"dir":["x"]}"#,
    r#""code":"SMS.9004","message":"no permission""#,
    r#""code":"SMS.9004""#,
    r#""code":404,"message":"not found""#,
    r#""code":"1","message":"no""#,
    r#""code":500,"msg":"no""#,
    r#""status":"failed""#,
    r#""status":"ERROR""#,
    r#""status":500,"error":"Internal Server Error","path":"/v3""#,
    r#""success":false"#,
    r#""forbidden":{"code":403,"message":"no permission"}"#,
    r#""itemNotFound":{"code":404,"message":"x"}"#,
    r#""response":{"data":{"error":{"code":"SMS.9004"}}}"#,
    r#""details":[{"error_code":"SMS.9004","error_msg":"x"}]"#,
    r#""fault":{"faultstring":"x"}"#,
    r#""exception":"x""#,
    r#""encoded_authorization_message":"abc""#,
];

/// Fields that do not.
const HARMLESS: &[&str] = &[
    r#""error_code":"""#,
    r#""error_code":null,"error_msg":null"#,
    r#""error_code":0,"error_msg":"""#,
    r#""error_code":"0","error_msg":"success""#,
    r#""error_code":"SUCCESS","error_msg":"OK""#,
    r#""error_code":[]"#,
    r#""errorCode":false"#,
    r#""error":null"#,
    r#""error":{}"#,
    r#""error":"""#,
    r#""error":false"#,
    r#""error":0"#,
    r#""error":[]"#,
    r#""error":{"code":0,"message":""}"#,
    r#""error":{"code":"","message":null}"#,
    r#""errors":[]"#,
    r#""errors":null"#,
    r#""errors":{}"#,
    r#""errors":[null]"#,
    r#""code":200"#,
    r#""code":200,"message":"OK""#,
    r#""code":"0","message":"anything""#,
    r#""code":0"#,
    r#""code":"x""#,
    r#""message":"3 directories were verified""#,
    r#""status":"success""#,
    r#""status":200"#,
    r#""success":true"#,
    r#""request_id":"r-1""#,
    r#""extra":[{"error_code":"x"}]"#,
    r#""extra":{"message":"x","code":0}"#,
    r#""details":[]"#,
];

#[test]
fn results_beside_an_error_are_unreadable_in_every_part_of_the_body() {
    let good = r#""finished_time":1736854315000,"check_result":"success""#;
    let bodies = |fields: &str| {
        let check = CHECK.replace('}', &format!(",{fields}}}"));
        let item = format!(r#"{{{good},"consistency_result":[{CHECK}],{fields}}}"#);
        [
            format!(r#"{{"result_list":[],{fields}}}"#),
            format!(r#"{{{fields},"result_list":[{{{good},"consistency_result":[{CHECK}]}}]}}"#),
            format!(r#"{{"consistency_result":[{CHECK}],"finished_time":1736854315000,{fields}}}"#),
            format!(r#"{{"result_list":[{item}]}}"#),
            json!({ "result_list": [item] }).to_string(),
            format!(r#"{{"result_list":[{{{good},"consistency_result":[{CHECK},{check}]}}]}}"#),
            format!(r#"{{"consistency_result":[{check}],"finished_time":1}}"#),
        ]
    };
    for fields in ERRORS {
        for body in bodies(fields) {
            let refused = normalise(body.as_bytes());
            assert!(matches!(refused, Err(Unreadable::Error { .. })), "{body}: {refused:?}");
        }
        let reported = ErrorBody::reported(format!("{{{fields}}}").as_bytes());
        assert!(reported.is_some(), "{fields}");
    }
    for fields in HARMLESS {
        bodies(fields).iter().for_each(|body| drop(read(body)));
        assert_eq!(ErrorBody::reported(format!("{{{fields}}}").as_bytes()), None, "{fields}");
    }
    let [place] = [refuse(&bodies(ERRORS[0])[5])];
    assert_eq!(
        place,
        "result_list[0].consistency_result[1] reports an error although the HTTP status is a success: SMS.9004: no permission"
    );
}

#[test]
fn only_a_complete_200_is_an_answer() {
    let body = format!(r#"{{"consistency_result":[{CHECK}],"finished_time":1}}"#);
    let read = |status, range| read_answer(status, range, body.as_bytes());
    assert!(read(200, None).is_ok());
    for status in [201, 202, 203, 204, 206, 207, 226, 299] {
        assert!(matches!(read(status, None), Err(Unreadable::Status(it)) if it == status), "{status}");
    }
    assert!(read(206, Some("bytes 0-239/240")).is_err());
    assert!(read(200, Some("bytes 0-239/240")).is_ok());
    for range in [
        "bytes 0-239/99999",
        "bytes 1-239/240",
        "bytes 0-239/*",
        "bytes */240",
        "items 0-9/100",
        "",
        "x",
        "bytes 0-18446744073709551615/0",
    ] {
        assert!(matches!(read(200, Some(range)), Err(Unreadable::Partial(_))), "{range}");
    }
}

#[test]
fn the_result_list_shapes() {
    let item = format!(
        r#"{{"finished_time":1736854315000,"check_result":"success","consistency_result":[{CHECK}]}}"#
    );
    let objects = read(&format!(r#"{{"result_list":[{item}],"task_id":"t"}}"#));
    let strings = read(&json!({"result_list": [item], "task_id": "t"}).to_string());
    assert_eq!((objects.shape, strings.shape), (Shape::ResultList, Shape::ResultListStrings));
    assert_eq!(objects.verifications, strings.verifications);
    assert_eq!(objects.task_id.as_deref(), Some("t"));
    let [verification] = objects.verifications.as_slice() else { panic!("{objects:?}") };
    assert_eq!(verification.check_result.as_deref(), Some("success"));
    assert_eq!(verification.directories, [check()]);
}

#[test]
fn time_is_read_as_seconds_or_milliseconds_number_or_text() {
    let time = |value: &str| {
        let answer =
            read(&format!(r#"{{"result_list":[{{"finished_time":{value},"check_result":"success"}}]}}"#));
        answer.verifications.first().and_then(|verification| verification.finished)
    };
    let at = |milliseconds| Some(Timestamp::from_millisecond(milliseconds).unwrap());
    assert_eq!(time("1736854315"), at(1_736_854_315_000));
    assert_eq!(time("\"1736854315\""), at(1_736_854_315_000));
    assert_eq!(time("1736854315123"), at(1_736_854_315_123));
    assert_eq!(time("\" 1736854315123 \""), at(1_736_854_315_123));
    assert_eq!(time("99999999999"), at(99_999_999_999_000), "just below the border");
    assert_eq!(time("100000000000"), at(100_000_000_000), "the border");
    assert_eq!(time("null"), None);
    assert_eq!(time("\"\""), None);
}

#[test]
fn newest_verification_comes_first_in_any_order() {
    let item = |time: &str| format!(r#"{{"finished_time":{time},"check_result":"success"}}"#);
    let body =
        format!(r#"{{"result_list":[{},{},{},{}]}}"#, item("2"), item("null"), item("\"3\""), item("1"));
    let seconds: Vec<_> =
        read(&body).verifications.iter().map(|v| v.finished.map(Timestamp::as_second)).collect();
    assert_eq!(seconds, [Some(3), Some(2), Some(1), None]);
}

#[test]
fn empty_answer_has_no_verification() {
    for body in [
        r#"{"result_list":[]}"#,
        r#"{"result_list":null,"task_id":"t"}"#,
        r#"{"consistency_result":[]}"#,
        r#"{"consistency_result":null,"finished_time":1}"#,
        "\u{feff}{\"consistency_result\":[],\"finished_time\":null}",
    ] {
        assert_eq!(read(body).verifications, [], "{body}");
    }
}

#[test]
fn unreadable_body_gives_an_error_with_its_place() {
    let counts = |total: &str| CHECK.replace(":9,", &format!(":{total},"));
    let listed = |check: &str| format!(r#"{{"result_list":[{{"consistency_result":[{check}]}}]}}"#);
    let errors: Vec<String> = [
        "",
        " \n",
        "{}",
        "null",
        "[]",
        "[[],null,null,null]",
        r#"{"result_list":[{"consistency_result":[["/d",9,0,0,0]]}]}"#,
        r#"{"result_list":["[1,\"success\",[]]"]}"#,
        "\"text\"",
        "<html></html>",
        "{\"consistency_result\": [\n]\n \"finished_time\": 1}",
        r#"{"result_list":[null]}"#,
        r#"{"result_list":["no json"]}"#,
        r#"{"result_list":[[]]}"#,
        r#"{"result_list":{}}"#,
        r#"{"error_code":"SMS.1","error_msg":"no"}"#,
        r#"{"result_list":[],"result_list":[]}"#,
        r#"{"consistency_result":[],"finished_time":-1}"#,
        r#"{"consistency_result":[],"finished_time":1.5}"#,
        r#"{"consistency_result":[],"finished_time":9223372036854775807}"#,
        &listed(&counts("-1")),
        &listed(&counts("1.5")),
        &listed(&counts("null")),
        &listed(&counts("\"9\"")),
        &listed(&counts("18446744073709551616")),
        &listed(r#"{"dir_check":"/d"}"#),
    ]
    .into_iter()
    .map(|body| format!("{body}\n  {}", refuse(body)))
    .collect();
    insta::assert_snapshot!(errors.join("\n"));
    assert!(matches!(normalise(b"ok\xff"), Err(Unreadable::NotText(2))));
    let json = [&b"{}"[..], b" null\n", "\u{feff}[1]".as_bytes(), b"{\"result_list\":{}}"];
    assert!(json.into_iter().all(is_json));
    let none =
        [&b""[..], b"<html></html>", b"{\"result_list\":[", b"{} {}", b"\"\xff\"", b"{\"a\":\"\xff\"}"];
    assert!(!none.into_iter().any(is_json));
}

/// A model in the form that a service would send it in.
fn render(answer: &Answer, time_as_text: bool) -> Value {
    let time = |verification: &Verification| match verification.finished {
        None => Value::Null,
        Some(time) if time_as_text => json!(time.as_millisecond().to_string()),
        Some(time) => json!(time.as_millisecond()),
    };
    let directories = |verification: &Verification| -> Vec<Value> {
        let directory = |check: &DirectoryCheck| {
            json!({"dir_check": check.directory, "num_total_files": check.total, "extra": [{}],
                   "num_different_files": check.different, "num_target_miss_files": check.missing,
                   "num_target_more_files": check.redundant})
        };
        verification.directories.iter().map(directory).collect()
    };
    let item = |verification: &Verification| {
        json!({"finished_time": time(verification), "check_result": verification.check_result,
               "consistency_result": directories(verification), "unknown": null})
    };
    match (answer.shape, answer.verifications.as_slice()) {
        (Shape::Legacy, [only]) => {
            json!({"consistency_result": directories(only), "finished_time": time(only), "more": true})
        }
        (Shape::Legacy, _) => json!({"consistency_result": []}),
        (Shape::ResultList, all) => {
            json!({"result_list": all.iter().map(item).collect::<Vec<_>>(), "task_id": answer.task_id})
        }
        (Shape::ResultListStrings, all) => {
            let items: Vec<String> = all.iter().map(|verification| item(verification).to_string()).collect();
            json!({"result_list": items, "task_id": answer.task_id})
        }
    }
}

fn any_verification(min_directories: usize) -> impl Strategy<Value = Verification> {
    let check =
        ("\\PC{0,12}", any::<[u64; 4]>()).prop_map(|(directory, [total, different, missing, redundant])| {
            DirectoryCheck { directory, total, different, missing, redundant }
        });
    // Milliseconds, so that the value reads as such.
    let time = prop::option::of(100_000_000_000_i64..253_402_207_200_000)
        .prop_map(|time| time.and_then(|time| Timestamp::from_millisecond(time).ok()));
    (time, "[a-z]{0,7}", prop::collection::vec(check, min_directories..4)).prop_map(
        |(finished, result, directories)| Verification { finished, check_result: Some(result), directories },
    )
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let task_id = prop::option::of("[a-z0-9-]{1,36}");
    let list = (prop::bool::ANY, task_id, prop::collection::vec(any_verification(0), 1..4)).prop_map(
        |(strings, task_id, verifications)| {
            let shape = if strings { Shape::ResultListStrings } else { Shape::ResultList };
            Answer::new(shape, task_id, verifications)
        },
    );
    let legacy = any_verification(1).prop_map(|verification| {
        Answer::new(Shape::Legacy, None, vec![Verification { check_result: None, ..verification }])
    });
    prop_oneof![list, legacy]
}

proptest! {
    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = normalise(&body);
    }

    #[test]
    fn damaged_answer_neither_panics_nor_passes(
        answer in any_answer(),
        cut in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut body = render(&answer, false).to_string().into_bytes();
        let place = cut.index(body.len());
        let _ = normalise(&body[..place]).map(|read| panic!("half a body was read as {read:?}"));
        body[place] = byte;
        prop_assert!(normalise(&body).is_err() || is_json(&body));
    }

    #[test]
    fn verifications_in_any_shape_are_read_back_unchanged(answer in any_answer(), time_as_text: bool) {
        let body = render(&answer, time_as_text).to_string();
        prop_assert_eq!(normalise(body.as_bytes()).unwrap(), answer);
    }
}

#[test]
fn body_with_both_shapes_is_unreadable() {
    let list =
        r#""result_list":[{"finished_time":1736854315000,"check_result":"success","consistency_result":[]}]"#;
    assert!(refuse(&format!(r#"{{{list},"consistency_result":[{CHECK}]}}"#)).contains("both"));
    assert_eq!(read(&format!(r#"{{{list},"consistency_result":[]}}"#)).shape, Shape::ResultList);
}

#[test]
fn long_body_gives_a_short_error_with_its_place() {
    let long = "ü".repeat(10_000);
    for body in [
        format!(r#"{{"result_list":"{long}"}}"#),
        json!({"result_list": [format!("\"{long}\"")]}).to_string(),
    ] {
        let said = refuse(&body);
        assert!(said.chars().count() < 450, "{said}");
        assert!(said.contains("line 1 column"), "{said}");
    }
    assert!(refuse("\u{feff}{x").contains("at byte 4 "), "{}", refuse("\u{feff}{x"));
    assert!(refuse("{x").contains("at byte 1 "));
}
