//! Two weeks in the life of an account, day by day, the same for the same seed.
//!
//! Ordinary days hold what makes detection hard: people try services they never used, scripts loop, builds make
//! roles, administrators make users, calls are denied, new colleagues and new roles come, somebody works at
//! night or from a hotel, an incident fills the log with errors.

use manazir_model::{Grain, Random};

use super::catalogue::{Call, call, calls};
use super::people::{Kind, PRINCIPALS, Principal, Rhythm};
use super::record::{Act, Way};

/// Monday, 3 June 2024, 00:00 UTC.
pub(super) const FIRST_DAY_AT: i64 = 1_717_372_800_000_000;
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const HOME_REGION: &str = "eu-west-1";

/// One principal as this seed made it.
#[derive(Clone, Debug)]
struct Profile {
    /// Calls it makes, with the sum of weights up to each.
    usual: Vec<(Call, f64)>,
    /// The order in which a program makes them.
    script: Vec<Call>,
    /// Block of addresses of its home or its machines.
    block: (usize, usize),
}

/// The account.
#[derive(Clone, Debug)]
pub(super) struct Background {
    random: Random,
    profiles: Vec<Profile>,
    incidents: [(usize, usize); 2],
}

impl Background {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let profiles = PRINCIPALS.iter().map(|who| Profile::draw(who, &mut random)).collect();
        let mut incident = |first: usize| (first + random.below(6), 13 + random.below(3));
        let incidents = [incident(1), incident(8)];
        Self { random, profiles, incidents }
    }

    /// What happened on the next day, in order of time. Days must be asked for one after the other.
    pub(super) fn day(&mut self, day: usize) -> Vec<Act> {
        let mut acts = Vec::new();
        for (who, principal) in PRINCIPALS.iter().enumerate() {
            if day < principal.first_day {
                continue;
            }
            match principal.rhythm {
                Rhythm::Office => self.office(who, day, &mut acts),
                Rhythm::Runs(runs) => self.runs(who, day, runs, &mut acts),
                Rhythm::Always(rate) => self.always(who, day, rate, &mut acts),
                Rhythm::Night => self.night(who, day, &mut acts),
            }
        }
        for (at_day, who) in self.incidents {
            if at_day == day {
                self.incident(who, day, &mut acts);
            }
        }
        acts.sort_by_key(|act| (act.at, act.who));
        acts
    }

    fn chance(&mut self, share: f64) -> bool {
        self.random.uniform() < share
    }

    /// Time after which something that happens every `mean` microseconds happens again.
    fn pause(&mut self, mean: i64) -> i64 {
        (-(1.0 - self.random.uniform()).ln() * mean as f64) as i64
    }

    fn office(&mut self, who: usize, day: usize, acts: &mut Vec<Act>) {
        if !self.chance(if is_weekend(day) { 0.06 } else { 0.92 }) {
            return;
        }
        self.perhaps_take_up_a_service(who);
        let start = start_of(day) + 7 * HOUR + self.random.below(150) as i64 * MINUTE;
        let address = self.address_of_the_day(who);
        let sessions = 3 + self.random.below(5);
        for session in 0..sessions {
            let mut at = start + session as i64 * (9 * HOUR / sessions as i64) + self.pause(20 * MINUTE);
            let way = self.way_of_a_person(who, &address);
            if session == 0 && way.agent.starts_with("Mozilla") {
                self.act(who, at, call("signin", "ConsoleLogin"), &way, acts);
            }
            for _ in 0..2 + self.random.below(5) {
                at = self.task(who, at, &way, acts);
            }
        }
        let way = self.way_of_a_person(who, &address);
        let at = start + self.pause(3 * HOUR);
        self.chores(who, at, &way, acts);
    }

    /// Some calls around one service.
    fn task(&mut self, who: usize, mut at: i64, way: &Way, acts: &mut Vec<Act>) -> i64 {
        let group = self.draw(who).group;
        for _ in 0..2 + self.random.below(9) {
            at += self.pause(15 * SECOND) + SECOND;
            let call = self.draw_in(who, group);
            if self.chance(0.03) {
                let odd = self.odd_call(who);
                self.odd(who, at, odd, way, acts);
            } else {
                self.act(who, at, Some(call), way, acts);
            }
            if self.chance(0.01) && !call.writes {
                for _ in 0..10 + self.random.below(60) {
                    at += SECOND / 2;
                    self.act(who, at, Some(call), way, acts);
                }
            }
        }
        at
    }

    fn chores(&mut self, who: usize, mut at: i64, way: &Way, acts: &mut Vec<Act>) {
        for chore in PRINCIPALS[who].chores {
            if !self.chance(chore.chance) {
                continue;
            }
            for &(group, name) in chore.calls {
                for _ in 0..1 + self.random.below(2) {
                    at += self.pause(20 * SECOND);
                    self.act(who, at, call(group, name), way, acts);
                }
            }
            at += self.pause(HOUR / 2);
        }
    }

    fn runs(&mut self, who: usize, day: usize, runs: usize, acts: &mut Vec<Act>) {
        let runs = if is_weekend(day) { runs / 4 } else { runs / 2 + self.random.below(runs + 1) };
        for run in 0..runs {
            let hour = if self.chance(0.85) { 7 + self.random.below(11) } else { self.random.below(24) };
            let mut at = start_of(day) + hour as i64 * HOUR + self.random.below(3_600) as i64 * SECOND;
            let way = self.way_of_a_machine(who, &format!("run-{day}-{run}"));
            for call in self.profiles[who].script.clone() {
                at += self.pause(3 * SECOND);
                if self.chance(0.9) {
                    self.act(who, at, Some(call), &way, acts);
                }
                if self.chance(0.02) {
                    let other = self.draw(who);
                    self.act(who, at, Some(other), &way, acts);
                }
            }
            if run == 0 {
                self.chores(who, at, &way, acts);
            }
        }
    }

    fn always(&mut self, who: usize, day: usize, rate: usize, acts: &mut Vec<Act>) {
        for hour in 0..24 {
            let noon = 1.0 - (hour as f64 - 13.0).abs() / 20.0;
            let calls = (rate as f64 * noon * (0.8 + 0.4 * self.random.uniform())) as usize;
            let machine = self.random.below(3) + day / 5;
            let way = self.way_of_a_machine(who, &format!("i-0{machine:06x}"));
            for _ in 0..calls {
                let at = start_of(day) + hour * HOUR + self.random.below(3_600) as i64 * SECOND;
                let call = self.draw(who);
                self.act(who, at, Some(call), &way, acts);
            }
        }
        let way = self.way_of_a_machine(who, "i-0start");
        let at = start_of(day) + self.random.below(20) as i64 * HOUR;
        self.chores(who, at, &way, acts);
    }

    fn night(&mut self, who: usize, day: usize, acts: &mut Vec<Act>) {
        let mut at = start_of(day) + 2 * HOUR + self.pause(10 * MINUTE);
        let way = self.way_of_a_machine(who, &format!("night-{day}"));
        for _ in 0..3 {
            for call in self.profiles[who].script.clone() {
                at += self.pause(4 * SECOND);
                self.act(who, at, Some(call), &way, acts);
            }
        }
        self.chores(who, at, &way, acts);
    }

    /// An application fails for twenty minutes, and an administrator gets up.
    fn incident(&mut self, who: usize, day: usize, acts: &mut Vec<Act>) {
        const ADMINISTRATOR: usize = 6;
        let start = start_of(day) + self.random.below(22) as i64 * HOUR;
        let way = self.way_of_a_machine(who, "i-0000001");
        for _ in 0..150 + self.random.below(200) {
            let at = start + self.random.below(1_200) as i64 * SECOND;
            let call = self.draw(who);
            self.act(who, at, Some(call), &way, acts);
            if let Some(last) = acts.last_mut() {
                last.error = "ThrottlingException";
            }
        }
        let address = format!("198.51.{}.23", 100 + ADMINISTRATOR);
        let way = self.way_of_a_person(ADMINISTRATOR, &address);
        let mut at = start + 10 * MINUTE;
        for _ in 0..8 {
            at = self.task(ADMINISTRATOR, at, &way, acts);
        }
    }

    /// On one day in twenty a person begins to use a service it never used.
    fn perhaps_take_up_a_service(&mut self, who: usize) {
        if !self.chance(0.05) {
            return;
        }
        let group = calls()[self.random.below(calls().len())].group;
        let wanted = |call: &&Call| call.group == group && !matches!(group, "iamuser" | "iamrole");
        let new: Vec<Call> = calls().iter().filter(wanted).take(7).copied().collect();
        let usual = &mut self.profiles[who].usual;
        let sum = usual.last().map_or(0.0, |(_, sum)| *sum);
        for (rank, call) in new.into_iter().enumerate() {
            let so_far = usual.last().map_or(0.0, |(_, sum)| *sum);
            usual.push((call, so_far + sum * 0.08 / (rank + 1) as f64));
        }
    }

    fn draw(&mut self, who: usize) -> Call {
        let random = self.random.uniform();
        let usual = &self.profiles[who].usual;
        let sum = usual.last().map_or(0.0, |(_, sum)| *sum);
        let at = usual.partition_point(|(_, up_to)| *up_to < random * sum).min(usual.len() - 1);
        usual[at].0
    }

    /// A call of the same service, if a few tries find one.
    fn draw_in(&mut self, who: usize, group: &str) -> Call {
        let mut drawn = self.draw(who);
        for _ in 0..12 {
            if drawn.group == group {
                break;
            }
            drawn = self.draw(who);
        }
        drawn
    }

    /// Something a person usually does not do: mostly looking, sometimes changing what is its own.
    fn odd_call(&mut self, who: usize) -> Call {
        let own = |call: &Call| PRINCIPALS[who].writes.contains(&call.group);
        for _ in 0..64 {
            let drawn = calls()[self.random.below(calls().len())];
            if !drawn.writes || own(&drawn) || self.random.below(40) == 0 {
                return drawn;
            }
        }
        self.draw(who)
    }

    fn odd(&mut self, who: usize, at: i64, call: Call, way: &Way, acts: &mut Vec<Act>) {
        self.act(who, at, Some(call), way, acts);
        if self.chance(0.15)
            && let Some(last) = acts.last_mut()
        {
            last.error = denied(call);
        }
    }

    fn act(&mut self, who: usize, at: i64, call: Option<Call>, way: &Way, acts: &mut Vec<Act>) {
        let Some(call) = call else { return };
        let resource = self.resource(who, call);
        let error = match self.random.below(250) {
            0 => "ThrottlingException",
            1 => "ResourceNotFoundException",
            2 => "ValidationException",
            3 if PRINCIPALS[who].kind != Kind::Service => denied(call),
            _ => "",
        };
        let mut way = way.clone();
        if self.chance(0.004) {
            way.region = "us-east-1";
        }
        acts.push(Act { at, who, call, resource, error, way });
    }

    /// A thing of the principal's own, of its team, or one that is new.
    fn resource(&mut self, who: usize, call: Call) -> String {
        let group = call.group;
        match self.random.below(20) {
            0 => format!("{group}-{:08x}", self.random.next_u64() as u32),
            1..=4 => format!("{group}-shared-{}", self.random.below(10)),
            _ => format!("{group}-{who}-{}", self.random.below(6).min(self.random.below(6))),
        }
    }

    fn address_of_the_day(&mut self, who: usize) -> String {
        let last = 2 + self.random.below(200);
        match self.random.below(50) {
            0 => format!("100.{}.{}.{last}", 64 + self.random.below(60), self.random.below(250)),
            1..=18 => format!("198.51.{}.{last}", 100 + who),
            _ => format!("203.0.113.{last}"),
        }
    }

    fn way_of_a_person(&mut self, who: usize, address: &str) -> Way {
        const AGENTS: [&str; 4] = [
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/125.0 Safari/537.36",
            "aws-cli/2.15.30 Python/3.11.8 Linux/6.5.0 exe/x86_64 prompt/off",
            "Boto3/1.34.101 md/Botocore#1.34.101 ua/2.0 os/linux lang/python#3.12",
            "APN/1.0 HashiCorp/1.0 Terraform/1.8.4 (+https://www.terraform.io) terraform-provider-aws/5.50",
        ];
        let habit = [0, 0, 0, 0, 1, 1, 1, 2][(self.random.below(8) + who).min(7)];
        let agent = if self.chance(0.03) { AGENTS[self.random.below(4)] } else { AGENTS[habit] };
        let session = format!("{:04}KEY", who * 17);
        Way { session, region: HOME_REGION, address: address.to_owned(), agent }
    }

    fn way_of_a_machine(&mut self, who: usize, session: &str) -> Way {
        const AGENTS: [&str; 4] = [
            "aws-sdk-java/2.25.31 Linux/5.10 OpenJDK_64-Bit_Server_VM/17.0",
            "aws-sdk-go-v2/1.26.1 os/linux lang/go#1.22.2 md/GOOS#linux",
            "Boto3/1.34.90 md/Botocore#1.34.90 ua/2.0 os/linux lang/python#3.11",
            "APN/1.0 HashiCorp/1.0 Terraform/1.8.2 (+https://www.terraform.io) terraform-provider-aws/5.48",
        ];
        let principal = &PRINCIPALS[who];
        if principal.kind == Kind::Service {
            let (address, agent) = (principal.name.to_owned(), principal.name);
            return Way { session: String::new(), region: HOME_REGION, address, agent };
        }
        let agent = AGENTS[if principal.name == "terraform" { 3 } else { who % 3 }];
        let (high, low) = self.profiles[who].block;
        let address = format!("52.{high}.{low}.{}", 10 + self.random.below(4));
        let region = if principal.name == "search" { "us-east-1" } else { HOME_REGION };
        Way { session: session.to_owned(), region, address, agent }
    }
}

impl Profile {
    /// Draws what a principal does: of the services of its work most calls, the first ones most often.
    fn draw(who: &Principal, random: &mut Random) -> Self {
        let mut weighed: Vec<(Call, f64)> = Vec::new();
        let mut take = |groups: &[&str], writes: bool, share: f64, random: &mut Random| {
            let mut drawn = Vec::new();
            for (group_rank, group) in groups.iter().enumerate() {
                let of_group = calls().iter().filter(|call| call.group == *group && call.writes == writes);
                for (rank, call) in of_group.enumerate() {
                    let weight = (0.2 + random.uniform()) / ((group_rank + 1) * (rank + 1)) as f64;
                    if random.uniform() < 0.75 {
                        drawn.push((*call, weight));
                    }
                }
            }
            let sum: f64 = drawn.iter().map(|(_, weight)| weight).sum();
            weighed.extend(drawn.into_iter().map(|(call, weight)| (call, share * weight / sum.max(1e-9))));
        };
        take(who.reads, false, 1.0 - who.write_share, random);
        take(who.writes, true, who.write_share, random);
        // Programs do little that is rare; people have the whole tail.
        if who.rhythm != Rhythm::Office {
            weighed.sort_by(|a, b| b.1.total_cmp(&a.1));
            weighed.truncate(18);
        }
        let script = weighed.iter().take(24).map(|(call, _)| *call).collect();
        let mut sum = 0.0;
        for (_, weight) in &mut weighed {
            sum += *weight;
            *weight = sum;
        }
        Self { usual: weighed, script, block: (random.below(250), random.below(250)) }
    }
}

fn denied(call: Call) -> &'static str {
    if call.service() == "ec2" { "Client.UnauthorizedOperation" } else { "AccessDenied" }
}

pub(super) fn start_of(day: usize) -> i64 {
    FIRST_DAY_AT + day as i64 * Grain::DAY.micros()
}

/// The first day is a Monday.
fn is_weekend(day: usize) -> bool {
    day % 7 >= 5
}
