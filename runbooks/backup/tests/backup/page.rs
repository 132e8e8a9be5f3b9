//! What `runbooks/pages/backups.md` tells a stranger to type, typed: with `age`, `zstd` and a client, and nothing of ours.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use crate::{
    deaths::call,
    server::{self, PASSWORD, Server, USER, ask},
    types,
};

/// The blocks of shell commands of the page.
fn commands() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pages/backups.md");
    let page = std::fs::read_to_string(page).unwrap();
    page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Stands for `aws s3 cp --recursive`: copies from a folder.
const AWS: &str =
    "#!/bin/sh\n[ \"$1 $2 $3\" = 's3 cp --recursive' ] && mkdir -p \"$5\" && cp -r \"${4#s3://}.\" \"$5\"\n";

fn shell(server: &Server, folder: &Path, commands: &str, backup: &str, identity: &str) -> Output {
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    Command::new("sh")
        .args(["-c", commands])
        .current_dir(folder)
        .env("PATH", path)
        .env("PLACE", format!("s3://{}", folder.join("store").display()))
        .env("BACKUP", backup)
        .env("IDENTITY", folder.join("keys").join(identity))
        .env("LOGIN", folder.join("login.cnf"))
        .env("SCHEMA", format!("by_hand_{}", server.name))
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_stranger_restores_it_by_hand() {
    for tool in ["age", "zstd", "mysql"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap().status.success();
        assert!(found, "{tool} is missing: apt-get install age zstd mariadb-client");
    }
    for server in server::all().await {
        let expected = types::contents(&mut types::shop(&server).await).await;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (keys, store) = (at("keys"), at("store"));
        let (keys, store) = (keys.to_str().unwrap(), store.to_str().unwrap());
        assert!(call(&server, &["keys", keys]).output().unwrap().status.success());
        let from = format!("{USER}@127.0.0.1:{}/shop", server.port);
        let made = call(&server, &["create", keys, store, &from]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let backup = String::from_utf8(made.stdout).unwrap().lines().last().unwrap().to_owned();

        std::fs::create_dir(at("bin")).unwrap();
        std::fs::write(at("bin/aws"), AWS).unwrap();
        std::fs::set_permissions(at("bin/aws"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let login = format!("[client]\nhost=127.0.0.1\nport={}\nuser={USER}\npassword={PASSWORD}\n", server.port);
        std::fs::write(at("login.cnf"), login).unwrap();
        let schema = format!("by_hand_{}", server.name);
        server.schema(&schema, &[]).await;

        let [restore, count] = &commands()[..] else { panic!("the page has other blocks") };
        // With the key that is printed: the shop may be gone.
        let restored = shell(&server, folder.path(), restore, &backup, "printed-identity");
        assert!(restored.status.success(), "{}: {}", server.name, String::from_utf8_lossy(&restored.stderr));
        let found = types::contents(&mut server.root_in(&schema).await).await;
        types::assert_same(&expected, &found, server.name);

        let counted = shell(&server, &at(&backup), count, &backup, "printed-identity");
        let counted = String::from_utf8(counted.stdout).unwrap();
        let rows = ask(&mut server.root_in("shop").await, "SELECT COUNT(*) FROM texts").await;
        assert!(counted.contains(&format!("\"name\":\"texts\",\"rows\":{rows}")), "{counted}");

        // A damaged object is named before anything is loaded.
        let objects = std::fs::read_dir(at("store").join(&backup)).unwrap();
        let victim =
            objects.map(|entry| entry.unwrap().path()).find(|path| path.to_string_lossy().contains("-texts.")).unwrap();
        let mut bytes = std::fs::read(&victim).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&victim, bytes).unwrap();
        std::fs::remove_dir_all(at(&backup)).unwrap();
        let refused = shell(&server, folder.path(), restore, &backup, "identity");
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stdout).contains("-texts."), "{refused:?}");
    }
}
