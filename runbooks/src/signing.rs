//! The key that releases are signed with: made once, kept where only who deploys can read it.
//!
//! That is the operations bucket, beside the lock: whoever deploys has it, the API's user does not (it may read its own
//! secret, so the key must not be in there), every operator and the pipeline share one key, and it costs nothing.

use aws_sdk_s3::primitives::ByteStream;
use jewel_aws::classify;
use jewel_engine::{Failure, FailureKind};
use jewel_host::SigningKey;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Context, Error};

/// The object's key.
const KEY: &str = "signing/releases.pem";

/// The shop's key; the first deployment makes it.
pub(crate) async fn key(context: &Context<'_>) -> Result<SigningKey, Error> {
    if let Some(kept) = read(context).await? {
        return Ok(SigningKey::parse(&kept)?);
    }
    let made = SigningKey::generate()?;
    let bucket = &context.outputs.operations_bucket;
    let put = context.clients.s3.put_object().bucket(bucket).key(KEY).if_none_match("*");
    let sent = put.body(ByteStream::from(made.expose_secret().as_bytes().to_vec())).send().await;
    match sent.map_err(|error| classify("keep the key that releases are signed with", error)) {
        Ok(_) => Ok(SigningKey::parse(&made)?),
        // Another deployment was faster, or an answer was lost: what is there counts.
        Err(failure) if failure.kind == FailureKind::Conflict => {
            let kept = read(context).await?.ok_or(failure)?;
            Ok(SigningKey::parse(&kept)?)
        }
        Err(failure) => Err(failure.into()),
    }
}

async fn read(context: &Context<'_>) -> Result<Option<SecretString>, Error> {
    let action = "read the key that releases are signed with";
    let bucket = &context.outputs.operations_bucket;
    let sent = context.clients.s3.get_object().bucket(bucket).key(KEY).send().await;
    let object = match sent.map_err(|error| classify(action, error)) {
        Ok(object) => object,
        Err(failure) if failure.kind == FailureKind::NotFound => return Ok(None),
        Err(failure) => return Err(failure.into()),
    };
    let lost = |why: String| Failure::new(FailureKind::Transient, action, why);
    let bytes = object.body.collect().await.map_err(|error| lost(error.to_string()))?.to_vec();
    String::from_utf8(bytes).map(|text| Some(text.into())).map_err(|error| lost(error.to_string()).into())
}
