//! The report of `labnet run` in a browser, as a reader has it; ignored where Chromium isn't installed, and, without axe-core
//! (`LABNET_AXE`: its `axe.min.js`, or a folder with `node_modules` that has it), what that looks for.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod browser;
mod place;

use std::{
    env, fs,
    path::PathBuf,
    process::{ExitCode, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use browser::{Browser, Page};
use libtest_mimic::{Arguments, Failed, Trial};
use place::Place;
use serde_json::Value;

/// Of windows: a desk's and a hand's, in pixels.
const WIDTHS: [u32; 2] = [1280, 390];
const SCHEMES: [&str; 2] = ["light", "dark"];
/// Of A4, in pixels.
const PAPER: u32 = 794;

/// What a program prints that wants to be more than text.
const HOSTILE: &str = "</pre></div><script>document.title = 'taken'</script>\n<img src=x onerror=\"document.title = 'taken'\">\n\
    <script>alert(1)</script><style>* { display: none }</style>\n\u{1b}]0;taken\u{7}\u{1b}[2J\u{1b}[31mred\u{202e}\n\
    a-word-that-is-much-wider-than-any-window-a-word-that-is-much-wider-than-any-window-a-word-that-is-much-wider-than-any-window\n";

/// A manual with all that a page may show which no good manual has.
fn manual() -> String {
    let quotes = "> ".repeat(40);
    let (steps, bad) = ("`".repeat(3), "x".repeat(120));
    format!(
        "---\ntopology: hostile.toml\ntimeout: 20s\n---\n# A <img src=x onerror=\"document.title = 'taken'\"> manual\n\
         <script>document.title = 'taken'</script> [here](javascript:alert(1)) ![](http://192.0.2.1/x.png) {bad}\n\n\
         {quotes}quoted by forty\n\n\
         {}listed by forty\n\n| {bad} | b |\n|---|---|\n| `c` | [labnet](https://example.org/) |\n\n\
         1. one\n\n   - two\n\n     {steps}\n     {bad}\n     {steps}\n\n\
         ## What it prints\n{steps}console\nR2$ cat hostile.txt\n...\n{steps}\n\
         ## What is lost\n{steps}console\n$ labnet fault add lan --from KALI --first 1 --match icmp drop\n\
         KALI$ ping -c 2 -i 0.2 10.10.10.2\n...\n{steps}\n\
         ## What is wrong\n{steps}console,points=5\nR2$ cat hostile.txt; echo is; echo this\n[..]pre[..]\n...\nis\nthat\n\
         R2$ echo never\nnever\n{steps}\n",
        "- ".repeat(40)
    )
}

/// The report, and who looks at it.
struct Scene {
    browser: Browser,
    place: Place,
}

impl Scene {
    fn set() -> Self {
        let place = Place::new();
        let files = "files.\"hostile.txt\" = \"hostile.txt\"\n[nodes.KALI]";
        place.write("hostile.toml", &place::TWO.replace("[nodes.KALI]", files));
        place.write("hostile.txt", HOSTILE);
        place.write("hostile.md", &manual());
        let mut run = place.labnet("run @sockets hostile.md -j 2 --report out");
        let run = run.stdin(Stdio::null()).output().unwrap();
        assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
        Self { browser: Browser::start(), place }
    }

    /// The page in a window so wide, on paper that is light or dark.
    fn open(&mut self, width: u32, scheme: &str) -> Page<'_> {
        let url = format!("file://{}/out/index.html", self.place.path().display());
        let mut page = self.browser.page();
        page.shape(width, scheme);
        page.open(&url);
        page
    }

    /// Looks at the page in all windows, on all papers.
    fn everywhere(&mut self, prepare: &str, look: impl Fn(&mut Page<'_>, &str)) {
        let mut page = self.open(WIDTHS[0], SCHEMES[0]);
        page.value(prepare);
        for (width, scheme) in WIDTHS.iter().flat_map(|&w| SCHEMES.iter().map(move |&s| (w, s))) {
            page.shape(width, scheme);
            look(&mut page, &format!("{width} pixels, {scheme}"));
        }
    }
}

fn main() -> ExitCode {
    let scene: Arc<Mutex<Option<Scene>>> = Arc::default();
    let axe = axe();
    let trial = |name: &str, missing: Option<&str>, test: Box<dyn Fn(&mut Scene) + Send>| {
        let scene = scene.clone();
        let run = move || -> Result<(), Failed> {
            let mut scene = scene.lock().unwrap_or_else(PoisonError::into_inner);
            test(scene.get_or_insert_with(Scene::set));
            Ok(())
        };
        let missing = browser::program().map_or(Some("chromium is not installed"), |_| missing);
        let trial = Trial::test(name, run).with_ignored_flag(missing.is_some());
        trial.with_kind(missing.unwrap_or_default())
    };
    let without_axe = axe.is_none().then_some("LABNET_AXE names no axe-core");
    let looks_for = move |scene: &mut Scene| no_barriers(scene, axe.as_deref().unwrap_or_default());
    let trials = vec![
        trial("it_loads_without_complaint", None, Box::new(loads)),
        trial("nothing_is_fetched_from_outside", None, Box::new(fetches_nothing)),
        trial("a_filter_shows_what_matches", None, Box::new(filters)),
        trial("a_frame_opens_by_mouse", None, Box::new(opens_by_mouse)),
        trial("a_frame_opens_by_keyboard", None, Box::new(opens_by_keyboard)),
        trial("nothing_is_wider_than_the_window", None, Box::new(fits)),
        trial("no_texts_overlap_in_drawings", None, Box::new(drawings_are_readable)),
        trial("what_programs_print_does_nothing", None, Box::new(is_text)),
        trial("on_paper_everything_is_there", None, Box::new(prints)),
        trial("axe_finds_no_barriers", without_axe, Box::new(looks_for)),
    ];
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    // The browser ends here, and the lab's place goes.
    drop(scene.lock().unwrap_or_else(PoisonError::into_inner).take());
    conclusion.exit_code()
}

/// The text of axe-core, which finds what keeps people out (<https://www.deque.com/axe/>).
fn axe() -> Option<String> {
    let named = PathBuf::from(env::var_os("LABNET_AXE")?);
    let within = named.join("node_modules/axe-core/axe.min.js");
    fs::read_to_string(if named.is_dir() { within } else { named }).ok()
}

fn none(found: &Value, what: &str) {
    assert_eq!(found, &Value::Array(Vec::new()), "{what}");
}

fn loads(scene: &mut Scene) {
    scene.everywhere(OPEN_ALL, |page, at| {
        let told =
            page.heard(&["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"]);
        assert!(told.is_empty(), "{at}: {told:?}");
        assert_eq!(page.value("document.querySelectorAll('article').length"), 2);
    });
}

fn fetches_nothing(scene: &mut Scene) {
    scene.everywhere(OPEN_ALL, |page, at| {
        let requests = page.heard(&["Network.requestWillBeSent"]);
        let url = |event: &Value| event["params"]["request"]["url"].as_str().unwrap().to_owned();
        let urls: Vec<String> = requests.iter().map(url).collect();
        let from = |scheme: &str| urls.iter().filter(|url| url.starts_with(scheme)).count();
        assert_eq!(from("file:///"), 1, "{at}: {urls:?}");
        assert_eq!(from("file:///") + from("data:"), urls.len(), "{at}: {urls:?}");
    });
}

/// In a page: the evidence of the first section that has a good many frames.
const EVIDENCE: &str = "[...document.querySelectorAll('details.evidence')].find((d) => d.querySelectorAll('tbody').length > 8)";

fn filters(scene: &mut Scene) {
    for width in WIDTHS {
        let mut page = scene.open(width, "light");
        page.click(&format!("{EVIDENCE}.querySelector('summary')"));
        page.until(&format!("{EVIDENCE}.open"));
        page.value(&format!("window.found = () => [...{EVIDENCE}.querySelectorAll('.packets tbody')].map((b) => \
            [b.rows[0].innerText.toLowerCase() || b.rows[0].textContent.toLowerCase(), b.getClientRects().length > 0])"));
        let input = format!("{EVIDENCE}.querySelector('input')");
        let told = format!("{EVIDENCE}.querySelector('output').value");
        let mut type_in = |text: &str| {
            page.click(&input);
            page.value(&format!("{input}.select()"));
            // What is typed over goes, though nothing is typed.
            page.key("Backspace", 8, "");
            page.call("Input.insertText", serde_json::json!({ "text": text }));
            let rows = page.value("found()");
            let rows = rows.as_array().unwrap().iter();
            let rows: Vec<(String, bool)> =
                rows.map(|row| (row[0].as_str().unwrap().to_owned(), row[1] == true)).collect();
            (rows, page.value(&told))
        };
        for (text, words) in [
            ("SYN", vec!["syn"]),
            ("tcp 5000 fin", vec!["tcp", "5000", "fin"]),
            ("zzz", vec!["zzz"]),
        ] {
            let (rows, told) = type_in(text);
            let matches = |row: &str| words.iter().all(|word| row.contains(word));
            for (row, shown) in &rows {
                assert_eq!(*shown, matches(row), "{text}: {row}");
            }
            let count = rows.iter().filter(|(_, shown)| *shown).count();
            assert_eq!(count == 0, text == "zzz");
            assert_eq!(told, format!("{count} of {} frames", rows.len()));
        }
        let (rows, told) = type_in("");
        assert!(rows.iter().all(|(_, shown)| *shown) && told == "", "{told}");
    }
}

/// In a page: the detail of the frame in the third row.
fn detail(what: &str) -> String {
    format!("{EVIDENCE}.querySelectorAll('.packets tbody')[2].querySelector('{what}')")
}

/// Whether the frame's detail is to be seen, and its button says so.
fn is_open(open: bool) -> String {
    let (row, button) = (detail(".detail"), detail("button"));
    format!(
        "({row}.getClientRects().length > 0) === {open} && {button}.getAttribute('aria-expanded') === '{open}' && \
         ({open} ? {row}.innerText.includes('Ethernet II') && /0000  [0-9a-f]{{2}} /.test({row}.innerText) : true)"
    )
}

fn opens_by_mouse(scene: &mut Scene) {
    for width in WIDTHS {
        let mut page = scene.open(width, "light");
        page.click(&format!("{EVIDENCE}.querySelector('summary')"));
        page.until(&format!("{EVIDENCE}.open"));
        page.until(&is_open(false));
        for open in [true, false] {
            page.click(&detail("button"));
            page.until(&is_open(open));
        }
    }
}

fn opens_by_keyboard(scene: &mut Scene) {
    for width in WIDTHS {
        let mut page = scene.open(width, "light");
        let tab_to = |page: &mut Page<'_>, element: &str| {
            for _ in 0..100 {
                if page.value(&format!("document.activeElement === {element}")) == true {
                    // A reader sees where that is.
                    page.until("getComputedStyle(document.activeElement).outlineStyle !== 'none'");
                    return;
                }
                page.key("Tab", 9, "");
            }
            panic!("the keyboard doesn't reach {element}");
        };
        tab_to(&mut page, &format!("{EVIDENCE}.querySelector('summary')"));
        page.key("Enter", 13, "\r");
        page.until(&format!("{EVIDENCE}.open"));
        tab_to(&mut page, &detail("button"));
        for open in [true, false] {
            page.key("Enter", 13, "\r");
            page.until(&is_open(open));
        }
    }
}

/// In a page: everything that can be opened is.
const OPEN_ALL: &str = "document.querySelectorAll('details').forEach((d) => d.open = true), \
    document.querySelectorAll('.packets tbody:nth-of-type(3) button').forEach((b) => b.click())";

/// In a page: what sticks out of it on the right, but for what is within something that scrolls.
const STICKS_OUT: &str = "(() => { const wide = document.documentElement.clientWidth; \
    const out = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > wide + 1 && \
      !e.parentElement.closest('.scroll, pre, svg')); \
    if (document.scrollingElement.scrollWidth <= wide) return []; \
    return [document.scrollingElement.scrollWidth + ' > ' + wide, ...out.slice(0, 5).map((e) => e.outerHTML.slice(0, 200))]; })()";

fn fits(scene: &mut Scene) {
    for prepare in ["0", OPEN_ALL] {
        scene.everywhere(prepare, |page, at| {
            none(&page.value(STICKS_OUT), &format!("{at}, {prepare}"))
        });
    }
}

/// In a page: texts of its drawings that overlap or are cut. Drawings are images; they are laid out anew, where they can be measured.
const UNREADABLE: &str = "(() => { const bad = []; let texts = 0; \
    for (const image of document.querySelectorAll('img')) { \
      const host = document.body.appendChild(document.createElement('div')); \
      host.attachShadow({ mode: 'open' }).innerHTML = decodeURIComponent(image.src.slice(image.src.indexOf(',') + 1)); \
      const svg = host.shadowRoot.querySelector('svg'), all = svg.getBoundingClientRect(); \
      const boxes = [...svg.querySelectorAll('text')].filter((t) => t.textContent.trim()) \
        .map((t) => [t.textContent, t.getBoundingClientRect()]); \
      texts += boxes.length; \
      boxes.forEach(([text, a], at) => { \
        if (a.left < all.left || a.right > all.right || a.top < all.top || a.bottom > all.bottom) bad.push('cut: ' + text); \
        for (const [other, b] of boxes.slice(at + 1)) \
          if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2) \
            bad.push(image.alt + ': ' + text + ' | ' + other); \
      }); \
      host.remove(); \
    } \
    return texts > 50 ? bad : ['so few texts: ' + texts]; })()";

fn drawings_are_readable(scene: &mut Scene) {
    scene.everywhere(OPEN_ALL, |page, at| {
        none(&page.value(UNREADABLE), at);
        let kinds = "['Ladder of ', 'Bytes sent ', '2 nodes'].every((alt) => document.querySelector(`img[alt^=\"${alt}\"]`))";
        assert_eq!(page.value(kinds), true, "a topology, ladders and charts");
        // A picture that is broken has no size.
        page.value("Promise.all([...document.images].map((i) => i.decode()))");
        none(&page.value("[...document.images].filter((i) => i.width < 50).map((i) => i.alt)"), at);
    });
}

fn is_text(scene: &mut Scene) {
    scene.everywhere(OPEN_ALL, |page, at| {
        let foreign = "[...document.querySelectorAll('script, style, link, iframe, object, img, a, [onerror]')].filter((e) => \
            !(e.matches('body > script, head > style') || e.matches('head > link[href=\"data:,\"]') \
              || (e.matches('img') && e.src.startsWith('data:image/svg+xml,')) \
              || (e.matches('a') && /^[a-z-]+[0-9-]*-lan[.]pcapng$|^https:/.test(e.getAttribute('href'))))).map((e) => e.outerHTML)";
        none(&page.value(foreign), at);
        assert_eq!(page.value("document.scripts.length"), 1);
        assert_eq!(page.value("document.title"), "2 lab manuals", "{at}");
        let shown = page.value("document.body.innerText");
        let shown = shown.as_str().unwrap();
        for text in ["</pre></div><script>document.title = 'taken'</script>", "␛]0;taken␇␛[2J␛[31mred"] {
            assert!(shown.contains(text), "{text}");
        }
    });
}

fn prints(scene: &mut Scene) {
    for scheme in SCHEMES {
        let mut page = scene.open(PAPER, scheme);
        page.medium("print", scheme);
        let missing = "[...document.querySelectorAll('details')].flatMap((d) => [...d.children]) \
            .filter((e) => !e.checkVisibility({ contentVisibilityAuto: true })).map((e) => e.outerHTML.slice(0, 200))";
        none(&page.value(missing), scheme);
        none(&page.value(STICKS_OUT), scheme);
    }
}

fn no_barriers(scene: &mut Scene, axe: &str) {
    // One of each kind: thousands of cells alike would only take minutes.
    let prepare = format!(
        "document.querySelectorAll('article + article details, .environment').forEach((d) => d.open = true), \
         document.querySelectorAll('article + article .packets button').forEach((b) => b.click()), {EVIDENCE}.open = true; {axe}; 0"
    );
    scene.everywhere(&prepare, |page, at| {
        let found = "axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations.map((v) => \
            `${v.id}: ${v.nodes.length} of ${v.nodes[0].html.slice(0, 200)}: ${v.nodes[0].failureSummary}`))";
        none(&page.value(found), at);
    });
}
