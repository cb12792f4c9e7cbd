//! The whole picture, much reduced: where a clip was cut, and bits by which the same clip is known again.

use image::RgbImage;

use crate::domain::clip::FINGERPRINT_MOMENTS;

/// Sides of the reduced picture. Nine columns give eight differences; each is the mean of four by four fine ones.
const COLUMNS: usize = 36;
const ROWS: usize = 32;

/// Mean difference between two neighbouring frames, of 255, from which on the picture was cut; and by how much it must be
/// more than the differences around it, so that a shaken camera is none.
const CUT_DIFFERENCE: f64 = 22.0;
const CUT_TIMES_USUAL: f64 = 4.0;

/// One frame in grey, reduced.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    grey: Vec<f64>,
}

impl Scene {
    /// Each value is the mean of every second pixel, both ways, of what it covers.
    pub fn of(picture: &RgbImage) -> Scene {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let mut sums = vec![(0.0, 0.0); COLUMNS * ROWS];
        let columns: Vec<usize> = (0..width).map(|x| x * COLUMNS / width.max(1)).collect();
        for (y, line) in picture.as_raw().chunks_exact((width * 3).max(1)).enumerate().step_by(2) {
            let row = y * ROWS / height.max(1) * COLUMNS;
            for (pixel, column) in line.as_chunks::<3>().0.iter().zip(&columns).step_by(2) {
                if let Some((sum, count)) = sums.get_mut(row + column) {
                    let [red, green, blue] = pixel.map(f64::from);
                    *sum += 0.299 * red + 0.587 * green + 0.114 * blue;
                    *count += 1.0;
                }
            }
        }
        Scene { grey: sums.into_iter().map(|(sum, count)| if count > 0.0 { sum / count } else { 0.0 }).collect() }
    }

    pub fn grey(&self) -> (&[f64], usize) {
        (&self.grey, COLUMNS)
    }

    /// Mean difference, of 255, whatever the exposure did meanwhile.
    pub fn difference(&self, other: &Scene) -> f64 {
        let mean = |grey: &[f64]| grey.iter().sum::<f64>() / grey.len().max(1) as f64;
        let shift = mean(&other.grey) - mean(&self.grey);
        let differences = self.grey.iter().zip(&other.grey).map(|(a, b)| (b - a - shift).abs());
        differences.sum::<f64>() / self.grey.len().max(1) as f64
    }

    /// Whether each of eight by eight parts is darker than the one on its right.
    fn bits(&self) -> u64 {
        let part = |column: usize, row: usize| -> f64 {
            let fine = (0..4).flat_map(|dy| (0..4).map(move |dx| (row * 4 + dy) * COLUMNS + column * 4 + dx));
            fine.filter_map(|index| self.grey.get(index)).sum()
        };
        (0..8)
            .flat_map(|row| (0..8).map(move |column| (row, column)))
            .fold(0, |bits, (row, column)| bits << 1 | u64::from(part(column, row) < part(column + 1, row)))
    }
}

/// Follows a clip's picture from frame to frame.
#[derive(Default)]
pub struct Scenes {
    before: Option<Scene>,
    /// Difference of every frame to the one before.
    differences: Vec<f64>,
    times: Vec<f64>,
    bits: Vec<u64>,
}

impl Scenes {
    /// Takes the next frame; tells whether the picture changed so much that the clip may have been cut before it.
    pub fn push(&mut self, at: f64, scene: Scene) -> bool {
        let difference = self.before.as_ref().map_or(0.0, |before| before.difference(&scene));
        let recent = self.differences.iter().rev().take(8).copied();
        let usual = super::series::median(recent);
        self.differences.push(difference);
        self.times.push(at);
        self.bits.push(scene.bits());
        self.before = Some(scene);
        difference >= CUT_DIFFERENCE && difference >= CUT_TIMES_USUAL * usual
    }

    /// The largest difference between two frames.
    pub fn largest_difference(&self) -> f64 {
        self.differences.iter().copied().fold(0.0, f64::max)
    }

    /// The picture's bits at moments evenly spread over the clip; nothing of a clip of no frames.
    pub fn fingerprint(&self) -> Vec<u64> {
        let (Some(first), Some(last)) = (self.times.first(), self.times.last()) else { return Vec::new() };
        let moment = |moment: usize| {
            let share = (moment as f64 + 0.5) / FINGERPRINT_MOMENTS as f64;
            let index = self.times.partition_point(|time| *time < first + (last - first) * share);
            self.bits.get(index).or(self.bits.last()).copied().unwrap_or(0)
        };
        (0..FINGERPRINT_MOMENTS).map(moment).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clip::Fingerprint;
    use image::Rgb;

    fn picture(width: u32, height: u32, phase: f64) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let (x, y) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            Rgb([(128.0 + 90.0 * (x * 9.0 + phase).sin() * (y * 7.0 + phase * 0.7).cos()) as u8; 3])
        })
    }

    fn clip(width: u32, rate: f64, phase: impl Fn(f64) -> f64) -> Scenes {
        let mut scenes = Scenes::default();
        for index in 0..(3.0 * rate) as u32 {
            let at = f64::from(index) / rate;
            scenes.push(at, Scene::of(&picture(width, width * 3 / 4, phase(at))));
        }
        scenes
    }

    #[test]
    fn a_cut_is_noticed_and_movement_is_not() {
        let mut scenes = Scenes::default();
        let cuts: Vec<bool> = (0..40)
            .map(|index| {
                let phase = if index < 25 { f64::from(index) * 0.05 } else { 4.0 + f64::from(index) * 0.05 };
                scenes.push(f64::from(index), Scene::of(&picture(320, 240, phase)))
            })
            .collect();
        assert_eq!(cuts.iter().position(|cut| *cut), Some(25));
        assert_eq!(cuts.iter().filter(|cut| **cut).count(), 1);
    }

    #[test]
    fn another_size_and_frame_rate_of_a_clip_have_its_fingerprint_and_another_clip_has_not() {
        let print = |picture| Fingerprint { picture, motion: Vec::new() };
        let original = print(clip(320, 30.0, |at| at).fingerprint());
        let again = print(clip(200, 15.0, |at| at).fingerprint());
        let other = print(clip(320, 30.0, |at| at + 1.7).fingerprint());
        let ((again, _), (other, _)) = (original.distances(&again), original.distances(&other));
        assert!(again < 0.04 && other > 0.15, "{again} {other}");
        assert_eq!(original.distances(&Fingerprint::default()), (1.0, 1.0));
    }
}
