//! From fields to lines: the inverse of parsing, check digits and all. What specimens are drawn from.

use super::Sex;
use super::check;
use super::date::PartialDate;
use super::format::{Alphabet, FILLER, Field, Format, SYMBOLS};
use super::names;

/// What a zone shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    pub format: Format,
    /// One or two letters.
    pub document_code: String,
    /// Without fillers, like all codes and numbers here.
    pub issuing_state: String,
    /// Up to nine symbols; on cards more, as far as the optional data has room.
    pub document_number: String,
    pub nationality: String,
    pub birth_date: PartialDate,
    pub sex: Sex,
    pub expiry_date: PartialDate,
    pub optional_data: String,
    /// TD1 only.
    pub optional_data_2: String,
    /// As they are printed for people: accents, hyphens and all.
    pub surnames: String,
    pub given_names: String,
}

/// The field that cannot be printed: it is too long, or has symbols that cannot stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CannotPrint(pub Field);

impl std::fmt::Display for CannotPrint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the field {:?} does not fit its place in a machine-readable zone", self.0)
    }
}

impl std::error::Error for CannotPrint {}

/// The lines. Names are transliterated, and cut if they are too long.
pub fn print(contents: &Contents) -> Result<Vec<String>, CannotPrint> {
    let format = contents.format;
    let mut page = Page { format, lines: vec![vec![FILLER; format.line_length()]; format.line_count()] };
    page.put(Field::DocumentCode, &contents.document_code)?;
    page.put(Field::IssuingState, &contents.issuing_state)?;
    page.put(Field::Nationality, &contents.nationality)?;
    page.number(&contents.document_number, &contents.optional_data)?;
    page.dated(Field::BirthDate, Field::BirthDateCheck, contents.birth_date)?;
    page.dated(Field::ExpiryDate, Field::ExpiryDateCheck, contents.expiry_date)?;
    let sex = match contents.sex {
        Sex::Female => "F",
        Sex::Male => "M",
        Sex::Unspecified => "<",
    };
    page.put(Field::Sex, sex)?;
    if !contents.optional_data_2.is_empty() {
        page.put(Field::OptionalData2, &contents.optional_data_2)?;
    }
    if let Some(span) = format.span(Field::Names) {
        let names = names::print(&contents.surnames, &contents.given_names, span.length);
        page.put(Field::Names, &names.map_err(|_| CannotPrint(Field::Names))?)?;
    }
    if format.span(Field::OptionalDataCheck).is_some() {
        // An empty field may have zero or a filler; zero is what ICAO's own specimens show.
        page.put(Field::OptionalDataCheck, &check::digit(&page.text(Field::OptionalData)).to_string())?;
    }
    if format.has_composite() {
        let covered: String = format.composite_fields().iter().map(|field| page.text(*field)).collect();
        page.put(Field::CompositeCheck, &check::digit(&covered).to_string())?;
    }
    Ok(page.lines.into_iter().map(|line| line.into_iter().collect()).collect())
}

struct Page {
    format: Format,
    lines: Vec<Vec<char>>,
}

impl Page {
    fn put(&mut self, field: Field, text: &str) -> Result<(), CannotPrint> {
        let span = self.format.span(field).ok_or(CannotPrint(field))?;
        let fits = text.len() <= span.length && text.chars().all(|symbol| field.alphabet().has(symbol));
        let line = self.lines.get_mut(span.line).filter(|_| fits).ok_or(CannotPrint(field))?;
        let place = line.iter_mut().skip(span.start).take(span.length);
        place.zip(text.chars()).for_each(|(place, symbol)| *place = symbol);
        Ok(())
    }

    fn text(&self, field: Field) -> String {
        let Some(span) = self.format.span(field) else { return String::new() };
        self.lines.get(span.line).into_iter().flatten().skip(span.start).take(span.length).collect()
    }

    fn dated(&mut self, field: Field, check: Field, date: PartialDate) -> Result<(), CannotPrint> {
        let text = date.printed();
        self.put(field, &text)?;
        self.put(check, &check::digit(&text).to_string())
    }

    /// The document's number and the optional data, which on cards takes up what nine symbols do not hold.
    fn number(&mut self, number: &str, optional_data: &str) -> Result<(), CannotPrint> {
        let wrong = CannotPrint(Field::DocumentNumber);
        if number.is_empty() || !number.chars().all(|symbol| Alphabet::Any.has(symbol)) {
            return Err(wrong);
        }
        let room = self.format.span(Field::DocumentNumber).map_or(0, |span| span.length);
        if number.len() <= room {
            self.put(Field::DocumentNumber, number)?;
            let digit = check::digit(&self.text(Field::DocumentNumber));
            self.put(Field::DocumentNumberCheck, &digit.to_string())?;
            return if optional_data.is_empty() { Ok(()) } else { self.put(Field::OptionalData, optional_data) };
        }
        let is_card = matches!(self.format, Format::Td1 | Format::Td2);
        if !is_card || number.contains(FILLER) {
            return Err(wrong);
        }
        let (principal, rest) = number.split_at_checked(room).ok_or(wrong)?;
        self.put(Field::DocumentNumber, principal)?;
        let parted = if optional_data.is_empty() { String::new() } else { format!("{FILLER}{optional_data}") };
        self.put(Field::OptionalData, &format!("{rest}{}{parted}", check::digit(number))).map_err(|_| wrong)
    }
}

// Every symbol is one byte, so lengths in bytes are lengths in symbols.
const _: () = assert!(SYMBOLS.is_ascii());
