//! Every wrapping, every identity, every damage.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

const USER: &str = r#"{"eventVersion":"1.08","eventID":"e1","eventTime":"2024-05-01T09:00:00Z","eventType":"AwsApiCall","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","userAgent":"aws-cli/2.1","readOnly":false,"requestParameters":{"userName":"eve"},"responseElements":{"user":{"arn":"x"}},"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/ann","accessKeyId":"AKIA1"}}"#;
const ROLE: &str = r#"{"eventID":"e2","eventTime":"2024-05-01T09:00:01Z","eventSource":"lambda.amazonaws.com","eventName":"UpdateFunctionCode20150331v2","errorCode":"AccessDenied","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/build/run-7","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::1:role/ci/build"}}},"requestParameters":null,"resources":[{"ARN":"arn:f"}]}"#;

fn say(decoded: &Decoded<'_>) -> String {
    let records = decoded.parsed.iter().map(|Record { event, .. }| {
        let line = format!(
            "{} {} {} [{}] {} {:?} {} {}",
            event.id,
            event.at,
            event.actor,
            event.session,
            event.peers,
            event.resources,
            event.action,
            event.error
        );
        line.trim_end().to_owned() + "\n"
    });
    let rejects = decoded.rejects.iter().map(|error| format!("! {error}\n"));
    records.chain(rejects).collect()
}

#[track_caller]
fn check(bytes: &str, expect: Expect) {
    expect.assert_eq(&say(&decode(bytes.as_bytes())));
}

#[test]
fn every_wrapping_gives_the_same_records() {
    let wanted = say(&decode(format!("{USER}\n{ROLE}").as_bytes()));
    expect![[r#"
        e1 2024-05-01T09:00:00Z arn:aws:iam::1:user/ann [AKIA1] human ["eve"] iam:CreateUser
        e2 2024-05-01T09:00:01Z arn:aws:iam::1:role/ci/build [run-7] role ["arn:f"] lambda:UpdateFunctionCode AccessDenied
    "#]]
    .assert_eq(&wanted);
    let pretty = |json: &str| {
        serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(json).unwrap()).unwrap()
    };
    let bridged =
        |json: &str| format!(r#"{{"version":"0","id":"b","detail-type":"AWS API Call","detail":{json}}}"#);
    let records = format!(r#"{{"Records":[{USER},{ROLE}]}}"#);
    for wrapped in [
        records.clone(),
        pretty(&records),
        format!("[{USER},\n{ROLE}]"),
        format!("\u{feff}\n{USER}\r\n\r\n{ROLE}\r\n"),
        format!("{}\n{}", bridged(USER), bridged(ROLE)),
        format!("{{\"Records\":[{USER}]}}\n{{\"Records\":[{ROLE}]}}\n"),
    ] {
        assert_eq!(say(&decode(wrapped.as_bytes())), wanted, "{wrapped}");
    }
}

#[test]
fn a_broken_item_stops_no_other() {
    check(
        &format!("{{\"eventName\":\n{USER}\n7\n{{\"eventName\":\"X\",\"eventTime\":\"today\"}}\n"),
        expect![[r#"
            e1 2024-05-01T09:00:00Z arn:aws:iam::1:user/ann [AKIA1] human ["eve"] iam:CreateUser
            ! item 1 cannot be read as JSON of this kind: EOF while parsing a value at line 1 column 13
            ! item 3 cannot be read as JSON of this kind: invalid type: integer `7`, expected struct Fields at line 1 column 1
            ! item 4: eventTime is not a time as RFC 3339 writes it; eventID is missing
        "#]],
    );
    check(
        &format!(r#"{{"Records":[{{"userIdentity":7}},{USER}]}}"#),
        expect![[r#"
            e1 2024-05-01T09:00:00Z arn:aws:iam::1:user/ann [AKIA1] human ["eve"] iam:CreateUser
            ! item 1 cannot be read as JSON of this kind: invalid type: integer `7`, expected struct UserIdentity at line 1 column 17
        "#]],
    );
    check("", expect![""]);
}

#[test]
fn services_and_sign_on_have_names_of_their_own() {
    let who = |identity: &str| {
        let record = format!(
            r#"{{"eventID":"e","eventTime":"2024-05-01T09:00:00Z","eventName":"X","userIdentity":{identity}}}"#
        );
        let decoded = decode(record.as_bytes());
        let event = &decoded.parsed[0].event;
        format!("{} [{}] {}", event.actor, event.session, event.peers)
    };
    let cases = [
        (r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#, "ec2.amazonaws.com [] service"),
        (r#"{"type":"Root","arn":"arn:aws:iam::1:root"}"#, "arn:aws:iam::1:root [] human"),
        (r#"{"type":"AWSAccount","principalId":"AIDA:x","accountId":"2"}"#, "AIDA:x [] service"),
        (
            r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/AWSReservedSSO_Dev_0/ann@x.org"}"#,
            "arn:aws:sts::1:assumed-role/AWSReservedSSO_Dev_0 [ann@x.org] human",
        ),
        (
            r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/AWSServiceRoleForRDS/s"}"#,
            "arn:aws:sts::1:assumed-role/AWSServiceRoleForRDS [s] service",
        ),
        ("null", " [] service"),
    ];
    for (identity, wanted) in cases {
        assert_eq!(who(identity), wanted);
    }
}

#[test]
fn only_the_date_of_an_interface_is_cut_off() {
    let cases = [
        ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
        ("CreateFunction20150331", "CreateFunction"),
        ("ListDistributions2020_05_31", "ListDistributions2020_05_31"),
        ("ListObjectsV2", "ListObjectsV2"),
        ("20150331", "20150331"),
        ("GetMetric20v2", "GetMetric20v2"),
    ];
    for (name, wanted) in cases {
        assert_eq!(without_version(name), wanted);
    }
}

#[test]
fn raw_bytes_hold_what_the_event_leaves_out() {
    let decoded = decode(USER.as_bytes());
    assert!(std::str::from_utf8(decoded.parsed[0].raw).unwrap().contains("responseElements"));
    assert!(matches!(decoded.parsed[0].event.id, Cow::Borrowed("e1")));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        decode(&bytes);
    }

    /// Each byte of real records changed or cut: no panic, and never more items than there can be.
    #[test]
    fn no_damage_panics(at in 0usize..900, byte: u8, cut in 0usize..900) {
        let mut bytes = format!("{USER}\n{{\"Records\":[{ROLE}]}}").into_bytes();
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(length - cut % length);
        let decoded = decode(&bytes);
        prop_assert!(decoded.parsed.len() + decoded.rejects.len() <= bytes.len());
    }
}
