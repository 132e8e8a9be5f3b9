//! What an administrator may send of a file, and what is answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::picture::Kind;
use crate::{
    admin::rules::{Problems, is_text},
    catalogue::model::Image,
    error::ApiError,
};

/// The largest file, in bytes.
pub(crate) const LARGEST_FILE: i64 = 15 * 1024 * 1024;
/// The fewest and the most frames of a set.
const FRAMES: std::ops::RangeInclusive<usize> = 2..=72;

/// What is to be made of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UploadKind {
    /// A picture of the product, after the others: one file.
    Image,
    /// Pictures all around the product, in turning order: 2 to 72 files. They are shown when all have been confirmed.
    FrameSet,
}

/// Files to send.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    /// What is to be made of them.
    pub(crate) kind: UploadKind,
    /// The id of the product they show.
    pub(crate) product: Uuid,
    /// What they show, in words.
    #[schema(min_length = 1, max_length = 255)]
    pub(crate) alt: String,
    /// The files.
    #[schema(min_items = 1, max_items = 72)]
    pub(crate) files: Vec<NewFile>,
}

/// One file to send.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFile {
    /// `image/jpeg`, `image/png` or `image/webp`.
    #[schema(pattern = "^image/(jpeg|png|webp)$", example = "image/jpeg")]
    pub(crate) content_type: String,
    /// Its exact size.
    #[schema(minimum = 1, maximum = 15_728_640, example = 2_400_000)]
    pub(crate) bytes: i64,
    /// Its SHA-256 in lower-case hexadecimal digits: what differs is not stored.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    #[serde(default)]
    pub(crate) sha256: Option<String>,
}

impl NewUpload {
    /// Refuses it with everything that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        problems.require("alt", is_text(&self.alt, 1, 255), "must be one line of 1 to 255 characters");
        let count = self.files.len();
        match self.kind {
            UploadKind::Image => problems.require("files", count == 1, "must be one file"),
            UploadKind::FrameSet => problems.require("files", FRAMES.contains(&count), "must be 2 to 72 files"),
        }
        for (index, file) in self.files.iter().take(*FRAMES.end()).enumerate() {
            let mut require = |field: &str, holds: bool, message: &str| {
                problems.require(&format!("files[{index}].{field}"), holds, message);
            };
            let is_known = Kind::of(&file.content_type).is_some();
            require("content_type", is_known, "must be image/jpeg, image/png or image/webp");
            require("bytes", (1..=LARGEST_FILE).contains(&file.bytes), "must be 1 to 15728640");
            let is_digest = |digest: &String| {
                digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            };
            let is_good = file.sha256.as_ref().is_none_or(is_digest);
            require("sha256", is_good, "must be 64 lower-case hexadecimal digits");
        }
        problems.refuse()
    }
}

/// Where to send the files.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Uploads {
    /// The frame set that they will make, if any.
    pub(crate) frame_set: Option<Uuid>,
    /// One for each file, in their order.
    pub(crate) uploads: Vec<UploadTarget>,
}

/// Where to send one file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct UploadTarget {
    /// To confirm it with.
    pub(crate) id: Uuid,
    /// How to send it.
    #[schema(example = "PUT")]
    pub(crate) method: &'static str,
    /// Where to. It takes this file once, for some minutes.
    pub(crate) url: String,
    /// Exactly these headers are part of the signature. (Browsers add `content-length` by themselves.)
    pub(crate) headers: BTreeMap<String, String>,
    /// Until when it has to be confirmed.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) expires_at: OffsetDateTime,
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UploadState {
    /// It may be sent and confirmed.
    Pending,
    /// It is a picture of its product.
    Confirmed,
    /// It is no picture that can be shown.
    Rejected,
    /// It was not confirmed in time.
    Expired,
}

/// A file and what became of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Upload {
    /// Its id.
    pub(crate) id: Uuid,
    /// How far it has come.
    pub(crate) state: UploadState,
    /// The product it shows.
    pub(crate) product: Uuid,
    /// The frame set it is of, if any.
    pub(crate) frame_set: Option<Uuid>,
    /// Why it was rejected.
    pub(crate) problem: Option<String>,
    /// The picture it became.
    pub(crate) image: Option<Image>,
}
