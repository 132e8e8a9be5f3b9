//! Pictures from an administrator's disk to the shop's pages: real files, signed addresses, and everything that a file
//! can pretend to be.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod support;

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{ConnectOptions, MySqlConnection};
use support::{
    MEDIA, Shop,
    journal::{assert_recovered, copy},
    problem,
    s3::Fault,
    shops,
};

const UPLOADS: &str = "/api/v1/admin/media/uploads";

fn picture(width: u32, shade: u8, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(width, width / 2, Rgb([shade, 120, 90])).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

async fn post(shop: &Shop, token: &str, path: &str, body: Option<&Value>) -> Response {
    let request = shop.api.request(Method::POST, path).bearer_auth(token);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    request.send().await.unwrap()
}

async fn good(response: Response, status: u16) -> Value {
    let given = response.status();
    assert_eq!(response.headers().get("cache-control").map(|value| value.as_bytes()), Some(&b"no-store"[..]));
    let body: Value = response.json().await.unwrap();
    assert_eq!(given, status, "{body}");
    body
}

async fn product(shop: &Shop, slug: &str) -> Value {
    shop.api.read(&format!("/api/v1/products/{slug}")).await
}

/// Asks for an upload of these files.
async fn ask(shop: &Shop, kind: &str, slug: &str, content_type: &str, files: &[&[u8]]) -> Value {
    let files: Vec<Value> = files
        .iter()
        .map(|file| json!({"content_type": content_type, "bytes": file.len(), "sha256": hex::encode(Sha256::digest(file))}))
        .collect();
    let id = product(shop, slug).await["id"].clone();
    let body = json!({"kind": kind, "product": id, "alt": "From the front", "files": files});
    good(post(shop, &shop.issuer.admin(), UPLOADS, Some(&body)).await, 201).await
}

/// Sends a file as a browser does: with the headers that it was told to send.
async fn send(target: &Value, file: &[u8], change: impl Fn(&str, &str) -> String) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.put(target["url"].as_str().unwrap());
    for (name, value) in target["headers"].as_object().unwrap() {
        if name != "content-length" {
            request = request.header(name, change(name, value.as_str().unwrap()));
        }
    }
    request.body(file.to_vec()).send().await.unwrap().status().as_u16()
}

async fn send_as_told(target: &Value, file: &[u8]) {
    assert_eq!(send(target, file, |_, value| value.to_owned()).await, 200);
}

async fn confirm(shop: &Shop, target: &Value) -> Response {
    let path = format!("{UPLOADS}/{}/confirm", target["id"].as_str().unwrap());
    post(shop, &shop.issuer.admin(), &path, None).await
}

/// What the stand-in has under the address of a picture.
fn stored(shop: &Shop, url: &Value) -> support::s3::Object {
    shop.s3.object(MEDIA, url.as_str().unwrap().trim_start_matches('/')).unwrap()
}

async fn count(shop: &Shop, query: &'static str) -> i64 {
    let mut connection: MySqlConnection = shop.database.options().database("shop").connect().await.unwrap();
    sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_file_becomes_a_picture_in_every_size() {
    for shop in shops().await {
        let mut early = copy(&shop.database, "early").await;
        for (format, content_type, shade) in [
            (ImageFormat::Jpeg, "image/jpeg", 10),
            (ImageFormat::Png, "image/png", 120),
            (ImageFormat::WebP, "image/webp", 240),
        ] {
            let file = picture(700, shade, format);
            let asked = ask(&shop, "image", "sable-ring", content_type, &[&file]).await;
            let target = &asked["uploads"][0];
            problem(confirm(&shop, target).await, 409, "wrong-state").await;
            send_as_told(target, &file).await;
            let confirmed = good(confirm(&shop, target).await, 200).await;
            assert_eq!(
                (&confirmed["state"], &confirmed["image"]["alt"]),
                (&json!("confirmed"), &json!("From the front"))
            );
            // Said again, by somebody whose first answer was lost, it is the same.
            assert_eq!(good(confirm(&shop, target).await, 200).await, confirmed);
        }
        let shown = product(&shop, "sable-ring").await;
        let images = shown["images"].as_array().unwrap();
        assert_eq!(images.len(), 3);
        assert_eq!(shown["image"], images[0]);
        for image in images {
            let sizes = image["sizes"].as_array().unwrap();
            let widths: Vec<(i64, i64)> =
                sizes.iter().map(|size| (size["width"].as_i64().unwrap(), size["height"].as_i64().unwrap())).collect();
            assert_eq!(widths, [(320, 160), (640, 320), (700, 350)]);
            assert_eq!((&image["url"], &image["width"]), (&sizes[2]["url"], &json!(700)));
            for size in sizes {
                let object = stored(&shop, &size["url"]);
                assert_eq!(object.content_type, "image/jpeg");
                assert_eq!(object.cache_control, "public, max-age=31536000, immutable");
                let decoded = image::load_from_memory_with_format(&object.body, ImageFormat::Jpeg).unwrap();
                assert_eq!(i64::from(decoded.width()), size["width"].as_i64().unwrap());
            }
        }
        // The originals are kept, and no answer says where.
        let originals = shop.s3.keys(MEDIA, "media/uploads/");
        assert_eq!(originals.len(), 3);
        assert_recovered(&mut early, &shop.s3).await;
        assert!(originals.iter().all(|key| !shown.to_string().contains(key.rsplit('/').next().unwrap())));
    }
}

#[tokio::test]
async fn the_address_takes_one_file_and_that_once() {
    for shop in shops().await {
        let file = picture(60, 10, ImageFormat::Jpeg);
        let asked = ask(&shop, "image", "sable-ring", "image/jpeg", &[&file]).await;
        let target = &asked["uploads"][0];
        let url = target["url"].as_str().unwrap();
        let key = url.split('?').next().unwrap().rsplit_once("/media/uploads/").unwrap().1;
        assert!(uuid::Uuid::parse_str(key).is_ok() && key != target["id"].as_str().unwrap(), "{url}");

        let same = |_: &str, value: &str| value.to_owned();
        let other_type = |name: &str, value: &str| if name == "content-type" { "text/html" } else { value }.to_owned();
        let overwriting = |name: &str, value: &str| if name == "if-none-match" { "" } else { value }.to_owned();
        let mut longer = file.clone();
        longer.push(0);
        let mut changed = file.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(send(target, &longer, same).await, 403, "another length");
        assert_eq!(send(target, &file, other_type).await, 403, "another type");
        assert_eq!(send(target, &file, overwriting).await, 403, "without the condition");
        assert_eq!(send(target, &changed, same).await, 400, "another file");
        let mut elsewhere = target.clone();
        elsewhere["url"] = url.replace(key, "../products/x/1.jpg").into();
        assert_eq!(send(&elsewhere, &file, same).await, 403, "another key");
        assert_eq!(shop.s3.keys(MEDIA, "").len(), 0);
        assert_eq!(send(target, &file, same).await, 200);
        assert_eq!(send(target, &file, same).await, 412, "twice");
    }
}

#[tokio::test]
async fn what_is_no_picture_is_refused_and_leaves_nothing() {
    for shop in shops().await {
        let mut early = copy(&shop.database, "early").await;
        let before = product(&shop, "aurora-ring").await;
        let jpeg = picture(60, 10, ImageFormat::Jpeg);
        let mut bomb = jpeg.clone();
        let frame = bomb.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
        bomb[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xDC, 0xFF, 0xDC]);
        let half = jpeg[..300].to_vec();
        for (what, content_type, file) in [
            ("words", "image/jpeg", b"<script>alert(1)</script>".to_vec()),
            ("another type", "image/png", jpeg.clone()),
            ("a bomb", "image/jpeg", bomb),
            ("half a header", "image/jpeg", half),
            ("an SVG", "image/webp", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec()),
        ] {
            let asked = ask(&shop, "image", "aurora-ring", content_type, &[&file]).await;
            let target = &asked["uploads"][0];
            send_as_told(target, &file).await;
            let refused = problem(confirm(&shop, target).await, 422, "validation").await;
            assert_eq!(refused["errors"][0]["field"], "file", "{what}");
            let again = problem(confirm(&shop, target).await, 422, "validation").await;
            assert_eq!(again, refused, "{what}");
        }
        // More than was announced, by somebody who went around the signature.
        let asked = ask(&shop, "image", "aurora-ring", "image/jpeg", &[&jpeg]).await;
        let key = asked["uploads"][0]["url"].as_str().unwrap().split('?').next().unwrap();
        let key = key.split_once("/media/media/").unwrap().1.to_owned();
        shop.s3.store(MEDIA, &format!("media/{key}"), vec![0; 16 * 1024 * 1024], "image/jpeg");
        problem(confirm(&shop, &asked["uploads"][0]).await, 422, "validation").await;

        assert_eq!(product(&shop, "aurora-ring").await, before);
        assert_eq!(shop.s3.keys(MEDIA, "media/products/").len(), 0);
        assert_eq!(count(&shop, "SELECT COUNT(*) FROM media_uploads WHERE state = 'rejected'").await, 6);
        rules_of_uploads(&shop, &before["id"]).await;
        assert_recovered(&mut early, &shop.s3).await;
    }
}

async fn rules_of_uploads(shop: &Shop, id: &Value) {
    let token = shop.issuer.admin();
    let file = json!({"content_type": "image/jpeg", "bytes": 10});
    for (body, fields) in [
        (json!({"kind": "image", "product": id, "alt": " ", "files": []}), "alt files"),
        (json!({"kind": "frame_set", "product": id, "alt": "a", "files": [file]}), "files"),
        (
            json!({"kind": "image", "product": id, "alt": "a", "files": [
                {"content_type": "image/svg+xml", "bytes": 15_728_641, "sha256": "../../x"}]}),
            "files[0].content_type files[0].bytes files[0].sha256",
        ),
        (
            json!({"kind": "image", "product": id, "alt": "a", "files": [{"content_type": "image/jpeg", "bytes": -1}]}),
            "files[0].bytes",
        ),
    ] {
        let refused = problem(post(shop, &token, UPLOADS, Some(&body)).await, 422, "validation").await;
        let found: Vec<&str> =
            refused["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(found.join(" "), fields);
    }
    let good = |product: &Value| json!({"kind": "image", "product": product, "alt": "a", "files": [file]});
    let mut named = good(id);
    named["files"][0]["key"] = "media/products/x/1.jpg".into();
    problem(post(shop, &token, UPLOADS, Some(&named)).await, 422, "validation").await;
    for product in [json!("../../etc"), json!("aurora-ring"), json!(1)] {
        problem(post(shop, &token, UPLOADS, Some(&good(&product))).await, 422, "validation").await;
    }
    let nowhere = good(&json!(uuid::Uuid::nil()));
    problem(post(shop, &token, UPLOADS, Some(&nowhere)).await, 404, "not-found").await;
    problem(post(shop, &token, &format!("{UPLOADS}/..%2F..%2Fx/confirm"), None).await, 404, "not-found").await;
    let customer = shop.issuer.token("first", json!({"cognito:groups": []}));
    problem(post(shop, &customer, UPLOADS, Some(&good(id))).await, 403, "forbidden").await;
}

#[tokio::test]
async fn confirming_is_its_authors_and_happens_once() {
    for shop in shops().await {
        let file = picture(60, 10, ImageFormat::Jpeg);
        let asked = ask(&shop, "image", "tide-necklace", "image/jpeg", &[&file]).await;
        let target = &asked["uploads"][0];
        send_as_told(target, &file).await;
        let path = format!("{UPLOADS}/{}", target["id"].as_str().unwrap());
        let other = shop.issuer.token("first", json!({"sub": "7d3c1f0e-0000-4000-8000-000000000009"}));
        problem(post(&shop, &other, &format!("{path}/confirm"), None).await, 404, "not-found").await;
        let read = shop.api.request(Method::GET, &path).bearer_auth(&other).send().await.unwrap();
        problem(read, 404, "not-found").await;
        let customer = shop.issuer.token("first", json!({"cognito:groups": []}));
        problem(post(&shop, &customer, &format!("{path}/confirm"), None).await, 403, "forbidden").await;

        // Ten at once make one picture, and all hear the same.
        let answers = futures::future::join_all((0..10).map(|_| confirm(&shop, target))).await;
        let mut bodies = Vec::new();
        for answer in answers {
            bodies.push(good(answer, 200).await);
        }
        assert!(bodies.iter().all(|body| *body == bodies[0]));
        assert_eq!(product(&shop, "tide-necklace").await["images"].as_array().unwrap().len(), 1);
        let read = shop.api.request(Method::GET, &path).bearer_auth(shop.issuer.admin()).send().await.unwrap();
        assert_eq!(good(read, 200).await, bodies[0]);

        // Too late is too late.
        let asked = ask(&shop, "image", "tide-necklace", "image/jpeg", &[&file]).await;
        send_as_told(&asked["uploads"][0], &file).await;
        let mut connection: MySqlConnection = shop.database.options().database("shop").connect().await.unwrap();
        let past = "UPDATE media_uploads SET expires_at = '2026-01-01', version = version + 1 WHERE state = 'pending'";
        sqlx::query(past).execute(&mut connection).await.unwrap();
        problem(confirm(&shop, &asked["uploads"][0]).await, 409, "wrong-state").await;
    }
}

#[tokio::test]
async fn a_turn_is_shown_when_all_its_frames_are_there() {
    for shop in shops().await {
        let mut early = copy(&shop.database, "early").await;
        let files: Vec<Vec<u8>> = (0..4).map(|n| picture(60, n * 60, ImageFormat::Jpeg)).collect();
        let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        let mut sets = Vec::new();
        for _ in 0..2 {
            let asked = ask(&shop, "frame_set", "ember-studs", "image/jpeg", &files).await;
            let targets = asked["uploads"].as_array().unwrap();
            for (target, file) in targets.iter().zip(&files) {
                send_as_told(target, file).await;
            }
            // In any order, and the last two at once.
            for index in [2, 0] {
                good(confirm(&shop, &targets[index]).await, 200).await;
            }
            let shown = product(&shop, "ember-studs").await;
            assert_eq!(shown["frames"].as_array().unwrap().len(), if sets.is_empty() { 0 } else { 4 });
            assert_eq!(shown["images"], json!([]));
            let last = futures::future::join_all([1, 3].map(|index| confirm(&shop, &targets[index]))).await;
            for answer in last {
                good(answer, 200).await;
            }
            sets.push(asked["frame_set"].as_str().unwrap().to_owned());
            let shown = product(&shop, "ember-studs").await;
            let frames = shown["frames"].as_array().unwrap();
            assert_eq!((frames.len(), &shown["image"]), (4, &Value::Null));
            for (frame, file) in frames.iter().zip(&files) {
                let object = stored(&shop, &frame["url"]);
                let shade = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().to_rgb8().get_pixel(9, 9).0[0];
                assert!(shade(&object.body).abs_diff(shade(file)) < 8, "the frames are out of order");
            }
        }
        assert_eq!(count(&shop, "SELECT COUNT(*) FROM frame_sets WHERE state = 'complete'").await, 1);

        // Taken away, it is shown no more; a frame of a set that is gone has no place to go.
        let remove = |set: String, version: &'static str| {
            let path = format!("/api/v1/admin/frame-sets/{set}");
            shop.api.request(Method::DELETE, &path).bearer_auth(shop.issuer.admin()).header("if-match", version).send()
        };
        good(remove(sets[1].clone(), "\"2\"").await.unwrap(), 200).await;
        assert_eq!(product(&shop, "ember-studs").await["frames"], json!([]));
        problem(remove(sets[0].clone(), "\"3\"").await.unwrap(), 404, "not-found").await;
        let asked = ask(&shop, "frame_set", "ember-studs", "image/jpeg", &files[..2]).await;
        good(remove(asked["frame_set"].as_str().unwrap().to_owned(), "\"1\"").await.unwrap(), 200).await;
        send_as_told(&asked["uploads"][0], files[0]).await;
        problem(confirm(&shop, &asked["uploads"][0]).await, 409, "wrong-state").await;
        assert_eq!(product(&shop, "ember-studs").await["frames"], json!([]));
        assert_recovered(&mut early, &shop.s3).await;
    }
}

#[tokio::test]
async fn while_s3_is_away_nothing_is_half_done() {
    for shop in shops().await {
        let file = picture(60, 10, ImageFormat::Jpeg);
        let asked = ask(&shop, "image", "zephyr-studs", "image/jpeg", &[&file]).await;
        let target = &asked["uploads"][0];
        send_as_told(target, &file).await;
        shop.s3.set_away(true);
        let away = confirm(&shop, target).await;
        assert!(away.headers().contains_key("retry-after"));
        problem(away, 503, "unavailable").await;
        assert_eq!(product(&shop, "zephyr-studs").await["images"], json!([]));
        shop.s3.set_away(false);
        // The picture is refused more often than the client tries: one size is there, and the next is not.
        shop.s3.fail([Fault::AnswerLost, Fault::Busy, Fault::Busy, Fault::Busy]);
        problem(confirm(&shop, target).await, 503, "unavailable").await;
        assert_eq!(product(&shop, "zephyr-studs").await["images"], json!([]));
        assert_eq!(count(&shop, "SELECT COUNT(*) FROM media_uploads WHERE state = 'pending'").await, 1);
        good(confirm(&shop, target).await, 200).await;
        assert_eq!(product(&shop, "zephyr-studs").await["images"].as_array().unwrap().len(), 1);
    }
}
