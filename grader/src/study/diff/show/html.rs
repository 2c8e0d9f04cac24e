//! A comparison as a page: one file, without a script, dark or light as its reader has it.

use super::super::compare::{ItemDiff, Verdict};
use super::super::lines::Span;
use super::{Report, helpers, verdict, visible};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");

/// The policy of the page: its own style, and nothing that acts or is loaded.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
pub fn html(report: &Report<'_>) -> String {
    let title = format!("{} · {}", report.exercise, report.title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n<meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>{0}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<main>\n<h1>{0}</h1>\n<p>{1}</p>\n",
        escaped(&title),
        prose(&report.summary())
    );
    if !report.formatted {
        page.push_str(
            "<p>rustfmt is missing: lines with another layout are shown as different.</p>\n",
        );
    }
    for item in &report.comparison.items {
        section(&mut page, item);
    }
    let closed: Vec<_> = report
        .closed
        .iter()
        .map(|it| format!("<code>{}</code>", escaped(it)))
        .collect();
    if !closed.is_empty() {
        let _ = writeln!(
            page,
            "<p>Not shown, since their tests do not pass yet: {}.</p>",
            closed.join(", ")
        );
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn section(page: &mut String, item: &ItemDiff) {
    let class = match item.verdict {
        Verdict::Same => "same",
        Verdict::SameButNames => "names",
        Verdict::Differs => "differs",
    };
    let _ = writeln!(
        page,
        "<section class=\"{class}\">\n<h2><code>{}</code></h2>\n<p>{}</p>",
        escaped(&item.item),
        prose(&verdict(item))
    );
    if let Some(helpers) = helpers(item).filter(|_| !item.rows.is_empty()) {
        let _ = writeln!(page, "<p>{}</p>", prose(&helpers));
    }
    if !item.rows.is_empty() {
        page.push_str(
            "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"your code beside the solution\">\n<table>\n<thead><tr>\
             <th scope=\"col\">yours</th><th scope=\"col\">the solution, with your names</th></tr></thead>\n<tbody>\n",
        );
        for row in &item.rows {
            let side = |line: &Option<Vec<Span>>, class: &str, mark: &str| match line {
                Some(line) if row.same => format!("<td><pre>  {}</pre></td>", spans(line)),
                Some(line) => format!(
                    "<td class=\"{class}\"><pre>{mark} {}</pre></td>",
                    spans(line)
                ),
                None => "<td class=\"none\"></td>".to_owned(),
            };
            let _ = writeln!(
                page,
                "<tr>{}{}</tr>",
                side(&row.yours, "yours", "-"),
                side(&row.theirs, "theirs", "+")
            );
        }
        page.push_str("</tbody>\n</table>\n</div>\n");
    }
    for passage in item.why.iter().filter(|_| !item.rows.is_empty()) {
        let paragraphs = passage
            .split("\n\n")
            .map(|it| format!("<p>{}</p>", prose(it)));
        let paragraphs: Vec<_> = paragraphs.collect();
        let _ = writeln!(
            page,
            "<details open>\n<summary>Why the reference is written this way</summary>\n{}\n</details>",
            paragraphs.join("\n")
        );
    }
    if let Some(cost) = &item.cost {
        let lines = cost.lines(&item.against);
        let lines = lines.iter().map(|line| format!("<li>{}</li>", prose(line)));
        let _ = writeln!(
            page,
            "<ul>\n{}\n</ul>",
            lines.collect::<Vec<_>>().join("\n")
        );
    }
    page.push_str("</section>\n");
}

fn spans(line: &[Span]) -> String {
    let is_whole = line.iter().all(|span| span.differs);
    let spans = line.iter().map(|span| match span.differs && !is_whole {
        true => format!("<mark>{}</mark>", escaped(&span.text)),
        false => escaped(&span.text),
    });
    spans.collect()
}

/// Text, in which what is between backticks is code, and what is between two stars is bold.
fn prose(text: &str) -> String {
    let mut page = String::new();
    for (i, part) in text.split('`').enumerate() {
        if i % 2 == 1 {
            let _ = write!(page, "<code>{}</code>", escaped(part));
            continue;
        }
        for (i, part) in part.split("**").enumerate() {
            match i % 2 {
                1 => {
                    let _ = write!(page, "<strong>{}</strong>", escaped(part));
                }
                _ => page.push_str(&escaped(part)),
            }
        }
    }
    page
}

/// Text that is no markup, and hides nothing.
fn escaped(text: &str) -> String {
    let mut page = String::with_capacity(text.len());
    let lines: Vec<_> = text.split('\n').map(visible).collect();
    for letter in lines.join("\n").chars() {
        match letter {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            letter => page.push(letter),
        }
    }
    page
}
