//! What a variant is, costs and has in stock right now, as carts and orders need it.

use std::collections::BTreeMap;

use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};
use uuid::Uuid;

/// A variant as it could be bought now.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(crate) struct Offer {
    pub(crate) variant_id: Uuid,
    pub(crate) sku: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) metal: String,
    pub(crate) stone: Option<String>,
    pub(crate) ring_size: Option<String>,
    pub(crate) currency: String,
    pub(crate) price_minor: i64,
    status: String,
    available: i64,
}

impl Offer {
    /// Whether the shop sells it at all.
    pub(crate) fn is_on_sale(&self) -> bool {
        self.status == "active"
    }

    /// How many can be bought.
    pub(crate) fn available(&self) -> i32 {
        if self.is_on_sale() { i32::try_from(self.available).unwrap_or_default().max(0) } else { 0 }
    }

    /// What tells it from the product's other variants, in words.
    pub(crate) fn details(&self) -> String {
        let size = self.ring_size.as_ref().map(|size| format!("size {size}"));
        let parts = [Some(self.metal.replace('_', " ")), self.stone.clone(), size];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// These variants, as far as there are such.
pub(crate) async fn offers(
    connection: &mut MySqlConnection,
    variants: impl Iterator<Item = Uuid>,
) -> Result<BTreeMap<Uuid, Offer>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT v.id AS variant_id, v.sku, p.slug, p.name, v.metal, v.stone, v.ring_size, p.currency, v.price_minor,
            CASE WHEN v.status = 'active' THEN p.status ELSE v.status END AS status,
            CAST(COALESCE(s.on_hand - s.reserved, 0) AS SIGNED) AS available
         FROM variants v JOIN products p ON p.id = v.product_id LEFT JOIN inventory s ON s.variant_id = v.id
         WHERE v.id IN (",
    );
    let mut ids = query.separated(", ");
    let mut any = false;
    for variant in variants {
        ids.push_bind(variant);
        any = true;
    }
    if !any {
        return Ok(BTreeMap::new());
    }
    query.push(")");
    let rows: Vec<Offer> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(|offer| (offer.variant_id, offer)).collect())
}
