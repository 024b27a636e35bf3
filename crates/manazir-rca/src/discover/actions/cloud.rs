//! Writes in the audit log of AWS: `service:Verb` on resources.

use manazir_model::{Event, GraphEvent, Timestamp};

use super::{cut, happened, limits, named, of_arn};
use crate::discover::NAME_BYTES_MAX;

/// Calls that are more than a change of configuration: product, the beginning of the call's name, type. The first line
/// that matches decides.
const CALLS: &[(&str, &str, &str)] = &[
    ("lambda", "UpdateFunctionCode", "deploy"),
    ("lambda", "PublishVersion", "deploy"),
    ("lambda", "UpdateAlias", "deploy"),
    ("ecs", "UpdateService", "deploy"),
    ("ecs", "CreateService", "deploy"),
    ("ecs", "RegisterTaskDefinition", "deploy"),
    ("codedeploy", "CreateDeployment", "deploy"),
    ("codepipeline", "StartPipelineExecution", "deploy"),
    ("elasticbeanstalk", "UpdateEnvironment", "deploy"),
    ("elasticbeanstalk", "CreateApplicationVersion", "deploy"),
    ("apprunner", "StartDeployment", "deploy"),
    ("amplify", "StartDeployment", "deploy"),
    ("cloudformation", "CreateStack", "deploy"),
    ("cloudformation", "UpdateStack", "deploy"),
    ("cloudformation", "ExecuteChangeSet", "deploy"),
    ("cloudformation", "RollbackStack", "deploy"),
    ("eks", "UpdateClusterVersion", "deploy"),
    ("eks", "UpdateNodegroupVersion", "deploy"),
    ("evidently", "", "feature_toggle"),
    ("appconfig", "StartDeployment", "feature_toggle"),
    ("ssm", "SendCommand", "script_run"),
    ("ssm", "StartAutomationExecution", "script_run"),
    ("ssm", "StartSession", "script_run"),
    ("batch", "SubmitJob", "script_run"),
    ("glue", "StartJobRun", "script_run"),
    ("states", "StartExecution", "script_run"),
    ("elasticmapreduce", "RunJobFlow", "script_run"),
    ("dms", "StartReplicationTask", "schema_change"),
    ("autoscaling", "SetDesiredCapacity", "scale_change"),
    ("autoscaling", "UpdateAutoScalingGroup", "scale_change"),
    ("autoscaling", "TerminateInstanceInAutoScalingGroup", "scale_change"),
    ("application-autoscaling", "", "scale_change"),
    ("ec2", "RunInstances", "scale_change"),
    ("ec2", "StartInstances", "scale_change"),
    ("ec2", "StopInstances", "scale_change"),
    ("ec2", "TerminateInstances", "scale_change"),
    ("eks", "UpdateNodegroupConfig", "scale_change"),
    ("kinesis", "UpdateShardCount", "scale_change"),
    ("ec2", "RebootInstances", "restart"),
    ("rds", "Reboot", "restart"),
    ("rds", "Failover", "restart"),
    ("elasticache", "Reboot", "restart"),
];

/// Products whose writes are data, sessions or bookkeeping, not changes of what runs.
const QUIET_PRODUCTS: &[&str] = &[
    "signin",
    "sts",
    "sso",
    "sso-oauth",
    "support",
    "health",
    "ce",
    "cloudshell",
    "q",
    "notifications",
    "tax",
];

/// Beginnings of calls that are the same.
const QUIET_CALLS: &[&str] = &[
    "CreateLogStream",
    "PutLogEvents",
    "StartQuery",
    "PutMetricData",
    "PutObject",
    "DeleteObject",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "Publish",
    "Invoke",
    "PutRecord",
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "Sign",
    "CreateGrant",
    "RetireGrant",
    "PutTraceSegments",
    "UpdateInstanceInformation",
    "PutInventory",
    "PutComplianceItems",
    "CreateNetworkInterface",
    "DeleteNetworkInterface",
    "SharedSnapshot",
    "CheckMfa",
    "ConsoleLogin",
    "AssumeRole",
    "SwitchRole",
    "StartBuild",
    "Tag",
    "Untag",
    "CreateTags",
    "InitiateLayerUpload",
    "UploadLayerPart",
    "CompleteLayerUpload",
    "SubmitTaskStateChange",
    "SubmitContainerStateChange",
];

/// Beginnings of calls that only look, for records that do not say it.
const LOOKS: &[&str] =
    &["Get", "List", "Describe", "Head", "Lookup", "BatchGet", "Query", "Scan", "Search", "View", "Test"];

pub(super) fn graph_event(event: &Event<'_>, received_at: Timestamp) -> Option<GraphEvent> {
    // What was refused changed nothing.
    if !event.error.is_empty() {
        return None;
    }
    let (product, call) = event.action.split_once(':').unwrap_or(("", &event.action));
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| call.starts_with(beginning));
    let looks = event.writes.is_none() && begins(LOOKS);
    let publishes_code = (product, call) == ("lambda", "PublishVersion");
    if call.is_empty()
        || looks
        || QUIET_PRODUCTS.contains(&product)
        || (begins(QUIET_CALLS) && !publishes_code)
    {
        return None;
    }
    let known = CALLS.iter().find(|(of, beginning, _)| *of == product && call.starts_with(beginning));
    let event_type = known.map_or("config_change", |(_, _, event_type)| event_type);
    let entity = entity(event, product, call, event_type)?;
    let mut limited = limits(event, &[]);
    limited.push(("product", product));
    if call.starts_with("Rollback") {
        limited.push(("change", "rollback"));
    }
    Some(happened(event, received_at, event_type, entity, limited))
}

/// The resource that was changed; without one, the product in the account.
fn entity(event: &Event<'_>, product: &str, call: &str, event_type: &str) -> Option<String> {
    let own = format!(":{product}:");
    let arns = || event.resources.iter().filter(|text| text.starts_with("arn:"));
    // A call on a function may name its role and key, too: what is of the product itself was changed.
    let arn = arns().find(|arn| arn.contains(&own)).or_else(|| arns().next());
    let name = event.resources.iter().filter(|text| !text.starts_with("arn:")).find_map(|text| named(text));
    match (arn, name) {
        (Some(arn), _) => Some(of_arn(arn)),
        // What is deployed or scaled is known by its name elsewhere, too.
        (None, Some(name)) if event_type != "config_change" || product == "lambda" => Some(name.to_owned()),
        (None, Some(name)) => Some(cut(&format!("{}/{name}", noun(call)), NAME_BYTES_MAX).to_owned()),
        (None, None) => match (named(product), named(&event.account)) {
            (Some(product), Some(account)) => Some(format!("{product}/{account}")),
            (Some(product), None) => Some(product.to_owned()),
            (None, _) => None,
        },
    }
}

/// `security-group` of `AuthorizeSecurityGroup`, in the spelling of an ARN's types.
fn noun(call: &str) -> String {
    let mut words = crate::discover::types::words(call);
    if words.len() > 1 {
        words.remove(0);
    }
    words.join("-")
}
