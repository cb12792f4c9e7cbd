//! The real executable in a pseudo-terminal beside a real server: what is done in the one is felt in the other.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use serde_json::json;
use twoface::client::{Body, Reply};
use twoface::clock::pause;
use twoface::console::terminal::Terminal;

use crate::served::Served;

const DOCUMENT: &[u8] = include_bytes!("../golden/obama_2012_portrait.jpg");
const SELFIE: &[u8] = include_bytes!("../golden/obama_2009_congress.jpg");
const SIZE: (u16, u16) = (120, 36);

fn post(server: &Served, path: &str, header: (&str, &str), body: Body) -> Reply {
    server.client.call("POST", &format!("/v1/2face{path}"), &[header, ("Prefer", "wait=30")], Some(body)).unwrap()
}

fn open_session(server: &Served, key: &str) -> Reply {
    post(server, "/session", ("Authorization", key), Body::json(&json!({ "type": "SIGNUP" })))
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A console in a terminal of its own.
struct Console {
    child: Child,
    keyboard: std::fs::File,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Console {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twoface"));
        command.args(["console", "--language", "en", "--pictures", "halfblocks", "--config"]);
        command.arg(folder.join("config.toml"));
        Self::run(command)
    }

    /// Runs a program in a terminal of its own.
    fn run(mut command: Command) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let (columns, rows) = SIZE;
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&keyboard, size).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let terminal: OwnedFd = std::fs::OpenOptions::new().read(true).write(true).open(name).unwrap().into();
        let child = command
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .stdin(terminal.try_clone().unwrap())
            .stdout(terminal.try_clone().unwrap())
            .stderr(terminal)
            .spawn()
            .unwrap();
        let keyboard = std::fs::File::from(keyboard);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0)));
        let (mut seen, shown) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(length) = seen.read(&mut part) {
                shown.lock().unwrap().process(&part[..length]);
            }
        });
        Self { child, keyboard, screen }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows that. Returns the screen.
    fn sees(&self, wanted: &str) -> String {
        self.until(wanted, |text| text.contains(wanted))
    }

    fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        for _ in 0..1_200 {
            let text = self.text();
            if holds(&text) {
                return text;
            }
            pause(Duration::from_millis(50));
        }
        panic!("{what:?} did not come:\n{}", self.text());
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// As a window manager does: the kernel tells the console.
    fn resize(&self, (columns, rows): (u16, u16)) {
        self.screen.lock().unwrap().set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.keyboard, size).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::WINCH)
            .unwrap();
    }

    fn escape(&mut self) {
        self.types("\x1b");
        // A lone escape is told from the beginning of another key by the silence after it.
        pause(Duration::from_millis(150));
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = "[server]\nlisten = \"127.0.0.1:0\"\n[data]\ndir = \"store\"\n";
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    folder
}

#[test]
fn an_administrator_makes_a_key_watches_reviews_and_revokes() {
    let folder = folder();
    let server = Served::start(folder.path());
    let mut console = Console::start(folder.path());
    console.sees("There was never a backup");

    // An account and a key, whose secret works over HTTPS at once.
    console.types("3n");
    console.sees("New account");
    console.types("my-bank\r");
    console.sees("The account is there");
    console.types("2n");
    console.sees("New key");
    console.types("web\rmy-bank\r\r\r\r\r\r");
    let text = console.sees("2fk_");
    let secret: String = text.split("2fk_").nth(1).unwrap().chars().take_while(char::is_ascii_hexdigit).collect();
    let secret = format!("2fk_{secret}");
    console.escape();
    console.sees("live");
    let opened = open_session(&server, &secret);
    assert_eq!(opened.status, 200, "{}", opened.json());
    let token = opened.result().as_str().unwrap().to_owned();

    // The session is seen, with what it does.
    console.types("4");
    console.sees("1 shown");
    let photos = [("document", "d.jpg", DOCUMENT), ("face", "f.jpg", SELFIE)];
    let session = ("X-Tagshelf-Session", token.as_str());
    let compared = post(&server, "/faces/compare", session, Body::multipart(&photos, &[]));
    assert_eq!(compared.status, 200, "{}", compared.json());
    console.sees("compare_faces 2/3");
    let closed = post(&server, "/session/close", session, Body::form(&[("status", "REVIEW")]));
    let attempt = closed.result().as_str().unwrap().to_owned();
    console.sees("No session is open");

    // The window is made small and wide again: all is drawn anew, in the new size.
    console.resize((80, 24));
    let small = console.sees("S reverse  q quit");
    assert!(small.contains("No session is open"), "{small}");
    console.resize(SIZE);
    console.sees("y copy id");

    // A limit is changed and met, and given back.
    console.types("5");
    console.sees("my-bank");
    console.types("\r");
    console.sees("Limits of my-bank");
    console.types("2\r\r");
    console.sees("The limits count from the next request on");
    let answers: Vec<u16> = (0..8).map(|_| open_session(&server, &secret).status).collect();
    assert!(answers.contains(&429), "{answers:?}");
    console.until("the refusals", |text| text.contains("██████████"));
    console.types("\r");
    console.sees("Limits of my-bank");
    console.types("\x7f\r\r");
    console.sees("/2 500");

    // It is reviewed, with the photos on the screen.
    console.types("7");
    console.sees(&attempt);
    console.types("\r");
    console.sees("counts as the same person");
    console.until("two photos", |text| text.matches('▀').count() + text.matches('▄').count() > 100);
    console.types("a");
    console.sees("Settle");
    console.types("the same person\r");
    console.sees("Settled as SUCCESS");
    let seen = server.client.call("GET", &format!("/v1/2face/attempts/{attempt}"), &[("Authorization", &secret)], None);
    let seen = seen.unwrap().result();
    assert_eq!((&seen["status"], &seen["review"]["note"]), (&json!("SUCCESS"), &json!("the same person")));

    // The server is started again under it.
    server.kill();
    console.sees("The server does not answer");
    let server = Served::start(folder.path());
    console.sees("The server answers again");
    assert_eq!(open_session(&server, &secret).status, 200);

    // The key is revoked and refused.
    console.types("2");
    console.sees("my-bank");
    console.types("d");
    console.sees("Revoke the key");
    console.types("y");
    console.sees("revoked");
    console.until("the list", |text| text.contains("✕ revoked"));
    assert_eq!(open_session(&server, &secret).status, 403);

    // It is left, and the terminal is as it was.
    console.types("qy");
    assert!(console.child.wait().unwrap().success());
    console.until("the screen before", |text| text.trim().is_empty());
    assert!(!console.screen.lock().unwrap().screen().alternate_screen());
    server.kill();
}

/// Not a test: what the one below runs in a terminal.
#[test]
fn a_console_that_panics() {
    if std::env::var_os(PANICS).is_some() {
        let mut terminal = Terminal::enter().unwrap();
        terminal.draw(|frame| frame.render_widget("all is well", frame.area())).unwrap();
        panic!("as the test says");
    }
}

const PANICS: &str = "TWOFACE_TEST_CONSOLE_PANICS";

#[test]
fn a_panic_gives_the_terminal_back_before_it_says_why() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "session::a_console_that_panics", "--nocapture"]).env(PANICS, "1");
    let mut console = Console::run(command);
    let before = tcgetattr(&console.keyboard).unwrap().local_modes;
    assert_eq!(console.child.wait().unwrap().code(), Some(101));
    let text = console.sees("as the test says");
    assert!(!text.contains("all is well"), "{text}");
    let modes = tcgetattr(&console.keyboard).unwrap().local_modes;
    assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON), "{before:?} became {modes:?}");
    let parser = console.screen.lock().unwrap();
    let screen = parser.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
}
