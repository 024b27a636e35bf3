//! What lines have in common: a tree of fixed depth in the manner of Drain (He, Zhu, Zheng and Lyu, "Drain: An Online Log
//! Parsing Approach with Fixed Depth Tree", ICWS 2017).
//!
//! First numbers, identifiers and addresses of a line are masked, word by word. Then the tree is walked by how many words
//! there are, by the first and by the second; at its leaf are the templates that a line may be of. The most similar one
//! takes it if enough words agree, and has `<*>` from then on where they do not; otherwise the line is a template of its
//! own. Everything is bounded: what no longer finds a place is of one template for all such. Which lines become one template
//! depends on the order in which they come, as in Drain itself.

use std::collections::HashMap;

/// What stands for anything.
pub const ANY: &str = "<*>";

/// Bytes of a line that are read.
pub const LINE_BYTES_MAX: usize = 4_096;

/// A template by its place among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateId(u32);

impl TemplateId {
    /// Of all lines that found no place.
    pub const OTHER: Self = Self(0);
}

/// How lines are compared, and where it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Share of words that must be the same, in 0..=1. 0.5 at first: Drain's own range is 0.3 to 0.6.
    pub similarity_min: f64,
    /// Templates. 10,000 at first.
    pub templates_max: usize,
    /// Different words that a place of the tree tells apart; all others are one. 100 at first, as in Drain.
    pub children_max: usize,
    /// Templates at one leaf that a line is compared with. 100 at first: it bounds what a line costs.
    pub leaf_max: usize,
    /// Words of a line; what comes after is one word. 64 at first.
    pub words_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { similarity_min: 0.5, templates_max: 10_000, children_max: 100, leaf_max: 100, words_max: 64 }
    }
}

/// What is below a word.
type Branches<Below> = HashMap<Box<str>, Below>;

/// The templates so far.
#[derive(Clone, Debug)]
pub struct Templates {
    config: Config,
    /// Beside each its words.
    texts: Vec<(String, Vec<Box<str>>)>,
    /// By number of words and first word, which words follow; by all three, the leaf.
    by_length: HashMap<usize, Branches<Branches<Vec<TemplateId>>>>,
}

impl Templates {
    /// None but the one for lines that find no place.
    pub fn new(config: Config) -> Self {
        let config = Config { words_max: config.words_max.max(1), ..config };
        Self { config, texts: vec![(ANY.to_owned(), vec![ANY.into()])], by_length: HashMap::new() }
    }

    /// The template of a line, which may become another by it. O(words · leaf_max).
    pub fn template(&mut self, line: &str) -> TemplateId {
        let words = masked(line, self.config.words_max);
        // Once no template is added, no branch is either.
        let is_full = self.texts.len() > self.config.templates_max;
        let max = if is_full { 0 } else { self.config.children_max };
        let of_length = self.by_length.entry(words.len()).or_default();
        let first = branch(of_length, key(words.first()), max);
        let leaf = branch(first, key(words.get(1)), max);
        let alike = leaf.iter().map(|id| (similarity(&self.texts[id.0 as usize].1, &words), *id));
        // Of two as similar the older one, for it has more lines as a rule.
        let best = alike.max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)));
        if let Some((_, id)) = best.filter(|(similarity, _)| *similarity >= self.config.similarity_min) {
            merge(&mut self.texts[id.0 as usize], &words);
            return id;
        }
        if is_full || leaf.len() >= self.config.leaf_max {
            return TemplateId::OTHER;
        }
        let id = TemplateId(self.texts.len() as u32);
        leaf.push(id);
        let words: Vec<Box<str>> = words.into_iter().map(String::into_boxed_str).collect();
        self.texts.push((words.join(" "), words));
        id
    }

    /// Its words, with `<*>` where they vary.
    pub fn text(&self, id: TemplateId) -> &str {
        self.texts.get(id.0 as usize).map_or(ANY, |known| &known.0)
    }

    /// How many there are, the one for all others among them.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Never: there is always the one for all others.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// The words by which the tree branches: one that varies leads nowhere in particular.
fn key(word: Option<&String>) -> &str {
    word.map_or("", |word| if word.contains(ANY) { ANY } else { word })
}

fn branch<'a, Below: Default>(children: &'a mut Branches<Below>, word: &str, max: usize) -> &'a mut Below {
    let word = if children.contains_key(word) || children.len() < max { word } else { ANY };
    children.entry(word.into()).or_default()
}

/// Share of places where the words are the same; one that varies already counts half, so that a template of nothing but
/// `<*>` swallows nothing that another fits.
fn similarity(template: &[Box<str>], words: &[String]) -> f64 {
    let of_word = |(one, other): (&str, &String)| match one {
        ANY => 0.5,
        one if one == other => 1.0,
        _ => 0.0,
    };
    template.iter().map(|word| &**word).zip(words).map(of_word).sum::<f64>() / words.len().max(1) as f64
}

fn merge((text, known): &mut (String, Vec<Box<str>>), words: &[String]) {
    let mut changed = false;
    for (known, word) in known.iter_mut().zip(words) {
        if **known != **word && **known != *ANY {
            *known = ANY.into();
            changed = true;
        }
    }
    if changed {
        *text = known.join(" ");
    }
}

/// The words of a line with numbers, identifiers and addresses masked; at least one, at most `words_max`.
fn masked(line: &str, words_max: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in super::cut(line, LINE_BYTES_MAX).split_whitespace() {
        if words.len() == words_max {
            words[words_max - 1] = ANY.to_owned();
            break;
        }
        words.push(mask(word));
    }
    if words.is_empty() {
        words.push(String::new());
    }
    words
}

/// One word, its parts between marks masked each on its own: `/orders/17?x=a9f3c2d17b` becomes `/orders/<*>?x=<*>`.
fn mask(word: &str) -> String {
    const MARKS: &[char] = &[
        '/', '=', ':', ',', ';', '(', ')', '[', ']', '{', '}', '"', '\'', '<', '>', '|', '&', '?', '@', '#',
        '\\',
    ];
    if !word.bytes().any(|byte| byte.is_ascii_digit()) {
        return word.to_owned();
    }
    let mut masked = String::with_capacity(word.len());
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(MARKS).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        mask_part(part, &mut masked);
        let mark = after.chars().next().map_or(0, char::len_utf8);
        masked.push_str(&after[..mark]);
        rest = &after[mark..];
    }
    masked
}

/// A part without marks. What begins as a number is one, with its unit; long hexadecimal is an identifier, as is what is
/// grouped like a UUID; of other words the digits vary, unless there is a single one, as in `http2` and `s3`.
fn mask_part(part: &str, masked: &mut String) {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let number = part
        .trim_start_matches(['-', '+', '.', '~', '$', '#'])
        .starts_with(|first: char| first.is_ascii_digit());
    let hex = part.strip_prefix("0x").unwrap_or(part);
    let is_hex = hex.len() >= 8 && hex.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match digits {
        0 => masked.push_str(part),
        _ if number || is_hex => masked.push_str(ANY),
        1 => masked.push_str(part),
        _ => {
            let mut in_number = false;
            for letter in part.chars() {
                let is_digit = letter.is_ascii_digit();
                match (is_digit, in_number) {
                    (true, false) => masked.push_str(ANY),
                    (true, true) => {}
                    (false, _) => masked.push(letter),
                }
                in_number = is_digit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(lines: &[&str], config: Config, expect: Expect) {
        let mut templates = Templates::new(config);
        let ids: Vec<TemplateId> = lines.iter().map(|line| templates.template(line)).collect();
        let said = ids.iter().map(|id| format!("{} {:?}", id.0, templates.text(*id)));
        expect.assert_eq(&said.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn what_varies_is_masked() {
        let words = [
            "17",
            "-3.5ms",
            "10.0.0.7:8080",
            "2024-05-01T09:00:00Z",
            "0xdeadbeef",
            "deadbeefcafe1234",
            "550e8400-e29b-41d4-a716-446655440000",
            "/orders/17/items",
            "user=42,name=ann",
            "order-12345",
            "http2",
            "s3",
            "node12.eu",
            "(took",
            "94%)",
            "€17",
        ];
        let masked: Vec<String> = words.iter().map(|word| format!("{word} {}", mask(word))).collect();
        expect![[r#"
            17 <*>
            -3.5ms <*>
            10.0.0.7:8080 <*>:<*>
            2024-05-01T09:00:00Z <*>:<*>:<*>
            0xdeadbeef <*>
            deadbeefcafe1234 <*>
            550e8400-e29b-41d4-a716-446655440000 <*>
            /orders/17/items /orders/<*>/items
            user=42,name=ann user=<*>,name=ann
            order-12345 order-<*>
            http2 http2
            s3 s3
            node12.eu node<*>.eu
            (took (took
            94%) <*>)
            €17 €<*>"#]]
        .assert_eq(&masked.join("\n"));
    }

    #[test]
    fn lines_that_agree_are_one_template() {
        check(
            &[
                "GET /orders/17 took 12 ms",
                "GET /orders/18 took 9 ms",
                "GET /carts took 9 ms",
                "user ann logged in from 10.0.0.1",
                "user bob logged in from 10.0.0.2",
                "connection to db lost",
                "connection to cache lost",
                "",
                "   ",
                "done",
            ],
            Config::default(),
            expect![[r#"
                1 "GET /orders/<*> took <*> ms"
                1 "GET /orders/<*> took <*> ms"
                2 "GET /carts took <*> ms"
                3 "user ann logged in from <*>"
                4 "user bob logged in from <*>"
                5 "connection to <*> lost"
                5 "connection to <*> lost"
                6 ""
                6 ""
                7 "done""#]],
        );
    }

    #[test]
    fn what_finds_no_place_is_of_one_template() {
        let config =
            Config { templates_max: 2, children_max: 1, leaf_max: 9, words_max: 3, ..Config::default() };
        check(
            &["a b c d e", "f g h", "i j k", "l m n", "a b c d f"],
            config,
            expect![[r#"
            1 "a b <*>"
            2 "f g h"
            0 "<*>"
            0 "<*>"
            1 "a b <*>""#]],
        );
    }

    proptest! {
        #[test]
        fn no_line_panics_and_nothing_grows_beyond_its_bound(lines in prop::collection::vec(".{0,60}", 0..60)) {
            let config = Config { templates_max: 10, leaf_max: 3, children_max: 4, words_max: 5, ..Config::default() };
            let mut templates = Templates::new(config);
            for line in &lines {
                let id = templates.template(line);
                prop_assert!(templates.text(id).split(' ').count() <= 6);
                prop_assert!(templates.len() <= 11);
            }
        }

        #[test]
        fn the_same_line_is_of_the_same_template(line in "[a-z0-9 /=.-]{0,60}") {
            let mut templates = Templates::new(Config::default());
            let id = templates.template(&line);
            prop_assert_eq!(templates.template(&line), id);
            prop_assert_eq!(templates.len(), 2);
        }
    }
}
