//! A bucket that speaks S3: Amazon's, MinIO, Ceph, Garage and their kin.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as Key;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig, WriteMultipart};
use tokio::runtime::Handle;

use crate::Error;
use crate::place::{Place, make_folder_of};

/// How long a request may take, of which a large file needs many.
const REQUEST: Duration = Duration::from_secs(60);

/// For so long a request that failed is tried again; after that the keeper's next round does.
const RETRIES: Duration = Duration::from_secs(30);

/// Read from disk at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Parts of a file that are on their way at once, each of 5 MiB.
const UPLOADS: usize = 4;

/// Objects below a prefix.
pub(crate) struct Bucket {
    address: String,
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    /// Where files are made before they are sent.
    spool: PathBuf,
    runtime: Handle,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Bucket {
    /// `address`: `s3://bucket/prefix`. `variables`: those of the environment; what begins with `AWS_` is used as
    /// Amazon's own tools do (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, …).
    /// `runtime`: what its connections run on; not to be used from a thread of it.
    pub(crate) fn open(
        address: &str,
        spool: PathBuf,
        variables: impl Iterator<Item = (String, String)>,
        runtime: Handle,
    ) -> Result<Self, Error> {
        let failed = |error| Error::Bucket(address.to_owned(), error);
        let path = address.strip_prefix("s3://").unwrap_or(address);
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return Err(Error::Address(address.to_owned()));
        }
        // One provider for every connection of the process; whoever was first has chosen the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = AmazonS3Builder::new();
        for (name, value) in variables {
            let key = name.starts_with("AWS_").then(|| name.to_ascii_lowercase().parse());
            if let Some(Ok(key)) = key {
                builder = builder.with_config(key, value);
            }
        }
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint).unwrap_or_default();
        let client = ClientOptions::new()
            // An endpoint that says http:// is asked for as it is: a store on the same machine, or behind a tunnel.
            .with_allow_http(endpoint.starts_with("http://"))
            .with_timeout(REQUEST);
        let retry = RetryConfig { retry_timeout: RETRIES, ..RetryConfig::default() };
        let builder = builder.with_bucket_name(bucket).with_client_options(client).with_retry(retry);
        let store = Arc::new(builder.build().map_err(failed)?);
        Ok(Self { address: address.to_owned(), store, prefix: Key::from(prefix), spool, runtime })
    }

    /// Keys are what they are: `day=2026-03-01` is not to be escaped twice.
    fn key(&self, path: &str) -> Key {
        path.split('/').fold(self.prefix.clone(), Key::join)
    }

    fn failed(&self, error: object_store::Error) -> Error {
        Error::Bucket(self.address.clone(), error)
    }

    async fn send(&self, part: &Path, key: &Key) -> Result<(), Error> {
        let disk = |error| Error::Disk(part.to_owned(), error);
        let failed = |error| self.failed(error);
        let mut file = File::open(part).map_err(disk)?;
        let mut upload = WriteMultipart::new(self.store.put_multipart(key).await.map_err(failed)?);
        let mut bytes = vec![0; CHUNK_BYTES];
        loop {
            match file.read(&mut bytes) {
                Ok(0) => break,
                Ok(read) => upload.write(&bytes[..read]),
                Err(error) => {
                    // What cannot be ended is paid for until the bucket's own rules remove it.
                    upload.abort().await.map_err(failed)?;
                    return Err(disk(error));
                }
            }
            upload.wait_for_capacity(UPLOADS).await.map_err(failed)?;
        }
        upload.finish().await.map(drop).map_err(failed)
    }
}

impl Place for Bucket {
    fn part(&self, path: &str) -> Result<PathBuf, Error> {
        let part = self.spool.join(path.replace('/', "_"));
        make_folder_of(&part)?;
        Ok(part)
    }

    fn publish(&self, part: &Path, path: &str) -> Result<(), Error> {
        self.runtime.block_on(self.send(part, &self.key(path)))?;
        std::fs::remove_file(part).map_err(|error| Error::Disk(part.to_owned(), error))
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let read = async { self.store.get(&self.key(path)).await?.bytes().await };
        match self.runtime.block_on(read) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn replace(&self, path: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let put = self.runtime.block_on(self.store.put(&self.key(path), bytes.into()));
        put.map(drop).map_err(|error| self.failed(error))
    }

    fn remove(&self, path: &str) -> Result<(), Error> {
        match self.runtime.block_on(self.store.delete(&self.key(path))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }
}
