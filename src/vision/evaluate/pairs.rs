//! The list of pairs: a CSV file with the columns `fold,a,b,same`.

use super::EvaluateError;

/// Two photos, and whether they are of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub fold: u32,
    pub a: String,
    pub b: String,
    pub same: bool,
}

/// Reads the list. Names are plain file names, so that no list reaches outside the folder of photos.
pub fn parse(text: &str) -> Result<Vec<Pair>, EvaluateError> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.next() != Some("fold,a,b,same") {
        return Err(EvaluateError::Pairs("the first line is not fold,a,b,same".into()));
    }
    lines
        .enumerate()
        .map(|(index, line)| pair(line).ok_or_else(|| EvaluateError::Pairs(format!("entry {} is no pair", index + 1))))
        .collect()
}

fn pair(line: &str) -> Option<Pair> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let &[fold, a, b, same] = fields.as_slice() else { return None };
    let plain = |name: &str| (!name.is_empty() && !name.contains(['/', '\\']) && name != "..").then(|| name.to_owned());
    let same = match same {
        "1" => true,
        "0" => false,
        _ => return None,
    };
    Some(Pair { fold: fold.parse().ok()?, a: plain(a)?, b: plain(b)?, same })
}

/// Who a photo is of: its name up to the first underscore, `p0001` of `p0001_002.jpg`.
pub fn identity(name: &str) -> &str {
    name.split_once('_').map_or(name, |(identity, _)| identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_what_is_no_list_is_refused() {
        let list = parse("fold,a,b,same\n1,p1_1.jpg,p1_2.jpg,1\r\n2,p1_1.jpg,p2_1.jpg,0\n").unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list[1], Pair { fold: 2, a: "p1_1.jpg".into(), b: "p2_1.jpg".into(), same: false });
        assert_eq!(identity(&list[0].a), identity(&list[0].b));
        for wrong in ["", "a,b", "fold,a,b,same\n1,a,b", "fold,a,b,same\n1,a,b,2", "fold,a,b,same\n1,../a,b,1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
