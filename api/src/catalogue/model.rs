//! The catalogue as callers see it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Money {
    /// In minor units of the currency: 129000 is 1290.00 dollars.
    #[schema(example = 129_000)]
    pub(crate) amount: i64,
    /// ISO 4217.
    #[schema(example = "SGD")]
    pub(crate) currency: String,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Image {
    /// Its address in the largest size, absolute or relative to the shop's.
    #[schema(example = "/media/products/aurora-ring/1.svg")]
    pub(crate) url: String,
    /// What it shows, in words.
    pub(crate) alt: String,
    /// In pixels.
    pub(crate) width: i32,
    /// In pixels.
    pub(crate) height: i32,
    /// All sizes it comes in, the smallest first.
    pub(crate) sizes: Vec<ImageSize>,
}

/// One size of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ImageSize {
    /// Its address, absolute or relative to the shop's. What is there never changes.
    pub(crate) url: String,
    /// In pixels.
    pub(crate) width: i32,
    /// In pixels.
    pub(crate) height: i32,
}

/// Which category a product is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CategoryRef {
    /// Its name in addresses and filters.
    #[schema(example = "rings")]
    pub(crate) slug: String,
    /// Its name for people.
    #[schema(example = "Rings")]
    pub(crate) name: String,
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Category {
    /// Its name in addresses and filters.
    #[schema(example = "rings")]
    pub(crate) slug: String,
    /// Its name for people.
    #[schema(example = "Rings")]
    pub(crate) name: String,
    /// A sentence about it; may be empty.
    pub(crate) description: String,
    /// How many products it has.
    pub(crate) product_count: i64,
}

/// All categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Categories {
    /// In the order the shop wants them shown.
    pub(crate) items: Vec<Category>,
}

/// A product as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ProductSummary {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name in addresses.
    #[schema(example = "aurora-ring")]
    pub(crate) slug: String,
    /// Its name for people.
    pub(crate) name: String,
    /// What it is.
    pub(crate) description: String,
    /// Where it belongs.
    pub(crate) category: CategoryRef,
    /// The price of its cheapest variant.
    pub(crate) price_from: Money,
    /// At least one variant can be bought now.
    pub(crate) in_stock: bool,
    /// The picture to show in lists.
    pub(crate) image: Option<Image>,
    /// The metals it comes in.
    #[schema(example = json!(["gold_18k"]))]
    pub(crate) metals: Vec<String>,
}

/// One page of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ProductPage {
    /// The products.
    pub(crate) items: Vec<ProductSummary>,
    /// What to send as `cursor` for the next page; null on the last.
    pub(crate) next_cursor: Option<String>,
}

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Collection {
    /// Its name in addresses and filters.
    #[schema(example = "tides")]
    pub(crate) slug: String,
    /// Its name for people.
    #[schema(example = "Tides")]
    pub(crate) name: String,
    /// A sentence about it; may be empty.
    pub(crate) description: String,
    /// How many products it has.
    pub(crate) product_count: i64,
}

/// All collections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Collections {
    /// In the order the shop wants them shown.
    pub(crate) items: Vec<Collection>,
}

/// A collection with its products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CollectionDetail {
    /// What the list shows of it.
    #[serde(flatten)]
    pub(crate) collection: Collection,
    /// Its products, in its own order: at most 100.
    pub(crate) products: Vec<ProductSummary>,
}

/// A product in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ProductDetail {
    /// What the list shows of it.
    #[serde(flatten)]
    pub(crate) summary: ProductSummary,
    /// All its pictures, in order.
    pub(crate) images: Vec<Image>,
    /// Pictures all around it, in turning order; empty when there are none.
    pub(crate) frames: Vec<Image>,
    /// What can be bought.
    pub(crate) variants: Vec<Variant>,
}

/// One variant of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Variant {
    /// Its id.
    pub(crate) id: Uuid,
    /// The stock keeping unit.
    #[schema(example = "AUR-18Y-12")]
    pub(crate) sku: String,
    /// A code such as `gold_18k` or `platinum_950`.
    #[schema(example = "gold_18k")]
    pub(crate) metal: String,
    /// How pure its gold is, in 24ths; null for other metals.
    #[schema(example = 18)]
    pub(crate) karat: Option<u8>,
    /// The main stone, if any.
    pub(crate) stone: Option<String>,
    /// The size as printed on the label; null for what is not a ring.
    pub(crate) ring_size: Option<String>,
    /// What it costs.
    pub(crate) price: Money,
    /// How many can be bought now.
    pub(crate) available: i64,
}
