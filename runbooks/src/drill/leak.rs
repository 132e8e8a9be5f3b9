//! Credentials as somebody has them who should not, and whether they still open anything.

use std::time::Duration;

use jewel_aws::DatabaseSecret;
use secrecy::{ExposeSecret as _, SecretString};

use crate::delivery::Delivery;
use crate::{Context, Error, Reach, database};

/// What the front door adds to requests; the API asks for it.
const PROOF: &str = "x-origin-verify";
/// The API answers within this.
const ANSWER: Duration = Duration::from_secs(10);
/// Where it listens on the instance.
const HTTP: u16 = 80;

/// The shop's credentials at a time.
#[derive(Debug)]
pub struct Leaked {
    key: Option<(String, SecretString)>,
    origin: Option<SecretString>,
    database: Option<DatabaseSecret>,
}

impl Leaked {
    /// What can be taken now.
    ///
    /// # Errors
    /// When a secret cannot be read.
    pub async fn take(context: &Context<'_>) -> Result<Self, Error> {
        let api = Delivery::fetch(context.clients, &context.outputs.api_secret).await?.secret;
        let text = database::secret(context.clients, &context.outputs.database_secret).await?;
        Ok(Self {
            key: api.access_key_id.zip(api.secret_access_key),
            origin: api.origin_secret,
            database: DatabaseSecret::parse(&text).ok(),
        })
    }

    /// Which of them still open something, and what.
    ///
    /// # Errors
    /// When it cannot be tried.
    pub async fn still_open(&self, reach: &Reach<'_>) -> Result<Vec<String>, Error> {
        let mut open = Vec::new();
        if let Some((id, secret)) = &self.key
            && reach.context().clients.is_alive(id, secret).await?
        {
            open.push(format!("key {id} is AWS's"));
        }
        if let Some(secret) = &self.database
            && let Ok(database) = database::open_as(reach, secret.clone()).await
            && database.connect().await.is_ok()
        {
            open.push(format!("the password of {} on {}", secret.username, secret.resource));
        }
        if let Some(secret) = &self.origin
            && self.lets_in(reach, secret).await?
        {
            open.push("the front door's proof at the API".to_owned());
        }
        Ok(open)
    }

    async fn lets_in(&self, reach: &Reach<'_>, secret: &SecretString) -> Result<bool, Error> {
        let tunnel = reach.session().tunnel_from(0, "127.0.0.1", HTTP).await?;
        let url = format!("http://{}/api/v1/categories", tunnel.local());
        let ask = async {
            let client = reqwest::Client::builder().timeout(ANSWER).build()?;
            client.get(url).header(PROOF, secret.expose_secret()).send().await
        };
        let failed = |error: reqwest::Error| jewel_engine::Failure::permanent("ask the API", error.to_string());
        Ok(ask.await.map_err(failed)?.status().is_success())
    }
}
