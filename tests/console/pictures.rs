//! Each pane as it looks at 80×24 and at 160×50, in both languages: empty, full, and with very long names.

use crossterm::event::KeyCode;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use twoface::console::pane::{Command, Pane};
use twoface::console::picture::Painter;
use twoface::console::update::{Event, Purpose, update};
use twoface::console::{Language, Pictures};

use crate::made_up::{self, Much};
use crate::screen::Screen;

const SIZES: [(u16, u16); 2] = [(80, 24), (160, 50)];
const LANGUAGES: [(Language, &str); 2] = [(Language::English, "en"), (Language::Spanish, "es")];

fn keep(name: &str, screens: &str) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, screens);
    });
}

/// The same screen in every size, under a line that says which.
fn each_size(title: &str, make: impl Fn((u16, u16)) -> Screen) -> String {
    SIZES.into_iter().map(|size| format!("=== {title} {}×{}\n{}\n", size.0, size.1, make(size).text())).collect()
}

#[test]
fn every_pane_empty_full_and_with_long_names_in_both_languages() {
    for pane in Pane::ALL {
        for (language, short) in LANGUAGES {
            let mut screens = String::new();
            for (much, title) in [(Much::Nothing, "empty"), (Much::Some, "full"), (Much::Long, "long")] {
                screens += &each_size(title, |size| Screen::showing(size, language, *pane, much));
            }
            keep(&format!("{pane:?}_{short}").to_lowercase(), &screens);
        }
    }
}

fn case(size: (u16, u16), language: Language, much: Much) -> Screen {
    let mut screen = Screen::showing(size, language, Pane::Review, much);
    let asked = screen.press(KeyCode::Enter);
    screen.answer_all(asked, much);
    screen
}

#[test]
fn a_review_shows_both_photos_and_what_was_measured() {
    for (language, short) in LANGUAGES {
        let mut screens = String::new();
        for (much, title) in [(Much::Some, "full"), (Much::Long, "long")] {
            screens += &each_size(title, |size| case(size, language, much));
        }
        screens += &each_size("masked", |size| {
            let mut screen = case(size, language, Much::Some);
            screen.keys("p");
            screen
        });
        keep(&format!("case_{short}"), &screens);
    }
}

#[test]
fn what_lies_over_a_pane() {
    for (language, short) in LANGUAGES {
        let over = |pane: Pane, keys: &'static str| {
            move |size| {
                let mut screen = Screen::showing(size, language, pane, Much::Some);
                screen.keys(keys);
                screen
            }
        };
        let mut screens = String::new();
        screens += &each_size("help", over(Pane::Keys, "?"));
        screens += &each_size("help of the overview", over(Pane::Overview, "?"));
        screens += &each_size("palette", over(Pane::Attempts, ":re"));
        screens += &each_size("search", over(Pane::Keys, "/web"));
        screens += &each_size("new key", over(Pane::Keys, "n\n\nwrong\n\n\n\n\n"));
        screens += &each_size("revoke", over(Pane::Keys, "d"));
        screens += &each_size("erase", over(Pane::Users, "d"));
        screens += &each_size("settle", |size| {
            let mut screen = case(size, language, Much::Some);
            screen.keys("aclear");
            screen
        });
        screens += &each_size("secret", |size| {
            let mut screen = Screen::showing(size, language, Pane::Keys, Much::Some);
            let twoface::admin::Reply::Keys(keys) = made_up::list(Pane::Keys, Much::Some) else { panic!() };
            let secret = format!("2fk_{}", "0123456789abcdef".repeat(4) + "89abcdef");
            screen.answer(Purpose::Change, twoface::admin::Reply::Key { key: keys[0].clone(), secret });
            screen
        });
        screens += &each_size("detail", |size| {
            let mut screen = Screen::showing(size, language, Pane::Attempts, Much::Some);
            let asked = screen.press(KeyCode::Enter);
            screen.answer_all(asked, Much::Some);
            screen
        });
        keep(&format!("over_{short}"), &screens);
    }
}

#[test]
fn photos_are_sent_in_the_way_that_the_terminal_knows() {
    for (how, begins) in
        [(Pictures::Kitty, "\x1b_G"), (Pictures::Sixel, "\x1bP"), (Pictures::Iterm2, "\x1b]1337;File=")]
    {
        let mut painter = Painter::unasked(how);
        let mut terminal = Terminal::new(TestBackend::new(30, 20)).unwrap();
        let area = Rect::new(0, 0, 30, 20);
        terminal.draw(|frame| assert!(painter.draw(frame, area, &made_up::picture()))).unwrap();
        let sent: String = terminal.backend().buffer().content().iter().map(ratatui::buffer::Cell::symbol).collect();
        assert!(sent.contains(begins), "{how:?}: {:?}", sent.get(..40));
    }
    let broken = twoface::admin::reply::Picture { width: 9, height: 9, rgb: "00ff".to_owned() };
    let mut painter = Painter::unasked(Pictures::Halfblocks);
    let mut terminal = Terminal::new(TestBackend::new(30, 20)).unwrap();
    terminal.draw(|frame| assert!(!painter.draw(frame, Rect::new(0, 0, 30, 20), &broken))).unwrap();
}

#[test]
fn a_server_that_is_gone_is_told_and_what_was_known_stays() {
    let screens = each_size("gone", |size| {
        let mut screen = Screen::showing(size, Language::English, Pane::Overview, Much::Some);
        update(&mut screen.state, Event::Answer(Purpose::Status, Box::new(Ok(None))));
        screen.wait(95);
        screen
    });
    keep("gone", &screens);
}

#[test]
fn a_terminal_of_any_size_is_drawn_on() {
    for width in [1, 20, 59, 60, 61, 79, 99, 119, 121, 250] {
        for height in [1, 15, 16, 17, 30, 90] {
            for pane in Pane::ALL {
                let mut screen = Screen::showing((width, height), Language::Spanish, *pane, Much::Long);
                screen.text();
                for over in ["?", ":", "/x", "n"] {
                    screen.keys(over);
                    screen.text();
                    screen.press(KeyCode::Esc);
                }
            }
            case((width, height), Language::English, Much::Long).text();
        }
    }
}

#[test]
fn nothing_personal_is_on_the_overview_and_masking_takes_it_off_everywhere() {
    for pane in Pane::ALL.iter().copied().filter(|pane| *pane != Pane::Users) {
        let text = Screen::showing((160, 50), Language::English, pane, Much::Some).text();
        assert!(!text.contains("001-1234567-8"), "{pane:?}");
    }
    let mut screen = Screen::showing((160, 50), Language::English, Pane::Users, Much::Some);
    assert!(screen.text().contains("001-1234567-8"));
    screen.keys("p");
    assert!(!screen.text().contains("001-1234567-8"));
    let asked = screen.keys("\n");
    for reply in [
        twoface::admin::Reply::User(Box::new(made_up::user(31, Much::Some))),
        twoface::admin::Reply::Attempt(Box::new(made_up::case(Much::Some))),
    ] {
        assert!(asked.len() == 1);
        screen.answer(Purpose::Detail, reply);
        for _ in 0..12 {
            let text = screen.text();
            assert!(!text.contains("001-1234567") && !text.contains("PEREZ") && !text.contains("Ana"), "{text}");
            screen.press(KeyCode::PageDown);
        }
        screen.press(KeyCode::Esc);
    }
    let mut screen = case((160, 50), Language::English, Much::Some);
    assert!(screen.text().contains("PEREZ"));
    screen.keys("p");
    let text = screen.text();
    assert!(!text.contains("PEREZ") && !text.contains("001-1234567") && !text.contains('▄'), "{text}");
    assert!(matches!(screen.state.pane, Pane::Review), "{:?}", Command::Privacy);
}
