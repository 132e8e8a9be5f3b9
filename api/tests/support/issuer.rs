//! A token issuer with real RS256 keys, whose key set is served over HTTP as Cognito does.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Router, http::StatusCode, response::IntoResponse, routing::get};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

pub(crate) struct Issuer {
    pub(crate) url: String,
    state: Arc<State>,
    keys: Mutex<Vec<(String, EncodingKey)>>,
}

#[derive(Default)]
struct State {
    published: Mutex<Vec<Value>>,
    fetches: AtomicUsize,
    away: AtomicBool,
}

impl Issuer {
    /// With one key, `first`, published.
    pub(crate) async fn start() -> Self {
        let state = Arc::new(State::default());
        let serve = {
            let state = Arc::clone(&state);
            move || async move {
                state.fetches.fetch_add(1, Ordering::SeqCst);
                if state.away.load(Ordering::SeqCst) {
                    return StatusCode::INTERNAL_SERVER_ERROR.into_response();
                }
                axum::Json(json!({ "keys": *state.published.lock().unwrap() })).into_response()
            }
        };
        let router = Router::new().route("/pool/.well-known/jwks.json", get(serve));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/pool", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { url, state, keys: Mutex::default() };
        issuer.publish("first");
        issuer
    }

    /// Adds a key to the set.
    pub(crate) fn publish(&self, kid: &str) {
        let key = self.generate(kid);
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap()).unwrap();
        jwk["kid"] = kid.into();
        jwk["alg"] = "RS256".into();
        jwk["use"] = "sig".into();
        self.state.published.lock().unwrap().push(jwk);
    }

    /// Makes a key that is not in the set.
    pub(crate) fn generate(&self, kid: &str) -> EncodingKey {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
        self.keys.lock().unwrap().push((kid.to_owned(), key.clone()));
        key
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.state.away.store(away, Ordering::SeqCst);
    }

    /// How often the key set was asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.state.fetches.load(Ordering::SeqCst)
    }

    /// The claims of a good access token of an administrator.
    pub(crate) fn claims(&self) -> Value {
        json!({
            "sub": "7d3c1f0e-0000-4000-8000-000000000001",
            "iss": self.url,
            "client_id": super::CLIENT_ID,
            "token_use": "access",
            "cognito:groups": ["admins"],
            "iat": now(),
            "exp": now() + 3600,
        })
    }

    /// A token with these claims changed, signed with the key of that id.
    pub(crate) fn token(&self, kid: &str, changes: Value) -> String {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) };
        let keys = self.keys.lock().unwrap();
        let (_, key) = keys.iter().rev().find(|(known, _)| known == kid).unwrap();
        encode(&header, &claims, key).unwrap()
    }

    pub(crate) fn admin(&self) -> String {
        self.token("first", json!({}))
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
