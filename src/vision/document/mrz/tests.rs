//! The published specimens, printing and parsing as inverses, and lines of any kind.

use jiff::civil::Date;
use proptest::prelude::*;

use super::*;

fn today() -> Date {
    "2026-11-25".parse().unwrap()
}

fn parsed(lines: &[&str]) -> Mrz {
    parse(lines, today()).unwrap()
}

/// What a specimen says: number, nationality, birth, expiry, optional data, surnames, given names.
type Said = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

/// Doc 9303, parts 4 to 7 (appendix B of each), part 3 (appendix A) and part 11 (appendix D.2).
const SPECIMENS: [(Format, &[&str], Said); 10] = [
    (
        Format::Td3,
        &["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"],
        ("L898902C3", "UTO", "1974-08-12", "2012-04-15", "ZE184226B", "ERIKSSON", "ANNA MARIA"),
    ),
    (
        Format::Td3,
        &["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226B<<<<<14"],
        ("L898902C", "UTO", "1969-08-06", "1994-06-23", "ZE184226B", "ERIKSSON", "ANNA MARIA"),
    ),
    (
        Format::Td3,
        &["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "HA672242<6UTO5802254M9601086<<<<<<<<<<<<<<08"],
        ("HA672242", "UTO", "1958-02-25", "1996-01-08", "", "ERIKSSON", "ANNA MARIA"),
    ),
    (
        Format::Td1,
        &["I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"],
        ("D23145890", "UTO", "1974-08-12", "2012-04-15", "", "ERIKSSON", "ANNA MARIA"),
    ),
    (
        Format::Td1,
        &["I<UTOD231458907<<<<<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<"],
        ("D23145890", "UTO", "1934-07-12", "1995-07-12", "", "STEVENSON", "PETER JOHN"),
    ),
    (
        Format::Td1,
        &["I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<"],
        ("D23145890734", "UTO", "1934-07-12", "1995-07-12", "", "STEVENSON", "PETER JOHN"),
    ),
    (
        Format::Td2,
        &["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"],
        ("D23145890", "UTO", "1974-08-12", "2012-04-15", "", "ERIKSSON", "ANNA MARIA"),
    ),
    (
        Format::Td2,
        &["I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<", "D23145890<UTO3407127M95071227349<<<8"],
        ("D23145890734", "UTO", "1934-07-12", "1995-07-12", "", "STEVENSON", "PETER JOHN"),
    ),
    (
        Format::MrvA,
        &["V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L8988901C4XXX4009078F96121096ZE184226B<<<<<<"],
        ("L8988901C", "XXX", "1940-09-07", "1996-12-10", "6ZE184226B", "ERIKSSON", "ANNA MARIA"),
    ),
    (
        Format::MrvB,
        &["V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L8988901C4XXX4009078F9612109<<<<<<<<"],
        ("L8988901C", "XXX", "1940-09-07", "1996-12-10", "", "ERIKSSON", "ANNA MARIA"),
    ),
];

#[test]
fn the_published_specimens() {
    for (format, lines, (number, nationality, born, expires, optional, surnames, given)) in SPECIMENS {
        let mrz = parsed(lines);
        assert_eq!(mrz.format, format);
        assert_eq!(mrz.document_number, number);
        assert_eq!(mrz.nationality.code, nationality);
        assert!(mrz.nationality.is_known() && mrz.issuing_state.kind == StateKind::Specimen);
        assert_eq!(mrz.birth_date.date.unwrap().to_string(), born);
        assert_eq!(mrz.expiry_date.date.unwrap().to_string(), expires);
        assert_eq!(mrz.optional_data, optional);
        assert_eq!((mrz.names.surnames.as_str(), mrz.names.given_names.as_str()), (surnames, given));
        assert!(mrz.checks.all_pass(), "{lines:?}: {:?}", mrz.checks);
        assert_eq!(mrz.checks.composite.is_some(), format.has_composite());
        assert_eq!(mrz.checks.optional_data.is_some(), format == Format::Td3);
        assert!(mrz.misplaced.is_empty() && mrz.repaired.is_empty());
        assert_eq!(mrz.expired_on(today()), Some(true));
        assert_eq!(serde_json::from_value::<Mrz>(serde_json::to_value(&mrz).unwrap()).unwrap(), mrz);
    }
}

#[test]
fn each_check_digit_is_reported_on_its_own() {
    let second = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";
    for (column, failing) in
        [(9, "documentNumber"), (19, "birthDate"), (27, "expiryDate"), (42, "optionalData"), (43, "composite")]
    {
        let mut line = second.to_owned().into_bytes();
        line[column] = if line[column] == b'7' { b'8' } else { b'7' };
        let line = String::from_utf8(line).unwrap();
        let mrz = parsed(&["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", &line]);
        let checks = serde_json::to_value(mrz.checks).unwrap();
        for (name, check) in checks.as_object().unwrap() {
            // Every digit is itself covered by the composite one.
            let expected = name == failing || name == "composite";
            assert_eq!(check["passes"] == false, expected, "{name} where {failing} is wrong");
        }
    }
}

#[test]
fn shapes_and_symbols_that_no_zone_has_are_refused() {
    let line = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";
    assert_eq!(parse(&[line], today()), Err(NotMrz::Shape));
    assert_eq!(parse(&[], today()), Err(NotMrz::Shape));
    assert_eq!(parse(&[line, &line[1..]], today()), Err(NotMrz::Shape));
    let small = line.replacen('C', "c", 1);
    assert_eq!(parse(&[line, &small], today()), Err(NotMrz::Symbol { line: 1, column: 7 }));
    let wide = line.replacen('C', "Ñ", 1);
    assert_eq!(parse(&[&wide, line], today()), Err(NotMrz::Symbol { line: 0, column: 7 }));
}

#[test]
fn a_letter_among_digits_is_reported_and_stays() {
    let mrz = parsed(&["P<UT0ERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO74O8122F1204159ZE184226B<<<<<10"]);
    let places: Vec<_> = mrz.misplaced.iter().map(|place| (place.field, place.line, place.column)).collect();
    assert_eq!(places, [(Field::IssuingState, 0, 4), (Field::BirthDate, 1, 15)]);
    assert_eq!((mrz.birth_date.text.as_str(), mrz.birth_date.date), ("74O812", None));
    assert_eq!(mrz.issuing_state.kind, StateKind::Unknown);
    assert!(!mrz.checks.birth_date.passes);
}

#[test]
fn cedulas_of_both_models_say_their_number() {
    let card = |number: &str, optional: &str| Contents {
        format: Format::Td1,
        document_code: "ID".into(),
        issuing_state: "DOM".into(),
        document_number: number.into(),
        nationality: "DOM".into(),
        birth_date: "1990-05-17".parse().unwrap(),
        sex: Sex::Female,
        expiry_date: "2036-05-17".parse().unwrap(),
        optional_data: optional.into(),
        optional_data_2: String::new(),
        surnames: "Núñez de la Cruz".into(),
        given_names: "María Altagracia".into(),
    };
    let read = |contents: &Contents| {
        let lines = print(contents).unwrap();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mrz = parsed(&lines);
        assert!(mrz.checks.all_pass());
        (mrz.lines[0].clone(), cedula_number(&mrz).map(|cedula| (cedula.number, cedula.stands_in, cedula.luhn_passes)))
    };
    let (line, found) = read(&card("A123456789", "40200571939"));
    assert_eq!(line, format!("IDDOMA12345678<9{}<40200571939<", digit("A123456789")));
    assert_eq!(found, Some(("40200571939".into(), Field::OptionalData, true)));
    assert_eq!(read(&card("00113918204", "")).1, Some(("00113918204".into(), Field::DocumentNumber, false)));
    assert_eq!(read(&card("A12345678", "")).1, None);
    assert_eq!(read(&Contents { issuing_state: "HTI".into(), ..card("A123456789", "40200571939") }).1, None);
}

#[test]
fn what_does_not_fit_is_not_printed() {
    let contents = |format| Contents {
        format,
        document_code: "P".into(),
        issuing_state: "DOM".into(),
        document_number: "RD1234567".into(),
        nationality: "DOM".into(),
        birth_date: "1990-05-17".parse().unwrap(),
        sex: Sex::Male,
        expiry_date: "2036-05-17".parse().unwrap(),
        optional_data: String::new(),
        optional_data_2: String::new(),
        surnames: "PEREZ".into(),
        given_names: "JUAN".into(),
    };
    let whole = contents(Format::Td3);
    assert!(print(&whole).is_ok());
    let wrong = |contents: Contents| print(&contents).unwrap_err().0;
    assert_eq!(wrong(Contents { document_number: "RD12345678".into(), ..whole.clone() }), Field::DocumentNumber);
    assert_eq!(wrong(Contents { document_number: "rd1234567".into(), ..whole.clone() }), Field::DocumentNumber);
    assert_eq!(wrong(Contents { document_number: String::new(), ..whole.clone() }), Field::DocumentNumber);
    assert_eq!(wrong(Contents { nationality: "DOMI".into(), ..whole.clone() }), Field::Nationality);
    assert_eq!(wrong(Contents { issuing_state: "D0M".into(), ..whole.clone() }), Field::IssuingState);
    assert_eq!(wrong(Contents { surnames: "…".into(), ..whole.clone() }), Field::Names);
    assert_eq!(wrong(Contents { optional_data_2: "1".into(), ..whole }), Field::OptionalData2);
    let long = Contents { document_number: "A123456789012345678901234".into(), ..contents(Format::Td1) };
    assert_eq!(wrong(long), Field::DocumentNumber);
}

/// A reader's view of lines: sure of everything, except where told what it would have taken otherwise.
fn seen(lines: &[&str], doubts: &[(usize, usize, char)]) -> Vec<Vec<Glyph>> {
    let glyph = |symbol| Glyph { symbol, confidence: 0.9, second: None };
    let mut glyphs: Vec<Vec<Glyph>> = lines.iter().map(|line| line.chars().map(glyph).collect()).collect();
    for (line, column, second) in doubts {
        glyphs[*line][*column].second = Some(*second);
    }
    glyphs
}

const FIRST: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";

#[test]
fn a_misread_symbol_is_repaired_to_the_second_choice_and_reported() {
    // Read B for 8 in the number.
    let lines = [FIRST, "LB98902C36UTO7408122F1204159ZE184226B<<<<<10"];
    assert!(!parsed(&lines).checks.all_pass());
    let mrz = repair(&seen(&lines, &[(1, 1, '8'), (1, 4, '3')]), today()).unwrap();
    assert!(mrz.checks.all_pass());
    assert_eq!(mrz.document_number, "L898902C3");
    let change = Repair { field: Field::DocumentNumber, line: 1, column: 1, read: 'B', changed_to: '8' };
    assert_eq!(mrz.repaired, [change]);
    assert!(mrz.is_repaired(Field::DocumentNumber) && !mrz.is_repaired(Field::BirthDate));
    // One in each of two fields.
    let lines = [FIRST, "LB98902C36UTO74O8122F1204159ZE184226B<<<<<10"];
    let mrz = repair(&seen(&lines, &[(1, 1, '8'), (1, 15, '0')]), today()).unwrap();
    assert!(mrz.checks.all_pass() && mrz.repaired.len() == 2);
}

#[test]
fn nothing_is_repaired_without_a_second_choice_both_digits_and_certainty() {
    let unchanged = |lines: &[&str], doubts: &[(usize, usize, char)]| {
        assert_eq!(repair(&seen(lines, doubts), today()).unwrap(), parsed(lines), "{doubts:?}");
    };
    let misread = [FIRST, "LB98902C36UTO7408122F1204159ZE184226B<<<<<10"];
    unchanged(&misread, &[]);
    unchanged(&misread, &[(1, 1, '3')]);
    // The number's own digit would hold, but not the composite one.
    let altered = [FIRST, "LB98902C36UTO7408122F1204159ZE184226B<<<<<17"];
    unchanged(&altered, &[(1, 1, '8')]);
    // Ten apart in weight: both changes make both digits hold.
    let ambiguous = [(1, 1, '8'), (1, 2, changes_alike(misread[1], 2))];
    unchanged(&misread, &ambiguous);
    // All fields hold and the composite digit alone fails.
    unchanged(&[FIRST, "L898902C36UTO7408122F1204159ZE184226B<<<<<17"], &[(1, 43, '0')]);
    // What no digit covers stays, and so does what holds.
    unchanged(
        &["P<UTOERIKSS0N<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"],
        &[(0, 11, 'O')],
    );
    // A visa has no composite digit.
    let visa = ["V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "LB988901C4XXX4009078F96121096ZE184226B<<<<<<"];
    unchanged(&visa, &[(1, 1, '8')]);
}

/// The symbol which, in that column, makes the number's digit hold as well.
fn changes_alike(line: &str, column: usize) -> char {
    let fits = |symbol: &char| {
        let mut number: Vec<char> = line.chars().take(9).collect();
        number[column] = *symbol;
        let changed = line.chars().nth(column) != Some(*symbol);
        changed && digit(&number.into_iter().collect::<String>()) == line.chars().nth(9).unwrap()
    };
    SYMBOLS.chars().find(fits).unwrap()
}

#[test]
fn the_fields_of_a_format_cover_each_position_once() {
    for format in Format::ALL {
        let mut covered = vec![vec![0; format.line_length()]; format.line_count()];
        for span in format.spans() {
            covered[span.line][span.start..span.start + span.length].iter_mut().for_each(|count| *count += 1);
        }
        assert!(covered.iter().flatten().all(|count| *count == 1), "{format:?}");
    }
}

fn date(past: bool) -> impl Strategy<Value = PartialDate> {
    let years = if past { 1927..=2026_i16 } else { 1980..=2070 };
    (years, 1..=12_i8, 1..=31_i8, 0..12_u8).prop_filter_map("no such day", move |(year, month, day, unknown)| {
        let month = (unknown > 1 || !past).then_some(month);
        let day = (unknown > 2 || !past).then_some(day);
        let date = PartialDate::new(Some(year), month, day)?;
        // The rule for centuries puts later ones a hundred years back.
        let start = Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
        (!past || start <= today() && start > today().saturating_sub(jiff::Span::new().years(100))).then_some(date)
    })
}

fn contents() -> impl Strategy<Value = Contents> {
    let codes = ("[PACI][A-Z]?", "[A-Z]{3}", "[A-Z]{3}");
    let names = ("[A-ZÁÉÍÓÚÑ]{1,9}([ -][A-Z]{1,9}){0,2}", "([A-ZÁÉÍÓÚÑ]{1,8}( [A-Z]{1,8}){0,2})?");
    let numbers = ("[0-9A-Z]{1,9}|[0-9A-Z]{10,12}", "[0-9A-Z]{0,3}", "[0-9A-Z]{0,11}");
    let sex = prop_oneof![Just(Sex::Female), Just(Sex::Male), Just(Sex::Unspecified)];
    let format = proptest::sample::select(Format::ALL.to_vec());
    (format, codes, names, numbers, (date(true), date(false)), sex).prop_map(
        |(format, codes, names, numbers, dates, sex)| {
            let visa = matches!(format, Format::MrvA | Format::MrvB);
            let card = matches!(format, Format::Td1 | Format::Td2);
            let longest = if card { 12 } else { 9 };
            Contents {
                format,
                document_code: if visa { format!("V{}", &codes.0[1..]) } else { codes.0 },
                issuing_state: codes.1,
                nationality: codes.2,
                document_number: numbers.0.chars().take(longest).collect(),
                birth_date: dates.0,
                sex,
                expiry_date: dates.1,
                optional_data: if format == Format::Td2 && numbers.0.len() > 9 { String::new() } else { numbers.1 },
                optional_data_2: if format == Format::Td1 { numbers.2 } else { String::new() },
                surnames: names.0,
                given_names: names.1,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_printed_is_parsed(contents in contents()) {
        let lines = print(&contents).unwrap();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mrz = parsed(&lines);
        prop_assert_eq!(mrz.format, contents.format);
        prop_assert_eq!(&mrz.document_code, &contents.document_code);
        prop_assert_eq!(&mrz.issuing_state.code, &contents.issuing_state);
        prop_assert_eq!(&mrz.document_number, &contents.document_number);
        prop_assert_eq!(&mrz.nationality.code, &contents.nationality);
        prop_assert_eq!(mrz.birth_date.date, Some(contents.birth_date));
        prop_assert_eq!(mrz.expiry_date.date, Some(contents.expiry_date));
        prop_assert_eq!(mrz.sex, Some(contents.sex));
        prop_assert_eq!(&mrz.optional_data, &contents.optional_data);
        prop_assert_eq!(&mrz.optional_data_2, &contents.optional_data_2);
        prop_assert!(mrz.names.agree_with(&contents.surnames, &contents.given_names), "{:?}", mrz.names);
        prop_assert!(mrz.checks.all_pass(), "{:?}", mrz.checks);
        prop_assert!(mrz.misplaced.is_empty());
        prop_assert_eq!(repair(&seen(&lines, &[]), today()).unwrap(), mrz);
    }

    /// One misread symbol never passes the digits unnoticed where it would be repaired to anything but what was printed.
    #[test]
    fn a_repair_restores_what_was_printed(contents in contents(), column in 0..44_usize, other in 0..36_usize) {
        let printed = print(&contents).unwrap();
        let line = if contents.format == Format::Td1 { 0 } else { 1 };
        let mut misread: Vec<String> = printed.clone();
        let column = column % misread[line].len();
        let truth = misread[line].chars().nth(column).unwrap();
        let wrong = SYMBOLS.chars().nth(other).unwrap();
        misread[line].replace_range(column..column + 1, &wrong.to_string());
        let misread: Vec<&str> = misread.iter().map(String::as_str).collect();
        let mrz = repair(&seen(&misread, &[(line, column, truth)]), today()).unwrap();
        if !mrz.repaired.is_empty() {
            prop_assert_eq!(mrz.lines, printed);
            prop_assert!(contents.format.has_composite());
        } else {
            prop_assert_eq!(mrz, parsed(&misread));
        }
    }
}

/// Numbers that look random, the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn line(&mut self, length: usize) -> String {
        const OTHERS: [char; 8] = ['<', '<', 'a', 'Ñ', ' ', 'ß', '\u{0}', '\u{1F600}'];
        let strange = self.below(4) == 0;
        let symbol = |dice: &mut Dice| match dice.below(if strange { 60 } else { 37 }) {
            known @ 0..37 => char::from(SYMBOLS.as_bytes()[known]),
            other => OTHERS[other % 8],
        };
        (0..length).map(|_| symbol(self)).collect()
    }
}

#[test]
fn a_million_lines_without_a_panic() {
    let (mut dice, today) = (Dice(9303), today());
    let symbols: Vec<char> = SYMBOLS.chars().collect();
    let mut zones = 0;
    let mut lines = 0;
    while lines < 1_000_000 {
        let (count, length) = [(3, 30), (2, 36), (2, 44), (2, 44), (2, 36)][dice.below(5)];
        let (count, length) = if dice.below(20) == 0 { (dice.below(5), dice.below(60)) } else { (count, length) };
        let mut texts: Vec<String> = (0..count).map(|_| dice.line(length)).collect();
        if let (0, Some(first)) =
            (dice.below(4), texts.first_mut().filter(|first| first.is_ascii() && !first.is_empty()))
        {
            first.replace_range(0..1, "V");
        }
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        if let Ok(mrz) = parse(&borrowed, today) {
            zones += 1;
            assert_eq!(mrz.lines, texts);
        }
        // Repairing tries many zones for each, so it gets fewer.
        if dice.below(20) == 0 {
            let mut glyph = |symbol| Glyph { symbol, confidence: 0.5, second: Some(symbols[dice.below(37)]) };
            let seen: Vec<Vec<Glyph>> = texts.iter().map(|text| text.chars().map(&mut glyph).collect()).collect();
            if let Ok(mrz) = repair(&seen, today) {
                assert!(mrz.repaired.is_empty() || mrz.checks.all_pass());
            }
        }
        lines += texts.len().max(1);
    }
    assert!(zones > 200_000, "{zones}");
}
