//! The cases of alarms, contact methods and metrics.

use super::*;
use crate::usage::Usage;

fn alarm(name: &str, resource: &str, metric: &str) -> Value {
    json!({
        "alarmName": name, "monitoredResourceName": resource, "metricName": metric, "threshold": 80.0,
        "comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1,
    })
}

async fn alarm_state(cloud: &Cloud, name: &str) -> Value {
    cloud.ok("GetAlarms", json!({ "alarmName": name })).await["alarms"][0]["state"].clone()
}

#[tokio::test]
async fn an_alarm_is_overwritten_whole_and_keeps_its_state() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    let mut first = alarm("cpu", "web", "BurstCapacityTime");
    first["tags"] = json!([{ "key": "jewel:env", "value": "prod" }]);
    first["treatMissingData"] = json!("ignore");
    first["contactProtocols"] = json!(["Email"]);
    first["notificationTriggers"] = json!(["ALARM", "OK"]);
    cloud.ok("PutAlarm", first).await;
    let made = cloud.ok("GetAlarms", json!({ "monitoredResourceName": "web" })).await["alarms"][0].clone();
    assert_eq!(made["state"], "INSUFFICIENT_DATA");
    assert_eq!(
        (&made["period"], &made["unit"], &made["statistic"]),
        (&json!(300), &json!("Seconds"), &json!("Average"))
    );
    assert_eq!(
        (&made["datapointsToAlarm"], &made["monitoredResourceInfo"]["resourceType"]),
        (&json!(1), &json!("Instance"))
    );
    assert_eq!(made["tags"][0]["value"], "prod");
    cloud.ok("TestAlarm", json!({ "alarmName": "cpu", "state": "ALARM" })).await;
    let mut second = alarm("cpu", "web", "BurstCapacityTime");
    second["evaluationPeriods"] = json!(288);
    second["treatMissingData"] = json!("ignore");
    cloud.ok("PutAlarm", second).await;
    let now = cloud.ok("GetAlarms", json!({})).await["alarms"][0].clone();
    assert_eq!(now["state"], "ALARM");
    assert_eq!((&now["evaluationPeriods"], &now["notificationTriggers"]), (&json!(288), &json!(["ALARM"])));
    assert_eq!((&now["contactProtocols"], &now["tags"]), (&json!([]), &made["tags"]));
    let cloud = cloud.killed().await;
    assert_eq!(cloud.ok("GetAlarms", json!({})).await["alarms"][0]["arn"], made["arn"]);
    cloud.ok("DeleteAlarm", json!({ "alarmName": "cpu" })).await;
    assert_eq!(cloud.refused("GetAlarms", json!({ "alarmName": "cpu" })).await.0, "NotFoundException");
    assert_eq!(cloud.refused("DeleteAlarm", json!({ "alarmName": "cpu" })).await.0, "NotFoundException");
    assert_eq!(cloud.ok("GetAlarms", json!({})).await["alarms"], json!([]));
}

#[tokio::test]
async fn alarms_have_limits() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    cloud.create_database("db").await;
    for name in ["cpu-1", "cpu-2"] {
        cloud.ok("PutAlarm", alarm(name, "web", "CPUUtilization")).await;
    }
    cloud.ok("PutAlarm", alarm("cpu-2", "web", "CPUUtilization")).await;
    cloud.ok("PutAlarm", alarm("cpu-3", "db", "CPUUtilization")).await;
    let with = |field: &str, value: Value| {
        let mut request = alarm("other", "web", "NetworkIn");
        request[field] = value;
        request
    };
    for (wrong, code) in [
        (alarm("cpu-4", "web", "CPUUtilization"), "InvalidInputException"),
        (alarm("net", "gone", "NetworkIn"), "NotFoundException"),
        (alarm("space", "web", "FreeStorageSpace"), "InvalidInputException"),
        (alarm("web", "web", "NetworkIn"), "InvalidInputException"),
        (with("evaluationPeriods", json!(0)), "InvalidInputException"),
        (with("evaluationPeriods", json!(289)), "InvalidInputException"),
        (with("datapointsToAlarm", json!(2)), "InvalidInputException"),
        (with("notificationTriggers", json!(["OK"])), "InvalidInputException"),
        (with("treatMissingData", json!("perhaps")), "InvalidInputException"),
    ] {
        assert_eq!(cloud.refused("PutAlarm", wrong.clone()).await.0, code, "{wrong}");
    }
    assert_eq!(cloud.refused("AllocateStaticIp", json!({ "staticIpName": "cpu-1" })).await.0, "InvalidInputException");
}

#[tokio::test]
async fn a_contact_is_valid_when_somebody_followed_the_link() {
    let cloud = Cloud::new().await;
    let email = json!({ "protocol": "Email", "contactEndpoint": "owner@shop.example" });
    cloud.ok("CreateContactMethod", email.clone()).await;
    cloud.ok("CreateContactMethod", json!({ "protocol": "SMS", "contactEndpoint": "+15555550123" })).await;
    assert_eq!(cloud.refused("CreateContactMethod", email).await.0, "InvalidInputException");
    let statuses = async || {
        let answer = cloud.ok("GetContactMethods", json!({})).await;
        let contacts = answer["contactMethods"].as_array().unwrap().clone();
        contacts.iter().map(|contact| contact["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(statuses().await, ["PendingVerification", "Valid"]);
    let token = || cloud.lightsail.service.store.now().contact_methods["Email"].verification.clone().unwrap().token;
    let first = token();
    cloud.ok("SendContactMethodVerification", json!({ "protocol": "Email" })).await;
    let follow = async |token: &str| {
        let request = Request::get(format!("/contact-methods/verify/{token}")).body(Body::empty()).unwrap();
        cloud.lightsail.router().oneshot(request).await.unwrap().status()
    };
    assert_eq!(follow(&first).await, StatusCode::BAD_REQUEST, "only the last link works");
    assert_eq!(follow(&token()).await, StatusCode::OK);
    assert_eq!(statuses().await, ["Valid", "Valid"]);
    let again = cloud.refused("SendContactMethodVerification", json!({ "protocol": "Email" })).await;
    assert_eq!(again.0, "InvalidInputException");
    let sms = cloud.ok("GetContactMethods", json!({ "protocols": ["SMS"] })).await;
    assert_eq!(sms["contactMethods"].as_array().unwrap().len(), 1);
    cloud.ok("DeleteContactMethod", json!({ "protocol": "Email" })).await;
    assert_eq!(cloud.refused("DeleteContactMethod", json!({ "protocol": "Email" })).await.0, "NotFoundException");
}

#[tokio::test]
async fn what_is_measured_is_answered_and_wakes_alarms() {
    let cloud = Cloud::new().await;
    cloud.create_instance("web").await;
    cloud.create_database("db").await;
    let connections = |metric: &str, unit: &str| {
        let now = jiff::Timestamp::now().as_second();
        json!({
            "relationalDatabaseName": "db", "metricName": metric, "unit": unit, "period": 60,
            "startTime": now - 600, "endTime": now + 60, "statistics": ["Average", "Maximum", "SampleCount"],
        })
    };
    cloud.ok("PutAlarm", alarm("busy", "db", "DatabaseConnections")).await;
    cloud.ok("PutAlarm", alarm("down", "web", "StatusCheckFailed")).await;
    eventually(async || (alarm_state(&cloud, "busy").await == "OK").then_some(())).await;
    let mut usage = Usage { storage: 1 << 30, ..Usage::default() };
    usage.network.connections = 1000;
    cloud.stub.world.lock().unwrap().usage = usage;
    eventually(async || (alarm_state(&cloud, "busy").await == "ALARM").then_some(())).await;
    assert_eq!(alarm_state(&cloud, "down").await, "OK");
    let answer = cloud.ok("GetRelationalDatabaseMetricData", connections("DatabaseConnections", "Count")).await;
    let points = answer["metricData"].as_array().unwrap();
    assert_eq!(points.iter().map(|point| point["maximum"].as_f64().unwrap()).fold(0.0, f64::max), 1000.0);
    assert_eq!((points[0].get("sum"), &points[0]["unit"]), (None, &json!("Count")));
    let space = cloud.ok("GetRelationalDatabaseMetricData", connections("FreeStorageSpace", "Bytes")).await;
    assert!(space["metricData"][0]["average"].as_f64().unwrap() >= 39.0 * f64::from(1 << 30));
    let wrong_unit = cloud.ok("GetRelationalDatabaseMetricData", connections("FreeStorageSpace", "Count")).await;
    assert_eq!(wrong_unit["metricData"], json!([]));
    let refused = cloud.refused("GetRelationalDatabaseMetricData", connections("CPU", "Percent")).await;
    assert_eq!(refused.0, "InvalidInputException");
    let request = json!({
        "instanceName": "web", "metricName": "BurstCapacityPercentage", "unit": "Percent", "period": 300,
        "startTime": 0, "endTime": 60, "statistics": ["Average"],
    });
    assert_eq!(cloud.ok("GetInstanceMetricData", request.clone()).await["metricData"], json!([]));
    let mut backwards = request;
    backwards["startTime"] = json!(61);
    assert_eq!(cloud.refused("GetInstanceMetricData", backwards).await.0, "InvalidInputException");
}
