//! How much memory it takes: little, however much there is to carry and however long a row.

use mysql_async::prelude::Queryable;

use crate::{
    deaths::call,
    server::{self, USER},
};

/// In kilobytes.
const MOST: u64 = 200_000;
/// Of one row, in bytes.
const LONG: u32 = 16 << 20;

fn peak(output: &std::process::Output) -> u64 {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let line = said.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn rows_of_16_megabytes_fit_into_200() {
    // One server is enough: the memory is the client's.
    let server = server::all().await.remove(0);
    let mut shop = server
        .schema("shop", &["CREATE TABLE one (id INT PRIMARY KEY, body LONGBLOB)", "CREATE TABLE other LIKE one"])
        .await;
    for table in ["one", "other"] {
        for row in 0..3 {
            // Nothing that compression could make smaller, and that is the worst.
            let block = format!(
                "(SELECT GROUP_CONCAT(UNHEX(SHA2(CONCAT(seq, '{table}{row}'), 256)) SEPARATOR '') FROM seq_1_to_32768)"
            );
            shop.query_drop("SET SESSION group_concat_max_len = 100000000").await.unwrap();
            shop.query_drop(format!("INSERT INTO {table} VALUES ({row}, REPEAT({block}, {LONG} / 1048576))"))
                .await
                .unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (keys, store) = (folder.path().join("keys"), folder.path().join("store"));
    let (keys, store) = (keys.to_str().unwrap(), store.to_str().unwrap());
    assert!(call(&server, &["keys", keys]).output().unwrap().status.success());
    let at = format!("{USER}@127.0.0.1:{}/", server.port);
    let made = call(&server, &["create", keys, store, &format!("{at}shop")]).output().unwrap();
    let id = String::from_utf8_lossy(&made.stdout).lines().last().unwrap_or_default().to_owned();
    let restored = call(&server, &["restore", keys, store, &format!("{at}again"), &id]).output().unwrap();
    let (to_make, to_restore) = (peak(&made), peak(&restored));
    println!("{to_make} kB to make it, {to_restore} kB to restore it");
    assert!(to_make < MOST && to_restore < MOST, "{to_make} kB to make it, {to_restore} kB to restore it");
}
