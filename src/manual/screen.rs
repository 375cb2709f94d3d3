//! What a terminal shows after all that was printed to it.

/// The height and width that programs are told.
const SIZE: (u16, u16) = (24, 80);
/// As many lines above the screen as are kept.
const SCROLLBACK: usize = 1000;

/// The text on a terminal's screen, with what has scrolled out of it; trailing blanks and blank lines left out.
pub(super) fn of(printed: &str) -> String {
    let mut parser = vt100::Parser::new(SIZE.0, SIZE.1, SCROLLBACK);
    parser.process(printed.replace('\n', "\r\n").as_bytes());
    let screen = parser.screen_mut();
    screen.set_scrollback(usize::MAX);
    let above = screen.scrollback();
    let mut lines: Vec<String> = Vec::new();
    for offset in (1..=above).rev() {
        screen.set_scrollback(offset);
        lines.extend(screen.rows(0, SIZE.1).next());
    }
    screen.set_scrollback(0);
    lines.extend(screen.rows(0, SIZE.1));
    let mut text: String = lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect();
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
