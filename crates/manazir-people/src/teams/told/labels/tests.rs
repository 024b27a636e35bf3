//! Which labels name services and owners.

use super::*;

fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(sets: &[&[(&str, &str)]]) -> Told {
    let mut told = Told::default();
    tell_labels(&mut told, "series", &sets.iter().map(|pairs| set(pairs)).collect::<Vec<_>>());
    told
}

#[track_caller]
fn check(labels: &[(&str, &str)], expected: Option<(&str, &str, &str)>) {
    let told = read(&[labels]);
    let found = told.services.keys().next().map(|(key, source)| {
        assert_eq!(*source, Source::Catalogue);
        (&*key.name, &*key.namespace, &*key.environment)
    });
    assert_eq!(found, expected, "{labels:?}");
    assert_eq!(told.ignored, u64::from(expected.is_none()));
}

#[test]
fn a_service_is_what_labels_name() {
    check(&[("service.name", "pay"), ("app", "x"), ("job", "y")], Some(("pay", "", "")));
    check(&[("app", "web"), ("namespace", "shop"), ("env", "prod")], Some(("web", "shop", "prod")));
    check(&[("job", " api "), ("instance", "a:80")], Some(("api", "", "")));
    check(&[("service", ""), ("deployment", "d")], Some(("d", "", "")));
    let otel = [
        ("service.name", "pay"),
        ("service.namespace", "shop"),
        ("deployment.environment.name", "production"),
        ("namespace", "k8s"),
    ];
    check(&otel, Some(("pay", "shop", "production")));
}

#[test]
fn hosts_and_what_only_carries_are_no_services() {
    for job in ["node-exporter", "kubelet", "kube-state-metrics", "blackbox"] {
        check(&[("job", job), ("instance", "a")], None);
    }
    check(&[("host", "a"), ("pod", "b"), ("container", "c")], None);
    check(&[], None);
}

#[test]
fn who_owns_it_is_a_team_or_has_an_address() {
    let owner = |labels: &[(&str, &str)]| super::owner(&set(labels));
    let team = |slug: &str| Some(ToldOwner::Team(slug.to_owned()));
    let person = |name: &str| Some(ToldOwner::Person(name.to_owned()));
    assert_eq!(owner(&[("team", "Pay & Bill"), ("owner", "ada")]), team("pay-bill"));
    assert_eq!(owner(&[("team", " "), ("owner", "ada")]), team("ada"));
    assert_eq!(owner(&[("owner", "Ada@Example.com")]), person("ada@example.com"));
    assert_eq!(owner(&[("x.io/team", "sre")]), team("sre"));
    assert_eq!(owner(&[("owner", "group:default/sre")]), team("sre"));
    assert_eq!(owner(&[("owner", "user:default/ada")]), person("ada"));
    assert_eq!(owner(&[("app.kubernetes.io/managed-by", "Helm"), ("steam", "x")]), None);
    assert_eq!(owner(&[("team", "--")]), None);
}

#[test]
fn series_of_one_service_are_one() {
    let told = read(&[
        &[("service", "pay"), ("pod", "a"), ("app.kubernetes.io/part-of", "shop")],
        &[("service", "pay"), ("pod", "b"), ("team", "money")],
        &[("service", &"x".repeat(129))],
    ]);
    assert_eq!((told.services.len(), told.teams.len(), told.faulty), (1, 1, 1));
    assert_eq!((told.faults[0].line, told.faults[0].why.as_str()), (3, "name has at most 128 characters"));
    let pay = told.services.values().next().unwrap();
    assert_eq!(pay.labels, set(&[("app.kubernetes.io/part-of", "shop")]));
    assert_eq!(pay.owners.len(), 1);
}
