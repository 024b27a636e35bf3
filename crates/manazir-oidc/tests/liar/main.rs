//! A provider that lies: each lie is refused with its own error. And one that tells the truth keeps the contract.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod provider;

use std::time::{Duration, Instant};

use manazir_auth::contract::provider as contract;
use manazir_auth::identity::{Claimed, Identity, IdentityProvider, ProviderError, Secrets, TokenFault};
use manazir_oidc::{Fault, Oidc, Settings, Unusable};
use provider::{CALLBACK, Lie, Provider};
use serde_json::json;

fn settings(issuer: &str) -> Settings {
    Settings {
        issuer: issuer.to_owned(),
        client_id: "manazir".to_owned(),
        client_secret: Some("kept apart".to_owned()),
        scopes: ["openid", "email", "profile"].map(str::to_owned).into(),
        callback: CALLBACK.to_owned(),
        patience: Duration::from_millis(1_000),
    }
}

fn oidc(provider: &Provider) -> Oidc {
    Oidc::new(settings(&provider.issuer())).unwrap()
}

fn secrets() -> Secrets {
    let of = |letter: &str| letter.repeat(43);
    Secrets { state: of("s"), nonce: of("n"), verifier: of("v") }
}

fn ada(provider: &Provider) -> Claimed {
    Claimed {
        identity: Identity::new(&provider.issuer(), "248289761001").unwrap(),
        email: Some("ada@example.org".to_owned()),
        email_verified: true,
        username: Some("ada".to_owned()),
        name: Some("Ada Lovelace".to_owned()),
    }
}

async fn signs_in(provider: &Provider, oidc: &Oidc) -> Result<Claimed, ProviderError> {
    let code = provider.browse(&oidc.begin(&secrets()).await?).await;
    oidc.finish(&code, &secrets()).await
}

#[tokio::test]
async fn one_that_tells_the_truth_keeps_the_contract() {
    let provider = Provider::start();
    let who = ada(&provider);
    contract::check(&oidc(&provider), &who, async |address: &str| provider.browse(address).await).await;
    provider.lies(Lie::TellsElsewhere);
    assert_eq!(signs_in(&provider, &oidc(&provider)).await.unwrap(), who, "where people are told of");
    assert_eq!(provider.asked("/.well-known/openid-configuration"), 2, "once each");
    provider.lies(Lie::Claims(|claims| drop(claims.as_object_mut().unwrap().remove("email_verified"))));
    assert!(!signs_in(&provider, &oidc(&provider)).await.unwrap().email_verified, "it did not say so");
}

#[tokio::test]
async fn every_token_that_cannot_be_believed_is_refused_for_what_it_is() {
    let provider = Provider::start();
    let oidc = oidc(&provider);
    for (lie, fault) in [
        (Lie::Claims(|claims| claims["nonce"] = json!("another")), TokenFault::Nonce),
        (Lie::Claims(|claims| drop(claims.as_object_mut().unwrap().remove("nonce"))), TokenFault::Nonce),
        (Lie::Claims(|claims| claims["aud"] = json!("another")), TokenFault::Audience),
        (Lie::Claims(|claims| claims["aud"] = json!(["manazir", "another"])), TokenFault::Audience),
        (Lie::Claims(|claims| claims["aud"] = json!([])), TokenFault::Audience),
        (Lie::Claims(|claims| claims["iss"] = json!("https://evil.example")), TokenFault::Issuer),
        (Lie::Claims(|claims| claims["exp"] = json!(1_700_000_000)), TokenFault::Expired),
        (Lie::Claims(|claims| claims["sub"] = json!("1".repeat(256))), TokenFault::Subject),
        (Lie::Claims(|claims| claims["sub"] = json!("")), TokenFault::Subject),
        (Lie::NotSigned, TokenFault::Algorithm),
        (Lie::SignedWithThePublicKey, TokenFault::Algorithm),
        (Lie::SignedWithTheSecret, TokenFault::Algorithm),
        (Lie::SignedBy(9), TokenFault::Key),
        (Lie::SignedByAnotherOfThatName, TokenFault::Signature),
        (Lie::NoToken, TokenFault::Form),
        (Lie::TellsOfAnother, TokenFault::Subject),
    ] {
        provider.lies(lie);
        let said = signs_in(&provider, &oidc).await;
        assert!(matches!(&said, Err(ProviderError::Token(told)) if *told == fault), "{lie:?}: {said:?}");
    }
    provider.lies(Lie::None);
    assert_eq!(signs_in(&provider, &oidc).await.unwrap(), ada(&provider), "nothing of it is remembered");
}

#[tokio::test]
async fn keys_turn_over_and_are_looked_for_once() {
    let provider = Provider::start();
    let oidc = oidc(&provider);
    signs_in(&provider, &oidc).await.unwrap();
    provider.turns_over(2);
    assert_eq!(signs_in(&provider, &oidc).await.unwrap(), ada(&provider));
    signs_in(&provider, &oidc).await.unwrap();
    assert_eq!(provider.asked("/jwks"), 2);
}

fn fault(said: Result<Claimed, ProviderError>) -> Fault {
    match said {
        Err(ProviderError::Away(source)) => *source.downcast::<Fault>().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn answers_that_are_none_are_refused_in_bounded_time_and_space() {
    let provider = Provider::start();
    let oidc = oidc(&provider);
    oidc.begin(&secrets()).await.unwrap();
    type IsIt = fn(&Fault) -> bool;
    let lies: [(Lie, IsIt); 5] = [
        (Lie::Endless, |fault| matches!(fault, Fault::Long)),
        (Lie::Slow, |fault| matches!(fault, Fault::Slow)),
        (Lie::SendsElsewhere, |fault| matches!(fault, Fault::Redirected)),
        (Lie::Garbage, |fault| matches!(fault, Fault::Unusable(_))),
        (Lie::OddAccessToken, |fault| matches!(fault, Fault::Unusable(_))),
    ];
    for (lie, is_it) in lies {
        provider.lies(Lie::None);
        let code = provider.browse(&oidc.begin(&secrets()).await.unwrap()).await;
        provider.lies(lie);
        let began = Instant::now();
        let fault = fault(oidc.finish(&code, &secrets()).await);
        assert!(is_it(&fault), "{lie:?}: {fault:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{lie:?}");
    }
    assert_eq!(provider.asked("/elsewhere"), 0, "it is not followed");
    provider.lies(Lie::ClientRefused);
    let refused = signs_in(&provider, &oidc).await;
    assert!(matches!(&refused, Err(ProviderError::Client(word)) if word == "invalid_client"), "{refused:?}");
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_again_and_one_of_another_name_is_none() {
    let provider = Provider::start();
    let (address, issuer) = (provider.address, provider.issuer());
    drop(provider);
    let oidc = Oidc::new(settings(&issuer)).unwrap();
    let away = oidc.begin(&secrets()).await.unwrap_err();
    assert!(matches!(away, ProviderError::Away(_)), "{away:?}");
    let provider = Provider::at(address);
    let until = Instant::now() + Duration::from_secs(10);
    while oidc.begin(&secrets()).await.is_err() {
        assert!(Instant::now() < until, "it is there again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    signs_in(&provider, &oidc).await.unwrap();

    let other = Oidc::new(settings(&issuer.replace("127.0.0.1", "localhost"))).unwrap();
    let other = other.begin(&secrets()).await.unwrap_err();
    assert!(matches!(&other, ProviderError::Client(why) if why.contains("issuer")), "{other:?}");
    provider.lies(Lie::NamesOpenAddresses);
    let open = Oidc::new(settings(&issuer)).unwrap().begin(&secrets()).await.unwrap_err();
    assert!(matches!(&open, ProviderError::Client(why) if why.contains("TLS")), "{open:?}");
}

#[test]
fn what_cannot_work_is_refused_before_anything_runs() {
    for wrong in
        ["", "login.example", "http://login.example", "ftp://localhost", "https://a?b=c", "https://a#b"]
    {
        let refused = settings(wrong).check();
        assert!(matches!(refused, Err(Unusable::Issuer(_))), "{wrong}");
    }
    for good in
        ["https://login.example", "https://login.example/realms/a", "http://localhost:1", "http://[::1]:1"]
    {
        settings(good).check().unwrap();
    }
    let nameless = Settings { client_id: String::new(), ..settings("https://a") };
    assert!(matches!(nameless.check(), Err(Unusable::Client)));
    let nowhere = Settings { callback: "back".to_owned(), ..settings("https://a") };
    assert!(matches!(nowhere.check(), Err(Unusable::Callback(_))));
    assert!(!format!("{:?}", Oidc::new(settings("https://a")).unwrap()).contains("kept apart"));
}
