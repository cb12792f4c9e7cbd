//! Numbers and times as people read them, the same in every language.

use std::time::Duration;

use ratatui::text::Span;

use crate::domain::time::Timestamp;

/// How long, in its largest unit: `12 s`, `5 min`, `3 h`, `12 d`.
pub fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// How long, to the second: `1:02:03`, `2:03`.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A short time: `7 ms`, `1.3 s`, `2 min`.
pub fn latency(seconds: f64) -> String {
    if seconds < 0.9995 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        span(Duration::from_secs_f64(seconds.min(1e9)))
    }
}

/// A point in time, to the second, in UTC.
pub fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{} {}", text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default())
}

pub fn bytes(count: u64) -> String {
    let scaled = |unit: u64| count as f64 / unit as f64;
    match count {
        0..0x0010_0000 => format!("{:.0} KiB", scaled(1 << 10)),
        0x0010_0000..0x4000_0000 => format!("{:.0} MiB", scaled(1 << 20)),
        0x4000_0000..0x100_0000_0000 => format!("{:.1} GiB", scaled(1 << 30)),
        _ => format!("{:.1} TiB", scaled(1 << 40)),
    }
}

/// Thousands apart: `12 345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// Numbers as a line of bars, against the largest; nothing of nothing.
pub fn line(numbers: &[u32]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = numbers.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let bar = |number: &u32| match number {
        0 => ' ',
        number => BARS.get((u64::from(*number) * 8).div_ceil(u64::from(most)) as usize - 1).copied().unwrap_or('█'),
    };
    numbers.iter().map(bar).collect()
}

/// Cells that a text takes up in a terminal.
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// A text in at most `most` cells; what is cut off is marked.
pub fn clip(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut taken = 0;
    for letter in text.chars() {
        let wide = width(letter.encode_utf8(&mut [0; 4]));
        if taken + wide + 1 > most {
            break;
        }
        taken += wide;
        out.push(letter);
    }
    if most > 0 {
        out.push('…');
    }
    out
}

/// Broken between words (and within one that is too long) into lines of at most `most` cells.
pub fn wrap(text: &str, most: usize) -> Vec<String> {
    let most = most.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        // What is indented stays so, also where it is broken.
        let words = paragraph.trim_start_matches(' ');
        let indent = " ".repeat((paragraph.len() - words.len()).min(most / 2));
        let most = most - indent.len();
        let first = lines.len();
        let mut line = String::new();
        for word in words.split(' ') {
            let mut word = word.to_owned();
            if !line.is_empty() && width(&line) + 1 + width(&word) > most {
                lines.push(std::mem::take(&mut line));
            }
            while width(&word) > most {
                let mut head = String::new();
                while let Some(letter) = word.chars().next() {
                    if width(&head) + width(letter.encode_utf8(&mut [0; 4])) > most {
                        break;
                    }
                    head.push(letter);
                    word.remove(0);
                }
                if head.is_empty() {
                    break;
                }
                lines.push(head);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
        lines.iter_mut().skip(first).for_each(|line| line.insert_str(0, &indent));
    }
    lines
}

/// A name or number of a person as privacy shows it: that it is there, and nothing of it.
pub fn masked(text: &str) -> String {
    if text.is_empty() { String::new() } else { "••••••".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well_at_every_size() {
        let seconds = Duration::from_secs;
        assert_eq!(
            [0, 59, 60, 3_599, 7_200, 200_000].map(|s| span(seconds(s))),
            ["0 s", "59 s", "1 min", "59 min", "2 h", "2 d"]
        );
        assert_eq!((clock(seconds(61)), clock(seconds(3_723))), ("1:01".into(), "1:02:03".into()));
        assert_eq!([0.0071, 0.9999, 1.26, 600.0].map(latency), ["7 ms", "1.0 s", "1.3 s", "10 min"]);
        assert_eq!([512, 3 << 20, 5 << 30, 2 << 40].map(bytes), ["0 KiB", "3 MiB", "5.0 GiB", "2.0 TiB"]);
        assert_eq!((line(&[0, 1, 4, 8]), line(&[0, 0])), (" ▁▄█".into(), String::new()));
        assert_eq!([7, 1_000, 1_234_567].map(count), ["7", "1 000", "1 234 567"]);
        assert_eq!(moment(Timestamp::from_millis(1_652_067_131_748)), "2022-05-09 03:32:11");
    }

    #[test]
    fn long_and_wide_texts_are_cut_and_broken_where_they_must() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdefg", 6), "abcde…");
        assert_eq!(clip("漢字漢字", 5), "漢字…");
        assert_eq!(clip("abc", 0), "");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("a\n\nb", 4), ["a", "", "b"]);
        assert_eq!(wrap("  one two", 6), ["  one", "  two"]);
    }
}
