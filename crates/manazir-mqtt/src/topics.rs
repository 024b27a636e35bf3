//! Which topics: filters with `+` for one level and `#` for all that follow (MQTT 3.1.1, 4.7).

/// Filters; each is sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics(Vec<String>);

/// Why filters are none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Nothing would ever come.
    #[error("a source of sensors names at least one topic")]
    None,
    /// This one says nothing.
    #[error("`{0}` is no filter of topics: `+` stands for a whole level, `#` for a whole level at the end")]
    Wrong(String),
}

impl Topics {
    /// Takes filters that a broker will take.
    pub fn new(filters: Vec<String>) -> Result<Self, TopicError> {
        if filters.is_empty() {
            return Err(TopicError::None);
        }
        match filters.iter().find(|filter| !is_sound(filter)) {
            Some(wrong) => Err(TopicError::Wrong(wrong.clone())),
            None => Ok(Self(filters)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// True if a message of this topic is one that was asked for. A session outlives the configuration: the broker
    /// goes on to deliver what an earlier one had subscribed to.
    pub(crate) fn contain(&self, topic: &str) -> bool {
        self.iter().any(|filter| matches(own(filter), topic))
    }
}

/// A filter without the group that shares it: `$share/GROUP/FILTER`, which brokers of MQTT 5 take from all clients.
fn own(filter: &str) -> &str {
    let shared = filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
    shared.map_or(filter, |(_, own)| own)
}

fn is_sound(filter: &str) -> bool {
    let own = own(filter);
    let last = own.split('/').count();
    let level = |(level, at): (&str, usize)| match level {
        "#" => at == last,
        other => other == "+" || !other.contains(['+', '#']),
    };
    !own.is_empty()
        && filter.len() <= usize::from(u16::MAX)
        && !filter.contains('\0')
        && own.split('/').zip(1..).all(level)
}

fn matches(filter: &str, topic: &str) -> bool {
    // What a broker says of itself begins with `$`, and is asked for by name alone.
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
    loop {
        match (filter.next(), topic.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some(wanted), Some(level)) if wanted == "+" || wanted == level => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_that_no_broker_takes_are_refused() {
        let new = |filter: &str| Topics::new(vec![filter.to_owned()]);
        for filter in ["a", "/", "+", "#", "a/+/b", "a/b/#", "$SYS/#", "$share/us/a/+", "Öl/+"] {
            assert!(new(filter).is_ok(), "{filter}");
        }
        for filter in ["", "a/#/b", "a#", "a/b+", "++", "$share/us/", "$share/us/a#", "a\0"] {
            assert_eq!(new(filter), Err(TopicError::Wrong(filter.to_owned())));
        }
        assert_eq!(Topics::new(Vec::new()), Err(TopicError::None));
        assert!(new(&"x".repeat(70_000)).is_err());
    }

    #[test]
    fn a_topic_is_asked_for_as_the_broker_reads_filters() {
        let cases = [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/b/c", "a/b", false),
            ("a/+/c", "a/b/c", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "b", false),
            ("#", "Öl/stand", true),
            ("#", "$SYS/load", false),
            ("+/load", "$SYS/load", false),
            ("$SYS/#", "$SYS/load", true),
            ("$share/us/a/+", "a/b", true),
        ];
        for (filter, topic, wanted) in cases {
            let topics = Topics::new(vec!["other".to_owned(), filter.to_owned()]).unwrap();
            assert_eq!(topics.contain(topic), wanted, "{filter} {topic}");
        }
    }
}
