//! Lines of any kind, with any second choices: `cargo +nightly fuzz run --fuzz-dir tests/fuzz mrz`.
#![no_main]

use jiff::civil::Date;
use libfuzzer_sys::fuzz_target;
use twoface::vision::document::mrz::{Format, Glyph, SYMBOLS, cedula_number, parse, repair};

// The first byte chooses a shape, the second a year; then each byte is a symbol, and its upper bits the second choice.
fuzz_target!(|data: &[u8]| {
    let [shape, year, rest @ ..] = data else { return };
    let Ok(today) = Date::new(1990 + i16::from(*year), 6, 15) else { return };
    let symbols: Vec<char> = SYMBOLS.chars().collect();
    let glyph = |byte: &u8| Glyph {
        symbol: symbols.get(usize::from(byte & 63)).copied().unwrap_or('ñ'),
        confidence: 0.5,
        second: symbols.get(usize::from(byte >> 2)).copied(),
    };
    let format = Format::ALL[usize::from(*shape) % Format::ALL.len()];
    let glyphs: Vec<Glyph> = rest.iter().map(glyph).collect();
    let lines: Vec<Vec<Glyph>> = glyphs.chunks(format.line_length()).map(<[Glyph]>::to_vec).collect();
    let texts: Vec<String> = lines.iter().map(|line| line.iter().map(|glyph| glyph.symbol).collect()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (Ok(read), Ok(repaired)) = (parse(&texts, today), repair(&lines, today)) else { return };
    assert_eq!(read.lines, texts);
    assert!(repaired.repaired.is_empty() || repaired.checks.all_pass());
    assert!(!repaired.repaired.is_empty() || repaired == read);
    let _ = cedula_number(&read);
});
