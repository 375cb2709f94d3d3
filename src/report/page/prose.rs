//! A manual's text as HTML.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd, html::push_html};

use crate::manual::{Manual, Section};

/// The text of a section. For a console block, `done` may say how it is shown. HTML that stands in the manual is shown as the text it
/// is, and links go to the web, to mail or within the page.
pub(super) fn html(
    manual: &Manual,
    section: &Section,
    mut done: impl FnMut(Range<usize>) -> Option<String>,
) -> String {
    let from = section.span.start;
    let text = &manual.document.text[section.span.clone()];
    let mut events = Vec::new();
    // Within a block that is shown in another way.
    let mut skipping = false;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        let span = range.start + from..range.end + from;
        match event {
            Event::End(TagEnd::CodeBlock) if skipping => skipping = false,
            _ if skipping => {}
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(ref info)))
                if info.split(',').next().map(str::trim) == Some("console") =>
            {
                match done(span) {
                    Some(html) => {
                        events.push(Event::Html(html.into()));
                        skipping = true;
                    }
                    None => events.push(event),
                }
            }
            Event::Start(Tag::HtmlBlock) => events.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => events.push(Event::End(TagEnd::Paragraph)),
            Event::Html(html) | Event::InlineHtml(html) => events.push(Event::Text(html)),
            Event::Start(Tag::Link { dest_url, .. }) if !is_harmless(&dest_url) => {
                events.push(Event::Start(Tag::Emphasis));
            }
            Event::End(TagEnd::Link) if is_emphasis(&events) => {
                events.push(Event::End(TagEnd::Emphasis));
            }
            // A picture from elsewhere would be a page that needs the network.
            Event::Start(Tag::Image { .. }) => events.push(Event::Start(Tag::Emphasis)),
            Event::End(TagEnd::Image) => events.push(Event::End(TagEnd::Emphasis)),
            other => events.push(other),
        }
    }
    let mut html = String::new();
    push_html(&mut html, events.into_iter());
    // Wide tables and code scroll by themselves, by keyboard too.
    html.replace("<pre><code", "<pre tabindex=\"0\"><code")
        .replace(
            "<table>",
            "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table>",
        )
        .replace("</table>", "</table></div>")
}

fn is_harmless(url: &str) -> bool {
    let lower = url.trim().to_ascii_lowercase();
    ["https://", "http://", "mailto:", "#"].iter().any(|scheme| lower.starts_with(scheme))
}

/// Whether the link that ends here was made an emphasis when it began.
fn is_emphasis(events: &[Event<'_>]) -> bool {
    let mut depth = 0;
    for event in events.iter().rev() {
        match event {
            Event::End(TagEnd::Emphasis | TagEnd::Link) => depth += 1,
            Event::Start(Tag::Emphasis | Tag::Link { .. }) if depth > 0 => depth -= 1,
            Event::Start(Tag::Emphasis) => return true,
            Event::Start(Tag::Link { .. }) => return false,
            _ => {}
        }
    }
    false
}
