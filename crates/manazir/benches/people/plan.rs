//! What is asked of the service, drawn beforehand, and what has to be true afterwards.
//!
//! No two writes of a plan are about the same thing, so that what is true afterwards does not depend on their order.

use std::collections::HashSet;

use manazir_model::Random;
use manazir_people::UserId;
use manazir_people::contract;
use serde_json::json;

use crate::filling::{Filled, RECOMMENDED, recommended};

/// One of the actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Profile,
    IsConnected,
    PageByCursor,
    PageByOffset,
    PageOfHub,
    Recommendations,
    Relation,
    Create,
    Patch,
    Connect,
    Disconnect,
    Recommend,
    Withdraw,
    Batch,
}

/// Of a thousand requests; the first seven read, 900 together. Batches come by the clock.
const MIX: [(What, usize); 13] = [
    (What::Profile, 300),
    (What::IsConnected, 250),
    (What::PageByCursor, 100),
    (What::PageByOffset, 50),
    (What::PageOfHub, 50),
    (What::Recommendations, 100),
    (What::Relation, 50),
    (What::Create, 10),
    (What::Patch, 20),
    (What::Connect, 30),
    (What::Disconnect, 20),
    (What::Recommend, 10),
    (What::Withdraw, 10),
];

/// People of a batch.
const BATCH: usize = 100;

/// Contacts from which somebody is not connected to more: the limit is kept free of chance.
const HUB_CONTACTS: u32 = 2_600;

/// A request and the answers that are right.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) what: What,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) right: &'static [u16],
}

/// What a write leaves behind.
#[derive(Clone, Debug)]
pub(crate) enum Left {
    /// These two are connected, or are not.
    Connected(u32, u32, bool),
    /// This one is called so.
    Named(u32, String),
    /// There is somebody with this address.
    There(String),
    /// The second is recommended to the first, or is not.
    Recommended(u32, u32, bool),
}

/// Requests in the order in which they are made, and what they leave behind, by the place of the request.
pub(crate) struct Plan {
    pub(crate) requests: Vec<Request>,
    pub(crate) left: Vec<(usize, Left)>,
}

/// Where somebody is found.
pub(crate) fn path(user: u32) -> String {
    format!("/api/v1/users/{}", id(user))
}

pub(crate) fn id(user: u32) -> String {
    contract::person(user).public_id.to_string()
}

/// So many requests, one in `batch_every` a batch. Another `run` asks otherwise and makes other users.
pub(crate) fn draw(filled: &Filled, count: usize, batch_every: usize, run: u64) -> Plan {
    let mut drawing = Drawing::new(filled, run);
    for place in 0..count {
        let what = if place % batch_every == batch_every / 2 { What::Batch } else { drawing.what() };
        let request = drawing.request(what);
        drawing.plan.requests.push(request);
    }
    drawing.plan
}

struct Drawing<'a> {
    filled: &'a Filled,
    random: Random,
    run: u64,
    contacts: Vec<u32>,
    hubs: Vec<u32>,
    /// Pairs, the smaller number first, that a write is about.
    pairs: HashSet<(u32, u32)>,
    patched: HashSet<u32>,
    plan: Plan,
}

impl<'a> Drawing<'a> {
    fn new(filled: &'a Filled, run: u64) -> Self {
        let mut contacts = vec![0; filled.people as usize + 1];
        for (one, other) in &filled.connections {
            contacts[one.0 as usize] += 1;
            contacts[other.0 as usize] += 1;
        }
        let mut hubs: Vec<u32> = (1..=filled.people).collect();
        hubs.sort_by_key(|user| std::cmp::Reverse(contacts[*user as usize]));
        hubs.truncate(20);
        let plan = Plan { requests: Vec::new(), left: Vec::new() };
        let random = Random::new(run);
        Self { filled, random, run, contacts, hubs, pairs: HashSet::new(), patched: HashSet::new(), plan }
    }

    fn what(&mut self) -> What {
        let mut draw = self.random.below(1_000);
        for (what, share) in MIX {
            if draw < share {
                return what;
            }
            draw -= share;
        }
        What::Profile
    }

    fn anyone(&mut self) -> u32 {
        1 + self.random.below(self.filled.people as usize) as u32
    }

    fn connected(&mut self) -> (u32, u32) {
        let (one, other) = self.filled.connections[self.random.below(self.filled.connections.len())];
        if self.random.below(2) == 0 { (one.0, other.0) } else { (other.0, one.0) }
    }

    fn pair(&mut self) -> (u32, u32) {
        let (one, other) = (self.anyone(), self.anyone());
        match self.random.below(2) {
            0 => self.connected(),
            _ if one == other => self.connected(),
            _ => (one, other),
        }
    }

    /// True if no other write is about these two.
    fn claim(&mut self, one: u32, other: u32) -> bool {
        one != other && self.pairs.insert((one.min(other), one.max(other)))
    }

    /// Somebody whom the population does not connect to this one.
    fn stranger(&mut self, to: u32) -> u32 {
        loop {
            let other = self.anyone();
            let pair = (UserId(to.min(other)), UserId(to.max(other)));
            let is_free = self.contacts[other as usize] < HUB_CONTACTS;
            if is_free && self.filled.connections.binary_search(&pair).is_err() && self.claim(to, other) {
                return other;
            }
        }
    }

    /// Somebody with room for contacts.
    fn free(&mut self) -> u32 {
        loop {
            let user = self.anyone();
            if self.contacts[user as usize] < HUB_CONTACTS {
                return user;
            }
        }
    }

    fn leaves(&mut self, left: Left) {
        self.plan.left.push((self.plan.requests.len(), left));
    }

    fn request(&mut self, what: What) -> Request {
        let get = |path: String| Request { what, method: "GET", path, body: String::new(), right: &[200] };
        match what {
            What::Profile => get(path(self.anyone())),
            What::IsConnected => {
                let (one, other) = self.pair();
                get(format!("{}/connections/{}", path(one), id(other)))
            }
            What::PageByCursor => {
                let (user, after) = self.connected();
                get(format!("{}/connections?limit=50&cursor={}", path(user), id(after)))
            }
            What::PageByOffset => {
                let (user, _) = self.connected();
                let offset = self.random.below(self.contacts[user as usize] as usize);
                get(format!("{}/connections?limit=50&offset={offset}", path(user)))
            }
            What::PageOfHub => {
                let hub = self.hubs[self.random.below(self.hubs.len())];
                let offset = self.random.below(self.contacts[hub as usize] as usize);
                match self.random.below(2) {
                    0 => get(format!("{}/connections?limit=50&offset={offset}", path(hub))),
                    _ => get(format!("{}/connections?limit=50&cursor={}", path(hub), id(self.anyone()))),
                }
            }
            What::Recommendations => {
                let user = 1 + self.random.below(self.filled.recommended_to() as usize) as u32;
                get(format!("{}/recommendations", path(user)))
            }
            What::Relation => {
                let (one, other) = self.pair();
                get(format!("{}/relations/{}", path(one), id(other)))
            }
            What::Create | What::Patch => self.of_profile(what),
            What::Recommend | What::Withdraw => self.of_recommendation(what),
            What::Connect | What::Disconnect | What::Batch => self.of_connection(what),
        }
    }

    fn of_profile(&mut self, what: What) -> Request {
        let name = format!("load-{}-{}", self.run, self.plan.requests.len());
        if what == What::Create {
            let email = format!("{name}@example.org");
            let body = json!({"email": email, "username": name, "name": "Somebody New"}).to_string();
            self.leaves(Left::There(email));
            return Request { what, method: "POST", path: "/api/v1/users".to_owned(), body, right: &[201] };
        }
        let user = loop {
            let user = self.anyone();
            if self.patched.insert(user) {
                break user;
            }
        };
        let body = json!({"name": name}).to_string();
        self.leaves(Left::Named(user, name));
        Request { what, method: "PATCH", path: path(user), body, right: &[200] }
    }

    fn of_recommendation(&mut self, what: What) -> Request {
        let people = self.filled.people;
        loop {
            let user = 1 + self.random.below(self.filled.recommended_to() as usize) as u32;
            if what == What::Recommend {
                let other = self.stranger(user);
                if (1..=RECOMMENDED).any(|place| recommended(user, place, people) == other) {
                    continue;
                }
                self.leaves(Left::Recommended(user, other, true));
                let item = json!({"id": id(other), "score": 999_999, "reason": "on call together"});
                let body = json!({"source": "load", "items": [item]}).to_string();
                let path = format!("{}/recommendations", path(user));
                return Request { what, method: "POST", path, body, right: &[200] };
            }
            let place = 1 + self.random.below(RECOMMENDED as usize) as u32;
            let other = recommended(user, place, people);
            if self.claim(user, other) {
                self.leaves(Left::Recommended(user, other, false));
                let path = format!("{}/recommendations?user={}", path(user), id(other));
                return Request { what, method: "DELETE", path, body: String::new(), right: &[204] };
            }
        }
    }

    /// A pair may be as it is to be from an earlier load of the same truth: hence 409 and 404. Whether it is so is
    /// looked at afterwards.
    fn of_connection(&mut self, what: What) -> Request {
        if what == What::Disconnect {
            let (one, other) = loop {
                let (one, other) = self.connected();
                if self.claim(one, other) {
                    break (one, other);
                }
            };
            self.leaves(Left::Connected(one, other, false));
            let path = format!("{}/connections?user={}", path(one), id(other));
            return Request { what, method: "DELETE", path, body: String::new(), right: &[204, 404] };
        }
        let user = self.free();
        let count = if what == What::Batch { BATCH.min(self.filled.people as usize / 10) } else { 1 };
        let others: Vec<u32> = (0..count).map(|_| self.stranger(user)).collect();
        others.iter().for_each(|other| self.leaves(Left::Connected(user, *other, true)));
        let ids: Vec<String> = others.iter().map(|other| id(*other)).collect();
        let path = format!("{}/connections", path(user));
        if what == What::Batch {
            let (path, body) = (format!("{path}/batch"), json!({"ids": ids}).to_string());
            return Request { what, method: "POST", path, body, right: &[202] };
        }
        let body = json!({"id": ids[0]}).to_string();
        Request { what, method: "POST", path, body, right: &[201, 409] }
    }
}
