//! What every identity provider must do, seen from here.

use crate::identity::{Claimed, IdentityProvider, ProviderError, Secrets, TokenFault};

fn secrets(letter: char) -> Secrets {
    let of = |what: &str| format!("{what}{}", letter.to_string().repeat(43 - what.len()));
    Secrets { state: of("state"), nonce: of("nonce"), verifier: of("verifier") }
}

/// Checks a provider. `browse` goes to the address as a browser does, signs in as `who`, and brings the code back.
///
/// # Panics
/// If the provider breaks the contract.
pub async fn check(provider: &dyn IdentityProvider, who: &Claimed, browse: impl AsyncFn(&str) -> String) {
    let (one, two) = (secrets('a'), secrets('b'));
    let address = provider.begin(&one).await.unwrap();
    assert!(address.contains(&one.state) && !address.contains(&one.verifier), "{address}");
    let code = browse(&address).await;
    assert_eq!(provider.finish(&code, &one).await.unwrap(), *who);
    let again = provider.finish(&code, &one).await;
    assert!(matches!(again, Err(ProviderError::Code(_))), "a code is good once: {again:?}");

    let code = browse(&provider.begin(&one).await.unwrap()).await;
    let stolen = provider.finish(&code, &Secrets { nonce: one.nonce.clone(), ..two.clone() }).await;
    assert!(matches!(stolen, Err(ProviderError::Code(_))), "with another verifier: {stolen:?}");

    let code = browse(&provider.begin(&one).await.unwrap()).await;
    let other = provider.finish(&code, &Secrets { nonce: two.nonce.clone(), ..one.clone() }).await;
    assert!(matches!(other, Err(ProviderError::Token(TokenFault::Nonce))), "of another sign-in: {other:?}");
    let made_up = provider.finish("made up", &two).await;
    assert!(matches!(made_up, Err(ProviderError::Code(_))), "{made_up:?}");
}

#[cfg(test)]
#[test]
fn the_twin_in_memory_keeps_the_contract() {
    let provider = crate::memory::Provider::new("https://login.example");
    let identity = crate::identity::Identity::new("https://login.example", "1").unwrap();
    let who = Claimed { identity, email: None, email_verified: false, username: None, name: None };
    let browse = async |address: &str| provider.signs_in(address.split_once("state=").unwrap().1, &who);
    futures_executor::block_on(check(&provider, &who, browse));
}
