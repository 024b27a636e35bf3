//! What a provider says of itself: read when it is needed, and kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use manazir_auth::identity::ProviderError;
use openidconnect::core::CoreProviderMetadata;
use openidconnect::url::Url;
use openidconnect::{IssuerUrl, TokenUrl, UserInfoUrl};
use tokio::sync::Mutex;

use crate::http::Http;
use crate::{Fault, Unusable, faults, is_private};

/// For so long it is believed; keys that are not known are looked for sooner.
const BELIEVED: Duration = Duration::from_secs(3_600);
/// After a failure nobody asks again for so long, so that a crowd at the door of a provider that hangs waits once.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub(crate) struct Known {
    issuer: IssuerUrl,
    http: Http,
    /// Held while it is read: whoever comes meanwhile waits for the same answer.
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    provider: Option<(Instant, Arc<CoreProviderMetadata>)>,
    failed: Option<Instant>,
}

impl Known {
    pub(crate) fn new(issuer: &str, patience: Duration) -> Result<Self, Unusable> {
        let wrong = |_| Unusable::Issuer(issuer.to_owned());
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(wrong)?;
        Ok(Self { issuer, http: Http::new(patience)?, read: Mutex::default() })
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// What the provider says, if need be by asking it.
    pub(crate) async fn provider(&self) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        let mut read = self.read.lock().await;
        if let Some((at, provider)) = &read.provider
            && at.elapsed() < BELIEVED
        {
            return Ok(Arc::clone(provider));
        }
        self.ask(&mut read).await
    }

    /// The same, asked anew unless somebody else has just done so.
    pub(crate) async fn anew(&self) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        let came = Instant::now();
        let mut read = self.read.lock().await;
        match &read.provider {
            Some((at, provider)) if *at >= came => Ok(Arc::clone(provider)),
            _ => self.ask(&mut read).await,
        }
    }

    /// It is to be asked again.
    pub(crate) async fn forget(&self) {
        self.read.lock().await.provider = None;
    }

    async fn ask(&self, read: &mut Read) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        if read.failed.is_some_and(|at| at.elapsed() < AFTER_FAILURE) {
            return Err(ProviderError::Away(Box::new(Fault::JustFailed)));
        }
        let asked = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let checked = asked.map_err(faults::of_discovery).and_then(|provider| self.checked(provider));
        match checked {
            Ok(provider) => {
                let provider = Arc::new(provider);
                *read = Read { provider: Some((Instant::now(), Arc::clone(&provider))), failed: None };
                Ok(provider)
            }
            Err(error) => {
                read.failed = Some(Instant::now());
                Err(error)
            }
        }
    }

    /// Codes and secrets go nowhere where somebody reads along.
    fn checked(&self, provider: CoreProviderMetadata) -> Result<CoreProviderMetadata, ProviderError> {
        let is_local = self.issuer.url().scheme() == "http";
        let addresses = [
            Some(provider.authorization_endpoint().url()),
            Some(provider.jwks_uri().url()),
            provider.token_endpoint().map(TokenUrl::url),
            provider.userinfo_endpoint().map(UserInfoUrl::url),
        ];
        let is_good = |address: &Url| is_private(address) && (is_local || address.scheme() == "https");
        if addresses.into_iter().flatten().all(is_good) {
            Ok(provider)
        } else {
            Err(ProviderError::Client("it names addresses without TLS".to_owned()))
        }
    }
}
