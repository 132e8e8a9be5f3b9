//! Putting the demo shop in: pictures first, then all rows in one transaction, so that no page ever shows a product
//! whose picture is not there.

use serde::Serialize;
use sqlx::MySqlConnection;

use super::catalogue::Catalogue;
use super::{Error, pictures, rows};

/// What happens meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A picture is in the bucket.
    PictureSent {
        /// How many there are by now.
        done: usize,
        /// How many were missing.
        total: usize,
    },
    /// The rows were compared and the missing ones written.
    RowsWritten {
        /// Products that were not there before.
        added: usize,
        /// Products that were there and are now as in the catalogue.
        updated: usize,
    },
}

/// What seeding did; all zero but the totals when everything was there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Products in the demo catalogue.
    pub pieces: usize,
    /// Their variants.
    pub variants: usize,
    /// Products that were not there before.
    pub added: usize,
    /// Products that were there, but different.
    pub updated: usize,
    /// Pictures that were missing or different.
    pub pictures_sent: usize,
}

/// Puts the demo catalogue and its pictures in. Running it again changes nothing; a piece that was changed in the
/// catalogue is changed in the shop, but stock is only ever set for variants that were not there before.
///
/// # Errors
/// When the bucket or the database refuses, or a product of somebody else's has the slug of a demo piece. Then no row
/// is changed.
pub async fn seed(
    conn: &mut MySqlConnection,
    s3: &aws_sdk_s3::Client,
    media_bucket: &str,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    let catalogue = Catalogue::embedded()?;
    let drawn = pictures::draw(&catalogue);
    let pictures_sent = pictures::publish(s3, media_bucket, drawn, &mut |done, total| {
        on_event(Event::PictureSent { done, total });
    })
    .await?;
    let written = rows::write(conn, &catalogue).await?;
    on_event(Event::RowsWritten { added: written.added, updated: written.updated });
    Ok(Report {
        pieces: catalogue.pieces.len(),
        variants: catalogue.pieces.iter().map(|piece| piece.variants().len()).sum(),
        added: written.added,
        updated: written.updated,
        pictures_sent,
    })
}
