//! The same shop on a real MySQL, which is what Lightsail runs.

use jewel_tests::Cloud;

/// A cloud of its own whose databases are the `mysqld` that `JEWEL_MYSQLD` names; loud where there is none.
pub fn shop_on_mysql() {
    let Some(mysqld) = std::env::var_os("JEWEL_MYSQLD") else {
        eprintln!("WARNING: JEWEL_MYSQLD names no MySQL server: the shop was tested on MariaDB alone");
        return;
    };
    let cloud = Cloud::new();
    cloud.run(&["init", "--yes"]).expect(0);
    let up = || cloud.command(&["up", "--yes", "--json"]).env("JEWEL_MYSQLD", &mysqld).run().expect(0).json();
    let url = up()["url"].as_str().unwrap().to_owned();
    let page = crate::http::get(&format!("{url}/api/v1/products?limit=100")).json();
    assert!(page["items"].as_array().unwrap().len() >= 24, "{page}");
    let found = crate::http::get(&format!("{url}/api/v1/products?q=sapphire&sort=price_asc")).json();
    assert!(!found["items"].as_array().unwrap().is_empty(), "full-text search finds nothing");
    let version = ["--query", "relationalDatabases[0].engineVersion", "--output", "text"];
    let version = cloud.aws(&[&["lightsail", "get-relational-databases"], &version[..]].concat()).expect(0).stdout;
    let major: u32 = version.split('.').next().unwrap().parse().unwrap();
    assert!((8..10).contains(&major), "it runs on {version}");
    let again = up();
    assert_eq!((&again["provisioned"], &again["deployed"]), (&0.into(), &false.into()), "{again}");
    crate::schema::of_a_later_release(&cloud);
}
