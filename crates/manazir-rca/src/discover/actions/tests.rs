//! Records as they come, one a line, and what becomes of them.

use std::borrow::Cow;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

/// `source|id|kind|action|actor|account|place|writes|error|resources`, resources split at spaces, instant 100 s.
fn read(line: &str) -> Event<'static> {
    let parts: Vec<&str> = line.split('|').collect();
    let own = |place: usize| Cow::Owned(parts.get(place).copied().unwrap_or_default().to_owned());
    Event {
        source: own(0),
        id: own(1),
        kind: own(2),
        action: own(3),
        actor: own(4),
        account: own(5),
        place: own(6),
        writes: match parts.get(7).copied() {
            Some("w") => Some(true),
            Some("r") => Some(false),
            _ => None,
        },
        error: own(8),
        resources: own(9).split_whitespace().map(|text| Cow::Owned(text.to_owned())).collect(),
        at: Timestamp::from_seconds(100),
        ..Event::default()
    }
}

#[track_caller]
fn check(lines: &[&str], expect: Expect) {
    let said = lines.iter().map(|line| match graph_event(&read(line), Timestamp::from_seconds(101)) {
        None => format!("{line}\n    nothing"),
        Some(event) => {
            let dims: Vec<_> = event.dims.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!(
                "{line}\n    {} {} of {}, {} to {}, {:.2}, [{}]: {}",
                event.id,
                event.event_type,
                event.entity,
                event.from,
                event.until,
                event.severity,
                dims.join(" "),
                event.sentence
            )
        }
    });
    expect.assert_eq(&said.collect::<Vec<_>>().join("\n"));
}

#[test]
fn writes_of_cloudtrail() {
    check(
        &[
            "cloudtrail|e1|AwsApiCall|iam:CreateUser|arn:aws:iam::1:user/ann|1|us-east-1|w||eve",
            "cloudtrail|e2|AwsApiCall|lambda:UpdateFunctionCode|ci|1|us-east-1|w||checkout arn:aws:iam::1:role/x arn:aws:lambda:us-east-1:1:function:checkout:7",
            "cloudtrail|e3|AwsApiCall|lambda:UpdateFunctionCode|ci|1|us-east-1|w|AccessDenied|checkout",
            "cloudtrail|e4|AwsApiCall|s3:ListBuckets|ann|1|us-east-1|r||",
            "cloudtrail|e5|AwsApiCall|ec2:DescribeInstances|ann|1|us-east-1|||",
            "cloudtrail|e6|AwsApiCall|ecs:UpdateService|ci|1|eu-west-1|w||arn:aws:ecs:eu-west-1:1:service/prod/cart",
            "cloudtrail|e7|AwsApiCall|autoscaling:SetDesiredCapacity|ann|1|eu-west-1|w||web-asg",
            "cloudtrail|e8|AwsApiCall|ec2:AuthorizeSecurityGroupIngress|ann|1|eu-west-1|w||sg-0123",
            "cloudtrail|e9|AwsApiCall|ssm:SendCommand|ann|1|eu-west-1|w||i-0123",
            "cloudtrail|e10|AwsApiCall|rds:RebootDBInstance|ann|1|eu-west-1|w||orders-db arn:aws:rds:eu-west-1:1:db:orders-db",
            "cloudtrail|e11|AwsConsoleSignIn|signin:ConsoleLogin|ann|1|us-east-1|w||",
            "cloudtrail|e12|AwsApiCall|s3:PutBucketPolicy|ann|1|us-east-1|w||logs arn:aws:s3:::logs",
            "cloudtrail|e13|AwsApiCall|s3:PutObject|ann|1|us-east-1|w||logs",
            "cloudtrail|e14|AwsApiCall|guardduty:DeleteDetector|ann|1|us-east-1|w||",
            "cloudtrail|e15|AwsApiCall|||||||",
        ],
        expect![[r#"
            cloudtrail|e1|AwsApiCall|iam:CreateUser|arn:aws:iam::1:user/ann|1|us-east-1|w||eve
                cloudtrail/e1 config_change of user/eve, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 0.50, [account=1 product=iam region=us-east-1]: arn:aws:iam::1:user/ann did iam:CreateUser to user/eve
            cloudtrail|e2|AwsApiCall|lambda:UpdateFunctionCode|ci|1|us-east-1|w||checkout arn:aws:iam::1:role/x arn:aws:lambda:us-east-1:1:function:checkout:7
                cloudtrail/e2 deploy of checkout, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, [account=1 product=lambda region=us-east-1]: ci did lambda:UpdateFunctionCode to checkout
            cloudtrail|e3|AwsApiCall|lambda:UpdateFunctionCode|ci|1|us-east-1|w|AccessDenied|checkout
                nothing
            cloudtrail|e4|AwsApiCall|s3:ListBuckets|ann|1|us-east-1|r||
                nothing
            cloudtrail|e5|AwsApiCall|ec2:DescribeInstances|ann|1|us-east-1|||
                nothing
            cloudtrail|e6|AwsApiCall|ecs:UpdateService|ci|1|eu-west-1|w||arn:aws:ecs:eu-west-1:1:service/prod/cart
                cloudtrail/e6 deploy of cart, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, [account=1 product=ecs region=eu-west-1]: ci did ecs:UpdateService to cart
            cloudtrail|e7|AwsApiCall|autoscaling:SetDesiredCapacity|ann|1|eu-west-1|w||web-asg
                cloudtrail/e7 scale_change of web-asg, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, [account=1 product=autoscaling region=eu-west-1]: ann did autoscaling:SetDesiredCapacity to web-asg
            cloudtrail|e8|AwsApiCall|ec2:AuthorizeSecurityGroupIngress|ann|1|eu-west-1|w||sg-0123
                cloudtrail/e8 config_change of security-group-ingress/sg-0123, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 0.50, [account=1 product=ec2 region=eu-west-1]: ann did ec2:AuthorizeSecurityGroupIngress to security-group-ingress/sg-0123
            cloudtrail|e9|AwsApiCall|ssm:SendCommand|ann|1|eu-west-1|w||i-0123
                cloudtrail/e9 script_run of i-0123, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, [account=1 product=ssm region=eu-west-1]: ann did ssm:SendCommand to i-0123
            cloudtrail|e10|AwsApiCall|rds:RebootDBInstance|ann|1|eu-west-1|w||orders-db arn:aws:rds:eu-west-1:1:db:orders-db
                cloudtrail/e10 restart of db/orders-db, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, [account=1 product=rds region=eu-west-1]: ann did rds:RebootDBInstance to db/orders-db
            cloudtrail|e11|AwsConsoleSignIn|signin:ConsoleLogin|ann|1|us-east-1|w||
                nothing
            cloudtrail|e12|AwsApiCall|s3:PutBucketPolicy|ann|1|us-east-1|w||logs arn:aws:s3:::logs
                cloudtrail/e12 config_change of s3/logs, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 0.50, [account=1 product=s3 region=us-east-1]: ann did s3:PutBucketPolicy to s3/logs
            cloudtrail|e13|AwsApiCall|s3:PutObject|ann|1|us-east-1|w||logs
                nothing
            cloudtrail|e14|AwsApiCall|guardduty:DeleteDetector|ann|1|us-east-1|w||
                cloudtrail/e14 config_change of guardduty/1, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 0.50, [account=1 product=guardduty region=us-east-1]: ann did guardduty:DeleteDetector to guardduty/1
            cloudtrail|e15|AwsApiCall|||||||
                nothing"#]],
    );
}

#[test]
fn alerts_begin_and_end() {
    check(
        &[
            "alertmanager|f1/1970-01-01T00:01:00Z/firing|alert|HighErrorRate|shop||c1|||instance=a:1 job=shop severity=page",
            "alertmanager|f1/1970-01-01T00:01:00Z/resolved|alert|HighErrorRate resolved|shop||c1|||instance=a:1 job=shop severity=page",
            "alertmanager|a/b=c/1970-01-01T01:00:00Z/firing|alert|Strange|pay|||||service=pay severity=warning zone=b",
            "alertmanager|f2/noon/firing|alert|InstanceDown||||||instance=db-1:9187",
            "alertmanager|f3/noon/firing|alert|Watchdog||||||severity=none",
            "grafana|9|alert|Orders below forecast|orders|||||team=shop",
            "alertmanager|f4/noon/firing|alert|HighLatency||||||",
        ],
        expect![[r#"
            alertmanager|f1/1970-01-01T00:01:00Z/firing|alert|HighErrorRate|shop||c1|||instance=a:1 job=shop severity=page
                alertmanager/f1/1970-01-01T00:01:00Z error_spike of shop, 1970-01-01T00:01:00Z to 1970-01-01T00:01:40Z, 0.90, [alert=HighErrorRate instance=a:1 region=c1]: alert HighErrorRate of shop fires
            alertmanager|f1/1970-01-01T00:01:00Z/resolved|alert|HighErrorRate resolved|shop||c1|||instance=a:1 job=shop severity=page
                alertmanager/f1/1970-01-01T00:01:00Z error_spike of shop, 1970-01-01T00:01:00Z to 1970-01-01T00:01:40Z, 0.90, [alert=HighErrorRate instance=a:1 region=c1]: alert HighErrorRate of shop is over
            alertmanager|a/b=c/1970-01-01T01:00:00Z/firing|alert|Strange|pay|||||service=pay severity=warning zone=b
                alertmanager/a/b=c/1970-01-01T01:00:00Z alert of pay, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 0.50, [alert=Strange zone=b]: alert Strange of pay fires
            alertmanager|f2/noon/firing|alert|InstanceDown||||||instance=db-1:9187
                alertmanager/f2/noon availability_drop of db-1, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 0.60, [alert=InstanceDown instance=db-1:9187]: alert InstanceDown of db-1 fires
            alertmanager|f3/noon/firing|alert|Watchdog||||||severity=none
                nothing
            grafana|9|alert|Orders below forecast|orders|||||team=shop
                grafana/9 business_drop of orders, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 0.60, [alert=Orders below forecast team=shop]: alert Orders below forecast of orders fires
            alertmanager|f4/noon/firing|alert|HighLatency||||||
                nothing"#]],
    );
}

#[test]
fn deeds_of_people_and_machines() {
    check(
        &[
            "generic|42|deploy|deploy|ci||||||".trim_end_matches('|'),
            "generic|42|deploy|deploy|ci||eu|w||shop@5.2",
            "generic|43|deploy|rollback|ci|||||service=shop version=5.1",
            "generic|44||feature_flag.updated|ann|||||cart",
            "generic|45||deploy|ci||||timeout|shop",
            "generic|46||GET /config|ann|||||shop",
            "generic|47||login|ann|||||shop",
            "//github|d-1|com.github.deployment.created|com.github.deployment.created|//github|||||web",
            "k8s|1||scaled up replicas|hpa|||||app=web zone=b",
            "otlp|1|log|ERROR deploy failed|shop|||||",
            "generic|48||latency_spike|probe|||||pay",
            "generic|49|config|change|ann|||||pay",
        ],
        expect![[r#"
            generic|42|deploy|deploy|ci
                nothing
            generic|42|deploy|deploy|ci||eu|w||shop@5.2
                generic/42 deploy of shop, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, [region=eu version=5.2]: ci did deploy to shop
            generic|43|deploy|rollback|ci|||||service=shop version=5.1
                generic/43 deploy of shop, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, [change=rollback version=5.1]: ci did rollback to shop
            generic|44||feature_flag.updated|ann|||||cart
                generic/44 feature_toggle of cart, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, []: ann did feature_flag.updated to cart
            generic|45||deploy|ci||||timeout|shop
                nothing
            generic|46||GET /config|ann|||||shop
                nothing
            generic|47||login|ann|||||shop
                nothing
            //github|d-1|com.github.deployment.created|com.github.deployment.created|//github|||||web
                //github/d-1 deploy of web, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, []: //github did com.github.deployment.created to web
            k8s|1||scaled up replicas|hpa|||||app=web zone=b
                k8s/1 scale_change of web, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, [zone=b]: hpa did scaled up replicas to web
            otlp|1|log|ERROR deploy failed|shop|||||
                nothing
            generic|48||latency_spike|probe|||||pay
                generic/48 latency_spike of pay, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 1.00, []: probe did latency_spike to pay
            generic|49|config|change|ann|||||pay
                generic/49 config_change of pay, 1970-01-01T00:01:40Z to 1970-01-01T00:01:40Z, 0.50, []: ann did change to pay"#]],
    );
}

proptest! {
    #[test]
    fn no_text_panics_and_the_same_gives_the_same(
        source in prop::sample::select(vec!["cloudtrail", "alertmanager", "generic"]),
        id: String, action in ".{0,40}|[a-z]{2,6}:[A-Z][a-z]{3,9}|deploy", resources: Vec<String>, actor: String, at: i64,
    ) {
        let event = Event {
            source: source.into(), id: id.into(), action: action.into(), actor: actor.into(), at: Timestamp(at),
            resources: resources.into_iter().chain(["arn:aws:é:::".to_owned()]).map(Cow::Owned).collect(),
            ..Event::default()
        };
        let one = graph_event(&event, Timestamp(at));
        prop_assert_eq!(&one, &graph_event(&event, Timestamp(at)));
        if let Some(one) = one {
            prop_assert!(!one.entity.is_empty() && one.entity.len() <= NAME_BYTES_MAX && one.from <= one.until);
            prop_assert!(one.sentence.len() <= SENTENCE_BYTES_MAX && one.dims.is_sorted());
        }
    }
}
