//! The demo catalogue as a checked value. Knows neither the database nor storage.

mod check;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::picture::{Design, Metal};

/// The catalogue that comes with the program.
pub const EMBEDDED: &str = include_str!("../../demo/catalogue.toml");

/// Everything the demo shop sells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// ISO 4217 code of all prices.
    pub currency: String,
    /// In the order in which they are shown.
    pub categories: Vec<Category>,
    /// In the order in which they are listed.
    pub pieces: Vec<Piece>,
}

/// A shelf of the shop.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Its name in addresses.
    pub slug: String,
    /// Its name on the page.
    pub name: String,
    /// One sentence about it.
    pub description: String,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// The stock number its variants' numbers begin with.
    pub sku: String,
    /// Its name in addresses.
    pub slug: String,
    /// Its name on the page.
    pub name: String,
    /// The slug of its category.
    pub category: String,
    /// The day it came into the shop, `YYYY-MM-DD`: the shop sorts by it.
    pub added: String,
    /// One to three sentences.
    pub description: String,
    /// What its pictures show, for those who do not see them.
    pub look: String,
    /// Its principal stones.
    pub stone: Option<String>,
    /// How its pictures are drawn.
    pub design: Design,
    /// By metal.
    pub variants: Vec<MetalVariant>,
}

/// A piece in one metal, in one size or in several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetalVariant {
    /// What it is made of.
    pub metal: Metal,
    /// Price in minor units.
    pub price: i64,
    /// Pieces in stock, where it has no sizes.
    pub stock: Option<u32>,
    /// Pieces in stock by ring size.
    #[serde(default)]
    pub sizes: BTreeMap<String, u32>,
}

/// What can be put into a basket: one metal, one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Stock number.
    pub sku: String,
    /// What it is made of.
    pub metal: Metal,
    /// The size on the label, for rings.
    pub ring_size: Option<String>,
    /// Price in minor units.
    pub price: i64,
    /// Pieces in stock.
    pub stock: u32,
}

/// Why a text is not a catalogue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be read at all.
    #[error("the demo catalogue cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// It can be read, but contradicts itself.
    #[error("the demo catalogue is wrong at {at}: {reason}")]
    Content {
        /// The slug or stock number.
        at: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Catalogue {
    /// Reads and checks a catalogue.
    ///
    /// # Errors
    /// When the text is not TOML of this shape, or a rule of a catalogue is broken: unique slugs and stock numbers,
    /// known categories, positive prices, sizes or a stock but not both.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let catalogue: Self = toml::from_str(text)?;
        check::check(&catalogue)?;
        Ok(catalogue)
    }

    /// The catalogue that comes with the program.
    ///
    /// # Errors
    /// Never in a program whose tests passed.
    pub fn embedded() -> Result<Self, Error> {
        Self::parse(EMBEDDED)
    }
}

impl Piece {
    /// Every metal in every size, smaller sizes first.
    pub fn variants(&self) -> Vec<Variant> {
        let mut variants = Vec::new();
        for made in &self.variants {
            let variant = |sku: String, ring_size: Option<String>, stock: u32| Variant {
                sku,
                metal: made.metal,
                ring_size,
                price: made.price,
                stock,
            };
            let sku = format!("{}-{}", self.sku, short_code(made.metal));
            variants.extend(made.stock.map(|stock| variant(sku.clone(), None, stock)));
            let mut sizes: Vec<_> = made.sizes.iter().collect();
            sizes.sort_by_key(|(size, _)| size.parse::<u32>().unwrap_or(u32::MAX));
            variants.extend(
                sizes.into_iter().map(|(size, &stock)| variant(format!("{sku}-{size:0>2}"), Some(size.clone()), stock)),
            );
        }
        variants
    }

    /// The lowest price, in minor units.
    pub fn price_from(&self) -> i64 {
        self.variants.iter().map(|variant| variant.price).min().unwrap_or_default()
    }

    /// The metal the pictures show: the first one.
    pub fn shown_in(&self) -> Metal {
        self.variants.first().map_or(Metal::Gold18k, |variant| variant.metal)
    }
}

impl Metal {
    /// The code the shop's database and API use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Gold18k => "gold_18k",
            Self::RoseGold18k => "rose_gold_18k",
            Self::WhiteGold18k => "white_gold_18k",
            Self::Platinum950 => "platinum_950",
            Self::Silver925 => "silver_925",
        }
    }
}

/// A metal as stock numbers say it.
fn short_code(metal: Metal) -> &'static str {
    match metal {
        Metal::Gold18k => "YG",
        Metal::RoseGold18k => "RG",
        Metal::WhiteGold18k => "WG",
        Metal::Platinum950 => "PT",
        Metal::Silver925 => "AG",
    }
}
