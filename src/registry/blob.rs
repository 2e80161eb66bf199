//! A blob as it streams by: exactly as many bytes as its manifest says, continued where a connection broke off.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE};
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::client::{Asked, BlobPart, RegistryClient};
use super::error::{FailedRead, RegistryError, RequestError};
use super::reference::ImageReference;

/// Times that a blob is asked for again.
const RESUMES: u32 = 4;

/// Reads a blob, on a thread that may wait.
pub(super) struct Blob<'a> {
    client: &'a RegistryClient,
    image: &'a ImageReference,
    runtime: &'a Handle,
    path: String,
    digest: String,
    size: u64,
    /// Bytes that were handed out.
    at: u64,
    body: Incoming,
    chunk: Bytes,
    /// What a registry that cannot send only the rest sends again.
    skip: u64,
    resumes: u32,
    failed: Option<RequestError>,
}

impl<'a> Blob<'a> {
    /// Asks for a blob.
    pub(super) fn open(
        client: &'a RegistryClient,
        image: &'a ImageReference,
        runtime: &'a Handle,
        digest: &str,
        size: u64,
    ) -> Result<Self, RegistryError> {
        let path = format!("{}/blobs/{digest}", image.repository);
        let response =
            runtime.block_on(client.get(image, Asked { path: &path, what: digest, part: BlobPart::Whole }))?;
        let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if let Some(found) = length.filter(|length| *length != size) {
            return Err(RequestError::Length { what: digest.to_owned(), expected: size, found }.into());
        }
        let digest = digest.to_owned();
        let body = response.into_body();
        let (chunk, at, skip, resumes, failed) = (Bytes::new(), 0, 0, 0, None);
        Ok(Self { client, image, runtime, path, digest, size, at, body, chunk, skip, resumes, failed })
    }

    /// The next bytes; none at the end.
    async fn next(&mut self) -> Result<Bytes, RequestError> {
        let deadline = self.client.settings.deadline;
        loop {
            let stalled = || RequestError::Stalled { what: self.digest.clone(), seconds: deadline.as_secs() };
            let broken = match timeout(deadline, self.body.frame()).await {
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(mut data) => {
                        let skipped = self.skip.min(data.len() as u64);
                        data.advance(skipped as usize);
                        self.skip -= skipped;
                        if data.is_empty() {
                            continue;
                        }
                        if data.len() as u64 > self.size - self.at {
                            let found = self.at + data.len() as u64;
                            return Err(RequestError::Length { what: self.digest.clone(), expected: self.size, found });
                        }
                        return Ok(data);
                    }
                    Err(_) => continue,
                },
                Ok(None) if self.at == self.size => return Ok(Bytes::new()),
                Ok(None) => RequestError::Length { what: self.digest.clone(), expected: self.size, found: self.at },
                Ok(Some(Err(error))) => {
                    RequestError::Broken { what: self.digest.clone(), reason: crate::error::chain(&error) }
                }
                Err(_) => stalled(),
            };
            if self.resumes == RESUMES || self.at == self.size {
                return Err(broken);
            }
            self.resumes += 1;
            self.resume(broken).await?;
        }
    }

    /// Asks for the rest; a registry that cannot send only that sends all, and what was read is skipped.
    async fn resume(&mut self, broken: RequestError) -> Result<(), RequestError> {
        let asked = Asked { path: &self.path, what: &self.digest, part: BlobPart::From(self.at) };
        let response = match self.client.get(self.image, asked).await {
            Ok(response) => response,
            Err(RegistryError::Request(error)) => return Err(error),
            Err(_) => return Err(broken),
        };
        self.skip = self.at - starts_at(&response, self.at).filter(|start| *start <= self.at).ok_or(broken)?;
        self.body = response.into_body();
        Ok(())
    }
}

/// Where in the blob an answer begins.
fn starts_at(response: &Response<Incoming>, asked: u64) -> Option<u64> {
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return Some(0);
    }
    let Some(range) = response.headers().get(CONTENT_RANGE) else { return Some(asked) };
    range.to_str().ok()?.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

impl Read for Blob<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(failed) = &self.failed {
            return Err(io::Error::other(FailedRead(failed.clone())));
        }
        if self.chunk.is_empty() {
            let runtime = self.runtime;
            match runtime.block_on(self.next()) {
                Ok(chunk) => self.chunk = chunk,
                Err(error) => {
                    self.failed = Some(error.clone());
                    return Err(io::Error::other(FailedRead(error)));
                }
            }
        }
        let count = self.chunk.len().min(out.len());
        self.chunk.copy_to_slice(&mut out[..count]);
        self.at += count as u64;
        Ok(count)
    }
}
