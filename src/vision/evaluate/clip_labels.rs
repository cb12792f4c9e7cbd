//! The labels of clips: one CSV of clips (`file`, `blinks`, `smile`, `liveness`, …) and one of moments (`file`, `start_s`, `end_s`,
//! `label`), columns by their names in the first line.

use crate::domain::clip::Span;

/// A moment that somebody looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlinkLabel {
    pub span: Span,
    pub is_blink: bool,
    /// A blink, or unclear.
    pub may_be_blink: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClipLabel {
    pub file: String,
    /// `None` where nobody could tell.
    pub smile: Option<bool>,
    /// In the list's own words.
    pub liveness: String,
    /// `None` where nobody looked for any.
    pub blinks: Option<Vec<BlinkLabel>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    pub clips: Vec<ClipLabel>,
}

/// Reads both lists. A moment of a clip that the first list does not have is an error.
pub fn parse(clips: &str, moments: &str) -> Result<Labels, String> {
    let mut labels = Labels { clips: Vec::new() };
    for row in rows(clips)? {
        labels.clips.push(ClipLabel {
            file: row.field("file")?.to_owned(),
            smile: match row.field("smile")? {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
            liveness: row.field("liveness")?.to_owned(),
            blinks: (!row.field("blinks")?.is_empty()).then(Vec::new),
        });
    }
    for row in rows(moments)? {
        let file = row.field("file")?;
        let span = Span { start: row.number("start_s")?, end: row.number("end_s")? };
        let label = row.field("label")?;
        let label = match label {
            "blink" | "unclear" | "not_a_blink" => {
                BlinkLabel { span, is_blink: label == "blink", may_be_blink: label != "not_a_blink" }
            }
            other => return Err(row.wrong(&format!("{other} is no label"))),
        };
        let clip = labels.clips.iter_mut().find(|clip| clip.file == file);
        let clip = clip.ok_or_else(|| row.wrong(&format!("{file} is not in the list of clips")))?;
        clip.blinks.get_or_insert_default().push(label);
    }
    Ok(labels)
}

/// One line with the names of its columns. Fields are not quoted; the columns that are read come before any free text.
struct Row<'a> {
    line: usize,
    names: Vec<&'a str>,
    fields: Vec<&'a str>,
}

fn rows(text: &str) -> Result<Vec<Row<'_>>, String> {
    let mut lines = text.lines().enumerate();
    let Some((_, first)) = lines.next() else { return Err("the list is empty".to_owned()) };
    let names = split(first);
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(number, line)| Row { line: number + 1, names: names.clone(), fields: split(line) }).collect())
}

fn split(line: &str) -> Vec<&str> {
    line.split(',').map(str::trim).collect()
}

impl Row<'_> {
    fn field(&self, name: &str) -> Result<&str, String> {
        let place = self.names.iter().position(|known| *known == name);
        let field = place.and_then(|place| self.fields.get(place)).copied();
        field.ok_or_else(|| self.wrong(&format!("there is no {name}")))
    }

    fn number(&self, name: &str) -> Result<f64, String> {
        let text = self.field(name)?;
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.wrong(&format!("{text} is no number")))
    }

    fn wrong(&self, what: &str) -> String {
        format!("line {}: {what}", self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIPS: &str = "file,blinks,smile,liveness,notes\na.mp4,1,yes,real,x, y\nb.gif,,unclear,print,\n";

    #[test]
    fn lists_are_read_by_their_columns_names() {
        let labels = parse(CLIPS, "label,file,start_s,end_s\nblink,a.mp4,1.5,1.7\nunclear,a.mp4,3,3.2\n").unwrap();
        assert_eq!((labels.clips[0].smile, labels.clips[1].smile), (Some(true), None));
        assert_eq!(labels.clips[1].liveness, "print");
        let span = Span { start: 1.5, end: 1.7 };
        let blinks = labels.clips[0].blinks.as_ref().unwrap();
        assert_eq!(blinks[0], BlinkLabel { span, is_blink: true, may_be_blink: true });
        assert!(!blinks[1].is_blink);
        assert_eq!(labels.clips[1].blinks, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let moments = |line: &str| parse(CLIPS, &format!("file,start_s,end_s,label\n{line}\n")).unwrap_err();
        assert_eq!(moments("c.mp4,1,2,blink"), "line 2: c.mp4 is not in the list of clips");
        assert_eq!(moments("a.mp4,x,2,blink"), "line 2: x is no number");
        assert_eq!(moments("a.mp4,1,2,wink"), "line 2: wink is no label");
        assert_eq!(moments("a.mp4"), "line 2: there is no start_s");
        assert!(parse("", "").is_err());
    }
}
