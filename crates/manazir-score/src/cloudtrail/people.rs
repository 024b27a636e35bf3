//! Who works in the account: twenty principals, what they are and when they work.

/// When a principal works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rhythm {
    /// Sessions in office hours, seldom at weekends.
    Office,
    /// Runs, most in office hours; so many on a working day.
    Runs(usize),
    /// All day and night; so many calls an hour at noon.
    Always(usize),
    /// Once a night.
    Night,
}

/// How a principal signs its calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A user with a password and keys.
    User,
    /// A person who signs on and takes a role.
    SignOn,
    /// A role that programs take.
    Role,
    /// A service of AWS.
    Service,
}

/// What makes a principal what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Principal {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) rhythm: Rhythm,
    /// Groups of the catalogue it reads, the most used first.
    pub(super) reads: &'static [&'static str],
    /// Groups it changes.
    pub(super) writes: &'static [&'static str],
    /// Share of its calls that change something.
    pub(super) write_share: f64,
    /// Chores it has now and then.
    pub(super) chores: &'static [Chore],
    /// Day on which it comes, 0 for those who were always there.
    pub(super) first_day: usize,
}

/// A piece of work that is done now and then as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chore {
    /// Chance that it comes up on a day on which the principal works.
    pub(super) chance: f64,
    /// Group and name of each call, in order.
    pub(super) calls: &'static [(&'static str, &'static str)],
}

const fn chore(chance: f64, calls: &'static [(&'static str, &'static str)]) -> Chore {
    Chore { chance, calls }
}

const DEVELOPER_CHORES: &[Chore] = &[
    chore(
        0.10,
        &[
            ("iamuser", "ChangePassword"),
            ("iam", "ListAccessKeys"),
            ("iamuser", "CreateAccessKey"),
            ("iamuser", "UpdateAccessKey"),
            ("iamuser", "DeleteAccessKey"),
        ],
    ),
    chore(0.12, &[("secretsmanager", "ListSecrets"), ("secretsmanager", "GetSecretValue")]),
    chore(0.08, &[("ec2", "DescribeSecurityGroups"), ("ec2net", "AuthorizeSecurityGroupIngress")]),
    chore(
        0.06,
        &[("ssm", "DescribeInstanceInformation"), ("ssm", "StartSession"), ("ssm", "TerminateSession")],
    ),
    chore(0.06, &[("s3", "GetBucketPolicy"), ("s3", "PutBucketPolicy")]),
    chore(
        0.08,
        &[
            ("lambda", "GetFunction"),
            ("lambda", "UpdateFunctionConfiguration"),
            ("lambda", "UpdateFunctionCode"),
        ],
    ),
    chore(0.05, &[("servicequotas", "GetServiceQuota"), ("servicequotas", "RequestServiceQuotaIncrease")]),
];

const ADMIN_CHORES: &[Chore] = &[
    chore(
        0.20,
        &[
            ("iam", "ListUsers"),
            ("iamuser", "CreateUser"),
            ("iamuser", "AddUserToGroup"),
            ("iamuser", "CreateLoginProfile"),
            ("iamuser", "CreateAccessKey"),
        ],
    ),
    chore(0.15, &[("iam", "GetUser"), ("iamuser", "UpdateLoginProfile")]),
    chore(
        0.10,
        &[
            ("iam", "ListAccessKeys"),
            ("iamuser", "DeleteLoginProfile"),
            ("iamuser", "DeleteAccessKey"),
            ("iamuser", "DeleteUser"),
        ],
    ),
    chore(
        0.25,
        &[
            ("ec2", "DescribeSecurityGroups"),
            ("ec2net", "AuthorizeSecurityGroupIngress"),
            ("ec2net", "RevokeSecurityGroupIngress"),
        ],
    ),
    chore(
        0.15,
        &[("ssm", "DescribeInstanceInformation"), ("ssm", "SendCommand"), ("ssm", "GetCommandInvocation")],
    ),
    chore(
        0.20,
        &[
            ("iam", "GetRole"),
            ("iam", "GetRolePolicy"),
            ("iamrole", "PutRolePolicy"),
            ("iamrole", "UpdateAssumeRolePolicy"),
        ],
    ),
    chore(0.10, &[("cloudtrail", "GetEventSelectors"), ("cloudtrail", "PutEventSelectors")]),
    chore(
        0.10,
        &[
            ("ec2net", "CreateSubnet"),
            ("ec2net", "CreateRoute"),
            ("ec2net", "CreateVpcEndpoint"),
            ("ec2net", "CreateFlowLogs"),
        ],
    ),
    chore(0.10, &[("kms", "GetKeyPolicy"), ("kms", "PutKeyPolicy"), ("kms", "CreateGrant")]),
    chore(0.15, &[("rds", "DescribeDBInstances"), ("rds", "CreateDBSnapshot"), ("rds", "ModifyDBInstance")]),
    chore(0.15, &[("route53", "ListResourceRecordSets"), ("route53", "ChangeResourceRecordSets")]),
];

const BUILD_CHORES: &[Chore] = &[
    chore(
        0.9,
        &[
            ("iam", "GetRole"),
            ("iamrole", "CreateRole"),
            ("iamrole", "AttachRolePolicy"),
            ("iamrole", "PutRolePolicy"),
            ("lambda", "CreateFunction"),
            ("lambda", "AddPermission"),
            ("logs", "CreateLogGroup"),
        ],
    ),
    chore(
        0.4,
        &[
            ("iamrole", "DetachRolePolicy"),
            ("iamrole", "DeleteRolePolicy"),
            ("iamrole", "DeleteRole"),
            ("lambda", "DeleteFunction"),
            ("logs", "DeleteLogGroup"),
        ],
    ),
    chore(
        0.2,
        &[
            ("ec2net", "CreateSecurityGroup"),
            ("ec2net", "AuthorizeSecurityGroupIngress"),
            ("ec2", "RunInstances"),
            ("ec2", "CreateTags"),
        ],
    ),
    chore(
        0.2,
        &[
            ("s3", "CreateBucket"),
            ("s3", "PutBucketEncryption"),
            ("s3", "PutBucketPolicy"),
            ("s3", "PutBucketPublicAccessBlock"),
        ],
    ),
];

const NIGHT_CHORES: &[Chore] = &[
    chore(0.3, &[("snapshots", "CopySnapshot"), ("snapshots", "ModifySnapshotAttribute")]),
    chore(0.3, &[("rds", "CreateDBSnapshot"), ("rds", "CopyDBSnapshot"), ("rds", "DeleteDBSnapshot")]),
];

const APPLICATION_CHORES: &[Chore] =
    &[chore(0.1, &[("secretsmanager", "GetSecretValue"), ("kms", "Decrypt")])];

const fn person(
    name: &'static str,
    kind: Kind,
    reads: &'static [&'static str],
    writes: &'static [&'static str],
    chores: &'static [Chore],
) -> Principal {
    Principal { name, kind, rhythm: Rhythm::Office, reads, writes, write_share: 0.15, chores, first_day: 0 }
}

const fn machine(
    name: &'static str,
    rhythm: Rhythm,
    reads: &'static [&'static str],
    writes: &'static [&'static str],
    write_share: f64,
    chores: &'static [Chore],
) -> Principal {
    Principal { name, kind: Kind::Role, rhythm, reads, writes, write_share, chores, first_day: 0 }
}

/// The twenty.
pub(super) const PRINCIPALS: [Principal; 20] = [
    person(
        "amira",
        Kind::User,
        &["lambda", "logs", "dynamodb", "s3", "sqs", "monitoring", "apigateway"],
        &["lambda", "sqs", "logs"],
        DEVELOPER_CHORES,
    ),
    person(
        "bruno",
        Kind::User,
        &["ecs", "ecr", "logs", "elasticloadbalancing", "ec2", "s3"],
        &["ecs", "elasticloadbalancing"],
        DEVELOPER_CHORES,
    ),
    person(
        "chidi",
        Kind::User,
        &["states", "lambda", "events", "logs", "s3", "ssm", "sns"],
        &["states", "events", "lambda"],
        DEVELOPER_CHORES,
    ),
    person(
        "dora",
        Kind::SignOn,
        &["rds", "elasticache", "ec2", "monitoring", "logs", "kms"],
        &["rds", "monitoring"],
        DEVELOPER_CHORES,
    ),
    person(
        "emil",
        Kind::SignOn,
        &["sagemaker", "s3", "ecr", "ec2", "logs"],
        &["sagemaker", "s3"],
        DEVELOPER_CHORES,
    ),
    Principal {
        first_day: 8,
        ..person(
            "fumiko",
            Kind::User,
            &["lambda", "logs", "s3", "dynamodb", "apigateway"],
            &["lambda", "apigateway"],
            DEVELOPER_CHORES,
        )
    },
    person(
        "gil",
        Kind::User,
        &[
            "ec2",
            "iam",
            "route53",
            "rds",
            "elasticloadbalancing",
            "cloudtrail",
            "ssm",
            "s3",
            "organizations",
            "health",
        ],
        &["ec2", "ec2net", "route53", "ssm", "s3"],
        ADMIN_CHORES,
    ),
    person(
        "hana",
        Kind::SignOn,
        &["iam", "ec2", "config", "cloudformation", "s3", "organizations", "kms", "acm", "support"],
        &["iamrole", "cloudformation", "ec2net", "acm", "kms"],
        ADMIN_CHORES,
    ),
    person(
        "ines",
        Kind::SignOn,
        &["athena", "glue", "s3", "redshift", "logs"],
        &["athena", "glue", "redshift"],
        &[],
    ),
    person(
        "review",
        Kind::SignOn,
        &[
            "iam",
            "guardduty",
            "securityhub",
            "config",
            "cloudtrail",
            "access-analyzer",
            "s3",
            "ec2",
            "organizations",
        ],
        &["securityhub", "guardduty", "config"],
        &[],
    ),
    machine(
        "deploy-web",
        Rhythm::Runs(7),
        &["cloudformation", "ecr", "ecs", "s3", "sts", "ssm", "elasticloadbalancing"],
        &["ecs", "ecr", "cloudformation"],
        0.5,
        BUILD_CHORES,
    ),
    machine(
        "deploy-functions",
        Rhythm::Runs(5),
        &["cloudformation", "lambda", "s3", "sts", "apigateway", "secretsmanager"],
        &["lambda", "apigateway", "cloudformation", "logs"],
        0.5,
        BUILD_CHORES,
    ),
    Principal {
        first_day: 10,
        ..machine(
            "terraform",
            Rhythm::Runs(3),
            &["ec2", "iam", "rds", "s3", "dynamodb", "kms", "route53", "sqs", "sns"],
            &["ec2net", "sqs", "sns", "dynamodb", "iamrole"],
            0.25,
            BUILD_CHORES,
        )
    },
    machine(
        "orders",
        Rhythm::Always(60),
        &["kms", "secretsmanager", "sts", "dynamodb"],
        &["sqs"],
        0.05,
        APPLICATION_CHORES,
    ),
    machine(
        "payments",
        Rhythm::Always(40),
        &["kms", "secretsmanager", "sts", "ssm"],
        &["sns"],
        0.02,
        APPLICATION_CHORES,
    ),
    machine(
        "search",
        Rhythm::Always(30),
        &["opensearch", "s3", "kms", "sts", "ssm"],
        &["logs"],
        0.05,
        APPLICATION_CHORES,
    ),
    machine(
        "etl",
        Rhythm::Runs(9),
        &["glue", "s3", "kms", "athena", "sts"],
        &["glue", "athena"],
        0.5,
        APPLICATION_CHORES,
    ),
    machine(
        "monitoring",
        Rhythm::Always(80),
        &[
            "ec2",
            "monitoring",
            "rds",
            "elasticloadbalancing",
            "autoscaling",
            "tagging",
            "elasticache",
            "sqs",
            "lambda",
        ],
        &[],
        0.0,
        &[],
    ),
    machine("backup", Rhythm::Night, &["ec2", "rds", "backup"], &["snapshots", "backup"], 0.5, NIGHT_CHORES),
    Principal {
        kind: Kind::Service,
        ..machine(
            "autoscaling.amazonaws.com",
            Rhythm::Always(10),
            &["sts", "ec2", "autoscaling"],
            &["ec2"],
            0.2,
            &[],
        )
    },
];
