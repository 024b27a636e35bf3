//! Signing in at an identity provider by OpenID Connect: the adapter of [`IdentityProvider`].
//!
//! The authorization code flow with PKCE, state and nonce. What the provider says of itself is read when somebody
//! first needs it, and again after a failure and when its keys turn over: the service starts without it.

mod faults;
mod http;
mod known;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use manazir_auth::identity::{Claimed, Identity, IdentityProvider, ProviderError, Secrets, TokenFault};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdTokenClaims, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse,
};

pub use faults::Fault;
pub use http::ANSWER_BYTES_MAX;

use known::Known;

/// So long a provider may take for an answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Signatures that count: by a key of which the provider alone has the private half. Those with a secret that both
/// sides know are not among them, nor is none.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A client whose provider has told where codes are exchanged, and perhaps where it tells more of people.
type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What an installation is at its provider.
#[derive(Clone)]
pub struct Settings {
    /// The address of the provider, as it writes it.
    pub issuer: String,
    /// By which the provider knows this installation.
    pub client_id: String,
    /// What only both know; none for a client that the provider calls public.
    pub client_secret: Option<String>,
    /// What is asked of people; `openid` is, whether or not it is here.
    pub scopes: Vec<String>,
    /// The address to which the provider sends people back; it knows it.
    pub callback: String,
    /// How long the provider may take for an answer; [`PATIENCE`].
    pub patience: Duration,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why no provider can be asked as the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The address of the provider.
    #[error(
        "`{0}` is no address of an identity provider: it is written https://login.example.org, as the provider writes \
         it; http:// is for one on this machine"
    )]
    Issuer(String),
    /// The name of the client.
    #[error("the client has no name: it is the one by which the provider knows this installation")]
    Client,
    /// The address to come back to.
    #[error("`{0}` is no address to come back to")]
    Callback(String),
    /// HTTP cannot be spoken.
    #[error("no HTTPS can be spoken")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An identity provider that is asked over HTTP.
pub struct Oidc {
    settings: Settings,
    callback: RedirectUrl,
    known: Known,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Settings {
    /// Says what would be wrong with them, before anything runs.
    pub fn check(&self) -> Result<(), Unusable> {
        let wrong = || Unusable::Issuer(self.issuer.clone());
        let issuer = Url::parse(&self.issuer).map_err(|_| wrong())?;
        if !is_private(&issuer) || issuer.query().is_some() || issuer.fragment().is_some() {
            return Err(wrong());
        }
        if self.client_id.is_empty() {
            return Err(Unusable::Client);
        }
        self.callback().map(drop)
    }

    fn callback(&self) -> Result<RedirectUrl, Unusable> {
        RedirectUrl::new(self.callback.clone()).map_err(|_| Unusable::Callback(self.callback.clone()))
    }
}

impl Oidc {
    /// One at which nothing is asked yet.
    pub fn new(settings: Settings) -> Result<Self, Unusable> {
        settings.check()?;
        let known = Known::new(&settings.issuer, settings.patience)?;
        Ok(Self { callback: settings.callback()?, known, settings })
    }

    fn client(&self, provider: &CoreProviderMetadata) -> Client {
        let secret = self.settings.client_secret.clone().map(ClientSecret::new);
        let id = ClientId::new(self.settings.client_id.clone());
        let methods = provider.token_endpoint_auth_methods_supported();
        // Where nothing is said, and wherever it may, the secret stands in a header (OpenID Connect Core §9).
        let takes_header =
            methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let auth = if takes_header { AuthType::BasicAuth } else { AuthType::RequestBody };
        CoreClient::from_provider_metadata(provider.clone(), id, secret)
            .set_redirect_uri(self.callback.clone())
            .set_auth_type(auth)
    }

    /// Shows the code, once.
    async fn exchange(
        &self,
        client: &Client,
        code: &str,
        secrets: &Secrets,
    ) -> Result<CoreTokenResponse, ProviderError> {
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let request = request.map_err(|_| faults::unusable("it does not say where codes are exchanged"))?;
        let verifier = PkceCodeVerifier::new(secrets.verifier.clone());
        let answer = request.set_pkce_verifier(verifier).request_async(self.known.http()).await;
        answer.map_err(faults::of_exchange)
    }

    /// What the signed token says. A key that is not known is looked for once: keys turn over.
    async fn believed(
        &self,
        client: &Client,
        answer: &CoreTokenResponse,
        nonce: &str,
    ) -> Result<CoreIdTokenClaims, ProviderError> {
        match verified(client, answer, nonce) {
            Err(TokenFault::Key | TokenFault::Signature) => {
                let provider = self.known.anew().await?;
                Ok(verified(&self.client(&provider), answer, nonce)?)
            }
            said => Ok(said?),
        }
    }

    /// What the provider tells beside the token: some tell addresses and names only there.
    async fn told(
        &self,
        client: &Client,
        token: &AccessToken,
        claims: &CoreIdTokenClaims,
    ) -> Result<Option<CoreUserInfoClaims>, ProviderError> {
        if claims.email().is_some() && claims.preferred_username().is_some() {
            return Ok(None);
        }
        let Ok(request) = client.user_info(token.clone(), Some(claims.subject().clone())) else {
            return Ok(None);
        };
        // The library would panic: it cannot stand in a header.
        if !token.secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(faults::unusable("its access token cannot be sent"));
        }
        request.request_async(self.known.http()).await.map(Some).map_err(faults::of_person)
    }
}

#[async_trait]
impl IdentityProvider for Oidc {
    fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    async fn begin(&self, secrets: &Secrets) -> Result<String, ProviderError> {
        let provider = self.known.provider().await?;
        let (state, nonce) = (secrets.state.clone(), secrets.nonce.clone());
        let verifier = PkceCodeVerifier::new(secrets.verifier.clone());
        let client = self.client(&provider);
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let asked = client.authorize_url(flow, || CsrfToken::new(state), || Nonce::new(nonce));
        let scopes = self.settings.scopes.iter().filter(|scope| *scope != "openid");
        let asked = asked.add_scopes(scopes.cloned().map(Scope::new));
        let (address, ..) =
            asked.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier)).url();
        Ok(address.into())
    }

    async fn finish(&self, code: &str, secrets: &Secrets) -> Result<Claimed, ProviderError> {
        let client = self.client(&*self.known.provider().await?);
        let answer = self.exchange(&client, code, secrets).await;
        if let Err(ProviderError::Away(_)) = &answer {
            // It may have moved.
            self.known.forget().await;
        }
        let answer = answer?;
        let claims = self.believed(&client, &answer, &secrets.nonce).await?;
        let told = self.told(&client, answer.access_token(), &claims).await?;
        claimed(&self.settings.issuer, &claims, told.as_ref())
            .ok_or(ProviderError::Token(TokenFault::Subject))
    }
}

/// True if nobody reads along: over TLS, or on this machine.
pub(crate) fn is_private(address: &Url) -> bool {
    match address.scheme() {
        "https" => address.has_host(),
        "http" => {
            let host = address.host_str().unwrap_or_default().trim_matches(['[', ']']);
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        _ => false,
    }
}

fn verified(
    client: &Client,
    answer: &CoreTokenResponse,
    nonce: &str,
) -> Result<CoreIdTokenClaims, TokenFault> {
    let token = answer.id_token().ok_or(TokenFault::Form)?;
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
    let claims = token.claims(&verifier, &Nonce::new(nonce.to_owned()));
    claims.cloned().map_err(|error| faults::of_token(&error))
}

fn claimed(issuer: &str, claims: &CoreIdTokenClaims, told: Option<&CoreUserInfoClaims>) -> Option<Claimed> {
    // The address and whether it is verified come from one place: what one says is nothing of what another does.
    let (email, verified) = match (claims.email(), told) {
        (Some(email), _) => (Some(email.to_string()), claims.email_verified()),
        (None, Some(told)) => (told.email().map(|email| email.to_string()), told.email_verified()),
        (None, None) => (None, None),
    };
    let username = claims.preferred_username().or_else(|| told?.preferred_username());
    let name = claims.name().or_else(|| told?.name()).and_then(|names| names.get(None));
    Some(Claimed {
        identity: Identity::new(issuer, claims.subject())?,
        email,
        email_verified: verified == Some(true),
        username: username.map(|username| username.to_string()),
        name: name.map(|name| name.to_string()),
    })
}
