//! Nothing acknowledged is lost: what the journal has when an answer is given, what happens while it cannot be written, and
//! what becomes of a database that is gone.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod support;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use jewel_journal::{Actor, Broken, Change, Event, Key, ReplayError, ReplayOptions, TABLES, Writer, fence, replay};
use jewel_migrations::UpOptions;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection};
use support::{
    Api, BACKUPS, Shop, config,
    journal::{contents, copy, events, replayed},
    problem,
    s3::{Fault, S3},
    shops,
};

/// Tables that no event tells about, and why that loses nothing.
const NOT_JOURNALED: &[(&str, &str)] = &[
    ("outbox", "it is where events wait; what was acknowledged is in the journal"),
    ("showcase", "it is made of other tables, anew after a replay"),
    ("journal_state", "a counter, which a replay sets from the journal"),
    ("schema_migrations", "made by the migrations, which come with the program"),
    ("schema_migration_statements", "made by the migrations, which come with the program"),
];

fn product(slug: &str) -> Value {
    json!({
        "slug": slug, "name": "Lumen Bangle", "description": "A bangle.\nOf \"gold\", 1/2″, \u{1f48d}.", "category": "brooches",
        "currency": "SGD",
        "variants": [
            {"sku": format!("{slug}-1"), "metal": "rose_gold_18k", "price_minor": 250_000, "on_hand": 2},
            {"sku": format!("{slug}-2"), "metal": "gold_18k", "stone": "Citrine", "price_minor": 240_000},
        ],
    })
}

async fn create(shop: &Shop, slug: &str) -> Response {
    let request = shop.api.request(Method::POST, "/api/v1/admin/products");
    request.bearer_auth(shop.issuer.admin()).json(&product(slug)).send().await.unwrap()
}

/// The slugs of the products whose creation is in the journal.
fn journaled(shop: &Shop) -> BTreeSet<String> {
    let events = events(&shop.s3).into_iter().filter(|event| event.kind == "product.created");
    let changes = events.flat_map(|event| event.changes).filter(|change| change.table == "products");
    changes.map(|change| change.row["slug"].as_str().unwrap().to_owned()).collect()
}

async fn connect(shop: &Shop) -> MySqlConnection {
    shop.database.options().database("shop").connect().await.unwrap()
}

/// Asks until it is so.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "it did not come to pass: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    for mut shop in shops().await {
        let mut early = copy(&shop.database, "early").await;
        an_answer_means_that_it_is_in_the_journal(&shop).await;
        lost_answers_do_no_harm(&shop).await;
        many_at_once_share_objects(&shop).await;
        while_it_is_away_nothing_is_changed(&shop).await;
        a_fenced_process_acknowledges_nothing(&mut shop).await;
        what_a_dead_process_left_is_written_by_the_next(&mut shop).await;
        what_is_old_and_in_the_journal_leaves_the_outbox(&mut shop).await;
        every_table_follows_the_rules(&shop).await;

        golden_files_stay_replayable(&shop).await;
        replay_puts_things_in_order(&shop).await;
        let report = replayed(&mut early, &shop.s3).await;
        assert!(report.new > 30 && report.rows > 100, "{report:?}");
        let replayed = contents(&mut early, "").await;
        assert!(replayed == contents(&mut early, "shop").await, "{} is not what it was", shop.database.name);
    }
}

async fn an_answer_means_that_it_is_in_the_journal(shop: &Shop) {
    assert_eq!(create(shop, "first").await.status(), 201);
    assert!(journaled(shop).contains("first"));
    let event = events(&shop.s3).into_iter().find(|event| event.kind == "product.created").unwrap();
    let tables: Vec<&str> = event.changes.iter().map(|change| change.table.as_str()).collect();
    assert_eq!(tables, ["audit", "inventory", "inventory", "products", "variants", "variants"]);
    let mut connection = connect(shop).await;
    until("the row is marked", async || {
        let query = "SELECT COUNT(*) FROM outbox WHERE journal_seq IS NULL";
        sqlx::query_scalar::<_, i64>(query).fetch_one(&mut connection).await.unwrap() == 0
    })
    .await;
    // What is refused leaves nothing.
    let before = events(&shop.s3).len();
    problem(create(shop, "first").await, 409, "conflict").await;
    assert_eq!(events(&shop.s3).len(), before);
}

async fn lost_answers_do_no_harm(shop: &Shop) {
    for (slug, faults) in [
        ("busy", vec![Fault::Busy, Fault::Busy]),
        ("answer-lost", vec![Fault::AnswerLost]),
        ("lands-late", vec![Fault::LandsLate(Duration::from_millis(3200))]),
        ("lost-and-busy", vec![Fault::AnswerLost, Fault::Busy]),
    ] {
        shop.s3.fail(faults);
        let created = create(shop, slug).await;
        assert_eq!(created.status(), 201, "{slug}: {}", created.text().await.unwrap());
        assert!(journaled(shop).contains(slug), "{slug} on {}", shop.database.name);
    }
}

async fn many_at_once_share_objects(shop: &Shop) {
    let before = shop.s3.puts();
    shop.s3.set_latency(Duration::from_millis(200));
    let slugs: Vec<String> = (0..30).map(|number| format!("together-{number}")).collect();
    let answers = futures::future::join_all(slugs.iter().map(|slug| create(shop, slug))).await;
    assert!(answers.iter().all(|answer| answer.status() == 201));
    shop.s3.set_latency(Duration::ZERO);
    let (puts, all) = (shop.s3.puts() - before, journaled(shop));
    assert!(puts < 20 && slugs.iter().all(|slug| all.contains(slug)), "{puts} objects");
}

async fn while_it_is_away_nothing_is_changed(shop: &Shop) {
    shop.s3.set_away(true);
    // The first ones are committed before anybody can know. They are not acknowledged.
    problem(create(shop, "in-doubt").await, 503, "pending").await;
    let refused = create(shop, "refused").await;
    assert_eq!(refused.headers()["retry-after"], "5");
    problem(refused, 503, "journal-unavailable").await;
    assert_eq!(shop.api.get("/api/v1/products/aurora-ring").await.status(), 200);
    assert_eq!(shop.api.direct(Method::GET, "/readyz").send().await.unwrap().status(), 200);
    assert_eq!(shop.api.get("/api/v1/products/refused").await.status(), 404);
    shop.s3.set_away(false);
    until("what was in doubt is written", async || journaled(shop).contains("in-doubt")).await;
    assert_eq!(create(shop, "back-again").await.status(), 201);
}

async fn a_fenced_process_acknowledges_nothing(shop: &mut Shop) {
    let ended = fence(&shop.s3, 0, time::OffsetDateTime::now_utc()).await.unwrap();
    assert!(!ended.iter().any(|end| end.closed), "{ended:?}");
    problem(create(shop, "behind-the-fence").await, 503, "pending").await;
    assert!(!journaled(shop).contains("behind-the-fence"));
    // It ends by itself, for the service manager to start it anew.
    let ending = shop.api.ended().await;
    assert!(ending.unwrap_err().to_string().contains("cannot go on"));
    shop.api = Api::start(&config(&shop.database, &shop.issuer, &shop.s3));
    // The next one writes what it committed.
    until("the next writes it", async || journaled(shop).contains("behind-the-fence")).await;
}

async fn what_a_dead_process_left_is_written_by_the_next(shop: &mut Shop) {
    // Ended well, an epoch is closed.
    shop.api.stop().await.unwrap().unwrap();
    let last = shop.s3.keys(BACKUPS, "journal/").pop().unwrap();
    let object = shop.s3.object(BACKUPS, &last).unwrap().body;
    assert!(object.starts_with(br#"{"format":1,"kind":"close""#), "{last}");

    // Somebody committed and died.
    let mut connection = connect(shop).await;
    let statement = "UPDATE outbox SET journal_epoch = NULL, journal_seq = NULL WHERE kind = 'product.created' LIMIT 3";
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    let before = events(&shop.s3).len();
    shop.api = Api::start(&config(&shop.database, &shop.issuer, &shop.s3));
    until("what was left is written", async || events(&shop.s3).len() == before + 3).await;
    // A database that counts from further back finds its numbers taken.
    shop.api.stop().await.unwrap().unwrap();
    sqlx::query("UPDATE journal_state SET epoch = 0").execute(&mut connection).await.unwrap();
    shop.api = Api::start(&config(&shop.database, &shop.issuer, &shop.s3));
    assert_eq!(create(shop, "counted-anew").await.status(), 201);
    assert!(journaled(shop).contains("counted-anew"));
}

async fn what_is_old_and_in_the_journal_leaves_the_outbox(shop: &mut Shop) {
    let mut connection = connect(shop).await;
    // Ids of long ago. Of the events that these rows are copies of, nobody asks there any more.
    let [kept, cleared] = [1, 2].map(|last| format!("0190000000007000800000000000000{last}"));
    shop.api.stop().await.unwrap().unwrap();
    for (id, journaled) in [(&kept, "NULL, NULL"), (&cleared, "1, 1")] {
        let copy = format!(
            "INSERT INTO outbox (event_id, kind, body, created_at, journal_epoch, journal_seq)
             SELECT 0x{id}, kind, body, created_at, {journaled} FROM outbox WHERE kind = 'product.created' LIMIT 1"
        );
        sqlx::raw_sql(AssertSqlSafe(copy)).execute(&mut connection).await.unwrap();
    }
    let all = "SELECT COUNT(*) FROM outbox";
    let before: i64 = sqlx::query_scalar(all).fetch_one(&mut connection).await.unwrap();
    shop.s3.set_away(true);
    shop.api = Api::start(&config(&shop.database, &shop.issuer, &shop.s3));
    let count = async |connection: &mut MySqlConnection, id: &str| -> i64 {
        let query = format!("SELECT COUNT(*) FROM outbox WHERE event_id = 0x{id}");
        sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(connection).await.unwrap()
    };
    until("the old row is gone", async || count(&mut connection, &cleared).await == 0).await;
    assert_eq!(count(&mut connection, &kept).await, 1, "what is not in the journal may not go");
    let after: i64 = sqlx::query_scalar(all).fetch_one(&mut connection).await.unwrap();
    assert_eq!(after, before - 1, "what is new may not go");
    shop.s3.set_away(false);
    let mut attempts = 0;
    until("changes are accepted", async || {
        attempts += 1;
        create(shop, &format!("afterwards-{attempts}")).await.status() == 201
    })
    .await;
}

/// An empty database, with the newest schema.
async fn empty(shop: &Shop, name: &str) -> MySqlConnection {
    let mut connection = shop.database.database(name).await.connect().await.unwrap();
    jewel_migrations::up(&mut connection, &UpOptions::default(), &mut |_| {}).await.unwrap();
    connection
}

async fn texts(connection: &mut MySqlConnection, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(connection).await.unwrap()
}

async fn golden_files_stay_replayable(shop: &Shop) {
    let (folder, s3) = (concat!(env!("CARGO_MANIFEST_DIR"), "/../runbooks/journal/golden"), S3::start());
    for epoch in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        for file in std::fs::read_dir(epoch.path()).unwrap().map(Result::unwrap) {
            let name = |entry: &std::fs::DirEntry| entry.file_name().into_string().unwrap();
            let (key, bytes) =
                (format!("journal/{}/{}", name(&epoch), name(&file)), std::fs::read(file.path()).unwrap());
            s3.store(BACKUPS, &key, bytes, "application/x-ndjson");
        }
    }
    let mut connection = empty(shop, "golden").await;
    let report = replayed(&mut connection, &s3).await;
    let counts = [report.objects, report.read, report.new, report.skipped, report.rows, report.outdated];
    assert_eq!(counts, [10, 6, 5, 1, 10, 0], "{report:?}");
    let product = "SELECT CONCAT_WS('|', slug, name, description, updated_at, version) FROM products";
    let expected = "zephyr-ring|Zéphyr “Ring” \u{1f48d}|Of gold.\nIn a box.|2026-01-02 03:04:05.000000|2";
    assert_eq!(texts(&mut connection, product).await, [expected]);
    let stock = "SELECT CONCAT_WS('|', on_hand, reserved, updated_at, version) FROM inventory";
    assert_eq!(texts(&mut connection, stock).await, ["2|0|2026-01-02 03:04:05.000006|3"]);
    let variant = "SELECT CONCAT_WS('|', sku, COALESCE(stone, 'none'), ring_size) FROM variants";
    assert_eq!(texts(&mut connection, variant).await, ["ZEP-1|none|12"]);
    let epoch: i64 = sqlx::query_scalar("SELECT epoch FROM journal_state").fetch_one(&mut connection).await.unwrap();
    assert_eq!(epoch, 2, "the next process would take an epoch that was");
}

/// Events of an epoch, each of one change in each table.
async fn write(s3: &S3, epoch: u64, events: &[Vec<(&str, Value)>]) {
    let at = time::OffsetDateTime::UNIX_EPOCH;
    let mut writer = Writer::open(s3, epoch, None, at).await.unwrap();
    for changes in events {
        let changes = changes
            .iter()
            .map(|(table, row)| Change { table: (*table).to_owned(), row: row.as_object().unwrap().clone() });
        let (id, by) = (uuid::Uuid::now_v7(), Actor::Visitor);
        let event = Event { id, kind: "tried".into(), at, schema: 3, by, changes: changes.collect() };
        writer.append(s3, &[&serde_json::to_string(&event).unwrap()], at).await.unwrap();
    }
}

async fn replay_puts_things_in_order(shop: &Shop) {
    let (s3, mut connection) = (S3::start(), empty(shop, "disorder").await);
    let id = |number: u64| format!("019b0000-0000-7000-8000-{number:012}");
    let day = "2026-01-02T03:04:05Z";
    let category = |number, slug: &str, version| {
        let row = json!({"id": id(number), "slug": slug, "name": slug, "description": "", "position": 1,
            "created_at": day, "updated_at": day, "version": version});
        ("categories", row)
    };
    // Two exchange their names; a third takes a name before the journal says that it is free; an older image comes last.
    write(&s3, 1, &[vec![category(1, "a", 1), category(2, "b", 1)], vec![category(1, "b", 2), category(2, "a", 2)]])
        .await;
    write(&s3, 2, &[vec![category(3, "a", 1)]]).await;
    write(&s3, 3, &[vec![category(2, "c", 3)], vec![category(1, "z", 1)]]).await;
    let report = replayed(&mut connection, &s3).await;
    assert_eq!([report.new, report.deferred, report.rows, report.outdated], [5, 1, 6, 1], "{report:?}");
    let names = "SELECT CONCAT_WS('|', slug, version) FROM categories ORDER BY id";
    assert_eq!(texts(&mut connection, names).await, ["b|2", "c|3", "a|1"]);

    // A missing object is no small matter, and neither is one that was changed.
    write(&s3, 4, &[vec![category(4, "d", 1)], vec![category(5, "e", 1)]]).await;
    let missing = Key { epoch: 4, seq: 1 };
    s3.remove(BACKUPS, &format!("journal/{missing}"));
    let refused = replay(&mut connection, &s3, ReplayOptions::default()).await;
    assert!(matches!(refused, Err(ReplayError::Broken(Broken::Gap(key))) if key == missing), "{refused:?}");
    let accepting = ReplayOptions { accept_gaps: true, ..ReplayOptions::default() };
    let report = replay(&mut connection, &s3, accepting).await.unwrap();
    assert_eq!((report.gaps, report.new), (vec![missing], 1));

    // What this schema does not have is named, and changes nothing.
    let from = |from| ReplayOptions { from, ..ReplayOptions::default() };
    let mut unknown = category(6, "f", 1);
    unknown.1["colour"] = "red".into();
    write(&s3, 5, &[vec![unknown]]).await;
    let refused = replay(&mut connection, &s3, from(5)).await.unwrap_err();
    assert_eq!(
        std::error::Error::source(&refused).unwrap().to_string(),
        "categories has no column colour: is the schema older than the event?"
    );

    // A name that nobody gives up, and a row that refers to nothing.
    write(&s3, 6, &[vec![category(7, "e", 1)]]).await;
    let refused = replay(&mut connection, &s3, from(6)).await.unwrap_err();
    assert!(std::error::Error::source(&refused).unwrap().to_string().contains("must be unique"), "{refused:?}");
    let stock = json!({"variant_id": id(9), "on_hand": 1, "reserved": 0, "updated_at": day, "version": 1});
    write(&s3, 7, &[vec![("inventory", stock)]]).await;
    let refused = replay(&mut connection, &s3, from(7)).await;
    let Err(ReplayError::Orphans { table, count, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((table.as_str(), count), ("inventory", 1));
}

async fn every_table_follows_the_rules(shop: &Shop) {
    let mut connection = connect(shop).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    for table in &tables {
        let journaled = TABLES.iter().any(|known| known.name == table);
        let exempt = NOT_JOURNALED.iter().any(|(known, _)| known == table);
        assert!(
            journaled != exempt,
            "{table} is to be in the journal's tables, or here with a reason, and not in both"
        );
    }
    for table in TABLES {
        assert!(tables.iter().any(|known| known == table.name), "{} is not there", table.name);
        let columns: Vec<(String, String, String, String, Option<String>, String)> = sqlx::query_as(
            "SELECT column_name, CAST(column_type AS CHAR(64)), column_key, is_nullable, CAST(column_default AS CHAR(64)), extra
             FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?",
        )
        .bind(table.name)
        .fetch_all(&mut connection)
        .await
        .unwrap();
        let keys: Vec<&str> = columns.iter().filter(|column| column.2 == "PRI").map(|it| it.0.as_str()).collect();
        assert_eq!(keys, [table.key], "{}: its key is one column", table.name);
        let version = columns.iter().find(|column| column.0 == "version").unwrap();
        let (kind, default) = (version.1.replace("(20)", ""), version.4.as_deref());
        assert_eq!((kind.as_str(), version.3.as_str(), default), ("bigint", "NO", Some("1")), "{}", table.name);
        for (column, kind, _, _, _, extra) in &columns {
            let (table, is_id) = (table.name, column == "id" || column.ends_with("_id"));
            assert_eq!(is_id, kind == "binary(16)", "{table}.{column} is {kind}: ids are BINARY(16), and nothing else");
            let known = ["int", "bigint", "char(", "varchar(", "text", "mediumtext", "datetime(6)", "binary(16)"];
            assert!(known.iter().any(|it| kind.starts_with(it)), "{table}.{column} is {kind}");
            assert!(!kind.contains("unsigned"), "{table}.{column}");
            assert_eq!(extra, "", "{table}.{column}: it has one value, which the application gives it");
        }
    }
}
