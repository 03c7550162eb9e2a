//! Lists in YAML.

use super::*;

#[test]
fn yaml_scalars_stay_as_written() {
    let scalars = [
        "0012",
        "1e10",
        "1_000",
        "0x1F",
        "-7",
        "+1.50",
        ".5",
        "1.0",
        "yes",
        "OFF",
        "true",
        ".inf",
        "-.INF",
        "1e999",
        "99999999999999999999",
        "2026-11-21",
        "12:30:45",
        "=1+2",
        "café 1",
    ];
    for scalar in scalars {
        for list in [
            format!("# é\n- task_id: {scalar} # a note\n  é: x\n"),
            format!("[{{é: x, task_id: {scalar}}}]"),
            format!("\"task_info\":\n- &all\n  task_id:   {scalar}  \n- *all\n- <<: *all"),
            format!("- task_id: &id {scalar}\r\n- task_id: *id\r\n"),
            format!("- task_id: '{scalar}'\n"),
            format!("- task_id: !!str {scalar}\n"),
            format!("- task_id: >-\n    {scalar}\n"),
            format!("- ? task_id\n  : {scalar}\n"),
        ] {
            let list = tasks(Format::Yaml, &list);
            assert_eq!((list.len(), list[0].id_text()), (1, scalar), "{list:?}");
        }
    }
}

#[test]
fn a_yaml_body_may_hold_more_than_its_tasks() {
    let items = "\n  - task_id: a\n  - task_id: b\n";
    for body in [
        format!("# wave 3\nregion: {{id: [x]}}\ntask_info:{items}notes:\n- none\n"),
        format!("\"task_info\":{items}"),
        format!("'task_info' : # here\n{items}"),
        "{region: x, task_info: [{task_id: a}, {task_id: b}]}".to_owned(),
    ] {
        assert_eq!(tasks(Format::Yaml, &body).len(), 2, "{body}");
        assert!(body.starts_with('{') || Format::of_content(body.as_bytes()) == Format::Yaml, "{body}");
    }
}

#[test]
fn large_yaml_list_is_read_and_alias_bomb_is_refused() {
    let list: String =
        (0..50_000).map(|n| format!("- task_id: t-{n}\n  source_name: s{n}\n  wave: {n}\n")).collect();
    assert_eq!(tasks(Format::Yaml, &list).len(), 50_000);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{aliases}]\n"));
    }
    bomb.push_str("task_info: [{task_id: a}]\n");
    assert!(faults(Format::Yaml, &bomb).contains("is not valid YAML"));
}
