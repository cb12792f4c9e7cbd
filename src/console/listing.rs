//! A list that is read page by page: what of it is here, in which order, and where the reader is.
//!
//! A frame costs what is on the screen; only loading, searching and sorting look at every row that is here.

use super::item::{Cell, Item};
use super::state::Scene;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, Default)]
pub struct Listing {
    pub items: Vec<Item>,
    /// Where the server has more.
    pub next: Option<Id>,
    /// How many there are in all, if the server said.
    pub total: Option<usize>,
    pub loaded: Loaded,
    /// Answers to earlier questions than this are late.
    pub generation: u64,
    pub asked_at: Option<Timestamp>,
    pub search: String,
    pub sort: Option<Sort>,
    /// Places in `items`, in the order shown.
    order: Vec<usize>,
    /// A place in `order`.
    selected: usize,
    /// The first place shown.
    offset: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loaded {
    #[default]
    Not,
    First,
    More,
    Ready,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub column: usize,
    pub way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

/// A page as the server gave it.
pub struct Page {
    pub items: Vec<Item>,
    pub next: Option<Id>,
    pub total: Option<usize>,
}

impl Listing {
    /// Nothing yet, to be searched and sorted like the one before.
    pub fn anew(&self) -> Self {
        Self { search: self.search.clone(), sort: self.sort, ..Self::default() }
    }

    /// Takes in the first page, in place of everything; the reader stays on the row he was on.
    pub fn replace(&mut self, page: Page, scene: &Scene) {
        let at = self.selected_item().and_then(Item::id);
        self.items = page.items;
        self.next = page.next;
        self.total = page.total;
        self.loaded = Loaded::Ready;
        self.arrange(scene);
        if let Some(id) = at {
            let place = self.order.iter().position(|place| self.items.get(*place).and_then(Item::id) == Some(id));
            self.selected = place.unwrap_or(self.selected);
        }
        self.hold();
    }

    /// Takes in a further page.
    pub fn extend(&mut self, page: Page, scene: &Scene) {
        let first = self.items.len();
        self.items.extend(page.items);
        self.next = page.next;
        self.total = page.total.or(self.total);
        self.loaded = Loaded::Ready;
        if self.search.is_empty() && self.sort.is_none() {
            self.order.extend(first..self.items.len());
        } else {
            self.arrange(scene);
        }
    }

    /// Finds anew what fits the search, and in which order.
    pub fn arrange(&mut self, scene: &Scene) {
        if self.search.is_empty() && self.sort.is_none() {
            self.order = (0..self.items.len()).collect();
            return self.hold();
        }
        let wanted = self.search.to_lowercase();
        let fits =
            |cells: &[Cell]| wanted.is_empty() || cells.iter().any(|cell| cell.text.to_lowercase().contains(&wanted));
        let mut found: Vec<(usize, Cell)> = Vec::new();
        for (place, item) in self.items.iter().enumerate() {
            let cells = item.cells(scene);
            if fits(&cells) {
                let by = self.sort.and_then(|sort| cells.get(sort.column).cloned()).unwrap_or_default();
                found.push((place, by));
            }
        }
        if let Some(sort) = self.sort {
            found.sort_by(|(_, a), (_, b)| {
                let order = a.order.cmp(&b.order).then_with(|| a.text.to_lowercase().cmp(&b.text.to_lowercase()));
                if sort.way == Way::Up { order } else { order.reverse() }
            });
        }
        self.order = found.into_iter().map(|(place, _)| place).collect();
        self.hold();
    }

    /// Rows that can be reached.
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn selected(&self) -> usize {
        self.selected
    }

    pub fn selected_item(&self) -> Option<&Item> {
        self.items.get(*self.order.get(self.selected)?)
    }

    pub fn select(&mut self, place: usize) {
        self.selected = place;
        self.hold();
    }

    fn hold(&mut self) {
        self.selected = self.selected.min(self.order.len().saturating_sub(1));
    }

    /// The rows on a screen of `height`, with the place of the first; moved so that the selected one is among them.
    pub fn visible(&mut self, height: usize) -> (usize, Vec<&Item>) {
        let height = height.max(1);
        self.offset = self.offset.clamp((self.selected + 1).saturating_sub(height), self.selected);
        self.offset = self.offset.min(self.order.len().saturating_sub(height));
        let shown = self.order.iter().skip(self.offset).take(height);
        (self.offset, shown.filter_map(|place| self.items.get(*place)).collect())
    }

    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the reader is so near the end that the next page should be asked for.
    pub fn wants_more(&self, height: usize) -> bool {
        self.loaded == Loaded::Ready && self.next.is_some() && self.selected + 2 * height >= self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::reply::{SetBy, SettingSeen};

    fn page(values: &[&str]) -> Page {
        let items = values.iter().map(|value| {
            Item::Setting(SettingSeen { name: (*value).to_owned(), value: String::new(), from: SetBy::File })
        });
        Page { items: items.collect(), next: None, total: None }
    }

    fn names(listing: &mut Listing, height: usize) -> Vec<String> {
        let shown = listing.visible(height).1.into_iter().map(|item| match item {
            Item::Setting(setting) => setting.name.clone(),
            _ => String::new(),
        });
        shown.collect()
    }

    #[test]
    fn the_window_follows_the_reader_and_never_shows_less_than_it_can() {
        let scene = Scene::default();
        let mut listing = Listing::default();
        listing.replace(page(&["a", "b", "c", "d", "e"]), &scene);
        assert_eq!(names(&mut listing, 3), ["a", "b", "c"]);
        listing.select(3);
        assert_eq!(names(&mut listing, 3), ["b", "c", "d"]);
        listing.select(usize::MAX);
        assert_eq!(names(&mut listing, 3), ["c", "d", "e"]);
        assert_eq!(names(&mut listing, 10), ["a", "b", "c", "d", "e"], "after the terminal grew");
        listing.select(0);
        assert_eq!(listing.selected(), 0);
        assert!(names(&mut Listing::default(), 3).is_empty());
    }

    #[test]
    fn search_and_sort_hold_for_pages_that_come_later() {
        let scene = Scene::default();
        let mut listing = Listing { search: "A".to_owned(), ..Listing::default() };
        listing.sort = Some(Sort { column: 0, way: Way::Down });
        listing.replace(page(&["ab", "b", "ca"]), &scene);
        assert_eq!(names(&mut listing, 9), ["ca", "ab"]);
        listing.extend(page(&["za", "y"]), &scene);
        assert_eq!(names(&mut listing, 9), ["za", "ca", "ab"]);
        listing.search.clear();
        listing.sort = None;
        listing.arrange(&scene);
        assert_eq!(names(&mut listing, 9), ["ab", "b", "ca", "za", "y"]);
    }
}
