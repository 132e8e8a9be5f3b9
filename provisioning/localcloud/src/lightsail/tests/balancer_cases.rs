//! The cases of load balancers and their certificates.

use super::*;

async fn balancer(cloud: &Cloud) -> Value {
    cloud.ok("GetLoadBalancer", json!({ "loadBalancerName": "front" })).await["loadBalancer"].clone()
}

fn targets(cloud: &Cloud) -> Vec<std::net::Ipv4Addr> {
    cloud.stub.world.lock().unwrap().balanced.values().next().unwrap().targets.clone()
}

#[tokio::test]
async fn a_load_balancer_lives() {
    let cloud = Cloud::new().await;
    for name in ["api-1", "api-2"] {
        cloud.create_instance(name).await;
    }
    let create = json!({ "loadBalancerName": "front", "instancePort": 8080, "healthCheckPath": "/health" });
    cloud.ends("CreateLoadBalancer", create.clone(), "Succeeded").await;
    assert_eq!(cloud.refused("CreateLoadBalancer", create).await.0, "InvalidInputException");
    let made = balancer(&cloud).await;
    assert_eq!(
        (&made["state"], &made["protocol"], &made["publicPorts"]),
        (&json!("active"), &json!("HTTP"), &json!([80]))
    );
    let both = json!({ "loadBalancerName": "front", "instanceNames": ["api-1", "api-2"] });
    let attached = cloud.ok("AttachInstancesToLoadBalancer", both.clone()).await;
    assert_eq!(attached["operations"].as_array().unwrap().len(), 2);
    cloud.ok("AttachInstancesToLoadBalancer", both).await;
    assert_eq!(targets(&cloud).len(), 2);
    let healths = balancer(&cloud).await["instanceHealthSummary"].clone();
    assert_eq!(healths[1], json!({ "instanceName": "api-2", "instanceHealth": "healthy" }));
    cloud.ends("StopInstance", json!({ "instanceName": "api-1" }), "Succeeded").await;
    let healths = balancer(&cloud).await["instanceHealthSummary"].clone();
    assert_eq!(
        (&healths[0]["instanceHealth"], &healths[0]["instanceHealthReason"]),
        (&json!("unused"), &json!("Instance.InvalidState"))
    );
    assert_eq!(targets(&cloud).len(), 1);

    let cloud = cloud.killed().await;
    eventually(async || (targets(&cloud).len() == 1).then_some(())).await;
    assert_eq!(balancer(&cloud).await["dnsName"], made["dnsName"]);
    cloud.ends("DeleteInstance", json!({ "instanceName": "api-1" }), "Succeeded").await;
    assert_eq!(balancer(&cloud).await["instanceHealthSummary"].as_array().unwrap().len(), 1);
    let one = json!({ "loadBalancerName": "front", "instanceNames": ["api-2"] });
    cloud.ok("DetachInstancesFromLoadBalancer", one.clone()).await;
    assert_eq!(cloud.refused("DetachInstancesFromLoadBalancer", one).await.0, "InvalidInputException");
    assert!(targets(&cloud).is_empty());
    cloud.ok("GetLoadBalancers", json!({})).await;
    cloud.ok("DeleteLoadBalancer", json!({ "loadBalancerName": "front" })).await;
    assert!(cloud.stub.world.lock().unwrap().balanced.is_empty());
    let gone = cloud.refused("GetLoadBalancer", json!({ "loadBalancerName": "front" })).await;
    assert_eq!(gone.0, "NotFoundException");
}

#[tokio::test]
async fn attributes_are_checked_and_take_effect() {
    let cloud = Cloud::new().await;
    cloud.ok("CreateLoadBalancer", json!({ "loadBalancerName": "front", "instancePort": 80 })).await;
    let update = |name: &str, value: &str| json!({ "loadBalancerName": "front", "attributeName": name, "attributeValue": value });
    cloud.ok("UpdateLoadBalancerAttribute", update("HealthCheckPath", "/api/v1/health")).await;
    assert_eq!(balancer(&cloud).await["healthCheckPath"], "/api/v1/health");
    assert_eq!(cloud.stub.world.lock().unwrap().balanced.values().next().unwrap().health_path, "/api/v1/health");
    for (name, value, code) in [
        ("HealthCheckPath", "health", "InvalidInputException"),
        ("TlsPolicyName", "TLS-1999", "InvalidInputException"),
        ("HttpsRedirectionEnabled", "true", "OperationFailureException"),
        ("HttpsRedirectionEnabled", "perhaps", "InvalidInputException"),
        ("SessionStickinessEnabled", "true", "OperationNotBuiltException"),
    ] {
        assert_eq!(cloud.refused("UpdateLoadBalancerAttribute", update(name, value)).await.0, code, "{name}");
    }
}

#[tokio::test]
async fn a_certificate_is_served_while_it_is_attached() {
    let cloud = Cloud::new().await;
    let create = json!({
        "loadBalancerName": "front", "instancePort": 80, "certificateName": "old", "certificateDomainName": "shop.example",
    });
    assert_eq!(cloud.ok("CreateLoadBalancer", create).await["operations"].as_array().unwrap().len(), 2);
    let new = json!({
        "loadBalancerName": "front", "certificateName": "new", "certificateDomainName": "shop.example",
        "certificateAlternativeNames": ["www.shop.example"], "tags": [{ "key": "a", "value": "b" }],
    });
    cloud.ok("CreateLoadBalancerTlsCertificate", new.clone()).await;
    assert_eq!(cloud.refused("CreateLoadBalancerTlsCertificate", new).await.0, "InvalidInputException");
    let named = |name: &str| json!({ "loadBalancerName": "front", "certificateName": name });
    for name in ["old", "new"] {
        cloud.ok("AttachLoadBalancerTlsCertificate", named(name)).await;
    }
    let now = balancer(&cloud).await;
    assert_eq!((&now["protocol"], &now["publicPorts"]), (&json!("HTTP_HTTPS"), &json!([80, 443])));
    let listed = cloud.ok("GetLoadBalancerTlsCertificates", json!({ "loadBalancerName": "front" })).await;
    let attached: Vec<_> =
        listed["tlsCertificates"].as_array().unwrap().iter().map(|one| (&one["name"], &one["isAttached"])).collect();
    assert_eq!(attached, [(&json!("new"), &json!(true)), (&json!("old"), &json!(false))]);
    assert!(!format!("{:?}", cloud.lightsail.service.store.now().load_balancers).contains("PRIVATE"));

    let redirect = json!({
        "loadBalancerName": "front", "attributeName": "HttpsRedirectionEnabled", "attributeValue": "true",
    });
    cloud.ok("UpdateLoadBalancerAttribute", redirect).await;
    cloud.ok("DeleteLoadBalancerTlsCertificate", named("old")).await;
    assert_eq!(cloud.refused("DeleteLoadBalancerTlsCertificate", named("new")).await.0, "OperationFailureException");
    let mut forced = named("new");
    forced["force"] = json!(true);
    cloud.ok("DeleteLoadBalancerTlsCertificate", forced).await;
    assert_eq!(balancer(&cloud).await["protocol"], "HTTP");
    assert!(cloud.stub.world.lock().unwrap().balanced.values().next().unwrap().certificate.is_none());
}
