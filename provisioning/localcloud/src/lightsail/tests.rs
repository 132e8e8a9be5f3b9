//! The service behind its wire, over a ground of wishes: every answer is held against the service model, and what is
//! about states, names and what survives a kill is tried without booting anything.

mod balancer_cases;
mod restore_cases;
mod stub;
mod watch_cases;
mod wire_cases;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use self::stub::Stub;
use super::{Lightsail, LightsailOptions, model::MODEL, store::Store};

struct Cloud {
    lightsail: Lightsail,
    stub: Arc<Stub>,
    directory: tempfile::TempDir,
}

fn options() -> LightsailOptions {
    LightsailOptions {
        region: "eu-west-1".to_owned(),
        account_id: "747474747474".to_owned(),
        access_key_id: "AKIAEXAMPLE".to_owned(),
        identity_url: None,
        time_factor: 0.0,
        mysqld: None,
    }
}

impl Cloud {
    async fn new() -> Self {
        Self::over(tempfile::tempdir().unwrap(), Arc::default()).await
    }

    async fn over(directory: tempfile::TempDir, stub: Arc<Stub>) -> Self {
        let store = Store::open(directory.path().join("lightsail.json")).unwrap();
        let lightsail = Lightsail::with(options(), store, stub.clone()).await.unwrap();
        Self { lightsail, stub, directory }
    }

    /// The next life after a kill: nothing but the state file is left.
    async fn killed(self) -> Self {
        self.lightsail.service.close().await;
        // What was being written when the work ended is written; a killed process cannot write into the next one's life.
        self.lightsail.service.store.change(|_| Ok(())).await.unwrap();
        Self::over(self.directory, Arc::default()).await
    }

    async fn post(&self, operation: &str, authorization: &str, body: String) -> Response<Body> {
        let request = Request::post("/")
            .header("x-amz-target", format!("Lightsail_20161128.{operation}"))
            .header("authorization", authorization)
            .body(Body::from(body));
        self.lightsail.router().oneshot(request.unwrap()).await.unwrap()
    }

    async fn call(&self, operation: &str, request: Value) -> Result<Value, (StatusCode, Value)> {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261122/eu-west-1/lightsail/aws4_request, \
                             SignedHeaders=host, Signature=00";
        let response = self.post(operation, authorization, request.to_string()).await;
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        if status == StatusCode::OK { Ok(body) } else { Err((status, body)) }
    }

    /// A call that must succeed and answer as the model says.
    async fn ok(&self, operation: &str, request: Value) -> Value {
        let answer = self.call(operation, request).await;
        let answer = answer.unwrap_or_else(|(status, body)| panic!("{operation}: {status} {body}"));
        MODEL.assert_answer(operation, &answer);
        answer
    }

    /// A call that must be refused: its code and its words.
    async fn refused(&self, operation: &str, request: Value) -> (String, String) {
        let (_, body) = self.call(operation, request).await.expect_err(operation);
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        (text("__type"), text("message"))
    }

    /// A call whose operations must all come to this end.
    async fn ends(&self, operation: &str, request: Value, status: &str) {
        let answer = self.ok(operation, request).await;
        for begun in answer["operations"].as_array().unwrap() {
            self.operation_ends(begun["id"].as_str().unwrap(), status).await;
        }
    }

    async fn operation_ends(&self, id: &str, status: &str) {
        let ended = async || {
            let now = self.ok("GetOperation", json!({ "operationId": id })).await["operation"].clone();
            (now["isTerminal"] == true).then_some(now)
        };
        let now = eventually(ended).await;
        assert_eq!(now["status"], status, "{now:#}");
    }

    async fn create_instance(&self, name: &str) {
        self.ends("CreateInstances", instance(name), "Succeeded").await;
    }

    async fn create_database(&self, name: &str) {
        self.ends("CreateRelationalDatabase", database(name), "Succeeded").await;
    }

    async fn instance(&self, name: &str) -> Value {
        self.ok("GetInstance", json!({ "instanceName": name })).await["instance"].clone()
    }

    async fn database(&self, name: &str) -> Value {
        let request = json!({ "relationalDatabaseName": name });
        self.ok("GetRelationalDatabase", request).await["relationalDatabase"].clone()
    }

    async fn password(&self, name: &str, version: &str) -> String {
        let request = json!({ "relationalDatabaseName": name, "passwordVersion": version });
        let answer = self.ok("GetRelationalDatabaseMasterUserPassword", request).await;
        answer["masterUserPassword"].as_str().unwrap().to_owned()
    }
}

fn instance(name: &str) -> Value {
    json!({
        "instanceNames": [name], "availabilityZone": "eu-west-1a", "blueprintId": "ubuntu_24_04", "bundleId": "small_3_0",
    })
}

fn database(name: &str) -> Value {
    json!({
        "relationalDatabaseName": name, "relationalDatabaseBlueprintId": "mysql_8_4",
        "relationalDatabaseBundleId": "micro_2_0", "masterDatabaseName": "shop", "masterUsername": "owner",
    })
}

async fn eventually<T>(mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < deadline, "not within 10 s");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
