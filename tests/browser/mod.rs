//! A headless Chromium, driven over the DevTools protocol
//! (<https://chromedevtools.github.io/devtools-protocol/>): messages that end in NUL, on the browser's descriptors 3 and 4.

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The names under which it is installed.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Whoever runs the tests, in whatever kind of machine, and without a word to anybody.
const FLAGS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--remote-debugging-pipe",
];

/// The browser's program, if there is one on the search path.
pub(crate) fn program() -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    PROGRAMS.into_iter().find(|name| folders.iter().any(|folder| folder.join(name).is_file()))
}

/// A browser that runs, with nobody's settings; killed when dropped, with all that it started.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    /// What it told unasked, and nobody has looked at.
    events: VecDeque<Value>,
    calls: u64,
    /// Its files.
    home: Option<TempDir>,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let home = tempfile::Builder::new().prefix("browser-").tempdir_in("/tmp").unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null", "sh"])
            .arg(program().unwrap())
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", home.path().display()))
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = command.spawn().unwrap();
        let (to, mut stdout) =
            (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let (tell, from) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while stdout.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                if tell.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
                message.clear();
            }
        });
        Self { child, to, from, events: VecDeque::new(), calls: 0, home: Some(home) }
    }

    /// An empty page.
    pub(crate) fn page(&mut self) -> Page<'_> {
        let target = self.call(None, "Target.createTarget", json!({ "url": "about:blank" }));
        let target = target["targetId"].as_str().unwrap().to_owned();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = self.call(None, "Target.attachToTarget", attach);
        let session = session["sessionId"].as_str().unwrap().to_owned();
        self.events.clear();
        let mut page = Page { browser: self, target, session, heard: Vec::new() };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page
    }

    /// Has something done, and returns what comes of it.
    fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut message = message.to_string().into_bytes();
        message.push(0);
        self.to.write_all(&message).unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let told = self.hear(deadline, method);
            if told["id"] == id {
                assert!(told["error"].is_null(), "{method}: {}", told["error"]);
                return told["result"].clone();
            }
            self.events.push_back(told);
        }
    }

    fn hear(&self, deadline: Instant, what: &str) -> Value {
        let left = deadline.saturating_duration_since(Instant::now());
        let told = self.from.recv_timeout(left);
        let told = told.unwrap_or_else(|error| panic!("{what} of the browser: {error}"));
        // Until somebody answers, nothing else happens.
        assert_ne!(told["method"], "Page.javascriptDialogOpening", "{told}");
        told
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its group has its own number until it is waited for.
        let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
        // What it started may be a moment longer about it, and write.
        let home = self.home.take().map(TempDir::keep).unwrap_or_default();
        let deadline = Instant::now() + PATIENCE;
        while fs::remove_dir_all(&home).is_err() && home.exists() && Instant::now() < deadline {
            thread::yield_now();
        }
    }
}

/// A page, closed when dropped.
pub(crate) struct Page<'a> {
    browser: &'a mut Browser,
    target: String,
    session: String,
    /// All that it told unasked.
    heard: Vec<Value>,
}

impl Page<'_> {
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.browser.call(Some(&self.session), method, params)
    }

    /// Makes the window so wide, and the paper, `light` or `dark`, what the user likes.
    pub(crate) fn shape(&mut self, width: u32, scheme: &str) {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
        self.medium("screen", scheme);
        self.until(&format!(
            "innerWidth === {width} && matchMedia('(prefers-color-scheme: {scheme})').matches"
        ));
    }

    /// Shows it as on a `screen`, or as in `print`.
    pub(crate) fn medium(&mut self, medium: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": medium, "features": features }));
    }

    /// Opens an address, and returns when all of it is there.
    pub(crate) fn open(&mut self, url: &str) {
        let opened = self.call("Page.navigate", json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{opened}");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let told = self.browser.events.pop_front();
            let told = told.unwrap_or_else(|| self.browser.hear(deadline, "load"));
            let loaded = told["method"] == "Page.loadEventFired";
            self.heard.push(told);
            if loaded {
                return;
            }
        }
    }

    /// What JavaScript makes of an expression, when it is there if it is a promise.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].take()
    }

    /// Returns when an expression is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.value(expression) != true {
            assert!(Instant::now() < deadline, "never: {expression}");
        }
    }

    /// Presses and lets go a key: its name (UI Events KeyboardEvent key values), its old number, and what it types.
    pub(crate) fn key(&mut self, key: &str, number: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let mut params =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": number });
            if kind == "keyDown" && !text.is_empty() {
                params["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Clicks in the middle of the element that an expression gives.
    pub(crate) fn click(&mut self, element: &str) {
        let place = self.value(&format!(
            "(() => {{ const e = {element}; e.scrollIntoView({{ block: 'center' }}); const r = e.getBoundingClientRect(); \
             return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let params = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", params);
        }
    }

    /// What was told unasked so far of these kinds.
    pub(crate) fn heard(&mut self, methods: &[&str]) -> Vec<Value> {
        // What is told comes in order: what was told before this answer is there.
        self.value("0");
        self.heard.extend(self.browser.events.drain(..));
        let of = |event: &&Value| methods.iter().any(|method| event["method"] == *method);
        self.heard.iter().filter(of).cloned().collect()
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            let close = json!({ "targetId": self.target });
            self.browser.call(None, "Target.closeTarget", close);
        }
    }
}
