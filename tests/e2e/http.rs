//! What a browser would ask, and what it got.

use serde_json::Value;

use crate::Shop;

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The body.
    pub text: String,
    headers: reqwest::header::HeaderMap,
}

impl Response {
    /// A header's value, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }
}

/// GET an address.
pub fn get(url: &str) -> Response {
    send(reqwest::blocking::Client::new().get(url))
}

fn send(request: reqwest::blocking::RequestBuilder) -> Response {
    let response = request.timeout(std::time::Duration::from_secs(30)).send().expect("an answer");
    Response {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: String::from_utf8_lossy(&response.bytes().expect("a body")).into_owned(),
    }
}

impl Shop {
    /// GET a path of the shop.
    pub fn get(&self, path: &str) -> Response {
        get(&format!("{}{path}", self.url))
    }

    /// POST JSON to a path of the shop, signed in or not.
    pub fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Response {
        let mut request = reqwest::blocking::Client::new()
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(body.to_string());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        send(request)
    }

    /// GET a path of the shop with a header.
    pub fn get_with(&self, path: &str, name: &str, value: &str) -> Response {
        send(reqwest::blocking::Client::new().get(format!("{}{path}", self.url)).header(name, value))
    }

    /// POST a body of JSON to a path of the shop with headers.
    pub fn post_with(&self, path: &str, headers: &[(&str, String)], body: &str) -> Response {
        let request = reqwest::blocking::Client::new().post(format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json").body(body.to_owned());
        send(headers.iter().fold(request, |request, (name, value)| request.header(*name, value)))
    }

    /// Signs a person up (once) and in; their access token.
    pub fn token(&self, email: &str, group: Option<&str>) -> String {
        let outputs = self.cloud.run(&["outputs", "--json"]).expect(0).json();
        let (pool, client) =
            (outputs["user_pool_id"].as_str().unwrap(), outputs["user_pool_client_id"].as_str().unwrap());
        let group = group.unwrap_or_default();
        let program = format!(
            "
import boto3
c = boto3.client('cognito-idp')
pool, client, email, group = '{pool}', '{client}', '{email}', '{group}'
password = 'Correct-Horse-7-Battery'
try:
    c.admin_create_user(UserPoolId=pool, Username=email, MessageAction='SUPPRESS')
except c.exceptions.UsernameExistsException:
    pass
c.admin_set_user_password(UserPoolId=pool, Username=email, Password=password, Permanent=True)
if group:
    c.admin_add_user_to_group(UserPoolId=pool, Username=email, GroupName=group)
r = c.admin_initiate_auth(UserPoolId=pool, ClientId=client, AuthFlow='ADMIN_USER_PASSWORD_AUTH', AuthParameters={{'USERNAME': email, 'PASSWORD': password}})
print(r['AuthenticationResult']['AccessToken'])
"
        );
        self.cloud.python(&program).expect(0).stdout.trim().to_owned()
    }

    /// Every log that the local cloud keeps.
    pub fn logs(&self) -> Vec<String> {
        self.texts(&self.cloud.folder().join("data"), "log")
    }

    /// Every record of a run that this machine keeps.
    pub fn records(&self) -> Vec<String> {
        self.texts(&self.cloud.folder().join("data/jewelctl/runs"), "json")
    }

    fn texts(&self, folder: &std::path::Path, ending: &str) -> Vec<String> {
        let mut logs = Vec::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                // Not into the machines' own disks.
                let is_disk =
                    path.file_name().is_some_and(|name| ["root", "upper", "merged"].iter().any(|disk| name == *disk));
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && !is_disk => folders.push(path),
                    Ok(kind) if kind.is_file() && path.extension().is_some_and(|end| end == ending) => {
                        logs.extend(fs_err::read(&path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
                    }
                    _ => {}
                }
            }
        }
        logs
    }
}
