//! Everyone's enrolled face in memory, to find the most alike among them (1:N).
//!
//! The search is exact: faces are held as 8-bit numbers with the error of rounding, which bounds each cosine from both sides, and
//! whatever the bounds leave open is decided by the stored numbers. What the store does not confirm is not found, so a face that
//! is being erased at the same time cannot be.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::operations::people::{Alike, Count};
use crate::domain::evidence::{Embedder, Embedding};
use crate::domain::id::Id;
use crate::domain::refusal::Stop;
use crate::domain::score::Cosine;

pub const DIMENSIONS: usize = Embedding::DIMENSIONS;
/// How far the square of an embedding's length may be from 1: far more than rounding makes it.
const UNIT_LENGTH_OFF_MAX: f32 = 1e-3;
/// Rows whose bounds are computed before they are looked at: the numbers stay in the first-level cache.
const ROWS_AT_ONCE: usize = 256;

type Code = [i8; DIMENSIONS];

/// The faces of all accounts. One account's search never sees another's, and one embedder's never another's numbers.
#[derive(Default)]
pub struct Gallery {
    accounts: RwLock<HashMap<Id, Parts>>,
}

/// An account's, by what made them: hardly ever more than two.
type Parts = HashMap<Embedder, Arc<RwLock<Faces>>>;

/// The faces of one account that one embedder made.
#[derive(Default)]
struct Faces {
    places: HashMap<Id, usize>,
    users: Vec<Id>,
    codes: Vec<Code>,
    /// What a code's numbers are to be multiplied by, and how far the product is from the embedding (Euclidean).
    scales: Vec<Rounding>,
}

#[derive(Clone, Copy)]
struct Rounding {
    scale: f32,
    error: f32,
}

impl Gallery {
    /// Adds or replaces a user's face. One of another length than the model's is left out, and `false` is returned.
    pub fn insert(&self, account: Id, user: Id, face: &Embedding) -> bool {
        let Some((code, rounding)) = rounded(&face.numbers) else { return false };
        self.remove_but(account, user, Some(face.by));
        let faces = self.of_or_new(account, face.by);
        let mut faces = faces.write().unwrap_or_else(PoisonError::into_inner);
        match faces.places.get(&user).copied() {
            Some(place) => faces.set(place, code, rounding),
            None => {
                let place = faces.users.len();
                faces.places.insert(user, place);
                faces.users.push(user);
                faces.codes.push(code);
                faces.scales.push(rounding);
            }
        }
        true
    }

    pub fn remove(&self, account: Id, user: Id) {
        self.remove_but(account, user, None);
    }

    fn remove_but(&self, account: Id, user: Id, kept: Option<Embedder>) {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        for (by, faces) in accounts.get(&account).into_iter().flatten() {
            if Some(*by) != kept {
                faces.write().unwrap_or_else(PoisonError::into_inner).remove(user);
            }
        }
    }

    /// How many faces a search for one of `by`'s goes through, and how many others the account has.
    pub fn count(&self, account: Id, by: Embedder) -> Count {
        let mut count = Count::default();
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        for (made_by, faces) in accounts.get(&account).into_iter().flatten() {
            let faces = faces.read().unwrap_or_else(PoisonError::into_inner).users.len();
            *if *made_by == by { &mut count.searched } else { &mut count.not_searched } += faces;
        }
        count
    }

    /// Over all accounts, the faces that another embedder than this one made.
    pub fn made_by_others(&self, by: Embedder) -> usize {
        let accounts: Vec<Id> = self.accounts.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect();
        accounts.into_iter().map(|account| self.count(account, by).not_searched).sum()
    }

    /// The `limit` users most like `face`, the most alike first, none below `at_least`. `stored` gives a user's embedding as it
    /// is stored, `None` if there is none (any more).
    pub fn search(
        &self,
        account: Id,
        face: &Embedding,
        at_least: Cosine,
        limit: usize,
        stored: impl Fn(Id) -> Result<Option<Embedding>, Stop>,
    ) -> Result<Vec<Alike>, Stop> {
        let (Some(faces), Some(probe)) = (self.of(account, face.by), rounded(&face.numbers)) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        loop {
            let candidates = {
                let faces = faces.read().unwrap_or_else(PoisonError::into_inner);
                faces.candidates(&probe, at_least, limit)
            };
            let mut gone = Vec::new();
            for user in candidates {
                // Enrolled anew by another network in between is as good as gone from here.
                match stored(user)?.and_then(|enrolled| enrolled.cosine(face)) {
                    Some(cosine) if cosine.0 >= at_least.0 => found.push(Alike { user, cosine }),
                    Some(_) => {}
                    None => gone.push(user),
                }
            }
            if gone.is_empty() {
                break;
            }
            // One that is gone may have stood before one that is not: without it, once more.
            let mut faces = faces.write().unwrap_or_else(PoisonError::into_inner);
            gone.into_iter().for_each(|user| faces.remove(user));
            drop(faces);
            found.clear();
        }
        found.sort_by(|a, b| b.cosine.0.total_cmp(&a.cosine.0).then(a.user.cmp(&b.user)));
        found.truncate(limit);
        Ok(found)
    }

    fn of(&self, account: Id, by: Embedder) -> Option<Arc<RwLock<Faces>>> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        accounts.get(&account)?.get(&by).cloned()
    }

    fn of_or_new(&self, account: Id, by: Embedder) -> Arc<RwLock<Faces>> {
        match self.of(account, by) {
            Some(faces) => faces,
            None => {
                let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(accounts.entry(account).or_default().entry(by).or_default())
            }
        }
    }
}

impl Faces {
    fn remove(&mut self, user: Id) {
        let Some(place) = self.places.remove(&user) else { return };
        self.users.swap_remove(place);
        self.codes.swap_remove(place);
        self.scales.swap_remove(place);
        if let Some(moved) = self.users.get(place).copied() {
            self.places.insert(moved, place);
        }
    }

    fn set(&mut self, place: usize, code: Code, rounding: Rounding) {
        if let (Some(codes), Some(scales)) = (self.codes.get_mut(place), self.scales.get_mut(place)) {
            (*codes, *scales) = (code, rounding);
        }
    }

    /// Everyone whose cosine may be among the `limit` highest and at least `at_least`.
    fn candidates(&self, (probe, of_probe): &(Code, Rounding), at_least: Cosine, limit: usize) -> Vec<Id> {
        let mut open: Vec<(f32, Id)> = Vec::new();
        // The highest lower bounds so far, the least first: below that one nobody can be among the highest.
        let mut best = std::collections::BinaryHeap::with_capacity(limit + 1);
        let mut least = at_least.0 as f32 - f32::EPSILON;
        let rows = self.codes.chunks(ROWS_AT_ONCE).zip(self.scales.chunks(ROWS_AT_ONCE));
        for ((codes, scales), users) in rows.zip(self.users.chunks(ROWS_AT_ONCE)) {
            let mut dots = [0_i32; ROWS_AT_ONCE];
            for (dot, code) in dots.iter_mut().zip(codes) {
                *dot = product(code, probe);
            }
            for ((dot, rounding), user) in dots.iter().zip(scales).zip(users) {
                let about = *dot as f32 * rounding.scale * of_probe.scale;
                // |⟨q,x⟩ − ⟨q̂,x̂⟩| ≤ |q|·|x−x̂| + |q−q̂|·|x̂|, with |q| and |x| near 1, and |x̂| ≤ |x| + |x−x̂|.
                let off = rounding.error + of_probe.error * (1.0 + rounding.error) + UNIT_LENGTH_OFF_MAX;
                if about + off < least {
                    continue;
                }
                open.push((about + off, *user));
                best.push(std::cmp::Reverse(Ordered(about - off)));
                if best.len() > limit {
                    best.pop();
                }
                if let (true, Some(std::cmp::Reverse(Ordered(lowest)))) = (best.len() == limit, best.peek()) {
                    least = least.max(*lowest);
                }
            }
        }
        open.into_iter().filter(|(highest, _)| *highest >= least).map(|(_, user)| user).collect()
    }
}

/// The sum of the products. Written so that the compiler turns it into vector instructions.
fn product(a: &Code, b: &Code) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(i16::from(*a) * i16::from(*b))).sum()
}

/// An embedding in 8 bits a number, and what that loses. `None` if it has not the model's length, or not unit length.
fn rounded(numbers: &[f32]) -> Option<(Code, Rounding)> {
    let numbers: &[f32; DIMENSIONS] = numbers.try_into().ok()?;
    let largest = numbers.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let squares: f32 = numbers.iter().map(|number| number * number).sum();
    if squares.is_nan() || (squares - 1.0).abs() > UNIT_LENGTH_OFF_MAX {
        return None;
    }
    let scale = largest / 127.0;
    let code = numbers.map(|number| (number / scale).round() as i8);
    let off = numbers.iter().zip(&code).map(|(number, code)| (number - f32::from(*code) * scale).powi(2)).sum::<f32>();
    Some((code, Rounding { scale, error: off.sqrt() }))
}

/// Finite numbers have an order.
#[derive(Clone, Copy, PartialEq)]
struct Ordered(f32);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reproducible numbers between −1 and 1 (SplitMix64).
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> f32 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        }

        fn face(&mut self) -> Embedding {
            let numbers: Vec<f32> = (0..DIMENSIONS).map(|_| self.next()).collect();
            unit(&numbers)
        }
    }

    fn unit(numbers: &[f32]) -> Embedding {
        let norm = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
        made_by(Embedder::FIRST, numbers.iter().map(|number| number / norm).collect())
    }

    fn made_by(by: Embedder, numbers: Vec<f32>) -> Embedding {
        Embedding { by, numbers }
    }

    fn id(number: usize) -> Id {
        let mut bytes = [0; 12];
        bytes[4..].copy_from_slice(&(number as u64).to_be_bytes());
        Id::from_bytes(bytes)
    }

    #[test]
    fn what_is_found_is_what_comparing_with_everyone_finds() {
        let mut numbers = Numbers(7);
        let gallery = Gallery::default();
        let account = id(1_000_000);
        let faces: Vec<Embedding> = (0..3_000).map(|_| numbers.face()).collect();
        for (number, face) in faces.iter().enumerate() {
            assert!(gallery.insert(account, id(number), face));
        }
        let stored = |user: Id| Ok((0..faces.len()).find(|number| id(*number) == user).map(|n| faces[n].clone()));
        for round in 0..60 {
            let noise = numbers.face();
            // Half of the probes are of somebody, half of nobody.
            let of = &faces[round * 37];
            let mixed: Vec<f32> = of.numbers.iter().zip(&noise.numbers).map(|(a, b)| a * 0.7 + b).collect();
            let probe = if round % 2 == 0 { unit(&mixed) } else { noise };
            let mut all: Vec<(Id, f64)> =
                faces.iter().enumerate().map(|(number, face)| (id(number), face.cosine(&probe).unwrap().0)).collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1));
            for (limit, at_least) in [(1, -1.0), (10, -1.0), (10, 0.25), (5, 0.99)] {
                let expected: Vec<(Id, f64)> =
                    all.iter().copied().filter(|(_, cosine)| *cosine >= at_least).take(limit).collect();
                let found = gallery.search(account, &probe, Cosine(at_least), limit, stored).unwrap();
                assert_eq!(found.iter().map(|one| (one.user, one.cosine.0)).collect::<Vec<_>>(), expected);
            }
        }
        assert_eq!(gallery.search(id(2_000_000), &faces[0], Cosine(-1.0), 5, stored).unwrap(), []);
    }

    #[test]
    fn who_is_removed_or_gone_from_the_store_is_not_found() {
        let mut numbers = Numbers(3);
        let gallery = Gallery::default();
        let account = id(77);
        let faces: Vec<Embedding> = (0..5).map(|_| numbers.face()).collect();
        for (number, face) in faces.iter().enumerate() {
            gallery.insert(account, id(number), face);
        }
        gallery.insert(account, id(0), &faces[0]);
        assert_eq!(
            gallery.count(account, Embedder::FIRST),
            Count { searched: 5, not_searched: 0 },
            "the same user once"
        );
        gallery.remove(account, id(1));
        gallery.remove(account, id(1));
        let gone = id(2);
        let stored = |user: Id| Ok((0..5).find(|n| id(*n) == user && user != gone).map(|n| faces[n].clone()));
        for (number, face) in faces.iter().enumerate() {
            let found = gallery.search(account, face, Cosine(0.99), 3, stored).unwrap();
            let expected = if number == 1 || number == 2 { vec![] } else { vec![id(number)] };
            assert_eq!(found.iter().map(|one| one.user).collect::<Vec<_>>(), expected);
        }
        assert!(!gallery.insert(account, id(9), &made_by(Embedder::FIRST, vec![1.0; 64])), "too short");
        assert!(!gallery.insert(account, id(9), &made_by(Embedder::FIRST, vec![f32::NAN; DIMENSIONS])));
    }

    #[test]
    fn what_another_network_made_is_not_searched_and_is_counted() {
        let gallery = Gallery::default();
        let (account, other) = (id(77), Embedder::of(&[7; 32]));
        let old = Numbers(5).face();
        let new = made_by(other, old.numbers.clone());
        assert!(gallery.insert(account, id(1), &old) && gallery.insert(account, id(2), &new));
        let stored = |user| Ok(Some(if user == id(2) { new.clone() } else { old.clone() }));
        let found = gallery.search(account, &new, Cosine(-1.0), 9, stored).unwrap();
        assert_eq!(found.iter().map(|one| one.user).collect::<Vec<_>>(), [id(2)], "the numbers are the same");
        assert_eq!(gallery.count(account, other), Count { searched: 1, not_searched: 1 });
        // Enrolled anew: in one place only.
        assert!(gallery.insert(account, id(1), &new));
        assert_eq!(gallery.count(account, other), Count { searched: 2, not_searched: 0 });
        assert_eq!(gallery.count(account, Embedder::FIRST), Count { searched: 0, not_searched: 2 });
        assert_eq!(old.cosine(&new), None);
        assert_eq!(old.cosine(&made_by(Embedder::FIRST, old.numbers[..64].to_vec())), None, "cut short");
        assert_eq!(Embedding::from_bytes(&new.to_bytes()), new);
        let unnamed: Vec<u8> = old.numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(Embedding::from_bytes(&unnamed), old, "as the first release stored it");
    }
}
