//! What administrators do to the catalogue: words, prices, stock and pictures.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use super::{Day, new_key, version_of};

impl Day<'_> {
    pub(super) async fn catalogue(&mut self) {
        let category = json!({"slug": "bracelets", "name": "Bracelets"});
        let made = self.change("admin", "POST /admin/categories", &[], &[], category.clone()).await;
        let tag = version_of(&made);
        self.change("admin", "PUT /admin/categories/{id}", &[&made["id"]], &tag, category).await;

        let product = json!({
            "slug": "lumen-bangle", "name": "Lumen Bangle", "category": "bracelets", "currency": "SGD",
            "variants": [{"sku": "LUM-1", "metal": "gold_18k", "price_minor": 250_000, "on_hand": 2}],
        });
        let product = self.change("admin", "POST /admin/products", &[], &[], product).await;
        let words = json!({"slug": "lumen-bangle", "name": "Lumen", "description": "Of gold.",
            "category": "bracelets", "status": "active"});
        let tag = version_of(&product);
        self.change("admin", "PUT /admin/products/{id}", &[&product["id"]], &tag, words).await;
        let variant = json!({"sku": "LUM-2", "metal": "gold_9k", "price_minor": 90_000, "on_hand": 1});
        let product = self.change("admin", "POST /admin/products/{id}/variants", &[&product["id"]], &[], variant).await;
        let variant = &product["variants"][1];
        let change = json!({"metal": "gold_9k", "price_minor": 80_000, "position": 0, "status": "active"});
        self.change("admin", "PUT /admin/variants/{id}", &[&variant["id"]], &version_of(variant), change).await;

        let collection = json!({"slug": "tides", "name": "Tides", "status": "active",
            "products": ["tide-necklace", "lumen-bangle"]});
        let made = self.change("admin", "POST /admin/collections", &[], &[], collection.clone()).await;
        let tag = version_of(&made);
        self.change("admin", "PUT /admin/collections/{id}", &[&made["id"]], &tag, collection).await;

        let counted = json!({"delta": 1, "reason": "found one"});
        let key = [new_key()];
        for _ in 0..2 {
            let route = "POST /admin/inventory/{variant_id}/adjustments";
            self.change("admin", route, &[&variant["id"]], &key, counted.clone()).await;
        }
        let threshold = json!({"low_stock": 1});
        self.change("admin", "PUT /admin/inventory/{variant_id}/threshold", &[&variant["id"]], &[], threshold).await;
        self.names.insert(variant["id"].as_str().unwrap().to_owned());
        self.pictures(&product["id"]).await;
    }

    async fn pictures(&mut self, id: &Value) {
        self.upload(id, "image", 1).await;
        self.upload(id, "image", 1).await;
        self.upload(id, "frame_set", 2).await;
        let path = format!("/admin/products/{}", id.as_str().unwrap());
        let product = self.read("admin", &path).await;
        let [first, second] = [&product["images"][0], &product["images"][1]];
        let order = json!({"images": [second["id"], first["id"]]});
        self.change("admin", "PUT /admin/products/{id}/images", &[id], &[], order).await;
        let product = self.read("admin", &path).await;
        let [first, second] = [&product["images"][0], &product["images"][1]];
        let alt = json!({"alt": "From above"});
        self.change("admin", "PUT /admin/images/{id}", &[&first["id"]], &version_of(first), alt).await;
        let tag = version_of(second);
        self.change("admin", "DELETE /admin/images/{id}", &[&second["id"]], &tag, Value::Null).await;
        let set = &product["frame_sets"][0];
        self.change("admin", "DELETE /admin/frame-sets/{id}", &[&set["id"]], &version_of(set), Value::Null).await;
    }

    async fn upload(&mut self, product: &Value, kind: &str, count: usize) {
        let mut file = Cursor::new(Vec::new());
        RgbImage::from_pixel(60, 30, Rgb([10, 120, 90])).write_to(&mut file, ImageFormat::Jpeg).unwrap();
        let file = file.into_inner();
        let files = vec![json!({"content_type": "image/jpeg", "bytes": file.len()}); count];
        let wanted = json!({"kind": kind, "product": product, "alt": "From the front", "files": files});
        let asked = self.change("admin", "POST /admin/media/uploads", &[], &[], wanted).await;
        for target in asked["uploads"].as_array().unwrap() {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let mut request = client.put(target["url"].as_str().unwrap());
            for (name, value) in target["headers"].as_object().unwrap() {
                if name != "content-length" {
                    request = request.header(name, value.as_str().unwrap());
                }
            }
            assert_eq!(request.body(file.clone()).send().await.unwrap().status(), 200);
            let route = "POST /admin/media/uploads/{id}/confirm";
            self.change("admin", route, &[&target["id"]], &[], Value::Null).await;
            self.names.insert(target["id"].as_str().unwrap().to_owned());
        }
    }
}
