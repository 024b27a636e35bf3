//! Records as CloudTrail writes them.

use std::fmt::Write;

use manazir_model::Timestamp;

use super::catalogue::Call;
use super::people::{Kind, Principal};

/// The account of the background.
pub(super) const ACCOUNT: &str = "111122223333";

/// One call that somebody made.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) at: i64,
    /// Position among the principals.
    pub(super) who: usize,
    pub(super) call: Call,
    pub(super) resource: String,
    pub(super) error: &'static str,
    pub(super) way: Way,
}

/// From where and with what.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) session: String,
    pub(super) region: &'static str,
    pub(super) address: String,
    pub(super) agent: &'static str,
}

/// The identity block of a principal.
pub(super) fn identity(of: &Principal, session: &str) -> String {
    let name = of.name;
    match of.kind {
        Kind::User => format!(
            r#"{{"type":"IAMUser","principalId":"AIDA{name}","arn":"arn:aws:iam::{ACCOUNT}:user/{name}","accountId":"{ACCOUNT}","accessKeyId":"AKIA{session}","userName":"{name}"}}"#
        ),
        Kind::Service => format!(r#"{{"type":"AWSService","invokedBy":"{name}"}}"#),
        Kind::SignOn => assumed(&format!("AWSReservedSSO_{name}_0a1b2c3d"), &format!("{name}@example.org")),
        Kind::Role => assumed(name, session),
    }
}

fn assumed(role: &str, session: &str) -> String {
    format!(
        r#"{{"type":"AssumedRole","principalId":"AROA{role}:{session}","arn":"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}","accountId":"{ACCOUNT}","accessKeyId":"ASIA{role}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROA{role}","arn":"arn:aws:iam::{ACCOUNT}:role/{role}","accountId":"{ACCOUNT}","userName":"{role}"}},"attributes":{{"mfaAuthenticated":"false"}}}}}}"#
    )
}

/// CloudTrail writes whole seconds.
pub(super) fn time(at: i64) -> String {
    Timestamp(at.div_euclid(1_000_000) * 1_000_000).to_string()
}

impl Act {
    /// Appends the record as a line; `id` is unique within the run.
    pub(super) fn write(&self, who: &Principal, id: u64, lines: &mut Vec<u8>) {
        let Self { call, way, .. } = self;
        let region = if call.is_global() { "us-east-1" } else { way.region };
        let service = call.service();
        let mut line = format!(
            r#"{{"eventVersion":"1.09","userIdentity":{},"eventTime":"{}","eventSource":"{service}.amazonaws.com","eventName":"{}","awsRegion":"{region}","sourceIPAddress":"{}","userAgent":"{}","#,
            identity(who, &way.session),
            time(self.at),
            call.name,
            way.address,
            way.agent,
        );
        if !self.error.is_empty() {
            line.push_str(r#""errorCode":""#);
            line.push_str(self.error);
            line.push_str(r#"","#);
        }
        if call.key.is_empty() {
            line.push_str(r#""requestParameters":null,"#);
        } else {
            let _ = write!(line, r#""requestParameters":{{"{}":"{}"}},"#, call.key, self.resource);
        }
        let _ = write!(
            line,
            r#""responseElements":null,"requestID":"{id:08x}-5d71-441e-84c8-b424f1c78ffb","eventID":"{id:08x}-b39e-4a18-a6a0-d07a6e2105cb","readOnly":{},"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{ACCOUNT}","eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{service}.{region}.amazonaws.com"}}}}"#,
            !call.writes,
        );
        lines.extend_from_slice(line.as_bytes());
        lines.push(b'\n');
    }
}
