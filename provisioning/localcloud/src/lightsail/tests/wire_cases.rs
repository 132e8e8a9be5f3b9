//! The cases.

use super::*;

#[tokio::test]
async fn a_refusal_has_awss_shape_and_headers() {
    let cloud = Cloud::new().await;
    let response = cloud.post("GetInstances", "", "{}".to_owned()).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.1");
    assert_eq!(response.headers()["x-amzn-errortype"], "IncompleteSignatureException");
    assert!(response.headers().contains_key("x-amzn-requestid"));
    let (status, body) = cloud.call("GetInstance", json!({ "instanceName": "no-such" })).await.unwrap_err();
    assert_eq!(status, StatusCode::BAD_REQUEST);
    insta::assert_json_snapshot!(body);
}

#[tokio::test]
async fn what_is_not_built_or_does_not_exist_says_so_by_name() {
    let cloud = Cloud::new().await;
    let (status, body) = cloud.call("CreateDisk", json!({})).await.unwrap_err();
    assert_eq!((status, &body["__type"]), (StatusCode::NOT_IMPLEMENTED, &json!("OperationNotBuiltException")));
    assert!(body["message"].as_str().unwrap().contains("CreateDisk"));
    let (status, body) = cloud.call("CreateCastle", json!({})).await.unwrap_err();
    assert_eq!((status, &body["__type"]), (StatusCode::NOT_FOUND, &json!("UnknownOperationException")));
}

#[tokio::test]
async fn catalogues_answer_as_the_model_says() {
    let cloud = Cloud::new().await;
    for operation in ["GetBundles", "GetBlueprints", "GetRelationalDatabaseBundles", "GetRelationalDatabaseBlueprints"]
    {
        cloud.ok(operation, json!({})).await;
    }
    let zones = json!({ "includeAvailabilityZones": true, "includeRelationalDatabaseAvailabilityZones": true });
    let regions = cloud.ok("GetRegions", zones).await;
    assert_eq!(regions["regions"][0]["availabilityZones"][2]["zoneName"], "eu-west-1c");
}

#[tokio::test]
async fn an_instance_lives_through_its_states() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    let web = cloud.instance("web").await;
    assert_eq!((&web["state"], &web["isStaticIp"]), (&json!({"code": 16, "name": "running"}), &json!(false)));
    cloud.ok("GetInstanceAccessDetails", json!({ "instanceName": "web" })).await;
    cloud.ok("GetInstances", json!({ "includeHealthStatus": true })).await;
    cloud.ends("RebootInstance", json!({ "instanceName": "web" }), "Succeeded").await;
    cloud.ends("StopInstance", json!({ "instanceName": "web" }), "Succeeded").await;
    let stopped = cloud.instance("web").await;
    assert_eq!((&stopped["state"]["name"], stopped.get("publicIpAddress")), (&json!("stopped"), None));
    for (operation, code) in
        [("StopInstance", "OperationFailureException"), ("RebootInstance", "OperationFailureException")]
    {
        assert_eq!(cloud.refused(operation, json!({ "instanceName": "web" })).await.0, code);
    }
    let details = cloud.refused("GetInstanceAccessDetails", json!({ "instanceName": "web" })).await;
    assert_eq!(details.0, "OperationFailureException");
    cloud.ends("StartInstance", json!({ "instanceName": "web" }), "Succeeded").await;
    let started = cloud.instance("web").await;
    assert_ne!(started["publicIpAddress"], web["publicIpAddress"], "an address of its own is not kept over a stop");
    cloud.ends("DeleteInstance", json!({ "instanceName": "web" }), "Succeeded").await;
    assert_eq!(cloud.refused("GetInstance", json!({ "instanceName": "web" })).await.0, "NotFoundException");
    let operations = cloud.ok("GetOperationsForResource", json!({ "resourceName": "web" })).await;
    assert_eq!(operations["operations"].as_array().unwrap().len(), 5, "operations outlive their resource");
    assert!(cloud.stub.world.lock().unwrap().exposed.is_empty());
}

#[tokio::test]
async fn names_are_unique_across_all_kinds_of_resources() {
    let cloud = Cloud::new().await;
    cloud.ok("AllocateStaticIp", json!({ "staticIpName": "one" })).await;
    let taken = ("InvalidInputException".to_owned(), "Some names are already in use: one".to_owned());
    assert_eq!(cloud.refused("CreateInstances", instance("one")).await, taken);
    assert_eq!(cloud.refused("CreateRelationalDatabase", database("one")).await, taken);
    assert_eq!(cloud.refused("AllocateStaticIp", json!({ "staticIpName": "one" })).await, taken);
    assert!(cloud.ok("GetInstances", json!({})).await["instances"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_static_ip_outlives_its_instance() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    cloud.ok("AllocateStaticIp", json!({ "staticIpName": "ip" })).await;
    let attached = cloud.ok("AttachStaticIp", json!({ "staticIpName": "ip", "instanceName": "web" })).await;
    assert_eq!(attached["operations"].as_array().unwrap().len(), 2);
    let address = cloud.ok("GetStaticIp", json!({ "staticIpName": "ip" })).await["staticIp"]["ipAddress"].clone();
    let web = cloud.instance("web").await;
    assert_eq!((&web["publicIpAddress"], &web["isStaticIp"]), (&address, &json!(true)));
    cloud.ends("DeleteInstance", json!({ "instanceName": "web" }), "Succeeded").await;
    let left = cloud.ok("GetStaticIps", json!({})).await["staticIps"][0].clone();
    assert_eq!((&left["isAttached"], &left["ipAddress"]), (&json!(false), &address));
    let key = address.as_str().unwrap().parse().unwrap();
    assert_eq!(cloud.stub.world.lock().unwrap().exposed[&key].0, None, "it leads nowhere");
    cloud.ok("ReleaseStaticIp", json!({ "staticIpName": "ip" })).await;
}

#[tokio::test]
async fn putting_ports_replaces_the_whole_set() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    let open = json!({ "instanceName": "web", "portInfos": [{ "fromPort": 443, "toPort": 443, "protocol": "tcp" }] });
    cloud.ok("PutInstancePublicPorts", open).await;
    let states = cloud.ok("GetInstancePortStates", json!({ "instanceName": "web" })).await;
    let ports: Vec<_> = states["portStates"].as_array().unwrap().iter().map(|port| port["fromPort"].clone()).collect();
    assert_eq!(ports, [443]);
    let ssh = json!({ "instanceName": "web", "portInfo": { "fromPort": 22, "toPort": 22, "protocol": "tcp" } });
    cloud.ok("OpenInstancePublicPorts", ssh.clone()).await;
    assert_eq!(cloud.stub.world.lock().unwrap().exposed.values().next().unwrap().1.len(), 2);
    cloud.ok("CloseInstancePublicPorts", ssh).await;
    assert_eq!(cloud.stub.world.lock().unwrap().exposed.values().next().unwrap().1.len(), 1);
}

#[tokio::test]
async fn the_automatic_snapshots_switch_guards_the_instance() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    let add_on = |time: &str| {
        json!({ "resourceName": "web", "addOnRequest": {
            "addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": { "snapshotTimeOfDay": time },
        } })
    };
    assert_eq!(cloud.refused("EnableAddOn", add_on("19:30")).await.0, "InvalidInputException");
    cloud.ok("EnableAddOn", add_on("19:00")).await;
    assert_eq!(cloud.instance("web").await["addOns"][0]["snapshotTimeOfDay"], "19:00");
    cloud.ok("GetAutoSnapshots", json!({ "resourceName": "web" })).await;
    assert_eq!(cloud.refused("DeleteInstance", json!({ "instanceName": "web" })).await.0, "InvalidInputException");
    cloud.ok("DisableAddOn", json!({ "resourceName": "web", "addOnType": "AutoSnapshot" })).await;
    cloud.ends("DeleteInstance", json!({ "instanceName": "web" }), "Succeeded").await;
}

#[tokio::test]
async fn a_database_lives_through_its_states() {
    let cloud = Cloud::new().await;
    cloud.create_database("db").await;
    let name = json!({ "relationalDatabaseName": "db" });
    assert_eq!(cloud.database("db").await["state"], "available");
    cloud.ends("RebootRelationalDatabase", name.clone(), "Succeeded").await;
    cloud.ends("StopRelationalDatabase", name.clone(), "Succeeded").await;
    assert_eq!(cloud.database("db").await["state"], "stopped");
    let update = json!({ "relationalDatabaseName": "db", "rotateMasterUserPassword": true });
    assert_eq!(cloud.refused("UpdateRelationalDatabase", update).await.0, "OperationFailureException");
    cloud.ends("StartRelationalDatabase", name, "Succeeded").await;
    cloud.ok("GetRelationalDatabases", json!({})).await;
    cloud.stub.world.lock().unwrap().servers.clear();
    assert_eq!(cloud.database("db").await["state"], "rebooting", "a dead server is not called available");
}

#[tokio::test]
async fn a_database_is_not_deleted_without_a_word_about_its_last_snapshot() {
    let cloud = Cloud::new().await;
    cloud.create_database("db").await;
    let delete = |more: Value| {
        let mut request = json!({ "relationalDatabaseName": "db" });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    for (more, code) in [
        (json!({}), "InvalidInputException"),
        (json!({ "skipFinalSnapshot": true, "finalRelationalDatabaseSnapshotName": "last" }), "InvalidInputException"),
        (json!({ "finalRelationalDatabaseSnapshotName": "db" }), "InvalidInputException"),
    ] {
        assert_eq!(cloud.refused("DeleteRelationalDatabase", delete(more)).await.0, code);
        assert_eq!(cloud.database("db").await["state"], "available");
    }
    cloud.ends("DeleteRelationalDatabase", delete(json!({ "skipFinalSnapshot": true })), "Succeeded").await;
    assert!(cloud.stub.world.lock().unwrap().servers.is_empty());
}

#[tokio::test]
async fn rotating_the_password_keeps_the_one_before() {
    let cloud = Cloud::new().await;
    cloud.create_database("db").await;
    let first = cloud.password("db", "CURRENT").await;
    let request = json!({ "relationalDatabaseName": "db", "passwordVersion": "PREVIOUS" });
    assert_eq!(cloud.refused("GetRelationalDatabaseMasterUserPassword", request).await.0, "NotFoundException");
    let rotate = json!({ "relationalDatabaseName": "db", "rotateMasterUserPassword": true });
    cloud.ends("UpdateRelationalDatabase", rotate.clone(), "Succeeded").await;
    let second = cloud.password("db", "CURRENT").await;
    assert_ne!(first, second);
    assert_eq!(cloud.password("db", "PREVIOUS").await, first);
    assert!(cloud.stub.world.lock().unwrap().passwords.values().eq([&second]));
    cloud.stub.world.lock().unwrap().fails = Some("password");
    cloud.ends("UpdateRelationalDatabase", rotate, "Failed").await;
    assert_eq!(cloud.password("db", "CURRENT").await, second, "what is not in force is not said to be");
}

#[tokio::test]
async fn static_parameters_wait_for_a_reboot() {
    let cloud = Cloud::new().await;
    cloud.create_database("db").await;
    let parameter = |name: &str, value: &str, method: &str| {
        let parameter = json!({ "parameterName": name, "parameterValue": value, "applyMethod": method });
        json!({ "relationalDatabaseName": "db", "parameters": [parameter] })
    };
    let update = "UpdateRelationalDatabaseParameters";
    cloud.ends(update, parameter("max_connections", "50", "immediate"), "Succeeded").await;
    cloud.ends(update, parameter("back_log", "60", "pending-reboot"), "Succeeded").await;
    let set = || cloud.stub.world.lock().unwrap().servers.values().next().unwrap().parameters.clone();
    assert_eq!((set().len(), set()["max_connections"].as_str()), (1, "50"));
    assert_eq!(cloud.database("db").await["parameterApplyStatus"], "pending-reboot");
    cloud.ends("RebootRelationalDatabase", json!({ "relationalDatabaseName": "db" }), "Succeeded").await;
    assert_eq!(set()["back_log"], "60");
    assert_eq!(cloud.database("db").await["parameterApplyStatus"], "in-sync");
    cloud.ok("GetRelationalDatabaseParameters", json!({ "relationalDatabaseName": "db" })).await;
}

#[tokio::test]
async fn backup_retention_waits_for_the_window_unless_told_otherwise() {
    let cloud = Cloud::new().await;
    cloud.create_database("db").await;
    let disable = json!({ "relationalDatabaseName": "db", "disableBackupRetention": true });
    cloud.ends("UpdateRelationalDatabase", disable, "Succeeded").await;
    let waiting = cloud.database("db").await;
    assert_eq!(waiting["backupRetentionEnabled"], true);
    assert_eq!(waiting["pendingModifiedValues"], json!({ "backupRetentionEnabled": false }));
    let now = json!({ "relationalDatabaseName": "db", "applyImmediately": true });
    cloud.ends("UpdateRelationalDatabase", now, "Succeeded").await;
    assert_eq!(cloud.database("db").await["backupRetentionEnabled"], false);
    assert!(!cloud.stub.world.lock().unwrap().servers.values().next().unwrap().binary_log);
}

#[tokio::test]
async fn failures_of_the_ground_are_failures_of_the_operation() {
    let cloud = Cloud::new().await;
    cloud.stub.world.lock().unwrap().fails = Some("start");
    cloud.ends("CreateInstances", instance("web"), "Failed").await;
    assert_eq!(cloud.instance("web").await["state"]["name"], "stopped");
    cloud.stub.world.lock().unwrap().fails = Some("create");
    cloud.ends("CreateRelationalDatabase", database("db"), "Failed").await;
    assert_eq!(cloud.database("db").await["state"], "failed");
    let operations = cloud.ok("GetOperationsForResource", json!({ "resourceName": "db" })).await;
    assert_eq!(operations["operations"][0]["errorDetails"], "the ground gave way");
}

#[tokio::test]
async fn a_deletion_waits_for_the_creation_it_overtakes() {
    let cloud = Cloud::new().await;
    let slow = cloud.stub.slow.lock().await;
    let created = cloud.ok("CreateRelationalDatabase", database("db")).await;
    let created = created["operations"][0]["id"].as_str().unwrap().to_owned();
    let delete = json!({ "relationalDatabaseName": "db", "skipFinalSnapshot": true });
    let deleted = cloud.ok("DeleteRelationalDatabase", delete).await;
    let deleted = deleted["operations"][0]["id"].as_str().unwrap().to_owned();
    drop(slow);
    cloud.operation_ends(&deleted, "Succeeded").await;
    let created = cloud.ok("GetOperation", json!({ "operationId": created })).await;
    assert_eq!(created["operation"]["isTerminal"], true);
    assert!(cloud.stub.world.lock().unwrap().servers.is_empty());
}

#[tokio::test]
async fn what_was_begun_goes_on_after_a_kill() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    cloud.create_database("db").await;
    let password = cloud.password("db", "CURRENT").await;
    let stub = cloud.stub.clone();
    let slow = stub.slow.lock().await;
    let begun = cloud.ok("CreateInstances", instance("late")).await;
    let begun = begun["operations"][0]["id"].as_str().unwrap().to_owned();
    let cloud = cloud.killed().await;
    drop(slow);
    cloud.operation_ends(&begun, "Succeeded").await;
    eventually(async || (cloud.lightsail.health().await.instances_running == 2).then_some(())).await;
    eventually(async || (cloud.database("db").await["state"] == "available").then_some(())).await;
    assert_eq!(cloud.password("db", "CURRENT").await, password);
    let states = cloud.ok("GetInstances", json!({})).await;
    eventually(async || (cloud.instance("web").await["state"]["name"] == "running").then_some(())).await;
    assert_eq!(states["instances"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_instance_that_goes_down_by_itself_is_stopped() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    cloud.stub.world.lock().unwrap().machines.clear();
    assert_eq!(cloud.instance("web").await["state"]["name"], "stopped");
    cloud.ends("StartInstance", json!({ "instanceName": "web" }), "Succeeded").await;
}

#[tokio::test]
async fn tags_are_kept_with_instances_and_databases() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    let tag = json!({ "resourceName": "web", "tags": [{ "key": "jewel:env", "value": "a" }] });
    cloud.ok("TagResource", tag).await;
    assert_eq!(cloud.instance("web").await["tags"], json!([{ "key": "jewel:env", "value": "a" }]));
    cloud.ok("UntagResource", json!({ "resourceName": "web", "tagKeys": ["jewel:env"] })).await;
    assert_eq!(cloud.instance("web").await["tags"], json!([]));
    cloud.ok("AllocateStaticIp", json!({ "staticIpName": "ip" })).await;
    let tag = json!({ "resourceName": "ip", "tags": [] });
    assert_eq!(cloud.refused("TagResource", tag).await.0, "InvalidInputException");
}

#[tokio::test]
async fn names_zones_and_catalogue_ids_are_checked_before_anything_is_made() {
    let cloud = Cloud::new().await;
    let mut long = instance("web");
    long["instanceNames"] = json!(["bad.name"]);
    let mut zone = instance("web");
    zone["availabilityZone"] = json!("us-east-1a");
    let mut bundle = instance("web");
    bundle["bundleId"] = json!("huge");
    for request in [long, zone, bundle] {
        assert_eq!(cloud.refused("CreateInstances", request).await.0, "InvalidInputException");
    }
    for (field, value) in [
        ("relationalDatabaseName", "a_b"),
        ("masterUsername", "root"),
        ("masterUserPassword", "short"),
        ("preferredBackupWindow", "noon"),
        ("relationalDatabaseBlueprintId", "mysql_5_6"),
    ] {
        let mut request = database("db");
        request[field] = json!(value);
        assert_eq!(cloud.refused("CreateRelationalDatabase", request).await.0, "InvalidInputException", "{field}");
    }
    assert!(cloud.ok("GetOperations", json!({})).await["operations"].as_array().unwrap().is_empty());
}
