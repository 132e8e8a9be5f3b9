//! Plan and apply against a simulated cloud that fails, lags and dies at chosen calls.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod simulated;

use std::{sync::atomic::Ordering, time::Duration};

use jewel_engine::{
    Action, Address, ApplyError, ApplyOptions, DestroyOptions, FailureKind, ObserveOptions, Observed, Pace, Plan,
    PlanOptions, Report, Stack, Status, apply, observe, plan, plan_destroy,
};
use proptest::prelude::*;
use simulated::{Cloud, Fault, Holds, Thing};

fn quick() -> ApplyOptions {
    let pace = Pace {
        first: Duration::from_micros(10),
        longest: Duration::from_micros(50),
        settle: Duration::from_millis(200),
    };
    ApplyOptions { pace, ..ApplyOptions::default() }
}

async fn look(stack: &Stack) -> Observed {
    observe(stack, &ObserveOptions::default(), &|_| {}).await
}

async fn provision(stack: &Stack) -> Report {
    let observed = look(stack).await;
    let plan = plan(stack, &observed, &PlanOptions::default());
    apply(stack, &plan, &observed, &quick(), &|_| {}).await.unwrap()
}

async fn replan(stack: &Stack) -> Plan {
    plan(stack, &look(stack).await, &PlanOptions::default())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Stacks of up to nine things, each needing some of those before it.
fn shapes() -> impl Strategy<Value = Vec<Vec<usize>>> {
    prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), 1..9).prop_map(|picks| {
        let needs = |(i, picks): (usize, Vec<prop::sample::Index>)| -> Vec<usize> {
            if i == 0 { Vec::new() } else { picks.iter().map(|pick| pick.index(i)).collect() }
        };
        picks.into_iter().enumerate().map(needs).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_plan_after_an_apply_is_empty(shape in shapes()) {
        block_on(async {
            let cloud = Cloud::default();
            let stack = cloud.stack(&shape);
            let report = provision(&stack).await;
            prop_assert!(report.is_complete(), "{report:?}");
            prop_assert!(replan(&stack).await.is_empty());
            let writes = cloud.writes();
            provision(&stack).await;
            prop_assert_eq!(cloud.writes(), writes, "a second provision wrote something");
            Ok(())
        })?;
    }

    #[test]
    fn nothing_is_made_before_what_it_needs(shape in shapes()) {
        block_on(async {
            let cloud = Cloud::default();
            provision(&cloud.stack(&shape)).await;
            let made = cloud.history("create");
            for (i, needs) in shape.iter().enumerate() {
                let place = |i: usize| made.iter().position(|name| *name == Thing::name(i)).unwrap();
                for need in needs {
                    prop_assert!(place(*need) < place(i));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn killed_at_any_call_and_run_again_it_converges(shape in shapes(), at in 1_u64..60, lost in any::<bool>()) {
        block_on(async {
            let undisturbed = Cloud::default();
            provision(&undisturbed.stack(&shape)).await;

            let cloud = Cloud::default();
            let stack = cloud.stack(&shape);
            cloud.fault(at, if lost { Fault::DiesAfter } else { Fault::DiesBefore });
            let observed = look(&stack).await;
            let doomed = plan(&stack, &observed, &PlanOptions::default());
            // Refused when it died while reading; all the same to the next run.
            apply(&stack, &doomed, &observed, &quick(), &|_| {}).await.ok();
            cloud.heal();
            let report = provision(&stack).await;
            prop_assert!(report.is_complete(), "{report:?}");
            prop_assert_eq!(cloud.state(), undisturbed.state());
            prop_assert_eq!(cloud.duplicates(), 0);
            prop_assert!(replan(&stack).await.is_empty());
            Ok(())
        })?;
    }

    #[test]
    fn one_transient_failure_of_any_call_is_borne(shape in shapes(), at in 1_u64..60, lost in any::<bool>()) {
        block_on(async {
            let cloud = Cloud::default();
            let stack = cloud.stack(&shape);
            let observed = look(&stack).await;
            let plan = plan(&stack, &observed, &PlanOptions::default());
            cloud.fault(at, if lost { Fault::LosesAnswer } else { Fault::Throttles });
            let report = apply(&stack, &plan, &observed, &quick(), &|_| {}).await.unwrap();
            prop_assert!(report.is_complete(), "{report:?}");
            prop_assert_eq!(cloud.duplicates(), 0);
            Ok(())
        })?;
    }

    #[test]
    fn a_destroy_killed_at_any_call_and_run_again_leaves_nothing(shape in shapes(), at in 1_u64..60) {
        block_on(async {
            let cloud = Cloud::default();
            let stack = cloud.stack(&shape);
            provision(&stack).await;
            for fault in [Some(Fault::DiesAfter), None] {
                cloud.heal();
                if let Some(fault) = fault { cloud.fault(at, fault) }
                let observed = look(&stack).await;
                if observed.first_failure().is_some() { continue }
                let plan = plan_destroy(&stack, &observed, &DestroyOptions { delete_data: true });
                apply(&stack, &plan, &observed, &quick(), &|_| {}).await.unwrap();
            }
            prop_assert!(cloud.state().is_empty(), "{:?}", cloud.state());
            let gone = cloud.history("delete");
            for (i, needs) in shape.iter().enumerate() {
                for need in needs {
                    let place = |i: usize| gone.iter().position(|name| *name == Thing::name(i)).unwrap();
                    prop_assert!(place(i) < place(*need), "{} went before {}", Thing::name(*need), Thing::name(i));
                }
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_failure_skips_what_needs_it_and_nothing_else() {
    let cloud = Cloud::default();
    let stack = cloud.stack(&[vec![], vec![0], vec![1], vec![]]);
    cloud.refuse(&Thing::name(1));
    let report = provision(&stack).await;
    let status = |i: usize| &report.outcomes.iter().find(|o| o.address.as_str() == Thing::name(i)).unwrap().status;
    assert_eq!(status(0), &Status::Done);
    assert!(matches!(status(1), Status::Failed { failure } if failure.kind == FailureKind::Denied));
    assert_eq!(status(2), &Status::Skipped { because: Thing::name(1).as_str().into() });
    assert_eq!(status(3), &Status::Done);
    assert!(!report.is_complete());
}

#[tokio::test]
async fn a_change_by_hand_is_found_and_mended() {
    let cloud = Cloud::default();
    let stack = cloud.stack(&[vec![], vec![0]]);
    provision(&stack).await;
    cloud.set(&Thing::name(1), "size", "by hand");
    let plan = replan(&stack).await;
    let changed: Vec<_> = plan.changes().map(|step| (step.action, step.fields[0].field.as_str())).collect();
    assert_eq!(changed, [(Action::Update, "size")]);
    assert!(provision(&stack).await.is_complete());
    assert!(replan(&stack).await.is_empty());
}

#[tokio::test]
async fn replacing_is_announced_and_reaches_what_hangs_on_it() {
    let cloud = Cloud::default();
    let stack = cloud.stack(&[vec![], vec![0]]);
    provision(&stack).await;
    cloud.set(&Thing::name(0), "kind", "another");
    let plan = replan(&stack).await;
    let actions: Vec<_> = plan.steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, [Action::Replace, Action::Update]);
    assert!(provision(&stack).await.is_complete());
    assert!(replan(&stack).await.is_empty());
}

#[tokio::test]
async fn what_a_replacement_loses_must_be_named() {
    let cloud = Cloud::default();
    let stack = cloud.stack_of(&[vec![]], |_| Holds::Memories);
    provision(&stack).await;
    cloud.set(&Thing::name(0), "kind", "another");
    let observed = look(&stack).await;
    let refused = plan(&stack, &observed, &PlanOptions::default());
    assert_eq!(
        refused.refusals[0].failure.message,
        "`kind` from another to thing needs a new one, which loses its memories; `--replace thing.0` allows it"
    );
    let options = PlanOptions { replace: [Address::new("thing", "0")].into(), ..PlanOptions::default() };
    let named = plan(&stack, &observed, &options);
    assert!(apply(&stack, &named, &observed, &quick(), &|_| {}).await.unwrap().is_complete());
    assert!(replan(&stack).await.is_empty());
}

#[tokio::test]
async fn data_is_neither_replaced_nor_deleted_unasked() {
    let cloud = Cloud::default();
    let stack = cloud.stack_of(&[vec![], vec![0]], |i| if i == 0 { Holds::Data } else { Holds::Nothing });
    provision(&stack).await;
    let destroy = plan_destroy(&stack, &look(&stack).await, &DestroyOptions::default());
    let actions: Vec<_> = destroy.steps.iter().map(|step| (step.address.as_str(), step.action)).collect();
    assert_eq!(actions, [("thing.1", Action::Delete), ("thing.0", Action::Keep)]);
    assert!(destroy.steps[1].reasons[0].contains("holds data"));

    cloud.set(&Thing::name(0), "kind", "another");
    let observed = look(&stack).await;
    let plan = plan(&stack, &observed, &PlanOptions::default());
    assert_eq!(plan.refusals.len(), 1);
    let refused = apply(&stack, &plan, &observed, &quick(), &|_| {}).await;
    assert!(matches!(refused, Err(ApplyError::Refused { .. })));
}

#[tokio::test]
async fn a_foreign_resource_is_refused_until_adopted() {
    let cloud = Cloud::default();
    let stack = cloud.stack(&[vec![]]);
    cloud.plant(&Thing::name(0));
    let observed = look(&stack).await;
    let refused = plan(&stack, &observed, &PlanOptions::default());
    assert_eq!(refused.refusals[0].failure.kind, FailureKind::Foreign);
    let adopting = plan(&stack, &observed, &PlanOptions { adopt: true, ..PlanOptions::default() });
    assert_eq!(adopting.steps[0].action, Action::Adopt);
    assert!(apply(&stack, &adopting, &observed, &quick(), &|_| {}).await.unwrap().is_complete());
    assert!(replan(&stack).await.is_empty());

    // And never deleted while it is foreign.
    let other = Cloud::default();
    let stack = other.stack(&[vec![]]);
    other.plant(&Thing::name(0));
    let destroy = plan_destroy(&stack, &look(&stack).await, &DestroyOptions { delete_data: true });
    assert_eq!(destroy.steps[0].action, Action::Keep);
}

#[tokio::test]
async fn a_stored_plan_is_stale_after_a_change() {
    let cloud = Cloud::default();
    let stack = cloud.stack(&[vec![], vec![0]]);
    let plan = replan(&stack).await;
    let stored: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(stored, plan);
    assert!(stored.check_fresh(&stack, &look(&stack).await).is_ok());
    cloud.plant(&Thing::name(1));
    assert!(stored.check_fresh(&stack, &look(&stack).await).is_err());
}

#[tokio::test]
async fn told_to_stop_it_starts_nothing_new() {
    let cloud = Cloud::default();
    let stack = cloud.stack(&[vec![], vec![0]]);
    let observed = look(&stack).await;
    let plan = plan(&stack, &observed, &PlanOptions::default());
    let options = quick();
    let cancel = options.cancel.clone();
    // Stops as soon as the first step begins.
    let report = apply(&stack, &plan, &observed, &options, &move |_| cancel.cancel()).await.unwrap();
    assert!(report.interrupted);
    assert_eq!(report.outcomes[1].status, Status::NotStarted);
    assert!(provision(&stack).await.is_complete());
}

#[tokio::test]
async fn an_edited_plan_whose_edges_go_round_ends() {
    let cloud = Cloud::default();
    let stack = cloud.stack(&[vec![], vec![0]]);
    let observed = look(&stack).await;
    let mut plan = plan(&stack, &observed, &PlanOptions::default());
    plan.steps[0].after = vec![Thing::name(1).as_str().into()];
    let report = apply(&stack, &plan, &observed, &quick(), &|_| {}).await.unwrap();
    assert!(report.outcomes.iter().all(|outcome| outcome.status == Status::NotStarted));
}

#[tokio::test]
async fn every_answer_is_asked_for_once() {
    let cloud = Cloud::default();
    let stack = cloud.stack(&[vec![], vec![0], vec![0, 1]]);
    provision(&stack).await;
    let before = cloud.calls.load(Ordering::SeqCst);
    replan(&stack).await;
    assert_eq!(cloud.calls.load(Ordering::SeqCst) - before, 3);
}

#[tokio::test]
async fn what_is_not_wanted_any_more_goes_last_and_data_stays() {
    let cloud = Cloud::default();
    let shape = [vec![], vec![], vec![1], vec![]];
    provision(&cloud.stack(&shape)).await;
    // 1 and 2, which needs it, are retired; 0 is to be changed first; 3 holds data.
    let stack = cloud.stack_without(&shape, &[1, 2, 3], |i| if i == 3 { Holds::Data } else { Holds::Nothing });
    cloud.set(&Thing::name(0), "size", "by hand");
    let plan = replan(&stack).await;
    let actions: Vec<_> = plan.steps.iter().map(|step| (step.address.as_str(), step.action)).collect();
    assert_eq!(
        actions,
        [
            ("thing.0", Action::Update),
            ("thing.3", Action::Keep),
            ("thing.2", Action::Delete),
            ("thing.1", Action::Delete)
        ]
    );
    let report = provision(&stack).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(cloud.history("delete"), [Thing::name(2), Thing::name(1)]);
    assert!(replan(&stack).await.is_empty());
    assert_eq!(cloud.state().len(), 2);
    // A destroy knows of what was kept.
    let destroy = plan_destroy(&stack, &look(&stack).await, &DestroyOptions { delete_data: true });
    assert_eq!(destroy.count(Action::Delete), 2);
}

#[tokio::test]
async fn a_part_that_is_not_wanted_goes_with_its_whole_or_alone() {
    let cloud = Cloud::default();
    let shape = [vec![], vec![0]];
    provision(&cloud.stack(&shape)).await;
    let deleted = async |retired: &[usize]| {
        let stack = cloud.stack_without(&shape, retired, |i| if i == 1 { Holds::Part } else { Holds::Nothing });
        let steps = replan(&stack).await.steps.into_iter().filter(|step| step.action == Action::Delete);
        steps.map(|step| step.address.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(deleted(&[0, 1]).await, ["thing.0"]);
    assert_eq!(deleted(&[1]).await, ["thing.1"]);
}

#[tokio::test]
async fn what_is_shared_is_used_as_it_is_and_left_alone() {
    let cloud = Cloud::default();
    cloud.plant_shared(&Thing::name(0));
    let stack = cloud.stack(&[vec![], vec![0]]);
    assert_eq!(replan(&stack).await.count(Action::Create), 1);
    assert!(provision(&stack).await.is_complete());
    let plan = replan(&stack).await;
    assert!(plan.is_empty() && plan.steps[0].reasons[0].contains("somebody's"), "{plan:?}");
    let destroy = plan_destroy(&stack, &look(&stack).await, &DestroyOptions { delete_data: true });
    assert!(apply(&stack, &destroy, &look(&stack).await, &quick(), &|_| {}).await.unwrap().is_complete());
    assert_eq!(cloud.state().keys().collect::<Vec<_>>(), ["thing.0"]);
}
