//! How much a strange action matters: what it could do, by the words of its name.
//!
//! Families and their order follow the tactics of MITRE ATT&CK for clouds
//! (<https://attack.mitre.org/matrices/enterprise/cloud/>): what an intruder needs, whatever the technique.
//! An interface names its calls by verb and thing (`DeleteTrail`), so words are enough, also for services that
//! are not in any list. A weight only multiplies a surprise: an ordinary sensitive action stays ordinary.

/// A kind of action that matters more than others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Family {
    /// Its name in reasons.
    pub name: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What a surprise is multiplied by.
    pub weight: f64,
    /// Services it belongs to whatever the thing is; with these verbs.
    services: &'static [&'static str],
    /// First words of the name.
    verbs: &'static [&'static str],
    /// Parts of the rest of the name.
    things: &'static [&'static str],
}

/// Verbs that end, weaken or replace something.
const WEAKEN: &[&str] = &[
    "Delete",
    "Stop",
    "Disable",
    "Update",
    "Put",
    "Disassociate",
    "Deregister",
    "Remove",
    "Detach",
    "Leave",
    "Cancel",
];
/// Verbs that make or give something.
const GRANT: &[&str] = &[
    "Create",
    "Add",
    "Attach",
    "Put",
    "Set",
    "Update",
    "Upload",
    "Import",
    "Register",
    "Associate",
    "Enable",
    "Reset",
    "Change",
    "Modify",
    "Accept",
    "Invite",
];
/// Verbs that hand something out.
const SHARE: &[&str] = &[
    "Modify",
    "Put",
    "Add",
    "Authorize",
    "Share",
    "Create",
    "Update",
    "Set",
    "Export",
    "Start",
    "Copy",
    "Delete",
    "Associate",
    "Enable",
];
/// Verbs that make something run.
const RUN: &[&str] =
    &["Run", "Send", "Start", "Invoke", "Execute", "Update", "Create", "Resume", "Open", "Modify"];
/// Verbs that read.
const READ: &[&str] = &["Get", "Batch", "Retrieve", "Reveal", "Request", "Download", "Generate"];
/// Verbs that look around.
const LOOK: &[&str] = &["List", "Describe", "Get", "Search", "Lookup", "Simulate"];

/// The families, the most telling first.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "log tampering",
        why: "whoever turns off what records has something to hide",
        weight: 3.0,
        services: &[
            "cloudtrail",
            "guardduty",
            "config",
            "securityhub",
            "access-analyzer",
            "inspector2",
            "macie2",
            "detective",
            "auditmanager",
        ],
        verbs: WEAKEN,
        things: &[
            "Trail",
            "Log",
            "Selector",
            "Detector",
            "Recorder",
            "Finding",
            "Alarm",
            "Audit",
            "Monitor",
            "Guardrail",
            "Organization",
        ],
    },
    Family {
        name: "persistence",
        why: "a new way in outlives the discovery of the old one",
        weight: 2.5,
        services: &["iam", "sso", "sso-admin", "identitystore", "rolesanywhere", "cognito-idp"],
        verbs: GRANT,
        things: &[
            "User",
            "AccessKey",
            "LoginProfile",
            "Password",
            "Credential",
            "Identity",
            "TrustAnchor",
            "SAML",
            "OpenID",
            "MFA",
            "KeyPair",
        ],
    },
    Family {
        name: "privilege",
        why: "rights that are given away are used",
        weight: 2.5,
        services: &[],
        verbs: GRANT,
        things: &["Policy", "Permission", "Role", "Grant", "Privilege", "Boundary", "Entitlement"],
    },
    Family {
        name: "exposure",
        why: "what is opened to others leaves",
        weight: 2.5,
        services: &[],
        verbs: SHARE,
        things: &[
            "SnapshotAttribute",
            "ImageAttribute",
            "ClusterSnapshot",
            "DBSnapshot",
            "Acl",
            "ACL",
            "Ingress",
            "PublicAccess",
            "Share",
            "Export",
            "Replication",
            "Url",
            "PeeringConnection",
        ],
    },
    Family {
        name: "credential access",
        why: "secrets that are read work elsewhere",
        weight: 2.0,
        services: &[],
        verbs: READ,
        things: &["Secret", "Password", "Parameter", "Credential", "Token", "PrivateKey", "AccessKey"],
    },
    Family {
        name: "execution",
        why: "code of others runs with the rights of the machine",
        weight: 2.0,
        services: &[],
        verbs: RUN,
        things: &[
            "Command",
            "Session",
            "FunctionCode",
            "FunctionConfiguration",
            "Layer",
            "SSH",
            "Serial",
            "Instances",
            "InstanceAttribute",
            "Execution",
            "Automation",
            "LifecycleConfig",
            "Script",
        ],
    },
    Family {
        name: "destruction",
        why: "what is deleted with its copies does not come back",
        weight: 2.0,
        services: &["backup", "kms"],
        verbs: &["Delete", "Terminate", "Schedule", "Disable", "Purge"],
        things: &[
            "Bucket",
            "Object",
            "Snapshot",
            "Backup",
            "Vault",
            "RecoveryPoint",
            "Table",
            "DB",
            "Cluster",
            "Volume",
            "Key",
        ],
    },
    Family {
        name: "destruction",
        why: "what expires or is encrypted anew is as good as deleted",
        weight: 2.0,
        services: &[],
        verbs: &["Put", "Set", "Modify"],
        things: &["Versioning", "Lifecycle", "Encryption", "Retention"],
    },
    Family {
        name: "sign-in",
        why: "a person came by the front door",
        weight: 1.5,
        services: &["signin"],
        verbs: &["Console", "Switch"],
        things: &["Login", "Role"],
    },
    Family {
        name: "discovery",
        why: "an intruder has to look around first",
        weight: 1.2,
        services: &["iam", "organizations", "account", "sts"],
        verbs: LOOK,
        things: &["Identity", "Account", "Authorization", "Quota", "Secrets", "Attribute", "Parameters"],
    },
];

/// Weight of an action that belongs to no family.
const WRITE: f64 = 1.5;
const UNKNOWN: f64 = 1.2;
const READ_ONLY: f64 = 1.0;

/// The family of an action like `iam:CreateUser`, if it has one.
pub fn family(action: &str) -> Option<&'static Family> {
    let (service, name) = action.split_once(':').unwrap_or(("", action));
    let (verb, thing) = verb_and_thing(name);
    FAMILIES.iter().find(|family| {
        family.verbs.contains(&verb)
            && (family.services.contains(&service) || family.things.iter().any(|part| thing.contains(part)))
    })
}

/// What a surprise at this action is multiplied by.
pub fn weight(action: &str, writes: Option<bool>) -> f64 {
    let plain = match writes {
        Some(true) => WRITE,
        Some(false) => READ_ONLY,
        None => UNKNOWN,
    };
    family(action).map_or(plain, |family| family.weight.max(plain))
}

/// Rank of a weight among actions: 0 for looking, 1 for what may change something, 2 for a sensitive family.
pub(super) fn rank(weight: f64) -> usize {
    usize::from(weight >= UNKNOWN) + usize::from(weight > WRITE)
}

/// `DeleteFlowLogs`: `Delete` and `FlowLogs`.
fn verb_and_thing(name: &str) -> (&str, &str) {
    let end = name.char_indices().skip(1).find(|(_, letter)| letter.is_uppercase());
    name.split_at(end.map_or(name.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_the_family() {
        let cases = [
            ("cloudtrail:StopLogging", "log tampering"),
            ("logs:DeleteLogGroup", "log tampering"),
            ("iam:CreateAccessKey", "persistence"),
            ("iam:PutRolePolicy", "persistence"),
            ("s3:PutBucketPolicy", "privilege"),
            ("ec2:AuthorizeSecurityGroupIngress", "exposure"),
            ("secretsmanager:GetSecretValue", "credential access"),
            ("ssm:StartSession", "execution"),
            ("kms:ScheduleKeyDeletion", "destruction"),
            ("signin:ConsoleLogin", "sign-in"),
            ("iam:ListUsers", "discovery"),
            ("ec2:DescribeInstances", "-"),
            ("dynamodb:PutItem", "-"),
            ("s3:PutObject", "-"),
            ("s3:PutBucketLifecycle", "destruction"),
            ("deploy", "-"),
            ("", "-"),
        ];
        for (action, wanted) in cases {
            assert_eq!(family(action).map_or("-", |family| family.name), wanted, "{action}");
        }
    }

    #[test]
    fn looking_weighs_less_than_changing() {
        assert_eq!(weight("ec2:DescribeInstances", Some(false)), 1.0);
        assert_eq!(weight("sqs:CreateQueue", Some(true)), 1.5);
        assert_eq!(weight("deploy", None), 1.2);
        assert_eq!(weight("iam:CreateUser", Some(true)), 2.5);
        assert_eq!([1.0, 1.2, 1.5, 2.0, 3.0].map(rank), [0, 1, 1, 2, 2]);
    }
}
