//! Files as organisations have them, and broken ones.

use expect_test::{Expect, expect};

use super::*;
use crate::teams::{Fault, ServiceKey, ToldOwner};

fn read(text: &str) -> Told {
    let mut told = Told::default();
    tell_yaml(&mut told, "f.yaml", text);
    told
}

/// A line each.
fn shown(told: &Told) -> String {
    let mut shown = String::new();
    for ((slug, source), team) in &told.teams {
        let members: Vec<&str> = team.members.iter().map(String::as_str).collect();
        shown += &format!("team {slug} ({source}) {:?} {:?} {members:?}\n", team.name, team.description);
    }
    for ((key, source), service) in &told.services {
        let owners = service.owners.iter().map(|owner| match owner {
            ToldOwner::Team(slug) => format!("team {slug}"),
            ToldOwner::Person(name) => format!("person {name}"),
        });
        let owners: Vec<String> = owners.collect();
        let labels: Vec<String> =
            service.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let ServiceKey { name, namespace, environment } = key;
        shown += &format!(
            "service {name}/{namespace}/{environment} ({source}) {:?} {owners:?} {labels:?}\n",
            service.description
        );
    }
    for fault in &told.faults {
        shown += &format!("{fault}\n");
    }
    shown + &format!("ignored {}", told.ignored)
}

#[track_caller]
fn check(text: &str, expected: &Expect) {
    expected.assert_eq(&shown(&read(text)));
}

/// As <https://backstage.io/docs/features/software-catalog/descriptor-format> has them.
#[test]
fn entities_of_backstage() {
    check(
        "\
# A comment before the first.
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: artist-web
  description: The place to be, for great artists
  labels:
    example.com/custom: custom_label_value
  annotations:
    backstage.io/kubernetes-id: artists
    backstage.io/kubernetes-namespace: music
    circleci.com/project-slug: github/example-org/artist-website
  tags: [java]
spec:
  type: website
  lifecycle: production
  owner: artist-relations-team
  system: public-websites
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: infrastructure
  description: The infra business unit
spec:
  type: business-unit
  profile:
    displayName: Infrastructure
    email: infrastructure@example.com
  parent: ops
  children: [backstage, other]
  members: [JDoe, 'user:default/ada']
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: grace}
spec:
  profile: {displayName: Grace}
  memberOf: [infrastructure, team-b]
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: lib, namespace: default}
spec: {type: library, owner: 'user:Ada'}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: artist-api}
",
        &expect![[r#"
            team artist-relations-team (backstage) "" "" []
            team infrastructure (backstage) "Infrastructure" "The infra business unit" ["ada", "grace", "jdoe"]
            team team-b (backstage) "" "" ["grace"]
            service artists/music/ (backstage) "The place to be, for great artists" ["team artist-relations-team"] ["backstage.io/lifecycle=production", "backstage.io/system=public-websites", "backstage.io/type=website", "example.com/custom=custom_label_value"]
            service lib// (backstage) "" ["person ada"] ["backstage.io/type=library"]
            ignored 1"#]],
    );
}

#[test]
fn objects_of_kubernetes() {
    check(
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-1
  namespace: shop
  labels:
    app.kubernetes.io/name: web
    app.kubernetes.io/part-of: store
    app.kubernetes.io/managed-by: Helm
    app.kubernetes.io/version: 1.10
    team: Front End
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop, labels: {app.kubernetes.io/name: web, app.kubernetes.io/version: '2', a: ''}}
- apiVersion: apps/v1
  kind: StatefulSet
  metadata:
    name: db
    annotations: {example.com/owner: Ada@Example.com}
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: settings}
---
apiVersion: v1
kind: Pod
metadata: {name: x, labels: {backstage.io/kubernetes-id: artists, env: prod}, annotations: {owner: 'group:default/music'}}
---
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
",
        &expect![[r#"
            team front-end (kubernetes) "" "" []
            team music (kubernetes) "" "" []
            service artists//prod (kubernetes) "" ["team music"] ["backstage.io/kubernetes-id=artists", "env=prod"]
            service db// (kubernetes) "" ["person ada@example.com"] []
            service web/shop/ (kubernetes) "" ["team front-end"] ["app.kubernetes.io/managed-by=Helm", "app.kubernetes.io/name=web", "app.kubernetes.io/part-of=store", "app.kubernetes.io/version=1.10", "team=Front End"]
            ignored 2"#]],
    );
}

#[test]
fn what_is_broken_says_where_and_stops_nothing_else() {
    check(
        "\
apiVersion: v1
kind: Service
metadata: {name: first}
---
kind: Service
---
a: [
--- # the next
- no object
---
apiVersion: {{ .Values.api }}
---
apiVersion: backstage.io/v1alpha1
metadata: {name: x}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: owned}
spec: {owner: 'system:x'}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: g}
spec:
  members:
  - ok
  - [not ok]
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: '!'}
---
apiVersion: v1
kind: Service
metadata: {name: last}
",
        &expect![[r#"
            team g (backstage) "g" "" ["ok"]
            service first// (kubernetes) "" [] []
            service last// (kubernetes) "" [] []
            service owned// (backstage) "" [] []
            f.yaml:5: has no apiVersion
            f.yaml:8: while parsing a node, did not find expected node content
            f.yaml:9: is no object with names and values
            f.yaml:11: has a name that is no text
            f.yaml:13: has no kind
            f.yaml:16: has a spec.owner that is neither a group nor a user
            f.yaml:27: is no user, and cannot be a member of a group
            f.yaml:29: has no metadata.name with a letter or digit
            ignored 0"#]],
    );
}

#[test]
fn all_faults_are_counted_and_some_are_kept() {
    let told = read(&"---\n- x\n".repeat(super::super::FAULTS_MAX + 5));
    assert_eq!(
        (told.faults.len(), told.faulty),
        (super::super::FAULTS_MAX, super::super::FAULTS_MAX as u64 + 5)
    );
    let last = told.faults.last().unwrap();
    assert_eq!(last, &Fault { file: "f.yaml".to_owned(), line: 2_000, why: last.why.clone() });
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let told = read(&" ".repeat(FILE_BYTES_MAX + 1));
    assert_eq!((told.faulty, told.faults[0].line), (1, 1));
}

#[test]
fn what_is_beyond_the_end_is_counted() {
    let one = |number| format!("---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{number}}}\n");
    let told = read(&(0..super::super::TOLD_MAX + 3).map(one).collect::<String>());
    assert_eq!((told.services.len(), told.left_out, told.faulty), (super::super::TOLD_MAX, 3, 0));
}
