//! What a plan looks like.

use jewel_aws::{Clients, ConnectOptions, EndpointOverride, StackSpec};
use jewel_engine::{DestroyOptions, Found, Observation, Observed, PlanOptions, Stack};

use super::*;

/// The whole stack, of a cloud that is never asked.
async fn stack() -> Stack {
    let nowhere = "http://127.0.0.1:9".to_owned();
    let endpoints = EndpointOverride {
        gateway: nowhere.clone(),
        lightsail: nowhere,
        access_key_id: "none".to_owned(),
        secret_access_key: "none".to_owned().into(),
    };
    let options = ConnectOptions {
        region: "ap-southeast-1".to_owned(),
        profile: None,
        endpoints: Some(endpoints),
        call_timeout: ConnectOptions::CALL_TIMEOUT,
    };
    let clients = Clients::connect(&options).await.unwrap();
    jewel_aws::stack(&StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012"), &clients).unwrap()
}

/// As a terminal without colours shows it.
fn shown(plan: &Plan, everything: bool) -> String {
    anstream::adapter::strip_str(&super::plan(plan, everything)).to_string()
}

#[track_caller]
fn fits_a_screen(text: &str) {
    assert!(text.lines().count() < 24, "{} lines:\n{text}", text.lines().count());
    let widest = text.lines().take_while(|line| !line.is_empty()).map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?} columns:\n{text}");
}

#[tokio::test]
async fn the_plan_of_an_empty_account_fits_a_screen() {
    let plan = jewel_engine::plan(&stack().await, &Observed::default(), &PlanOptions::default());
    let text = shown(&plan, false);
    fits_a_screen(&text);
    for part in ["storage", "database", "API machine", "sign-in", "gateway", "edge", "watching", "backup", "access"] {
        assert!(text.contains(&format!("+ {part} ")), "no {part}:\n{text}");
    }
    assert!(!text.contains("other"), "part.rs does not know all of them:\n{text}");
    let everything = shown(&plan, true);
    for step in &plan.steps {
        assert!(everything.contains(&format!("({})", step.address)), "-v does not show {}", step.address);
    }
}

#[tokio::test]
async fn a_destroy_gathers_what_goes_and_names_what_holds_data() {
    let stack = stack().await;
    let all = stack.addresses().iter().map(|address| (address.clone(), Observation::Found(Found::new())));
    let observed: Observed = all.collect();
    let plan = jewel_engine::plan_destroy(&stack, &observed, &DestroyOptions::default());
    let kept = shown(&plan, false);
    fits_a_screen(&kept);
    assert!(kept.contains("= database     2  database shop; secret database"), "{kept}");
    let everything = shown(&plan, true);
    assert!(everything.contains("= database shop-prod-db (database.shop) it holds data: "), "{everything}");
    let gone = shown(&jewel_engine::plan_destroy(&stack, &observed, &DestroyOptions { delete_data: true }), false);
    assert!(gone.contains("- database shop-prod-db (database.shop) and the data in it"), "{gone}");
}
