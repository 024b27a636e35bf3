//! HTTP to a provider: one answer to one question, in bounded time and of bounded length.

use std::pin::Pin;
use std::time::Duration;

use openidconnect::http::Response;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;

use crate::{Fault, Unusable};

/// Most bytes of an answer: a provider with a hundred keys and a long description has a tenth of it.
pub const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Asks a provider. Redirects are not followed: whoever could make it send one could have this service ask whatever it
/// reaches.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
}

impl Http {
    pub(crate) fn new(patience: Duration) -> Result<Self, Unusable> {
        // One provider of cryptography for every connection of the process; whoever was first has chosen the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(Policy::none()).timeout(patience).build();
        Ok(Self { client: client.map_err(|error| Unusable::Http(Box::new(error)))? })
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Fault> {
        let request = reqwest::Request::try_from(request)?;
        let mut answer = self.client.execute(request).await?;
        if answer.status().is_redirection() {
            return Err(Fault::Redirected);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(Fault::Long);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Fault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}
