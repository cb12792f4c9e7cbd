//! An attempt in review: selfie and portrait side by side, and all that speaks for and against their being one person.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{put, text, tone};
use crate::console::evidence;
use crate::console::format::{clip, span};
use crate::console::picture::Painter;
use crate::console::state::{Case, Photo, Privacy, Scene, State};
use crate::console::theme::Tone;
use crate::console::words::Text;
use crate::console::{detail, item};

/// From this width on the text stands beside the photos.
const WIDE: u16 = 120;

pub(super) fn draw(state: &mut State, painter: &mut Painter, frame: &mut Frame, body: Rect) {
    let scene = state.scene;
    let you = state.status.as_ref().map(|seen| (seen.four_eyes, seen.administrator.clone()));
    let Some(case) = &mut state.case else { return };
    let (photos, words) = if body.width >= WIDE {
        let half = body.width * 11 / 20;
        (Rect { width: half, ..body }, Rect { x: body.x + half + 2, width: body.width - half - 2, ..body })
    } else {
        let high = body.height / 2;
        (Rect { height: high, ..body }, Rect { y: body.y + high, height: body.height - high, ..body })
    };
    let half = photos.width / 2;
    let sides = [
        (Text::Selfie, Rect { width: half.saturating_sub(1), ..photos }),
        (Text::Portrait, Rect { x: photos.x + half + 1, width: photos.width - half - 1, ..photos }),
    ];
    for ((name, area), photo) in sides.into_iter().zip(&case.photos) {
        one(&scene, painter, frame, area, name, photo);
    }
    let lines = lines(case, &scene, you);
    text(frame.buffer_mut(), words, &scene, &lines, &mut case.offset);
}

/// A photo under its name.
fn one(scene: &Scene, painter: &mut Painter, frame: &mut Frame, area: Rect, name: Text, photo: &Photo) {
    put(frame.buffer_mut(), area.x, area.y, area.width, scene.say(name), tone(scene, Tone::Strong));
    let room = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
    let instead = match photo {
        _ if scene.privacy == Privacy::Masked => scene.say(Text::PhotoHidden),
        Photo::Here(picture) if painter.draw(frame, room, picture) => return,
        Photo::Here(_) | Photo::None => scene.say(Text::NoPhoto),
        Photo::Asked => scene.say(Text::Loading),
        Photo::Bad(why) => why,
    };
    put(frame.buffer_mut(), room.x, room.y, room.width, clip(instead, usize::from(room.width)), tone(scene, Tone::Dim));
}

fn lines(case: &Case, scene: &Scene, you: Option<(bool, String)>) -> Vec<(Tone, String)> {
    let attempt = &case.detail.attempt;
    let (sign, look) = item::status_look(attempt.status);
    let (status, kind) = (attempt.status.name(), attempt.kind.name());
    let ago = |at| scene.fill(Text::Ago, &[&span(scene.now.since(at))]);
    let mut since = format!("{} {}", scene.say(Text::Created), ago(attempt.created_at));
    if let Some(opened) = &attempt.opened {
        let when = span(scene.now.since(opened.at));
        since = format!("{since} · {}", scene.fill(Text::OpenedAt, &[&opened.administrator, &when]));
    }
    let mut lines =
        vec![(look, format!("{sign} {status}  {kind}  {}  {}", attempt.id, attempt.account)), (Tone::Plain, since)];
    if let (Some((true, you)), Some(opened)) = (you, &attempt.opened)
        && you == opened.administrator
    {
        lines.push((Tone::Warn, format!("▲ {}", scene.say(Text::FourEyes))));
    }
    lines.extend(detail::evidence(&evidence::of(&case.detail.stages), scene));
    lines.push((Tone::Strong, format!("{}:", scene.say(Text::Stages))));
    for stage in &case.detail.stages {
        let (sign, look) = item::job_look(&stage.job.status);
        let ago = span(scene.now.since(stage.job.created_at));
        let status = scene.say(item::job_status(&stage.job.status));
        lines.push((look, format!("  {sign} {}  {status}  {}", stage.job.operation, scene.fill(Text::Ago, &[&ago]))));
    }
    lines
}
