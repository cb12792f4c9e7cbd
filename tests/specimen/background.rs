//! What lies under a document.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Plain,
    Wood,
    Cloth,
    Stripes,
    Keyboard,
    Papers,
    Coins,
    Cards,
    Concrete,
    Gingham,
    Letters,
    Marble,
    Tiles,
    Terrazzo,
    Planks,
    Newspaper,
    Desk,
    Dots,
    Bricks,
}
