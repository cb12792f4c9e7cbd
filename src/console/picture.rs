//! Photos in a terminal: as graphics where the terminal can (kitty, sixel, iTerm2), as half blocks everywhere else.
//!
//! What the server sends are pixels; no file of a stranger's is decoded here.

use image::{DynamicImage, RgbImage};
use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use ratatui_image::picker::{Picker, ProtocolType};
use ratatui_image::protocol::Protocol;
use ratatui_image::{FilterType, Image, Resize};

use crate::admin::reply::Picture;

/// How photos are to be drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pictures {
    /// As the terminal says it can.
    Asked,
    Kitty,
    Sixel,
    Iterm2,
    #[default]
    Halfblocks,
}

/// Draws photos, and keeps what it has encoded for as long as it is drawn at one size.
pub struct Painter {
    picker: Picker,
    kept: Vec<Kept>,
}

struct Kept {
    picture: Picture,
    size: Size,
    protocol: Protocol,
}

/// Two photos of one attempt are on the screen, and perhaps the last one's while the terminal changes its size.
const KEPT_MAX: usize = 4;

impl Painter {
    /// Asks the terminal, where that is wanted: call it before anything else reads from there.
    pub fn new(how: Pictures) -> Self {
        let picker = match how {
            Pictures::Halfblocks => Picker::halfblocks(),
            _ => Picker::from_query_stdio().unwrap_or_else(|_| Picker::halfblocks()),
        };
        Self::with(picker, how)
    }

    /// Asks nobody: cells are taken to be 10 by 20 pixels.
    pub fn unasked(how: Pictures) -> Self {
        Self::with(Picker::halfblocks(), how)
    }

    fn with(mut picker: Picker, how: Pictures) -> Self {
        match how {
            Pictures::Asked | Pictures::Halfblocks => {}
            Pictures::Kitty => picker.set_protocol_type(ProtocolType::Kitty),
            Pictures::Sixel => picker.set_protocol_type(ProtocolType::Sixel),
            Pictures::Iterm2 => picker.set_protocol_type(ProtocolType::Iterm2),
        }
        Self { picker, kept: Vec::new() }
    }

    /// Draws a photo as large as fits, in the middle. Returns whether it could.
    pub fn draw(&mut self, frame: &mut Frame, area: Rect, picture: &Picture) -> bool {
        let size = Size::new(area.width, area.height);
        if area.is_empty() {
            return false;
        }
        if !self.kept.iter().any(|kept| kept.size == size && kept.picture == *picture) {
            let Some(protocol) = self.encode(picture, size) else { return false };
            if self.kept.len() >= KEPT_MAX {
                self.kept.remove(0);
            }
            self.kept.push(Kept { picture: picture.clone(), size, protocol });
        }
        let Some(kept) = self.kept.iter().find(|kept| kept.size == size && kept.picture == *picture) else {
            return false;
        };
        let drawn = kept.protocol.size();
        let middle = Rect {
            x: area.x + area.width.saturating_sub(drawn.width) / 2,
            y: area.y,
            width: drawn.width.min(area.width),
            height: drawn.height.min(area.height),
        };
        frame.render_widget(Image::new(&kept.protocol), middle);
        true
    }

    fn encode(&self, picture: &Picture, size: Size) -> Option<Protocol> {
        let pixels = bytes(&picture.rgb)?;
        let pixels = DynamicImage::ImageRgb8(RgbImage::from_raw(picture.width, picture.height, pixels)?);
        self.picker.new_protocol(pixels, size, Resize::Scale(Some(FilterType::Triangle))).ok()
    }
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| (digit as char).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = hexadecimal.as_bytes().as_chunks::<2>().0;
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}
