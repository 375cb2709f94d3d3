//! The report of lab manuals' runs: one self-contained HTML page.

mod cast;
mod chart;
mod evidence;
mod packets;
mod prose;
mod steps;

use std::fmt::Write;

use evidence::Evidence;

use super::{Drawing, Graph, svg, svg::escaped};
use crate::{
    lab::Capture,
    manual::{Manual, Run, Section, SectionRun},
    packet::ReadError,
    plan::Plan,
};

/// A manual, what it was done in, and what came of it.
pub(crate) struct Chapter<'a> {
    pub(crate) manual: &'a Manual,
    pub(crate) plan: &'a Plan,
    pub(crate) run: &'a Run,
    pub(crate) recordings: Vec<Recorded<'a>>,
    /// What it was done with: name and value.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// What was recorded of a link or network.
pub(crate) struct Recorded<'a> {
    /// Its name.
    pub(crate) of: &'a str,
    /// Where the page finds the recording: a path from its own folder.
    pub(crate) file: String,
    pub(crate) capture: &'a Capture,
}

/// The page. It needs nothing from elsewhere but, for who follows the links to them, the recordings.
///
/// # Errors
///
/// If a recording can't be read.
pub(crate) fn page(chapters: &[Chapter<'_>]) -> Result<String, ReadError> {
    let title = match chapters {
        [one] => title(one),
        many => format!("{} lab manuals", many.len()),
    };
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"labnet {}\">\n<title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <style>\n{}</style>\n</head>\n<body>\n<main>\n",
        env!("CARGO_PKG_VERSION"),
        escaped(&title),
        include_str!("page.css"),
    );
    let mut ids = Ids(0);
    for chapter in chapters {
        self::chapter(&mut html, chapter, &mut ids)?;
    }
    let _ =
        write!(html, "</main>\n<script>\n{}</script>\n</body>\n</html>\n", include_str!("page.js"));
    Ok(html)
}

/// Numbers for elements that others refer to.
struct Ids(usize);

impl Ids {
    fn next(&mut self) -> usize {
        self.0 += 1;
        self.0
    }
}

/// The first heading, or else the file.
fn title(chapter: &Chapter<'_>) -> String {
    let heading = chapter.manual.sections.iter().find(|section| section.level > 0);
    heading.map_or_else(|| chapter.run.manual.clone(), |section| section.title.clone())
}

fn chapter(html: &mut String, chapter: &Chapter<'_>, ids: &mut Ids) -> Result<(), ReadError> {
    let _ = writeln!(html, "<article aria-label=\"{}\">", escaped(&title(chapter)));
    html.push_str(&summary(chapter));
    let mut evidence = Evidence::collect(chapter)?;
    for section in &chapter.manual.sections {
        let line = chapter.manual.document.position(section.span.start).0;
        let ran = chapter
            .run
            .sections
            .iter()
            .position(|ran| ran.line == line && ran.level == section.level);
        if section.level == 0 && section.span.is_empty() {
            continue;
        }
        let run = ran.map(|place| &chapter.run.sections[place]);
        html.push_str(&self::section(chapter, section, run));
        if let Some(evidence) = ran.and_then(|place| evidence.take(place)) {
            html.push_str(&evidence.html(ids));
        }
        html.push_str("</section>\n");
    }
    html.push_str("</article>\n");
    Ok(())
}

/// How it went, in what, with what.
fn summary(chapter: &Chapter<'_>) -> String {
    let run = chapter.run;
    let (class, word) = match (run.broke.is_some(), run.passed()) {
        (true, _) => ("failed", "The lab broke"),
        (_, true) => ("passed", "Passed"),
        (_, false) => ("failed", "Failed"),
    };
    let blocks = run.blocks().count();
    let good = run.blocks().filter(|(_, block)| block.passed()).count();
    let mut html =
        format!("<header>\n<p class=\"verdict {class}\">{word}: {good} of {blocks} blocks");
    if let Some((earned, all)) = run.points() {
        let _ = write!(html, ", {earned} of {all} points");
    }
    html.push_str("</p>\n");
    if let Some(broke) = &run.broke {
        let _ = writeln!(html, "<pre class=\"why\">{}</pre>", escaped(broke));
    }
    html.push_str(&cast::html(&run.with));
    let drawing = Drawing::new(&Graph::new(chapter.plan));
    let _ = writeln!(
        html,
        "<figure class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"The topology\">{}</figure>",
        image(&svg(&drawing), &drawing.description)
    );
    html.push_str(
        "<details class=\"environment\"><summary>What it was done with</summary>\n<dl>\n",
    );
    for (name, value) in &chapter.environment {
        let _ = writeln!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(name), escaped(value));
    }
    for recorded in &chapter.recordings {
        let _ = writeln!(
            html,
            "<div><dt>Recording of {}</dt><dd><a href=\"{1}\">{1}</a></dd></div>",
            escaped(recorded.of),
            escaped(&recorded.file)
        );
    }
    html + "</dl>\n</details>\n</header>\n"
}

/// A heading, its text, and in their places its blocks as they were done; left open.
fn section(chapter: &Chapter<'_>, section: &Section, run: Option<&SectionRun>) -> String {
    let failed = run.is_some_and(|run| run.blocks.iter().any(|block| !block.passed()));
    let class = match (failed, run.is_some_and(|run| !run.blocks.is_empty())) {
        (true, _) => "failed",
        (_, true) => "passed",
        (_, false) => "prose",
    };
    let block =
        |line: usize| run.and_then(|run| run.blocks.iter().find(|block| block.line == line));
    let manual = chapter.manual;
    let prose = prose::html(manual, section, |span| {
        block(manual.document.position(span.start).0).map(steps::html)
    });
    format!("<section class=\"{class}\">\n{prose}")
}

/// A picture that is part of the page. As an image, its styles and names stay its own.
fn image(svg: &str, alt: &str) -> String {
    let mut url = String::with_capacity(svg.len() + svg.len() / 4);
    for c in svg.chars() {
        match c {
            '%' => url.push_str("%25"),
            '#' => url.push_str("%23"),
            '"' => url.push('\''),
            '<' => url.push_str("%3C"),
            '>' => url.push_str("%3E"),
            '&' => url.push_str("%26"),
            '\n' => url.push_str("%0A"),
            '\'' => url.push_str("%27"),
            c => url.push(c),
        }
    }
    format!("<img alt=\"{}\" src=\"data:image/svg+xml,{url}\">", escaped(alt))
}
