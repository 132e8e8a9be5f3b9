//! What customers do to their own things.

use serde_json::{Value, json};

use super::Day;

impl Day<'_> {
    pub(super) async fn people(&mut self) {
        let profile = json!({"name": "Mei Tan", "phone": "+6561234567", "language": "en-SG"});
        self.change("mei", "PUT /me", &[], &[], profile).await;
        let address = json!({"label": "Office", "name": "Mei Tan", "line1": "10 Anson Road", "city": "Singapore",
            "postal_code": "079903", "country": "SG"});
        let kept = self.change("mei", "POST /me/addresses", &[], &[], address.clone()).await;
        self.change("mei", "PUT /me/addresses/{id}", &[&kept["id"]], &[], address.clone()).await;
        self.change("mei", "DELETE /me/addresses/{id}", &[&kept["id"]], &[], Value::Null).await;
        self.change("mei", "POST /me/addresses", &[], &[], address).await;
        self.change("mei", "DELETE /me", &[], &[], Value::Null).await;
    }
}
