use super::*;
use crate::model::Language;
use crate::report::{Column, Zone};

fn keys<F>(columns: &[&Column<F>]) -> Vec<&'static str> {
    columns.iter().map(|column| column.key).collect()
}

#[test]
fn the_built_in_templates_can_be_read() {
    for (name, source) in Template::all_built_in() {
        let template = Template::parse(name, source).unwrap_or_else(|error| panic!("{error}"));
        for language in [Language::English, Language::Chinese] {
            assert!(template.description.own(language).is_some(), "{name}");
        }
        assert!(Template::built_in(name).is_some());
    }
    assert!(Template::built_in("none").is_none());
}

#[test]
fn standard_has_every_column() {
    use crate::report::{DETAIL, REASON, SUMMARY};
    let standard = Template::built_in("standard").unwrap();
    let mut every: Vec<_> = SUMMARY.iter().chain([REASON]).map(|column| column.key).collect();
    every.sort_unstable();
    let mut shown = keys(&standard.summary);
    assert_eq!(shown[..3], ["source_server", "verdict", "reason"]);
    assert_eq!(standard.labels_position.and_then(|place| shown.get(place)), Some(&"task_id"));
    shown.sort_unstable();
    assert_eq!(shown, every);
    assert_eq!(keys(&standard.tasks), DETAIL.iter().map(|column| column.key).collect::<Vec<_>>());
}

#[test]
fn what_a_template_leaves_out_is_as_in_standard() {
    let own = "[summary]\ncolumns = [\"verdict\", \"task_id\"]\n[widths]\nverdict = 30\n\
               [headings.zh]\nverdict = \"判定\"\n[page]\npaper = \"letter\"\norientation = \"portrait\"";
    let template = Template::parse("own.toml", own).unwrap();
    let standard = Template::built_in("standard").unwrap();
    assert_eq!(keys(&template.summary), ["verdict", "task_id"]);
    assert_eq!(keys(&template.tasks), keys(&standard.tasks));
    assert_eq!(template.highlights, standard.highlights);
    assert_eq!(template.page, Page { paper: Paper::Letter, landscape: false });
    let [verdict, task_id] = template.summary[..] else { panic!("two columns") };
    assert_eq!((template.width(verdict), template.width(task_id)), (30, task_id.width));
    let zone = Zone::named("UTC").unwrap();
    assert_eq!(template.heading(verdict, &zone, Language::Chinese), "判定");
    assert_eq!(template.heading(verdict, &zone, Language::English), "Verdict");
}

#[test]
fn invalid_template_reports_each_error_with_its_place() {
    let reported: Vec<String> = [
        "title = ",
        "titel = { en = \"A\" }",
        "title = \"A\"",
        "title = { fr = \"A\" }",
        "[summary]\ncolums = []",
        "[summary]\ncolumns = []",
        "[summary]\ncolumns = [\n  \"task_id\",\n  \"verdikt\",\n]",
        "[summary]\ncolumns = [\"task_id\", \"verdict\", \"task_id\"]",
        "[tasks]\ncolumns = [\"task_id\"]",
        "[widths]\nverdict = 0",
        "[widths]\nverdikt = 10",
        "[headings.en]\nverdikt = \"A\"",
        "[[highlight]]\ncolumn = \"directory\"\nabove = 1\nlook = \"bad\"",
        "[[highlight]]\ncolumn = \"verdict\"\nabove = 1\nlook = \"bad\"",
        "[[highlight]]\ncolumn = \"verdict\"\nis = [\"fine\"]\nlook = \"bad\"",
        "[[highlight]]\ncolumn = \"different\"\nabove = 1\nlook = \"pink\"",
        "[page]\npaper = \"A5\"",
        "[signoff]\ntitle = { en = \"A\" }",
        "[signoff]\ntitle = {}\n[[signoff.decision]]\nname = { en = \"Go\", zh = \"a,b\" }",
        "[signoff]\ntitle = {}\n[[signoff.decision]]\nname = { en = \" \" }",
        &format!("[signoff]\ntitle = {{}}\n[[signoff.decision]]\nname = {{ en = {:?} }}", "😀".repeat(128)),
    ]
    .into_iter()
    .map(|source| {
        Template::parse("t.toml", source).map_or_else(|error| error.to_string(), |_| "read".to_owned())
    })
    .collect();
    insta::assert_snapshot!(reported.join("\n"));
}

#[test]
fn template_with_several_errors_reports_all_with_near_names() {
    let source = "titel = { en = \"A\" }\n[summary]\ncolums = []\ncharts = 1\n[page]\npapper = \"A4\"\n\
                  [[highlight]]\ncolum = \"verdict\"\nlook = \"bad\"\n";
    let errors: Vec<String> = Template::errors("t.toml", source).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(errors.join("\n"));
    let (_, standard) = Template::all_built_in().next().unwrap();
    assert!(Template::errors("standard", standard).is_empty());
}
