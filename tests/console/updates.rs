//! Events in, state and actions out.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use twoface::admin::Reply;
use twoface::admin::audit::Audit;
use twoface::admin::limits::Limits;
use twoface::admin::request::{Accounts, Attempts, Keys, Note, Part, Request, Retention, Review, Users};
use twoface::admin::webhooks::Webhooks;
use twoface::console::item::Item;
use twoface::console::pane::{PAGE_ROWS, Pane};
use twoface::console::state::{Link, Photo};
use twoface::console::update::{Action, Event, Purpose, update};
use twoface::console::{Language, Privacy};
use twoface::domain::attempt::AttemptStatus;
use twoface::domain::key::{AnswerMode, Scope};

use crate::made_up::{self, Much, id};
use crate::screen::{Screen, only};

const SIZE: (u16, u16) = (80, 24);

fn showing(pane: Pane) -> Screen {
    Screen::showing(SIZE, Language::English, pane, Much::Some)
}

fn asks(actions: &[Action], wanted: fn(&Request) -> bool) -> bool {
    actions.iter().any(|action| matches!(action, Action::Ask(_, request) if wanted(request)))
}

#[test]
fn the_status_is_asked_for_each_second_and_never_twice_at_once() {
    let mut screen = Screen::new(SIZE, Language::English);
    assert_eq!(*only(&screen.tick()), Request::Status);
    assert!(screen.wait(5).is_empty(), "the first question is still open");
    let asked = screen.answer(Purpose::Status, Reply::Status(Box::new(made_up::status(Much::Some))));
    assert_eq!(*only(&asked), Request::Status, "the answer came late");
    let asked = screen.answer(Purpose::Status, Reply::Status(Box::new(made_up::status(Much::Some))));
    assert!(asked.is_empty());
    assert_eq!(*only(&screen.wait(1)), Request::Status);
}

#[test]
fn a_pane_asks_for_its_list_when_it_is_opened_and_late_answers_are_dropped() {
    let mut screen = showing(Pane::Overview);
    let asked = screen.keys("6");
    let Some(Action::Ask(late, Request::Attempts(Attempts::List { status: None, .. }))) = asked.first() else {
        panic!("{asked:?}")
    };
    let asked = screen.keys("f");
    let Request::Attempts(Attempts::List { status: Some(AttemptStatus::Pending), .. }) = only(&asked) else {
        panic!("{asked:?}")
    };
    screen.answer(*late, made_up::list(Pane::Attempts, Much::Some));
    assert_eq!(screen.state.list().len(), 0, "the answer was to another question");
    screen.answer_all(asked, Much::Some);
    assert_eq!(screen.state.list().len(), 7);
}

#[test]
fn further_pages_come_as_one_goes_down_and_are_not_thrown_away_by_a_renewal() {
    let mut screen = Screen::new(SIZE, Language::English);
    screen.state.pane = Pane::Attempts;
    let asked = screen.tick();
    let page = |first: u8| {
        let attempts = (0..PAGE_ROWS).map(|row| {
            let mut one = made_up::attempt(9, AttemptStatus::Success, Much::Some);
            let mut bytes = *id(9).as_bytes();
            bytes[10] = 255 - first;
            bytes[11] = 255 - u8::try_from(row).unwrap();
            one.id = twoface::domain::id::Id::from_bytes(bytes);
            one
        });
        let attempts: Vec<_> = attempts.collect();
        Reply::Attempts { next: attempts.last().map(|attempt| attempt.id), attempts }
    };
    for action in asked {
        let Action::Ask(purpose @ Purpose::List { .. }, _) = action else { continue };
        assert!(screen.answer(purpose, page(0)).is_empty(), "the screen is full");
    }
    let asked = screen.press(KeyCode::End);
    let [Action::Ask(purpose, Request::Attempts(Attempts::List { part: Part { cursor, .. }, .. }))] = asked.as_slice()
    else {
        panic!("{asked:?}")
    };
    assert_eq!(*cursor, screen.state.list().selected_item().and_then(Item::id));
    assert!(screen.press(KeyCode::Down).is_empty(), "asked once");
    screen.answer(*purpose, page(1));
    assert_eq!(screen.state.list().len(), 2 * PAGE_ROWS as usize);
    assert_eq!(screen.state.list().selected(), PAGE_ROWS as usize - 1);
    let renewed = screen.wait(60);
    assert!(!asks(&renewed, |request| matches!(request, Request::Attempts(_))), "{renewed:?}");
}

#[test]
fn a_new_key_is_made_by_a_form_that_says_what_is_wrong_with_it() {
    let mut screen = showing(Pane::Keys);
    screen.keys("n");
    assert!(screen.keys("\n\n\n\n\n\n\n").is_empty());
    assert!(screen.text().contains("name must be given"), "{}", screen.text());
    screen.keys("web\n\nsessions nonsense\n7\n10.0.0.0/8, 192.168.1.0/24\nab\n\n");
    assert!(screen.text().contains("scopes is made of the words below"), "{}", screen.text());
    (0..9).for_each(|_| drop(screen.press(KeyCode::Backspace)));
    screen.keys(" jobs\n\n\n\n\n");
    assert!(screen.text().contains("✕ client certificates is not 64"), "{}", screen.text());
    screen.keys(&format!("{}\n", "ab".repeat(31)));
    (0..3).for_each(|_| drop(screen.press(KeyCode::Backspace)));
    let asked = screen.keys("wait\n");
    let Request::Keys(Keys::Create { account, name, scopes, expires, from, certificate, answer }) = only(&asked) else {
        panic!()
    };
    assert_eq!((certificate.len(), *answer), (1, AnswerMode::Wait));
    assert_eq!((account.as_str(), name.as_str(), *expires), ("my-bank", "web", Some(7)));
    assert_eq!((scopes.as_slice(), from.len()), (&[Scope::Sessions, Scope::Jobs][..], 2));
}

#[test]
fn a_secret_stays_until_it_is_put_away_and_can_be_copied() {
    let mut screen = showing(Pane::Keys);
    let Reply::Keys(keys) = made_up::list(Pane::Keys, Much::Some) else { panic!() };
    let asked = screen.answer(Purpose::Change, Reply::Key { key: keys[0].clone(), secret: "2fk_abc".to_owned() });
    assert!(asks(&asked, |request| *request == Request::Keys(Keys::List)), "the list is renewed");
    screen.keys("q\nx");
    assert!(screen.text().contains("2fk_abc"));
    assert_eq!(screen.keys("c"), [Action::Copy("2fk_abc".to_owned())]);
    screen.press(KeyCode::Esc);
    assert!(!screen.text().contains("2fk_abc"));
}

#[test]
fn dangerous_actions_ask_and_do_nothing_unless_told_yes() {
    let mut screen = showing(Pane::Keys);
    screen.keys("d");
    assert!(screen.keys("n").is_empty() && screen.state.overlays.is_empty());
    screen.keys("d");
    assert!(screen.press(KeyCode::Enter).is_empty(), "Enter is not yes");
    let Request::Keys(Keys::Revoke { .. }) = only(&screen.keys("y")) else { panic!() };

    let mut screen = showing(Pane::Users);
    screen.keys("d");
    assert!(screen.keys("y\n").is_empty());
    (0..2).for_each(|_| drop(screen.press(KeyCode::Backspace)));
    let user = id(31).to_string();
    let asked = screen.keys(&format!("{}\n", &user[18..]));
    assert_eq!(*only(&asked), Request::Users(Users::Erase { id: id(31) }));

    let mut screen = showing(Pane::Overview);
    assert!(screen.keys("q").is_empty() && screen.keys("n").is_empty());
    screen.keys("q");
    assert_eq!(screen.keys("y"), [Action::Quit]);
    let control_c = || Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    let mut screen = showing(Pane::Overview);
    assert!(update(&mut screen.state, control_c()).is_empty());
    assert_eq!(update(&mut screen.state, control_c()), [Action::Quit]);
}

#[test]
fn a_server_that_went_away_is_asked_until_it_answers_and_then_everything_is_new() {
    let mut screen = showing(Pane::Keys);
    let asked = screen.wait(1);
    let Some(Action::Ask(purpose, _)) = asked.first() else { panic!() };
    update(&mut screen.state, Event::Answer(*purpose, Box::new(Ok(None))));
    assert!(matches!(screen.state.link, Link::Down(..)));
    assert_eq!(screen.state.list().len(), 4, "what was known stays");
    let asked = screen.wait(1);
    assert!(asks(&asked, |request| *request == Request::Status), "{asked:?}");
    let asked = screen.answer(Purpose::Status, Reply::Status(Box::new(made_up::status(Much::Some))));
    assert_eq!(screen.state.link, Link::Up);
    assert!(asks(&asked, |request| *request == Request::Keys(Keys::List)), "{asked:?}");
    assert!(screen.text().contains("answers again"));
}

#[test]
fn a_review_is_opened_looked_at_and_settled_with_a_note() {
    let mut screen = showing(Pane::Review);
    let asked = screen.press(KeyCode::Enter);
    assert_eq!(*only(&asked), Request::Review(Review::Open { id: id(8) }));
    let photos = screen.answer(Purpose::Case, Reply::Attempt(Box::new(made_up::case(Much::Some))));
    let files: Vec<_> = photos
        .iter()
        .filter_map(|action| match action {
            Action::Ask(Purpose::Photo { .. }, Request::Picture { file, .. }) => Some(file.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(files, ["face-stored", "portrait-stored"]);
    let other = Purpose::Photo { attempt: id(3), place: 0 };
    screen.answer(other, Reply::Picture(made_up::picture()));
    assert_eq!(screen.state.case.as_ref().unwrap().photos[0], Photo::Asked, "a photo of another attempt is not shown");
    screen.answer_all(photos, Much::Some);
    assert!(screen.text().contains("score 82.7") && screen.text().contains('▄'), "{}", screen.text());

    screen.keys("x");
    let asked = screen.keys("not the same ears\n");
    let note = Note { note: Some("not the same ears".to_owned()) };
    assert_eq!(*only(&asked), Request::Review(Review::Reject { id: id(8), note }));
    screen.answer(Purpose::Change, Reply::Refused("four eyes are asked for".to_owned()));
    assert!(screen.state.case.is_some(), "it is not settled");
    screen.answer(Purpose::Change, Reply::Settled { attempt: id(8), status: AttemptStatus::Failed });
    assert!(screen.state.case.is_none());
    assert!(screen.text().contains("Settled as FAILED"));
}

#[test]
fn an_attempt_that_is_not_in_review_is_shown_with_its_stages() {
    let mut screen = showing(Pane::Attempts);
    assert_eq!(*only(&screen.press(KeyCode::Enter)), Request::Attempts(Attempts::Show { id: id(9) }));
    screen.keys("j");
    let asked = screen.press(KeyCode::Enter);
    assert_eq!(*only(&asked), Request::Review(Review::Open { id: id(8) }), "the second one is in review");
}

#[test]
fn search_sort_and_filter_hold_while_the_list_is_renewed() {
    let mut screen = showing(Pane::Keys);
    screen.keys("/OFFICE\n");
    assert_eq!(screen.state.list().len(), 1);
    let renewed = screen.wait(6);
    screen.answer_all(renewed, Much::Some);
    assert_eq!(screen.state.list().len(), 1);
    screen.press(KeyCode::Esc);
    screen.keys("s");
    let names = |screen: &mut Screen| {
        let text = screen.text();
        text.lines().skip(3).take(4).map(|line| line[..3].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&mut screen), ["bra", "old", "tri", "web"]);
    screen.keys("S");
    assert_eq!(names(&mut screen), ["web", "tri", "old", "bra"]);
}

#[test]
fn the_mouse_chooses_panes_and_rows_and_the_wheel_scrolls() {
    let mut screen = showing(Pane::Attempts);
    let at = |kind, column, row| Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    let click = |column, row| at(MouseEventKind::Down(MouseButton::Left), column, row);
    screen.text();
    update(&mut screen.state, click(5, 5));
    assert_eq!(screen.state.list().selected(), 2);
    let asked = update(&mut screen.state, click(5, 5));
    assert_eq!(*only(&asked), Request::Attempts(Attempts::Show { id: id(7) }), "a second click opens");
    update(&mut screen.state, at(MouseEventKind::ScrollDown, 0, 0));
    assert_eq!(screen.state.list().selected(), 5);
    update(&mut screen.state, click(5, 23));
    assert_eq!(screen.state.list().selected(), 5, "there is no row");
    let text = screen.text();
    let x = text.lines().nth(1).unwrap().split("2 Keys").next().unwrap().chars().count();
    update(&mut screen.state, click(u16::try_from(x).unwrap() + 1, 1));
    assert_eq!(screen.state.pane, Pane::Keys);
}

#[test]
fn every_command_of_a_pane_can_be_found_in_the_palette() {
    let mut screen = showing(Pane::Accounts);
    let asked = screen.keys(":new\n");
    assert!(asked.is_empty());
    let asked = screen.keys("branch\n");
    assert_eq!(*only(&asked), Request::Accounts(Accounts::Create { name: "branch".to_owned() }));
    screen.keys(":go to users\n");
    assert_eq!(screen.state.pane, Pane::Users);
    screen.keys(":español\n");
    assert_eq!(screen.state.scene.language, Language::Spanish);
    screen.keys(":ocultar\n");
    assert_eq!(screen.state.scene.privacy, Privacy::Masked);
    screen.keys(":nothing of the kind\n");
    assert_eq!(screen.state.pane, Pane::Users);
}

#[test]
fn retention_is_changed_from_what_it_is() {
    let mut screen = showing(Pane::Accounts);
    screen.keys("t");
    (0..2).for_each(|_| drop(screen.press(KeyCode::Backspace)));
    let asked = screen.keys("14\n\n\n");
    let Request::Retention(Retention::Set { account, photos, clips, attempts }) = only(&asked) else { panic!() };
    assert_eq!((account.as_str(), *photos, *clips, *attempts), ("my-bank", Some(14), None, Some(365)));
}

#[test]
fn whether_an_account_s_sessions_need_proof_is_asked_about_before_it_is_changed() {
    let mut screen = showing(Pane::Accounts);
    assert!(screen.keys("u").is_empty());
    assert!(screen.text().contains("goes to REVIEW"), "{}", screen.text());
    let expected = Accounts::Set { account: "my-bank".to_owned(), review_unproven: true };
    assert_eq!(*only(&screen.keys("y")), Request::Accounts(expected));
}

#[test]
fn the_file_of_workflows_is_checked_as_it_stands() {
    let mut screen = showing(Pane::Workflows);
    assert_eq!(*only(&screen.keys("v")), Request::WorkflowsFile);
    for (reply, says) in [
        (Reply::WorkflowsFile { differing: Vec::new() }, "as it is in force"),
        (Reply::WorkflowsFile { differing: vec!["lively".to_owned()] }, "into force: lively"),
        (Reply::Refused("flows.toml: [lively] `version`".to_owned()), "[lively] `version`"),
    ] {
        screen.answer(Purpose::Change, reply);
        assert!(screen.text().contains(says), "{}", screen.text());
    }
}

#[test]
fn pasted_text_goes_where_one_types_and_nowhere_else() {
    let mut screen = showing(Pane::Users);
    assert!(update(&mut screen.state, Event::Paste("d\ny\n".to_owned())).is_empty());
    assert!(screen.state.overlays.is_empty());
    screen.keys("n");
    update(&mut screen.state, Event::Paste("001-1234567-8\n".to_owned()));
    let asked = screen.press(KeyCode::Enter);
    assert_eq!(*only(&asked), Request::Users(Users::Find { document: "001-1234567-8".to_owned() }));
}

#[test]
fn the_whole_audit_log_is_searched_on_the_server_and_checked_on_demand() {
    let mut screen = showing(Pane::Audit);
    assert_eq!(screen.state.list().len(), 3, "a checkpoint is no entry");
    screen.keys("n");
    let asked = screen.keys("key.revoked\n");
    assert!(matches!(only(&asked), Request::Audit(Audit::Search { word, .. }) if word == "key.revoked"));
    assert_eq!(*only(&screen.keys("v")), Request::Audit(Audit::Check));
    screen.keys("n");
    (0..11).for_each(|_| drop(screen.press(KeyCode::Backspace)));
    assert!(matches!(only(&screen.press(KeyCode::Enter)), Request::Audit(Audit::Tail { .. })));
}

#[test]
fn limits_of_an_account_and_of_a_key_are_changed_while_one_watches() {
    let mut screen = showing(Pane::Limits);
    assert_eq!(screen.state.list().len(), 3, "an account, its key, another account");
    screen.press(KeyCode::Enter);
    (0..3).for_each(|_| drop(screen.press(KeyCode::Backspace)));
    let asked = screen.keys("7\n signup=1\n");
    let Request::Limits(Limits::Set { account, requests, tries }) = only(&asked) else { panic!() };
    assert_eq!((account.as_str(), *requests), ("my-bank", Some(7)));
    assert_eq!(*tries, [("compare_faces".to_owned(), 5), ("signup".to_owned(), 1)]);
    screen.keys("j\n");
    (0..2).for_each(|_| drop(screen.press(KeyCode::Backspace)));
    assert_eq!(*only(&screen.press(KeyCode::Enter)), Request::Limits(Limits::Key { id: id(3), requests: None }));
    screen.keys("kk\n");
    screen.press(KeyCode::Down);
    screen.keys(" nonsense\n");
    assert!(screen.text().contains("NAME=NUMBER"));
}

#[test]
fn a_receiver_is_made_looked_at_and_sent_again_what_was_given_up() {
    let mut screen = showing(Pane::Webhooks);
    let id = id(21);
    let expected = Request::Webhooks(Webhooks::Deliveries { id, only: None, limit: 200 });
    assert_eq!(*only(&screen.press(KeyCode::Enter)), expected);
    screen.keys("x");
    assert_eq!(*only(&screen.keys("\n")), Request::Webhooks(Webhooks::Redeliver { id, event: None }));
    screen.keys("x");
    assert!(screen.keys("42\n").is_empty());
    assert!(screen.text().contains("event is not an id"), "{}", screen.text());
    (0..2).for_each(|_| drop(screen.press(KeyCode::Backspace)));
    let event = made_up::id(33);
    let asked = screen.keys(&format!("{event}\n"));
    assert_eq!(*only(&asked), Request::Webhooks(Webhooks::Redeliver { id, event: Some(event) }));
    assert!(screen.keys("e").is_empty(), "it is in use");
    screen.keys("d");
    assert_eq!(*only(&screen.keys("y")), Request::Webhooks(Webhooks::Remove { id }));
    screen.keys("n");
    let asked = screen.keys("bank.example/hook\n\njob.finished\n");
    let Request::Webhooks(Webhooks::Create { account, url, events }) = only(&asked) else { panic!() };
    assert_eq!((account.as_str(), url.as_str(), events.len()), ("my-bank", "https://bank.example/hook", 1));
}
