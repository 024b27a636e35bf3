//! Files of Kubernetes objects and of Backstage entities: documents of YAML, one after the other.

use super::yaml::{self, Broken, Node, Value};
use super::{Told, backstage, kubernetes};

/// Bytes of a file that are read; a larger one is a fault.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// Adds what the documents of a file tell. `file` is what faults call it. A document that cannot be read is a fault and
/// stops no other; one that tells of neither teams nor services is counted as ignored.
pub fn tell_yaml(told: &mut Told, file: &str, text: &str) {
    if text.len() > FILE_BYTES_MAX {
        told.fault(file, 1, "is larger than 4 MiB");
        return;
    }
    for (before, document) in documents(text) {
        match yaml::read(document) {
            Ok(Some(node)) => tell(told, &At { file, before }, &node),
            Ok(None) => {}
            Err(Broken { line, why }) => told.fault(file, before + line, why),
        }
    }
}

/// Where a document is: the file, and how many lines come before.
pub(super) struct At<'f> {
    file: &'f str,
    before: usize,
}

impl At<'_> {
    pub(super) fn fault(&self, told: &mut Told, node: &Node, why: impl Into<String>) {
        told.fault(self.file, self.before + node.line, why);
    }
}

/// The documents, each with how many lines come before it. A line that begins with `---` parts them whatever it stands in
/// (YAML 1.2.2, 9.1.2), which is what lets one be broken without the next.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let (mut start, mut before, mut at) = (0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let is_marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '\r', '\t']));
        if is_marker && number > before {
            documents.push((before, &text[start..at]));
            (start, before) = (at, number);
        }
        at += line.len();
    }
    documents.push((before, &text[start..]));
    documents
}

fn tell(told: &mut Told, at: &At<'_>, node: &Node) {
    if !matches!(node.value, Value::Map(_)) {
        return at.fault(told, node, "is no object with names and values");
    }
    if node.text_at(&["kind"]).is_some_and(|kind| kind.ends_with("List")) {
        let items = node.get("items").map(Node::list).unwrap_or_default();
        return items.iter().for_each(|item| tell_one(told, at, item));
    }
    tell_one(told, at, node);
}

fn tell_one(told: &mut Told, at: &At<'_>, node: &Node) {
    match node.text_at(&["apiVersion"]) {
        Some(version) if version.starts_with("backstage.io/") => backstage::tell(told, at, node),
        Some(_) => kubernetes::tell(told, at, node),
        None => at.fault(told, node, "has no apiVersion"),
    }
}

#[cfg(test)]
mod tests;
