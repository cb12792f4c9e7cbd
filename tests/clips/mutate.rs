//! Clips that no camera wrote: known ones, damaged in the ways that break parsers.

/// xorshift64: repeatable, so that a failure can be looked at.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1)
    }

    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most.max(1)
    }
}

/// Values that sizes, counts and offsets overflow at.
const EXTREMES: [u32; 10] = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

/// One of the corpus with one to eight changes.
pub fn mutated(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut file = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(8) {
        change(&mut file, corpus, dice);
    }
    file
}

fn change(file: &mut Vec<u8>, corpus: &[Vec<u8>], dice: &mut Dice) {
    if file.len() < 16 {
        file.resize(16, 0);
    }
    let at = place(file.len(), dice);
    match dice.below(9) {
        0 => file[at] ^= 1 << dice.below(8),
        1 => file[at] = dice.below(256) as u8,
        2 | 3 => {
            let value = EXTREMES[dice.below(EXTREMES.len())];
            let value = if dice.below(2) == 0 { value.to_be_bytes() } else { value.to_le_bytes() };
            let end = (at + 4).min(file.len());
            file[at..end].copy_from_slice(&value[..end - at]);
        }
        4 => file.truncate(at.max(16)),
        5 => {
            let end = (at + 1 + dice.below(64)).min(file.len());
            file.drain(at..end);
        }
        6 => {
            let end = (at + 1 + dice.below(256)).min(file.len());
            let part = file[at..end].to_vec();
            let to = place(file.len(), dice);
            file.splice(to..to, part);
        }
        7 => {
            let other = &corpus[dice.below(corpus.len())];
            let from = dice.below(other.len());
            let end = (from + 1 + dice.below(1024)).min(other.len());
            let stop = (at + end - from).min(file.len());
            file.splice(at..stop, other[from..end].iter().copied());
        }
        _ => {
            let end = (at + 1 + dice.below(32)).min(file.len());
            file[at..end].iter_mut().for_each(|byte| *byte = dice.below(256) as u8);
        }
    }
}

/// Half of the changes hit the first or the last kilobyte, where headers and indexes are.
fn place(length: usize, dice: &mut Dice) -> usize {
    match dice.below(4) {
        0 => dice.below(length.min(1024)),
        1 => length - 1 - dice.below(length.min(1024)),
        _ => dice.below(length),
    }
}
