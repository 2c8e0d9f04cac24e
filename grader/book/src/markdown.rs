//! Markdown as HTML: the same files that are read in the checkout, with links between pages, code in colours, formulas in
//! words besides, and no HTML of their own but comments, of which some are markers.

use crate::code;
use crate::figure::figure;
use crate::links::{Anchors, Links, Target};
use crate::outline::{comment, is_heading_end, plain, without_left_out};
use crate::spoken::{Kind, lines};
use anyhow::{Context, Result};
use maud::{Markup, html};
use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};
use std::collections::BTreeMap;
use std::path::Path;

/// The surroundings of a text.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The file that it is from, below the course's root.
    pub(crate) file: &'a Path,
    /// The page that it is for.
    pub(crate) page: &'a str,
    /// The pages of other files.
    pub(crate) links: &'a Links,
    /// The items that documentation may name, with their anchors, and the type that is `Self`.
    pub(crate) items: Option<(&'a BTreeMap<String, String>, Option<&'a str>)>,
    /// The level that is added to headings.
    pub(crate) lower: usize,
    /// True if headings are to be linked to.
    pub(crate) has_anchors: bool,
}

/// A text as HTML.
#[derive(Debug, Default)]
pub(crate) struct RenderedMarkdown {
    /// The first heading of level 1, which is not part of the HTML.
    pub(crate) title: String,
    /// The HTML.
    pub(crate) html: String,
    /// Its sections, the one before the first heading included.
    pub(crate) sections: Vec<Section>,
    /// True if it holds an interactive figure.
    pub(crate) is_live: bool,
}

/// A section of a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    /// The heading's level; 0 of what stands before the first.
    pub(crate) level: usize,
    /// The anchor.
    pub(crate) anchor: String,
    /// The heading.
    pub(crate) title: String,
    /// The words of its text.
    pub(crate) words: String,
}

/// The text of a Markdown file as HTML. `after_item` gives what stands at the end of items of ordered lists, by the heading
/// that they are below and their number.
///
/// # Errors
/// Returns an error if a picture or a figure cannot be had.
pub(crate) fn render(
    events: Vec<Event<'_>>,
    scope: Scope<'_>,
    after_item: &dyn Fn(&str, u64) -> Option<Markup>,
) -> Result<RenderedMarkdown> {
    let mut renderer = Renderer {
        scope,
        after_item,
        anchors: Anchors::default(),
        done: RenderedMarkdown {
            sections: vec![Section::default()],
            ..RenderedMarkdown::default()
        },
        events: vec![],
        lists: vec![],
        blocks: vec![],
        alternative: None,
        open_links: vec![],
        is_in_table: false,
    };
    let mut events = without_left_out(events).into_iter();
    while let Some(event) = events.next() {
        renderer
            .take(event, &mut events)
            .with_context(|| format!("cannot make a page of {}", scope.file.display()))?;
    }
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, renderer.events.into_iter());
    // The policy of the pages allows no style but that of the style sheet.
    for side in ["left", "right", "center"] {
        let style = format!(" style=\"text-align: {side}\"");
        html = html.replace(&style, &format!(" class=\"{side}\""));
    }
    renderer.done.html = html;
    Ok(renderer.done)
}

struct Renderer<'a, 'e> {
    scope: Scope<'a>,
    after_item: &'a dyn Fn(&str, u64) -> Option<Markup>,
    anchors: Anchors,
    done: RenderedMarkdown,
    events: Vec<Event<'e>>,
    /// The numbers of the items of the lists that are open; none for those without numbers.
    lists: Vec<Option<u64>>,
    /// The text blocks so far.
    blocks: Vec<String>,
    /// The description of the next block, from a comment before it.
    alternative: Option<String>,
    /// The ends of the links that are open.
    open_links: Vec<&'static str>,
    is_in_table: bool,
}

impl<'e> Renderer<'_, 'e> {
    fn take(&mut self, event: Event<'e>, rest: &mut impl Iterator<Item = Event<'e>>) -> Result<()> {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let inner: Vec<_> = rest.by_ref().take_while(|it| !is_heading_end(it)).collect();
                self.heading(level as usize, inner)?;
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let mut text = String::new();
                for event in rest
                    .by_ref()
                    .take_while(|it| !matches!(it, Event::End(TagEnd::CodeBlock)))
                {
                    if let Event::Text(piece) = event {
                        text += &piece;
                    }
                }
                let language = match &kind {
                    CodeBlockKind::Fenced(words) => words.split([',', ' ']).next().unwrap_or(""),
                    CodeBlockKind::Indented => "",
                };
                self.code(language, text);
            }
            Event::Start(Tag::HtmlBlock) => {
                let mut text = String::new();
                for event in rest
                    .by_ref()
                    .take_while(|it| !matches!(it, Event::End(TagEnd::HtmlBlock)))
                {
                    if let Event::Html(piece) | Event::Text(piece) = event {
                        text += &piece;
                    }
                }
                self.markup(&text)?;
            }
            Event::Start(Tag::Link { dest_url, .. }) => self.link(&dest_url),
            Event::End(TagEnd::Link) => {
                let end = self.open_links.pop().unwrap_or_default();
                self.events.push(Event::InlineHtml(end.into()));
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                let inner: Vec<_> = rest
                    .by_ref()
                    .take_while(|it| !matches!(it, Event::End(TagEnd::Image)))
                    .collect();
                let picture = self.scope.links.picture(self.scope.file, &dest_url)?;
                let (width, height) = picture.size.unzip();
                let html = html! {
                    img src=(picture.source) alt=(plain(&inner)) width=[width] height=[height] loading="lazy";
                };
                self.events.push(Event::InlineHtml(html.0.into()));
            }
            Event::Start(Tag::Table(alignments)) => {
                self.is_in_table = true;
                self.push_html("<div class=\"scroll\">");
                self.events.push(Event::Start(Tag::Table(alignments)));
            }
            Event::End(TagEnd::Table) => {
                self.is_in_table = false;
                self.events.push(Event::End(TagEnd::Table));
                self.push_html("</div>");
            }
            Event::Start(Tag::List(first)) => {
                self.lists.push(first);
                self.events.push(Event::Start(Tag::List(first)));
            }
            Event::End(TagEnd::List(is_ordered)) => {
                self.lists.pop();
                self.events.push(Event::End(TagEnd::List(is_ordered)));
            }
            Event::End(TagEnd::Item) => self.end_item(),
            event => {
                if let Event::Text(text) | Event::Code(text) = &event {
                    self.words(text);
                } else if matches!(event, Event::SoftBreak | Event::HardBreak | Event::End(_)) {
                    self.words(" ");
                }
                let event = match event {
                    Event::Text(text) if self.is_in_table => Event::Text(unbroken(&text).into()),
                    event => event,
                };
                self.events.push(event);
            }
        }
        Ok(())
    }

    fn push_html(&mut self, html: &str) {
        self.events.push(Event::Html(html.to_owned().into()));
    }

    fn words(&mut self, text: &str) {
        if let Some(section) = self.done.sections.last_mut() {
            section.words += text;
        }
    }

    fn heading(&mut self, level: usize, inner: Vec<Event<'e>>) -> Result<()> {
        let title = plain(&inner);
        if level == 1 && self.scope.has_anchors && self.done.title.is_empty() {
            self.done.title = title;
            return Ok(());
        }
        let lowered = (level + self.scope.lower).min(6);
        if !self.scope.has_anchors {
            self.push_html(&format!("<h{lowered}>"));
            self.within_heading(inner)?;
            self.push_html(&format!("</h{lowered}>\n"));
            return Ok(());
        }
        let anchor = self.anchors.of(&title);
        self.push_html(&format!("<h{lowered} id=\"{anchor}\">"));
        self.within_heading(inner)?;
        let link =
            html! { a.anchor href={ "#" (anchor) } aria-label={ "Link to: " (title) } { "#" } };
        self.push_html(&format!("{}</h{lowered}>\n", link.0));
        self.done.sections.push(Section {
            level,
            anchor,
            title,
            words: String::new(),
        });
        Ok(())
    }

    /// The content of a heading. Its words are its own, not those of the section before.
    fn within_heading(&mut self, inner: Vec<Event<'e>>) -> Result<()> {
        let words = self.done.sections.last().map_or(0, |it| it.words.len());
        let mut inner = inner.into_iter();
        while let Some(event) = inner.next() {
            self.take(event, &mut inner)?;
        }
        if let Some(section) = self.done.sections.last_mut() {
            section.words.truncate(words);
        }
        Ok(())
    }

    fn code(&mut self, language: &str, text: String) {
        let is_rust = matches!(language, "rust" | "no_run" | "ignore" | "should_panic");
        let in_docs = self.scope.items.is_some() && language.is_empty();
        let html = match language {
            _ if is_rust || in_docs => html! { div.scroll { (code::rust(&text)) } },
            "sh" | "shell" | "console" | "" => html! { div.scroll { (code::shell(&text)) } },
            "text" => block(&text, self.alternative.take()),
            _ => html! { div.scroll { (code::plain(&text)) } },
        };
        self.push_html(&html.0);
        if language == "text" {
            self.blocks.push(text);
        }
    }

    /// A block of HTML: comments are markers or nothing, all else is shown as it is written.
    fn markup(&mut self, text: &str) -> Result<()> {
        let Some(comment) = comment(text) else {
            self.events.push(Event::Start(Tag::Paragraph));
            self.events.push(Event::Text(text.to_owned().into()));
            self.events.push(Event::End(TagEnd::Paragraph));
            return Ok(());
        };
        if let Some(name) = comment.strip_prefix("figure:") {
            let figure =
                figure(name.trim(), &self.blocks).with_context(|| format!("<!-- {comment} -->"))?;
            self.push_html(&figure.0);
            self.done.is_live = true;
        } else if let Some(description) = comment.strip_prefix("alt:") {
            let words: Vec<_> = description.split_whitespace().collect();
            self.alternative = Some(words.join(" "));
        }
        Ok(())
    }

    fn link(&mut self, link: &str) {
        let (start, end) = match self.address(link) {
            Some(address) => {
                let is_far = address.starts_with("http");
                let rel = is_far.then_some("noreferrer");
                let start = html! { a href=(address) rel=[rel] {} }.0;
                (start.trim_end_matches("</a>").to_owned(), "</a>")
            }
            None if self.scope.items.is_some() => (String::new(), ""),
            None => {
                let title = format!("{link}: in the course's folder, not in this book");
                let start = html! { span.elsewhere title=(title) {} }.0;
                (start.trim_end_matches("</span>").to_owned(), "</span>")
            }
        };
        self.open_links.push(end);
        self.events.push(Event::InlineHtml(start.into()));
    }

    /// The address of a link in the book.
    fn address(&self, link: &str) -> Option<String> {
        if let Some((items, of_self)) = self.scope.items
            && let Some(anchor) = item(items, of_self, link)
        {
            return Some(format!("#{anchor}"));
        }
        if self.scope.items.is_some() && !link.contains('/') {
            return None; // an item of another crate
        }
        match self
            .scope
            .links
            .target(self.scope.file, self.scope.page, link)
        {
            Target::Page(page) => Some(page),
            Target::Site => Some(link.to_owned()),
            Target::Nowhere => None,
        }
    }

    fn end_item(&mut self) {
        if let [Some(number)] = self.lists.as_mut_slice() {
            let heading = self.done.sections.last().map_or("", |it| &it.title);
            let after = (self.after_item)(heading, *number);
            *number += 1;
            if let Some(after) = after {
                self.push_html(&after.0);
            }
        }
        self.events.push(Event::End(TagEnd::Item));
    }
}

/// A block of formulas or a drawing: the signs for the eye, words for the ear.
fn block(text: &str, alternative: Option<String>) -> Markup {
    let kind = Kind::of(text);
    let spoken = match &alternative {
        Some(words) => vec![words.clone()],
        None => lines(text),
    };
    html! {
        div.scroll.drawn[kind == Kind::Drawing] role="group" aria-label=(kind.label()) {
            pre.text aria-hidden="true" { (text) }
            div.spoken { @for line in spoken { p { (line) } } }
        }
    }
}

/// A cell's text without breaks within brackets: `[B, N, D]` is one word.
fn unbroken(text: &str) -> String {
    let mut depth = 0;
    let signs = text.chars().map(|c| {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if c == ' ' && depth > 0 { '\u{a0}' } else { c }
    });
    signs.collect()
}

/// The anchor of an item that documentation names: `attention`, `Self::forward`, `crate::Msa`.
fn item<'a>(
    items: &'a BTreeMap<String, String>,
    of_self: Option<&str>,
    name: &str,
) -> Option<&'a str> {
    let name = name.trim_end_matches("()").trim_end_matches('!');
    let name = name.strip_prefix("crate::").unwrap_or(name);
    let name = match (name.strip_prefix("Self"), of_self) {
        (Some(rest), Some(of_self)) => format!("{of_self}{rest}"),
        _ => name.to_owned(),
    };
    items.get(&name).map(String::as_str)
}
