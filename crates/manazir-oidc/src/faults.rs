//! What went wrong at a provider, in the words of the port. Nothing that a provider answered is repeated at length: it
//! may hold tokens.

use manazir_auth::identity::{ProviderError, TokenFault};
use openidconnect::core::CoreErrorResponseType;
use openidconnect::{
    ClaimsVerificationError, DiscoveryError, RequestTokenError, SignatureVerificationError,
    StandardErrorResponse, UserInfoError,
};

use crate::http::ANSWER_BYTES_MAX;

/// Most characters of what a provider says that are repeated.
const WORD_CHARACTERS_MAX: usize = 80;

/// Why an answer of a provider is none.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Nobody answers, or the connection breaks.
    #[error("it cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It takes too long.
    #[error("it takes too long to answer")]
    Slow,
    /// The answer is too long.
    #[error("its answer is longer than {ANSWER_BYTES_MAX} bytes")]
    Long,
    /// It sends elsewhere.
    #[error("it sends elsewhere, which is not followed: the address is to be as the provider writes it")]
    Redirected,
    /// It answers otherwise than the standard says.
    #[error("its answer cannot be used: {0}")]
    Unusable(String),
    /// It was asked a moment ago, in vain.
    #[error("it did not answer a moment ago")]
    JustFailed,
}

impl From<reqwest::Error> for Fault {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::Slow } else { Self::Unreachable(error) }
    }
}

pub(crate) fn unusable(why: impl Into<String>) -> ProviderError {
    ProviderError::Away(Box::new(Fault::Unusable(why.into())))
}

fn away(fault: Fault) -> ProviderError {
    ProviderError::Away(Box::new(fault))
}

pub(crate) fn of_discovery(error: DiscoveryError<Fault>) -> ProviderError {
    match error {
        DiscoveryError::Request(fault) => away(fault),
        DiscoveryError::Validation(why) => ProviderError::Client(word(&why)),
        DiscoveryError::Response(status, ..) => unusable(format!("HTTP {status} where it describes itself")),
        other => unusable(word(&other.to_string())),
    }
}

pub(crate) fn of_exchange(
    error: RequestTokenError<Fault, StandardErrorResponse<CoreErrorResponseType>>,
) -> ProviderError {
    match error {
        RequestTokenError::ServerResponse(said) => match said.error() {
            CoreErrorResponseType::InvalidGrant => ProviderError::Code("invalid_grant".to_owned()),
            other => ProviderError::Client(word(other.as_ref())),
        },
        RequestTokenError::Request(fault) => away(fault),
        RequestTokenError::Parse(..) => unusable("it exchanges no code as one does"),
        RequestTokenError::Other(why) => unusable(word(&why)),
    }
}

pub(crate) fn of_person(error: UserInfoError<Fault>) -> ProviderError {
    match error {
        UserInfoError::ClaimsVerification(error) => of_token(&error).into(),
        UserInfoError::Request(fault) => away(fault),
        UserInfoError::Response(status, ..) => unusable(format!("HTTP {status} where it tells of people")),
        other => unusable(word(&other.to_string())),
    }
}

pub(crate) fn of_token(error: &ClaimsVerificationError) -> TokenFault {
    match error {
        ClaimsVerificationError::Expired(_) => TokenFault::Expired,
        ClaimsVerificationError::InvalidAudience(_) => TokenFault::Audience,
        ClaimsVerificationError::InvalidIssuer(_) => TokenFault::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => TokenFault::Nonce,
        ClaimsVerificationError::InvalidSubject(_) => TokenFault::Subject,
        ClaimsVerificationError::SignatureVerification(error) => match error {
            SignatureVerificationError::DisallowedAlg(_)
            | SignatureVerificationError::NoSignature
            | SignatureVerificationError::UnsupportedAlg(_) => TokenFault::Algorithm,
            SignatureVerificationError::NoMatchingKey
            | SignatureVerificationError::AmbiguousKeyId(_)
            | SignatureVerificationError::InvalidKey(_) => TokenFault::Key,
            _ => TokenFault::Signature,
        },
        _ => TokenFault::Form,
    }
}

/// What may be repeated of what came from outside.
fn word(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(WORD_CHARACTERS_MAX).collect()
}
