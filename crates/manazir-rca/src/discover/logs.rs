//! What log lines say: their templates, how many lines of each in a minute, and which minutes are strange.
//!
//! A line becomes a template by what it has in common with others ([`templates`]). A [`Watch`] counts lines by service and
//! template and tells two things. *A new template*: a service that has said so many lines says something it never said.
//! How rare that is, is what its own history says (Good 1953): of the lines so far, the share whose template came up only
//! once is the chance that the next one is new. *An error burst*: more lines of errors in a minute than Poisson counts of
//! the usual rate allow, with the usual rate and its scatter from the minutes before.

mod burst;
mod line;
pub mod templates;

use std::collections::{BTreeMap, HashMap};

use manazir_model::{GraphEvent, Timestamp};

use super::{SENTENCE_BYTES_MAX, cut, identity, named, severity};
use burst::Rate;
pub use line::strange_line;
use templates::{TemplateId, Templates};

/// Who reported it.
pub const SOURCE: &str = "logs";

/// Types of the two events: the first is an alias of the second in the standard rules.
pub const NEW_TEMPLATE: &str = "new_log_template";
/// See [`NEW_TEMPLATE`].
pub const ERROR_BURST: &str = "log_errors";

/// One minute, which lines are counted by.
const MINUTE_US: i64 = 60_000_000;

/// A new template that speaks of no error is half as grave: most of them are news of a new version.
const NO_ERROR: f32 = 0.5;

/// Levels that say that something went wrong, in lower case.
const ERROR_LEVELS: &[&str] =
    &["error", "err", "fatal", "critical", "crit", "alert", "emerg", "emergency", "panic", "severe"];

/// Words of a line without a level that say the same, in lower case. A longer word that ends so counts, too, as
/// `NullPointerException`.
const ERROR_WORDS: &[&str] = &[
    "error",
    "exception",
    "fatal",
    "panic",
    "failed",
    "failure",
    "refused",
    "timeout",
    "traceback",
    "segfault",
    "oom",
];

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Who said it.
    pub service: &'a str,
    /// The level in its own words; empty if there is none.
    pub level: &'a str,
    /// What it said.
    pub text: &'a str,
}

/// What is watched, and where it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Lines that a service must have said before a template of its own can be new. 1,000 at first: with fewer, most
    /// templates are.
    pub history_lines_min: u64,
    /// Minutes before one can be a burst, up to 60. 10 at first.
    pub history_minutes_min: usize,
    /// Surprise in nats from which a minute is told. 9.2 at first: once in ten thousand.
    pub burst_nats_min: f64,
    /// Surprise in nats from which a new template is told. 4.6 at first: once in a hundred lines.
    pub new_nats_min: f64,
    /// Services that are told apart; lines of others are counted and nothing else. 2,000 at first.
    pub services_max: usize,
    /// Templates that a service is known by; more of it are never new. 2,000 at first.
    pub templates_per_service_max: usize,
    /// Events of one minute; of more, the gravest. 100 at first.
    pub events_max: usize,
    /// How templates are found.
    pub templates: templates::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            history_lines_min: 1_000,
            history_minutes_min: 10,
            burst_nats_min: 9.2,
            new_nats_min: 4.6,
            services_max: 2_000,
            templates_per_service_max: 2_000,
            events_max: 100,
            templates: templates::Config::default(),
        }
    }
}

/// Lines of one template that one service said in one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Who said it.
    pub service: String,
    /// What, with `<*>` where it varies.
    pub template: String,
    /// How often.
    pub lines: u64,
    /// How many of them are errors.
    pub errors: u64,
}

/// One minute of all services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Minute {
    /// By service and template.
    pub counts: Vec<Count>,
    /// The strange, by entity and identity.
    pub events: Vec<GraphEvent>,
    /// Lines that name no service, or one beyond the bound.
    pub left_out: u64,
}

/// What services usually say. Bounded: services, templates of each, minutes of each.
#[derive(Clone, Debug)]
pub struct Watch {
    config: Config,
    templates: Templates,
    services: BTreeMap<String, Service>,
}

/// One service.
#[derive(Clone, Debug, Default)]
struct Service {
    lines: u64,
    /// Lines by template, saturating at two: whether it came up never, once or more often is all that is asked.
    seen: HashMap<TemplateId, u8>,
    /// Templates that came up once.
    once: u64,
    errors: Rate,
    /// The first minute of the burst that goes on.
    burst_since: Option<Timestamp>,
}

/// Lines and errors of one template.
type Counted = (u64, u64);

impl Watch {
    /// A watch that has seen nothing.
    pub fn new(config: Config) -> Self {
        Self { templates: Templates::new(config.templates), services: BTreeMap::new(), config }
    }

    /// Takes the lines of one minute, all at once: a service without lines has said none. Minutes come in their order;
    /// those between that are not told are as if nobody had looked.
    pub fn minute(&mut self, minute: Timestamp, lines: &[Line<'_>]) -> Minute {
        let mut told = Minute::default();
        let mut counts: BTreeMap<&str, BTreeMap<TemplateId, Counted>> = BTreeMap::new();
        for line in lines {
            let service = named(line.service).filter(|service| self.knows(service));
            let Some(service) = service else {
                told.left_out += 1;
                continue;
            };
            let template = self.templates.template(line.text);
            let (lines, errors) = counts.entry(service).or_default().entry(template).or_default();
            *lines += 1;
            *errors += u64::from(is_error(line));
        }
        let silent: Vec<String> =
            self.services.keys().filter(|service| !counts.contains_key(service.as_str())).cloned().collect();
        for service in &silent {
            self.close(minute, service, &BTreeMap::new(), &mut told);
        }
        for (service, counted) in &counts {
            self.close(minute, service, counted, &mut told);
        }
        told.counts.sort_unstable_by(|one, other| {
            (&one.service, &one.template).cmp(&(&other.service, &other.template))
        });
        let gravity = |event: &GraphEvent| std::cmp::Reverse(event.severity.to_bits());
        told.events.sort_by(|one, other| (gravity(one), &one.id).cmp(&(gravity(other), &other.id)));
        told.events.truncate(self.config.events_max);
        told.events.sort_by(|one, other| (&one.entity, &one.id).cmp(&(&other.entity, &other.id)));
        told
    }

    /// What is known of templates.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    fn knows(&mut self, service: &str) -> bool {
        if !self.services.contains_key(service) {
            if self.services.len() >= self.config.services_max {
                return false;
            }
            self.services.insert(service.to_owned(), Service::default());
        }
        true
    }

    /// What one service said in one minute, judged by what it said before, and learnt.
    fn close(
        &mut self,
        minute: Timestamp,
        name: &str,
        counted: &BTreeMap<TemplateId, Counted>,
        told: &mut Minute,
    ) {
        let Some(service) = self.services.get_mut(name) else { return };
        let new = service.new_templates(counted, &self.config);
        let errors: u64 = counted.values().map(|(_, errors)| errors).sum();
        let surprise = service.errors.surprise(errors, self.config.history_minutes_min);
        let is_burst = errors > 0 && surprise >= self.config.burst_nats_min;
        let since = is_burst.then(|| *service.burst_since.get_or_insert(minute));
        service.burst_since = since;
        service.learn(counted, &self.config);
        // A burst teaches little: its counts are clipped, so that the next one is told, too.
        service.errors.learn(errors);
        for (template, nats) in new {
            let (lines, errors) = counted[&template];
            let text = self.templates.text(template);
            let grade = severity(nats) * if errors > 0 { 1.0 } else { NO_ERROR };
            let id = format!("{SOURCE}/new/{:016x}/{}", identity([name, text]), minute.micros());
            let sentence = format!("{name} said for the first time, {lines} times: {text}");
            told.events.push(event(NEW_TEMPLATE, name, (minute, minute), id, grade, &sentence));
        }
        if let Some(since) = since {
            let id = format!("{SOURCE}/burst/{:016x}/{}", identity([name]), since.micros());
            let usual = service.errors.usual();
            let sentence =
                format!("{name} wrote {errors} lines of errors in a minute where {usual:.1} are usual");
            told.events.push(event(ERROR_BURST, name, (since, minute), id, severity(surprise), &sentence));
        }
        told.counts.extend(counted.iter().map(|(template, (lines, errors))| Count {
            service: name.to_owned(),
            template: self.templates.text(*template).to_owned(),
            lines: *lines,
            errors: *errors,
        }));
    }
}

impl Service {
    /// Templates that it never said, with their surprise.
    fn new_templates(
        &self,
        counted: &BTreeMap<TemplateId, Counted>,
        config: &Config,
    ) -> Vec<(TemplateId, f64)> {
        if self.lines < config.history_lines_min || self.seen.len() >= config.templates_per_service_max {
            return Vec::new();
        }
        let chance = (self.once as f64 + 1.0) / (self.lines as f64 + 2.0);
        let nats = -chance.ln();
        if nats < config.new_nats_min {
            return Vec::new();
        }
        let new = counted
            .keys()
            .filter(|template| **template != TemplateId::OTHER && !self.seen.contains_key(template));
        new.map(|template| (*template, nats)).collect()
    }

    fn learn(&mut self, counted: &BTreeMap<TemplateId, Counted>, config: &Config) {
        for (template, (lines, _)) in counted {
            self.lines = self.lines.saturating_add(*lines);
            let full = self.seen.len() >= config.templates_per_service_max;
            if full && !self.seen.contains_key(template) {
                continue;
            }
            let seen = self.seen.entry(*template).or_default();
            self.once -= u64::from(*seen == 1);
            *seen = u8::try_from(u64::from(*seen).saturating_add(*lines)).unwrap_or(2).min(2);
            self.once += u64::from(*seen == 1);
        }
    }
}

fn event(
    event_type: &str,
    service: &str,
    (from, last): (Timestamp, Timestamp),
    id: String,
    severity: f32,
    sentence: &str,
) -> GraphEvent {
    let until = Timestamp(last.micros().saturating_add(MINUTE_US));
    GraphEvent {
        id,
        entity: service.to_owned(),
        event_type: event_type.to_owned(),
        from,
        until,
        // Known when the minute was over.
        received_at: until,
        severity,
        target: None,
        dims: Vec::new(),
        source: SOURCE.to_owned(),
        sentence: cut(sentence, SENTENCE_BYTES_MAX).to_owned(),
    }
}

/// True for a line of level error and beyond, and for one without a level that has a word for it.
pub fn is_error(line: &Line<'_>) -> bool {
    if !line.level.trim().is_empty() {
        let level = line.level.trim();
        return ERROR_LEVELS.iter().any(|word| level.eq_ignore_ascii_case(word));
    }
    let text = cut(line.text, templates::LINE_BYTES_MAX);
    let mut words = text.split(|letter: char| !letter.is_alphanumeric());
    words.any(|word| {
        let ends = |with: &str| {
            let start = word.len().checked_sub(with.len());
            start.and_then(|start| word.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(with))
        };
        !word.is_empty() && ERROR_WORDS.iter().any(|with| ends(with))
    })
}

#[cfg(test)]
mod tests;
