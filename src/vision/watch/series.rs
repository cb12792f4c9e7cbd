//! Numbers over time: what a window holds, in order of size.

/// The value below which `share` (0–1) of the values lie, interpolated; 0 for none.
pub fn quantile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut sorted: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let place = share.clamp(0.0, 1.0) * sorted.len().saturating_sub(1) as f64;
    let value = |index: f64| sorted.get(index as usize).copied().unwrap_or(0.0);
    let (below, above) = (value(place.floor()), value(place.ceil()));
    below + (above - below) * place.fract()
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// For each time the quantile of the values at most `reach` seconds away. Times ascend.
pub fn around(times: &[f64], values: &[f64], reach: f64, share: f64) -> Vec<f64> {
    times
        .iter()
        .map(|middle| {
            let start = times.partition_point(|time| *time < middle - reach);
            let end = times.partition_point(|time| *time <= middle + reach);
            quantile(values.get(start..end).unwrap_or_default().iter().copied(), share)
        })
        .collect()
}

/// Runs of neighbours for which `holds`, as first and last index; a gap of more than `gap_max` seconds ends a run.
pub fn runs(times: &[f64], gap_max: f64, holds: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut before: Option<f64> = None;
    for (index, time) in times.iter().copied().enumerate() {
        let joined = before.is_some_and(|before| time - before <= gap_max);
        before = Some(time);
        if !holds(index) {
            continue;
        }
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == index && joined => *last = index,
            _ => runs.push((index, index)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(values.into_iter(), 0.0), 1.0);
        assert_eq!(median(values.into_iter()), 2.5);
        assert_eq!(quantile(values.into_iter(), 1.0), 4.0);
        assert_eq!(quantile([].into_iter(), 0.5), 0.0);
    }

    #[test]
    fn windows_reach_both_ways_and_end_with_the_clip() {
        let times = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(around(&times, &[0.0, 10.0, 20.0, 30.0], 1.0, 0.5), [5.0, 10.0, 20.0, 25.0]);
    }

    #[test]
    fn a_run_ends_where_it_does_not_hold_and_where_frames_are_missing() {
        let times = [0.0, 0.1, 0.2, 0.9, 1.0, 1.1];
        let wanted = [true, true, false, true, true, true];
        assert_eq!(runs(&times, 0.3, |i| wanted[i]), [(0, 1), (3, 5)]);
        assert_eq!(runs(&times, 0.3, |_| true), [(0, 2), (3, 5)]);
    }
}
