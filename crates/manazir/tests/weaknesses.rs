//! What went wrong in the system that the event service follows, one test for each weakness that could come back
//! here, by its number. Real processes, real requests.
//!
//! Others of them have their tests where the code is: CT-W4, CT-W6 and CT-W22 in `manazir-http`, CT-W8 to CT-W10
//! in `manazir-ingest`, CT-W5 and CT-W7 in `kill`, CT-W21 in `manazir-rabbitmq`, CT-W25 in `scale_out`, CT-W28 in
//! `xtask`, which follows every link of the documents and types their commands. What is not here cannot be in a compiled program with locked
//! dependencies: CT-W1, CT-W26.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use manazir_testkit::client::{Answer, Client};
use manazir_testkit::events;
use manazir_testkit::service::Service;
use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");

struct Running {
    service: Service,
    token: String,
    folder: TempDir,
}

impl Running {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::start(PROGRAM, &folder.path().join("data"), &[]);
        let token = service.token().unwrap().to_owned();
        Self { service, token, folder }
    }

    fn client(&self) -> Client {
        self.service.client(&self.token)
    }

    /// Answers of callers that ask at the same moment, in the order of `bodies`.
    fn at_once(&self, bodies: &[Vec<u8>]) -> Vec<Answer> {
        let ready = Barrier::new(bodies.len());
        std::thread::scope(|scope| {
            let callers: Vec<_> = bodies
                .iter()
                .map(|body| {
                    let (ready, mut client) = (&ready, self.client());
                    scope.spawn(move || {
                        ready.wait();
                        client.post("/ingest", body).unwrap()
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        })
    }
}

fn event(number: u64) -> Vec<u8> {
    let mut body = Vec::new();
    events::write(number, &mut body);
    body
}

/// The event with some of its keys replaced.
fn changed(number: u64, keys: &Value) -> Vec<u8> {
    let mut event: Value = serde_json::from_slice(&event(number)).unwrap();
    event.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    event.to_string().into_bytes()
}

fn is_judged(answer: &Answer) -> bool {
    matches!(answer.status, 200 | 201) && answer.json()["verdict"].is_object()
}

#[test]
fn ct_w3_two_requests_at_once_are_both_answered_and_so_is_every_later_one() {
    let running = Running::start();
    for round in 0..20 {
        let answers = running.at_once(&[event(round * 2), event(round * 2 + 1)]);
        assert!(answers.iter().all(is_judged), "{answers:?}");
    }
    assert!(is_judged(&running.client().post("/ingest", &event(1_000)).unwrap()));
}

#[test]
fn ct_w5_an_event_that_comes_three_times_at_once_is_judged_once() {
    let running = Running::start();
    for number in 0..50 {
        let answers = running.at_once(&[event(number), event(number), event(number)]);
        assert!(answers.iter().all(is_judged), "{answers:?}");
        let answers: Vec<Value> = answers.iter().map(Answer::json).collect();
        let judged = answers.iter().filter(|answer| answer["status"] == "judged").count();
        assert_eq!(judged, 1, "{answers:?}");
        assert!(answers.iter().all(|answer| answer["verdict"] == answers[0]["verdict"]));
    }
}

#[test]
fn ct_w6_what_is_not_json_is_refused_and_stops_nobody() {
    let running = Running::start();
    let mut client = running.client();
    for broken in [&b"not json"[..], b"", b"{", b"[]", b"null", b"\xff\xfe\x00", &[b'['; 100_000]] {
        assert_eq!(client.post("/ingest", broken).unwrap().status, 400);
        let batch = [broken, b"\n", &event(1)].concat();
        let answer = client.post("/api/v1/ingest/events", &batch).unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(answer.json()["accepted"], 1);
    }
    assert!(is_judged(&client.post("/ingest", &event(2)).unwrap()));
}

#[test]
fn ct_w8_names_of_assets_come_back_as_they_were() {
    let running = Running::start();
    let mut client = running.client();
    let names = json!([
        "arn:aws:s3:::a,b",
        "{a}",
        "\"quoted\"",
        "back\\slash",
        "' or 1=1 --",
        "دلو",
        "🪣",
        " ",
        "a\nb"
    ]);
    let answer = client.post("/ingest", &changed(1, &json!({"AffectedAssets": names}))).unwrap();
    assert!(is_judged(&answer), "{}", answer.text());
    let stored = client.get(&format!("/api/v1/events/plain/{}", events::id(1))).unwrap().json();
    assert_eq!(stored["resources"], names);
}

#[test]
fn ct_w9_and_w10_values_of_a_wrong_kind_get_one_answer_that_names_them_all() {
    let running = Running::start();
    let mut client = running.client();
    let wrong = changed(1, &json!({"AffectedAssets": [1, 2], "EventTimestamp": "yesterday", "RoleID": 7}));
    let answer = client.post("/ingest", &wrong).unwrap();
    assert_eq!(answer.status, 400);
    for key in ["AffectedAssets", "EventTimestamp", "RoleID"] {
        assert!(answer.text().contains(key), "{}", answer.text());
    }
    assert_eq!(client.get(&format!("/api/v1/events/plain/{}", events::id(1))).unwrap().status, 404);
    // The connection is still in step: the next answer is that of the next request.
    assert_eq!(client.post("/ingest", &event(2)).unwrap().json()["id"], events::id(2));
}

#[test]
fn ct_w11_looking_for_what_is_not_there_keeps_nobody_from_writing() {
    let running = Running::start();
    let mut client = running.client();
    let mut stranger = running.service.client("mz_nobody");
    for number in 0..200 {
        assert_eq!(client.get(&format!("/api/v1/events/plain/{number}")).unwrap().status, 404);
        assert_eq!(stranger.get("/api/v1/tokens").unwrap().status, 401);
    }
    // Another process writes to the same database while the service has it open.
    let began = Instant::now();
    let made = Command::new(PROGRAM)
        .args(["token", "new", "--scope", "ingest", "--data"])
        .arg(running.folder.path().join("data"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(began.elapsed() < Duration::from_secs(10));
    let token = String::from_utf8(made.stdout).unwrap();
    assert!(is_judged(&running.service.client(token.trim()).post("/ingest", &event(1)).unwrap()));
}

#[test]
fn ct_w20_a_score_comes_from_what_was_seen_and_says_why() {
    let verdicts = || {
        let running = Running::start();
        let mut client = running.client();
        let usual: Vec<u8> = (0..400)
            .flat_map(|number| {
                let at = format!("2024-06-03T{:02}:{:02}:00Z", 8 + number / 60, number % 60);
                let usual = json!({"RoleID": "billing", "EventType": "invoice:Put", "EventTimestamp": at,
                    "AffectedAssets": ["invoices"]});
                [changed(number, &usual), b"\n".to_vec()].concat()
            })
            .collect();
        let answer = client.post("/api/v1/ingest/events?wait=verdict", &usual).unwrap().json();
        let ordinary = answer["events"].as_array().unwrap().last().unwrap()["verdict"].clone();
        let odd = json!({"RoleID": "billing", "EventType": "iam:CreateAccessKey",
            "EventTimestamp": "2024-06-03T14:41:00Z", "AffectedAssets": ["administrator"]});
        let odd = client.post("/ingest", &changed(1_000, &odd)).unwrap().json()["verdict"].clone();
        (ordinary, odd)
    };
    let (ordinary, odd) = verdicts();
    assert!(odd["score"].as_f64().unwrap() > ordinary["score"].as_f64().unwrap(), "{odd} {ordinary}");
    assert_eq!(ordinary["anomaly"], false);
    assert!(odd["reasons"].to_string().contains("iam:CreateAccessKey"), "{odd}");
    assert_eq!(verdicts(), (ordinary, odd), "the same events get the same verdicts");
}

#[test]
fn ct_w22_each_of_many_callers_gets_the_answer_that_is_its_own() {
    let running = Running::start();
    let bodies: Vec<Vec<u8>> = (0..200).map(event).collect();
    for (number, answer) in running.at_once(&bodies).iter().enumerate() {
        assert!(is_judged(answer), "{}", answer.text());
        assert_eq!(answer.json()["id"], events::id(number as u64));
    }
}

#[test]
fn ct_w23_whoever_sends_half_a_request_keeps_nobody_else_waiting() {
    let running = Running::start();
    let idle: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(running.service.address()).unwrap();
            let (token, half) = (&running.token, "{\"RequestID\":");
            write!(
                stream,
                "POST /ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 300\r\n\r\n{half}"
            )
            .unwrap();
            stream
        })
        .collect();
    let half_a_head = TcpStream::connect(running.service.address()).unwrap();
    write!(&half_a_head, "GET / HT").unwrap();
    let began = Instant::now();
    assert!(is_judged(&running.client().post("/ingest", &event(1)).unwrap()));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(idle);
    // Nor the service from stopping, and in order.
    let began = Instant::now();
    assert!(running.service.terminate());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    drop(half_a_head);
}

#[test]
fn ct_w24_a_service_that_is_stopped_under_load_keeps_what_it_took() {
    let Running { service, token, folder } = Running::start();
    let mut client = service.client(&token);
    let sender = std::thread::spawn(move || {
        let mut acknowledged = Vec::new();
        for number in 0.. {
            match client.post("/api/v1/ingest/events", &events::lines(number * 50..(number + 1) * 50)) {
                Ok(answer) if answer.status == 202 => acknowledged.push(number),
                _ => return acknowledged,
            }
        }
        acknowledged
    });
    std::thread::sleep(Duration::from_millis(300));
    assert!(service.terminate(), "SIGTERM is a way to stop");
    let acknowledged = sender.join().unwrap();
    assert!(!acknowledged.is_empty());
    let again = Service::start(PROGRAM, &folder.path().join("data"), &[]);
    let mut client = again.client(&token);
    for event in acknowledged.iter().map(|number| number * 50) {
        // What was taken was judged before it ended.
        let answer = client.post("/ingest", &self::event(event)).unwrap().json();
        assert_eq!(answer["status"], "already_processed", "{answer}");
    }
}

#[test]
fn ct_w27_nobody_is_let_in_by_default_and_nothing_is_of_any_length() {
    let running = Running::start();
    for token in ["", "mz_", "guest", "admin", "mz_0000000000000000000000000000000000000000"] {
        let mut stranger = running.service.client(token);
        for path in ["/ingest", "/api/v1/ingest/events", "/api/v1/ingest/cloudtrail", "/api/v1/tokens"] {
            assert_eq!(stranger.post(path, &event(1)).unwrap().status, 401, "{path}");
        }
        for path in ["/api/v1/events/plain/1", "/api/v1/tokens"] {
            assert_eq!(stranger.get(path).unwrap().status, 401, "{path}");
        }
    }
    let long = json!({"RoleID": "x".repeat(2 << 20)});
    assert_eq!(running.client().post("/ingest", &changed(1, &long)).unwrap().status, 413);
    assert!(is_judged(&running.client().post("/ingest", &event(2)).unwrap()));
}

#[test]
fn ct_w29_a_real_record_is_taken_in_every_wrapping() {
    let record = |id: &str| {
        json!({"eventVersion": "1.09", "eventID": id, "eventName": "PutObject", "eventSource": "s3.amazonaws.com",
            "eventTime": "2024-06-03T09:12:31Z", "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.7",
            "userAgent": "aws-cli/2.15", "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "userName": "alice", "accountId": "111122223333",
                "arn": "arn:aws:iam::111122223333:user/alice", "principalId": "AIDAALICE"},
            "requestParameters": {"bucketName": "invoices"}, "responseElements": null})
    };
    let running = Running::start();
    let mut client = running.client();
    let wrapped = [
        record("a").to_string(),
        json!({"Records": [record("b"), record("c")]}).to_string(),
        json!([record("d")]).to_string(),
        json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": record("e")})
            .to_string(),
        format!("{}\n{}\n", record("f"), record("g")),
    ];
    for body in wrapped {
        let answer = client.post("/api/v1/ingest/cloudtrail?wait=verdict", body.as_bytes()).unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(answer.json()["rejected"], json!([]));
    }
    for id in ["a", "b", "c", "d", "e", "f", "g"] {
        let stored = client.get(&format!("/api/v1/events/cloudtrail/{id}")).unwrap().json();
        assert_eq!(stored["action"], "s3:PutObject", "{id}: {stored}");
        assert!(stored["actor"].to_string().contains("alice"), "{stored}");
    }
}
