//! The graph of an answer: the ways to its causes.

use std::collections::HashMap;

use super::ask::Known;
use super::told::node;
use super::{Cause, Edge, Graph, Node, Role, Step};

pub(super) fn graph(known: Known<'_>, causes: &[Cause]) -> Graph {
    let mut drawn = Drawn::default();
    if let Some(events) = known.question.events {
        if let Some(alert) = events.graph.get(events.alert) {
            drawn.node(Node {
                id: node(events.graph, alert),
                entity: events.graph.topology().name(alert.entity).to_owned(),
                event_type: Some(events.graph.vocabulary().type_name(alert.event_type).to_owned()),
                at: Some(alert.from),
                role: Role::Alert,
                confidence: None,
            });
        }
    } else if let Some(entity) = known.question.entity {
        drawn.node(Node {
            id: entity.to_owned(),
            entity: entity.to_owned(),
            event_type: None,
            at: Some(known.question.at),
            role: Role::Alert,
            confidence: None,
        });
    }
    for cause in causes {
        drawn.cause(cause);
    }
    Graph { nodes: drawn.nodes, edges: drawn.edges }
}

#[derive(Default)]
struct Drawn {
    nodes: Vec<Node>,
    places: HashMap<String, usize>,
    edges: Vec<Edge>,
}

impl Drawn {
    /// A node that is drawn already stays what it is, unless it is the cause too.
    fn node(&mut self, node: Node) {
        if let Some(&place) = self.places.get(&node.id) {
            let known = &mut self.nodes[place];
            if node.role == Role::Cause {
                known.confidence = node.confidence;
                known.role = if known.role == Role::Alert { Role::Alert } else { Role::Cause };
            }
            return;
        }
        self.places.insert(node.id.clone(), self.nodes.len());
        self.nodes.push(node);
    }

    fn cause(&mut self, cause: &Cause) {
        let last = cause.path.len().saturating_sub(1);
        for (place, step) in cause.path.iter().enumerate() {
            let is_cause = place == last;
            let role = match (is_cause, step.assumed) {
                (true, _) => Role::Cause,
                (false, true) => Role::Assumed,
                (false, false) => Role::Path,
            };
            self.node(Node {
                id: step.node.clone(),
                entity: step.entity.clone(),
                event_type: step.event_type.clone(),
                at: step.at,
                role,
                confidence: is_cause.then_some(cause.confidence),
            });
        }
        cause.path.windows(2).for_each(|pair| self.edge(&pair[0], &pair[1]));
    }

    fn edge(&mut self, effect: &Step, cause: &Step) {
        let is_drawn = |edge: &Edge| edge.cause == cause.node && edge.effect == effect.node;
        if effect.node != cause.node && !self.edges.iter().any(is_drawn) {
            self.edges.push(Edge {
                cause: cause.node.clone(),
                effect: effect.node.clone(),
                lag_seconds: cause.lag_seconds,
                weight: cause.weight,
            });
        }
    }
}
