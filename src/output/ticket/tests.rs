use proptest::prelude::*;

use super::*;
use crate::output::ticket::escape::cut;

fn error(source: &str) -> String {
    Ticket::new("ticket.j2", source, Markup::Markdown).unwrap_err().to_string()
}

#[test]
fn unknown_name_in_a_template_is_reported_with_its_place() {
    let errors = [
        error("{{ headline }}\n{{ headlin }}\n"),
        error("\n- {{ run.begun }}"),
        error("{{ t(\"Run {0}\", run.begun) }}"),
        error("{% if worst %}\n{{ worst[0].owner }}\n{% endif %}"),
        error("{% if not worst %}\n{{ nobody }}\n{% endif %}"),
        error("{% for task in worst %}\n"),
        error("{{ headline | safe }}"),
        error("{{ t() }}"),
    ];
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_template_of_a_user_can_be_used_and_cannot_forget_to_escape() {
    let source = "{{ headline }}{% autoescape false %}{{ headline }}{% endautoescape %}\
                  {% set kept %}{{ headline }}{% endset %}{{ kept }}{{ \"<\" ~ headline }}";
    let ticket = Ticket::new("ticket.j2", source, Markup::Markdown).unwrap();
    let context = Context { headline: "@a|".to_owned(), ..Context::example() };
    let text = ticket.render(&context, Language::English).unwrap();
    assert_eq!(text.replace('\u{200b}', "·"), r"·@·a\|·@·a\|·@·a\|\<·@·a\|");
}

#[test]
fn our_own_templates_are_right_and_in_chinese_throughout() {
    for markup in Markup::ALL {
        let Ticket { name, source, .. } = Ticket::built_in(markup);
        Ticket::new(&name, &source, markup).unwrap();
        let texts: Vec<&str> =
            source.split("t(\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
        assert!(texts.len() > 10, "{name}: only {texts:?}");
        for text in texts {
            assert_ne!(Language::Chinese.text(text), text, "{name}");
        }
    }
}

/// How many bars each line has, those left out that a backslash keeps from ending a cell of Markdown.
fn bars(text: &str, markup: Markup) -> Vec<usize> {
    let read = |line: &str| match markup {
        Markup::Markdown => line.replace(r"\\", "").replace(r"\|", ""),
        _ => line.to_owned(),
    };
    text.lines().map(|line| read(line).matches('|').count()).collect()
}

proptest! {
    #[test]
    fn no_value_adds_a_line_or_a_cell(value in r"[a-c @#:|\\\r\n*\[\]!{}~<>`-]{1,20}") {
        for markup in Markup::ALL {
            let render = |value: &str| {
                let value = || cut(markup, value, 28);
                let mut context = Context { headline: value(), criteria: value(), ..Context::example() };
                context.run.endpoint = value();
                context.outcome = value();
                context.group_by = value();
                for group in &mut context.groups {
                    group.name = value();
                }
                context.without_evidence_names = value();
                for task in &mut context.worst {
                    // Whether there is a reason makes a difference to the plain text.
                    task.reason = format!("r{}", value());
                    task.name = value();
                    task.id = value();
                }
                for file in &mut context.files {
                    file.name = value();
                }
                Ticket::built_in(markup).render(&context, Language::English).unwrap()
            };
            let (benign, hostile) = (render("web"), render(&value));
            if markup == Markup::Plain {
                prop_assert_eq!(benign.lines().count(), hostile.lines().count());
            } else {
                prop_assert_eq!(bars(&benign, markup), bars(&hostile, markup), "{}", hostile);
            }
        }
    }
}
