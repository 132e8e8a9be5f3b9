//! The cases of snapshots, backups and what is made from them.

use super::*;
use crate::database::Origin;

async fn snapshot_instance(cloud: &Cloud, instance: &str, name: &str) {
    let request = json!({ "instanceName": instance, "instanceSnapshotName": name });
    cloud.ends("CreateInstanceSnapshot", request, "Succeeded").await;
}

async fn snapshot_database(cloud: &Cloud, database: &str, name: &str) {
    let request = json!({ "relationalDatabaseName": database, "relationalDatabaseSnapshotName": name });
    cloud.ends("CreateRelationalDatabaseSnapshot", request, "Succeeded").await;
}

fn instance_from(snapshot: &str, name: &str) -> Value {
    json!({
        "instanceNames": [name], "availabilityZone": "eu-west-1a", "bundleId": "small_3_0",
        "instanceSnapshotName": snapshot,
    })
}

fn kept(cloud: &Cloud) -> Vec<String> {
    cloud.stub.world.lock().unwrap().snapshots.values().cloned().collect()
}

async fn enable_auto_snapshots(cloud: &Cloud, instance: &str) {
    let request = json!({ "resourceName": instance, "addOnRequest": { "addOnType": "AutoSnapshot" } });
    cloud.ok("EnableAddOn", request).await;
}

async fn dates(cloud: &Cloud, instance: &str) -> Vec<Value> {
    let answer = cloud.ok("GetAutoSnapshots", json!({ "resourceName": instance })).await;
    answer["autoSnapshots"].as_array().unwrap().iter().map(|one| one["date"].clone()).collect()
}

#[tokio::test]
async fn an_instance_snapshot_outlives_its_instance_and_makes_others() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    let open = json!({ "instanceName": "web", "portInfos": [{ "fromPort": 443, "toPort": 443, "protocol": "tcp" }] });
    cloud.ok("PutInstancePublicPorts", open).await;
    let request = json!({
        "instanceName": "web", "instanceSnapshotName": "kept", "tags": [{ "key": "jewel:env", "value": "prod" }],
    });
    cloud.ends("CreateInstanceSnapshot", request.clone(), "Succeeded").await;
    assert_eq!(cloud.refused("CreateInstanceSnapshot", request).await.1, "Some names are already in use: kept");
    cloud.ends("DeleteInstance", json!({ "instanceName": "web" }), "Succeeded").await;

    let snapshot = cloud.ok("GetInstanceSnapshot", json!({ "instanceSnapshotName": "kept" })).await;
    let snapshot = &snapshot["instanceSnapshot"];
    assert_eq!((&snapshot["state"], &snapshot["fromInstanceName"]), (&json!("available"), &json!("web")));
    assert_eq!((&snapshot["sizeInGb"], &snapshot["isFromAutoSnapshot"]), (&json!(60), &json!(false)));
    assert_eq!(snapshot["tags"][0]["value"], "prod");
    cloud.ok("TagResource", json!({ "resourceName": "kept", "tags": [{ "key": "keep", "value": "weekly" }] })).await;

    cloud.ends("CreateInstancesFromSnapshot", instance_from("kept", "web-2"), "Succeeded").await;
    let second = cloud.instance("web-2").await;
    assert_eq!((&second["blueprintId"], &second["addOns"]), (&json!("ubuntu_24_04"), &json!([])));
    let ports: Vec<_> =
        second["networking"]["ports"].as_array().unwrap().iter().map(|port| &port["fromPort"]).collect();
    assert_eq!(ports, [22, 80], "the firewall is not restored");
    let mut smaller = instance_from("kept", "web-3");
    smaller["bundleId"] = json!("micro_3_0");
    assert_eq!(cloud.refused("CreateInstancesFromSnapshot", smaller).await.0, "InvalidInputException");
    let gone = cloud.refused("CreateInstancesFromSnapshot", instance_from("gone", "web-3")).await;
    assert_eq!(gone, ("NotFoundException".to_owned(), "The InstanceSnapshot does not exist: gone".to_owned()));

    cloud.ends("DeleteInstanceSnapshot", json!({ "instanceSnapshotName": "kept" }), "Succeeded").await;
    assert!(kept(&cloud).is_empty());
    let left = cloud.ok("GetInstanceSnapshots", json!({})).await;
    assert_eq!(left["instanceSnapshots"], json!([]));
    assert_eq!(cloud.instance("web-2").await["state"]["name"], "running");
}

#[tokio::test]
async fn automatic_snapshots_are_one_a_day_seven_and_die_with_the_instance() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    assert!(cloud.lightsail.auto_snapshot("web", None).await.unwrap_err().contains("not enabled"));
    enable_auto_snapshots(&cloud, "web").await;
    for day in 10..18 {
        cloud.lightsail.auto_snapshot("web", Some(&format!("2026-11-{day}"))).await.unwrap();
    }
    cloud.lightsail.auto_snapshot("web", Some("2026-11-17")).await.unwrap();
    let days: Vec<String> = (11..18).rev().map(|day| format!("2026-11-{day}")).collect();
    assert_eq!(dates(&cloud, "web").await, days);
    assert_eq!(kept(&cloud).len(), 7, "what is dropped is erased");
    let request = json!({ "resourceName": "web", "date": "2026-11-11" });
    cloud.ok("DeleteAutoSnapshot", request.clone()).await;
    assert_eq!(cloud.refused("DeleteAutoSnapshot", request).await.0, "NotFoundException");

    let copy = |more: Value| {
        let mut request = json!({ "sourceRegion": "eu-west-1", "targetSnapshotName": "weekly" });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    for (more, code) in [
        (json!({ "sourceRegion": "us-east-1", "sourceSnapshotName": "weekly" }), "InvalidInputException"),
        (json!({ "sourceResourceName": "web" }), "InvalidInputException"),
        (json!({ "sourceResourceName": "web", "restoreDate": "2026-11-01" }), "NotFoundException"),
        (json!({ "sourceResourceName": "web", "restoreDate": "yesterday" }), "InvalidInputException"),
        (json!({ "sourceSnapshotName": "gone" }), "NotFoundException"),
    ] {
        assert_eq!(cloud.refused("CopySnapshot", copy(more)).await.0, code);
    }
    let automatic = json!({ "sourceResourceName": "web", "useLatestRestorableAutoSnapshot": true });
    cloud.ends("CopySnapshot", copy(automatic), "Succeeded").await;
    let manual = json!({ "sourceSnapshotName": "weekly", "targetSnapshotName": "again" });
    cloud.ends("CopySnapshot", copy(manual), "Succeeded").await;

    let from = json!({
        "instanceNames": ["web-2"], "availabilityZone": "eu-west-1a", "bundleId": "small_3_0",
        "sourceInstanceName": "web", "restoreDate": "2026-11-15", "addOns": [{ "addOnType": "AutoSnapshot" }],
    });
    cloud.ends("CreateInstancesFromSnapshot", from, "Succeeded").await;
    assert_eq!(cloud.instance("web-2").await["addOns"][0]["name"], "AutoSnapshot");

    let delete = json!({ "instanceName": "web", "forceDeleteAddOns": true });
    cloud.ends("DeleteInstance", delete, "Succeeded").await;
    assert_eq!(kept(&cloud).len(), 2, "only what was copied is left");
    let left = cloud.ok("GetInstanceSnapshot", json!({ "instanceSnapshotName": "weekly" })).await;
    assert_eq!(left["instanceSnapshot"]["isFromAutoSnapshot"], true);
}

#[tokio::test]
async fn a_database_snapshot_makes_another_database_with_another_password() {
    let cloud = Cloud::new().await;
    cloud.create_database("db").await;
    let parameter = json!({ "parameterName": "max_connections", "parameterValue": "50", "applyMethod": "immediate" });
    let update = json!({ "relationalDatabaseName": "db", "parameters": [parameter] });
    cloud.ends("UpdateRelationalDatabaseParameters", update, "Succeeded").await;
    snapshot_database(&cloud, "db", "kept").await;
    let request = json!({ "relationalDatabaseSnapshotName": "kept" });
    let snapshot = cloud.ok("GetRelationalDatabaseSnapshot", request.clone()).await;
    let snapshot = &snapshot["relationalDatabaseSnapshot"];
    assert_eq!((&snapshot["state"], &snapshot["sizeInGb"]), (&json!("available"), &json!(40)));
    cloud.ok("GetRelationalDatabaseSnapshots", json!({})).await;
    assert_eq!(
        cloud.refused("GetInstanceSnapshot", json!({ "instanceSnapshotName": "kept" })).await.0,
        "NotFoundException"
    );

    let from = json!({
        "relationalDatabaseName": "db-2", "relationalDatabaseSnapshotName": "kept",
        "relationalDatabaseBundleId": "small_ha_2_0",
    });
    cloud.ends("CreateRelationalDatabaseFromSnapshot", from.clone(), "Succeeded").await;
    let (first, second) = (cloud.database("db").await, cloud.database("db-2").await);
    assert_ne!(first["masterEndpoint"], second["masterEndpoint"]);
    assert_ne!(cloud.password("db", "CURRENT").await, cloud.password("db-2", "CURRENT").await);
    assert_eq!((&second["masterUsername"], &second["state"]), (&json!("owner"), &json!("available")));
    let servers = cloud.stub.world.lock().unwrap().servers.clone();
    assert_eq!(
        servers.values().filter(|server| server.parameters.is_empty()).count(),
        1,
        "parameters are not restored"
    );
    let mut smaller = from.clone();
    smaller["relationalDatabaseName"] = json!("db-3");
    smaller["relationalDatabaseSnapshotName"] = json!("larger");
    snapshot_database(&cloud, "db-2", "larger").await;
    smaller["relationalDatabaseBundleId"] = json!("micro_2_0");
    assert_eq!(cloud.refused("CreateRelationalDatabaseFromSnapshot", smaller).await.0, "InvalidInputException");
    cloud.ends("DeleteRelationalDatabaseSnapshot", request, "Succeeded").await;
    assert_eq!(kept(&cloud).len(), 1);
    let events = cloud.ok("GetRelationalDatabaseEvents", json!({ "relationalDatabaseName": "db-2" })).await;
    let messages: Vec<_> =
        events["relationalDatabaseEvents"].as_array().unwrap().iter().map(|event| &event["message"]).collect();
    assert_eq!(messages, ["Restored from snapshot kept", "Creating manual snapshot", "Manual snapshot created"]);
}

#[tokio::test]
async fn a_point_in_time_is_one_before_the_latest_and_needs_backups() {
    let cloud = Cloud::new().await;
    cloud.create_database("db").await;
    let latest = cloud.database("db").await["latestRestorableTime"].as_f64().unwrap();
    let from = |more: Value| {
        let mut request = json!({ "relationalDatabaseName": "db-2", "sourceRelationalDatabaseName": "db" });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    for more in [
        json!({}),
        json!({ "restoreTime": latest + 60.0 }),
        json!({ "restoreTime": latest - 60.0, "useLatestRestorableTime": true }),
        json!({ "relationalDatabaseSnapshotName": "kept", "useLatestRestorableTime": true }),
    ] {
        assert_eq!(cloud.refused("CreateRelationalDatabaseFromSnapshot", from(more)).await.0, "InvalidInputException");
    }
    cloud
        .ends("CreateRelationalDatabaseFromSnapshot", from(json!({ "restoreTime": 1_700_000_000 })), "Succeeded")
        .await;
    let origins = cloud.stub.world.lock().unwrap().origins.clone();
    let asked = origins.values().find_map(|origin| match origin {
        Origin::Backups { until, .. } => *until,
        Origin::Snapshot(_) => None,
    });
    assert_eq!(asked.unwrap().as_second(), 1_700_000_000);

    let disable = json!({
        "relationalDatabaseName": "db", "disableBackupRetention": true, "applyImmediately": true,
    });
    cloud.ends("UpdateRelationalDatabase", disable, "Succeeded").await;
    assert_eq!(cloud.database("db").await.get("latestRestorableTime"), None);
    assert_eq!(cloud.stub.world.lock().unwrap().backups.len(), 1, "those of the other database");
    let mut late = from(json!({ "useLatestRestorableTime": true }));
    late["relationalDatabaseName"] = json!("db-3");
    let refused = cloud.refused("CreateRelationalDatabaseFromSnapshot", late).await;
    assert!(refused.1.contains("no automatic backups"), "{refused:?}");
}

#[tokio::test]
async fn the_last_snapshot_of_a_database_stays_when_all_else_of_it_goes() {
    let cloud = Cloud::new().await;
    cloud.create_database("db").await;
    cloud.stub.world.lock().unwrap().fails = Some("snapshot");
    let delete = |last: &str| json!({ "relationalDatabaseName": "db", "finalRelationalDatabaseSnapshotName": last });
    cloud.ends("DeleteRelationalDatabase", delete("first"), "Failed").await;
    assert_eq!(cloud.stub.world.lock().unwrap().backups.len(), 1, "nothing is gone");
    cloud.stub.world.lock().unwrap().fails = None;
    let last = delete("last");
    assert_eq!(cloud.refused("DeleteRelationalDatabase", last).await.0, "OperationFailureException");

    cloud.create_database("db-2").await;
    let stop = json!({ "relationalDatabaseName": "db-2", "relationalDatabaseSnapshotName": "at-stop" });
    cloud.ends("StopRelationalDatabase", stop, "Succeeded").await;
    let mut last = delete("last");
    last["relationalDatabaseName"] = json!("db-2");
    cloud.ends("DeleteRelationalDatabase", last, "Succeeded").await;
    assert_eq!(cloud.stub.world.lock().unwrap().backups.len(), 1);
    for name in ["at-stop", "last"] {
        let request = json!({ "relationalDatabaseSnapshotName": name });
        let snapshot = cloud.ok("GetRelationalDatabaseSnapshot", request).await;
        assert_eq!(snapshot["relationalDatabaseSnapshot"]["state"], "available");
    }
}

#[tokio::test]
async fn a_standard_plan_is_interrupted_by_its_snapshot_and_high_availability_is_not() {
    let cloud = Cloud::new().await;
    cloud.create_database("db").await;
    let mut available = database("ha");
    available["relationalDatabaseBundleId"] = json!("micro_ha_2_0");
    cloud.ends("CreateRelationalDatabase", available, "Succeeded").await;
    for (name, runs) in [("db", 1), ("ha", 2)] {
        let slow = cloud.stub.slow.lock().await;
        let request = json!({ "relationalDatabaseName": name, "relationalDatabaseSnapshotName": format!("of-{name}") });
        let begun = cloud.ok("CreateRelationalDatabaseSnapshot", request).await;
        let id = begun["operations"][0]["id"].as_str().unwrap().to_owned();
        let started = async || {
            let now = cloud.ok("GetOperation", json!({ "operationId": id })).await;
            let stopped = cloud.stub.world.lock().unwrap().servers.len() == runs;
            (now["operation"]["status"] == "Started" && stopped).then_some(())
        };
        eventually(started).await;
        assert_eq!(cloud.database(name).await["state"], "backing-up");
        drop(slow);
        cloud.operation_ends(&id, "Succeeded").await;
        assert_eq!(cloud.stub.world.lock().unwrap().servers.len(), 2);
    }
}

#[tokio::test]
async fn snapshots_and_restores_go_on_after_a_kill() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    cloud.create_database("db").await;
    snapshot_instance(&cloud, "web", "kept").await;
    snapshot_database(&cloud, "db", "kept-db").await;
    enable_auto_snapshots(&cloud, "web").await;
    let stub = cloud.stub.clone();
    let slow = stub.slow.lock().await;
    let mut begun = Vec::new();
    for (operation, request) in [
        ("CreateInstanceSnapshot", json!({ "instanceName": "web", "instanceSnapshotName": "late" })),
        ("CreateInstancesFromSnapshot", instance_from("kept", "web-2")),
        (
            "CreateRelationalDatabaseSnapshot",
            json!({ "relationalDatabaseName": "db", "relationalDatabaseSnapshotName": "late-db" }),
        ),
        (
            "CreateRelationalDatabaseFromSnapshot",
            json!({ "relationalDatabaseName": "db-2", "relationalDatabaseSnapshotName": "kept-db" }),
        ),
    ] {
        let answer = cloud.ok(operation, request).await;
        begun.push(answer["operations"][0]["id"].as_str().unwrap().to_owned());
    }
    let cloud = cloud.killed().await;
    drop(slow);
    for id in &begun {
        cloud.operation_ends(id, "Succeeded").await;
    }
    assert_eq!(kept(&cloud).len(), 2, "what the killed one was at is done");
    assert_eq!(cloud.instance("web-2").await["state"]["name"], "running");
    for name in ["db", "db-2"] {
        eventually(async || (cloud.database(name).await["state"] == "available").then_some(())).await;
    }
}

#[tokio::test]
async fn a_log_is_read_in_pages_of_one_stream() {
    let cloud = Cloud::new().await;
    cloud.create_database("db").await;
    let streams = cloud.ok("GetRelationalDatabaseLogStreams", json!({ "relationalDatabaseName": "db" })).await;
    assert_eq!(streams["logStreams"], json!(["error"]));
    let request = json!({ "relationalDatabaseName": "db", "logStreamName": "error", "startFromHead": true });
    let page = cloud.ok("GetRelationalDatabaseLogEvents", request.clone()).await;
    assert_eq!(page["resourceLogEvents"][0]["message"], "2026-11-23T00:24:25.5Z 0 [System] ready");
    let mut next = request.clone();
    next["pageToken"] = page["nextForwardToken"].clone();
    assert_eq!(cloud.ok("GetRelationalDatabaseLogEvents", next).await["resourceLogEvents"], json!([]));
    let mut other = request;
    other["logStreamName"] = json!("audit");
    assert_eq!(cloud.refused("GetRelationalDatabaseLogEvents", other).await.0, "NotFoundException");
}
