//! The guides, inside the executable: `twoface help TOPIC`, and the pages under `/docs`.

/// A guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub topic: &'static str,
    pub about: &'static str,
    pub text: &'static str,
    /// If not, it is a configuration file with its remarks.
    pub is_markdown: bool,
}

pub const PAGES: [Page; 6] = [
    Page {
        topic: "operations",
        about: "install, configure, watch, back up, upgrade, mend",
        text: include_str!("../assets/docs/operations.md"),
        is_markdown: true,
    },
    Page {
        topic: "security",
        about: "what is protected against whom, and what is not",
        text: include_str!("../assets/docs/security.md"),
        is_markdown: true,
    },
    Page {
        topic: "data-protection",
        about: "what is kept about people, and their rights",
        text: include_str!("../assets/docs/data-protection.md"),
        is_markdown: true,
    },
    Page {
        topic: "accuracy",
        about: "what was measured, how, and how far it carries",
        text: include_str!("../assets/docs/accuracy.md"),
        is_markdown: true,
    },
    Page {
        topic: "api",
        about: "a sign-up by hand, and every answer",
        text: include_str!("../assets/docs/api.md"),
        is_markdown: true,
    },
    Page {
        topic: "configuration",
        about: "every setting with its default",
        text: include_str!("../assets/config.toml"),
        is_markdown: false,
    },
];

/// The guide on a topic.
pub fn page(topic: &str) -> Option<Page> {
    PAGES.into_iter().find(|page| page.topic == topic)
}

/// The topics, one a line.
pub fn contents() -> String {
    PAGES.iter().map(|page| format!("  {:<16} {}\n", page.topic, page.about)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guide_begins_with_its_title_and_names_only_guides_that_there_are() {
        for page in PAGES {
            assert!(page.text.starts_with("# "), "{}", page.topic);
            for (at, _) in page.text.match_indices("twoface help ") {
                let rest = &page.text[at + "twoface help ".len()..];
                let topic = rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap();
                assert!(super::page(topic).is_some(), "{} names {topic}", page.topic);
            }
        }
        assert!(page("nothing").is_none());
        assert_eq!(contents().lines().count(), PAGES.len());
    }
}
