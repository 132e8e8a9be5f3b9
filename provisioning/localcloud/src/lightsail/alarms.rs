//! Alarms: a threshold on a metric, looked at after each sample.
//!
//! `PutAlarm` makes an alarm or overwrites it whole, keeping its state. A metric of a resource takes two. An alarm whose
//! resource is deleted stays, with nothing to look at; AWS's documentation does not say what happens there.

pub(crate) mod evaluate;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::evaluate::{AlarmState, Comparison, Missing};
use super::{
    contacts,
    fault::Fault,
    metrics::{self, Kind},
    operations::{self, About},
    paging,
    service::{Service, check_names_free, random_hex},
    state::{Common, State, Tag},
    tags,
};

const TYPE: &str = "Alarm";

/// By the documentation of `PutAlarm`.
const PER_METRIC: usize = 2;
const PERIODS_AT_MOST: u32 = 288;

/// What alarms look at is five minutes long, by the documentation of `PutAlarm`: that many samples.
const PERIOD_SECONDS: u32 = 300;
const SAMPLES_IN_PERIOD: u32 = 5;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Alarm {
    #[serde(flatten)]
    pub(crate) common: Common,
    pub(crate) settings: Settings,
    pub(crate) state: AlarmState,
}

/// All that `PutAlarm` overwrites.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    resource: String,
    resource_kind: Kind,
    resource_arn: String,
    metric: String,
    comparison: Comparison,
    threshold: f64,
    evaluation_periods: u32,
    datapoints_to_alarm: u32,
    missing: Missing,
    protocols: Vec<String>,
    triggers: Vec<AlarmState>,
    notifies: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Put {
    alarm_name: String,
    metric_name: String,
    monitored_resource_name: String,
    comparison_operator: Comparison,
    threshold: f64,
    evaluation_periods: i64,
    datapoints_to_alarm: Option<i64>,
    treat_missing_data: Option<Missing>,
    #[serde(default)]
    contact_protocols: Vec<String>,
    #[serde(default)]
    notification_triggers: Vec<AlarmState>,
    notification_enabled: Option<bool>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(crate) async fn put(service: &Arc<Service>, request: Put) -> Result<Value, Fault> {
    let name = request.alarm_name.clone();
    let tags = tags::checked(request.tags.clone())?;
    let operation = service
        .store
        .change(|state| {
            let settings = checked(state, &name, request)?;
            let common = match state.alarms.get_mut(&name) {
                Some(alarm) => {
                    alarm.settings = settings;
                    alarm.common.clone()
                }
                None => {
                    check_names_free(state, std::slice::from_ref(&name))?;
                    let common = service.common(TYPE, &random_hex(17), &service.options.region, tags);
                    let alarm = Alarm { common: common.clone(), settings, state: AlarmState::InsufficientData };
                    state.alarms.insert(name.clone(), alarm);
                    common
                }
            };
            Ok(operations::done(state, &About::new(&name, TYPE, &common), "PutAlarm", None))
        })
        .await?;
    Ok(operations::answer(service, &[operation]))
}

/// The settings of `request`, after all rules that the model does not state.
fn checked(state: &State, name: &str, request: Put) -> Result<Settings, Fault> {
    let resource = request.monitored_resource_name;
    let (resource_kind, resource_arn) = monitored(state, &resource)?;
    let metric = request.metric_name;
    if !metrics::find(resource_kind, &metric).is_some_and(|metric| metric.takes_alarms) {
        let kind = resource_kind.name();
        return Err(Fault::invalid(format!(
            "The metric is not valid for an alarm on a resource of type {kind}: {metric}"
        )));
    }
    let rivals = state.alarms.iter().filter(|(other, alarm)| {
        *other != name && alarm.settings.resource == resource && alarm.settings.metric == metric
    });
    if rivals.count() >= PER_METRIC {
        return Err(Fault::invalid(format!(
            "You can have at most {PER_METRIC} alarms for a metric of a resource: {metric} of {resource}"
        )));
    }
    let evaluation_periods = u32::try_from(request.evaluation_periods).unwrap_or(0);
    if !(1..=PERIODS_AT_MOST).contains(&evaluation_periods) {
        return Err(Fault::invalid(format!("evaluationPeriods must be between 1 and {PERIODS_AT_MOST}.")));
    }
    let datapoints = request.datapoints_to_alarm.map_or(Ok(evaluation_periods), u32::try_from).unwrap_or(0);
    if !(1..=evaluation_periods).contains(&datapoints) {
        return Err(Fault::invalid("datapointsToAlarm must be between 1 and evaluationPeriods."));
    }
    let mut triggers = request.notification_triggers;
    if triggers.is_empty() {
        triggers.push(AlarmState::Alarm);
    }
    if !triggers.contains(&AlarmState::Alarm) {
        return Err(Fault::invalid("notificationTriggers must contain ALARM."));
    }
    Ok(Settings {
        resource,
        resource_kind,
        resource_arn,
        metric,
        comparison: request.comparison_operator,
        threshold: request.threshold,
        evaluation_periods,
        datapoints_to_alarm: datapoints,
        missing: request.treat_missing_data.unwrap_or(Missing::Missing),
        protocols: request.contact_protocols,
        triggers,
        notifies: request.notification_enabled.unwrap_or(true),
    })
}

fn monitored(state: &State, name: &str) -> Result<(Kind, String), Fault> {
    if let Some(instance) = state.instances.get(name) {
        return Ok((Kind::Instance, instance.common.arn.clone()));
    }
    let database = state.databases.get(name).ok_or_else(|| Fault::no_such("Resource", name))?;
    Ok((Kind::RelationalDatabase, database.common.arn.clone()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    alarm_name: Option<String>,
    page_token: Option<String>,
    monitored_resource_name: Option<String>,
}

pub(crate) async fn list(service: &Arc<Service>, request: List) -> Result<Value, Fault> {
    let state = service.store.now();
    if let Some(name) = request.alarm_name.as_deref().filter(|name| !state.alarms.contains_key(*name)) {
        return Err(Fault::no_such(TYPE, name));
    }
    let wanted = |name: &str, alarm: &Alarm| {
        request.alarm_name.as_deref().is_none_or(|wanted| wanted == name)
            && request.monitored_resource_name.as_deref().is_none_or(|wanted| wanted == alarm.settings.resource)
    };
    let alarms = state.alarms.iter().filter(|(name, alarm)| wanted(name, alarm));
    let views = alarms.map(|(name, alarm)| (name, view(service, name, alarm)));
    let page = paging::page(views, request.page_token.as_deref(), paging::PAGE)?;
    Ok(json!({ "alarms": page.items, "nextPageToken": page.next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    alarm_name: String,
}

pub(crate) async fn delete(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let name = request.alarm_name;
    let operation = service
        .store
        .change(|state| {
            let alarm = state.alarms.remove(&name).ok_or_else(|| Fault::no_such(TYPE, &name))?;
            Ok(operations::done(state, &About::new(&name, TYPE, &alarm.common), "DeleteAlarm", None))
        })
        .await?;
    Ok(operations::answer(service, &[operation]))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Test {
    alarm_name: String,
    state: AlarmState,
}

/// Puts the alarm into a state and tells whom it would tell; the next evaluation puts it right again.
pub(crate) async fn test(service: &Arc<Service>, request: Test) -> Result<Value, Fault> {
    let Test { alarm_name: name, state: wanted } = request;
    let operation = service
        .store
        .change(|state| {
            let alarm = state.alarms.get_mut(&name).ok_or_else(|| Fault::no_such(TYPE, &name))?;
            alarm.state = wanted;
            let alarm = alarm.clone();
            notify(state, &name, &alarm, wanted);
            Ok(operations::done(state, &About::new(&name, TYPE, &alarm.common), "TestAlarm", None))
        })
        .await?;
    Ok(operations::answer(service, &[operation]))
}

/// Looks at all alarms; `every` is the time between two samples. Writes only when a state changes.
pub(crate) async fn evaluate_all(service: &Service, every: Duration) {
    let state = service.store.now();
    let moved = |(name, alarm): (&String, &Alarm)| {
        let next = evaluated(service, &state, alarm, every);
        (next != alarm.state).then(|| (name.clone(), alarm.state, next))
    };
    let moved: Vec<(String, AlarmState, AlarmState)> = state.alarms.iter().filter_map(moved).collect();
    if moved.is_empty() {
        return;
    }
    let change = |state: &mut State| {
        for (name, before, next) in moved {
            // Whoever overwrote or tested it meanwhile has the next sample's answer.
            let Some(alarm) = state.alarms.get_mut(&name).filter(|alarm| alarm.state == before) else { continue };
            alarm.state = next;
            let alarm = alarm.clone();
            notify(state, &name, &alarm, next);
        }
        Ok(())
    };
    if let Err(fault) = service.store.change(change).await {
        tracing::error!(error = %fault, "the alarms' states could not be written; the next sample tries again");
    }
}

fn evaluated(service: &Service, state: &State, alarm: &Alarm, every: Duration) -> AlarmState {
    let Settings { resource, resource_kind, metric, comparison, threshold, .. } = &alarm.settings;
    let id = match resource_kind {
        Kind::Instance => state.instances.get(resource).map(|instance| instance.id.as_str()),
        Kind::RelationalDatabase => state.databases.get(resource).map(|database| database.id.as_str()),
    };
    let (periods, period) = (alarm.settings.evaluation_periods, every * SAMPLES_IN_PERIOD);
    let now = Timestamp::now();
    let found = id.zip(metrics::find(*resource_kind, metric)).map(|(id, metric)| {
        let start = now.checked_sub(period * periods).unwrap_or(Timestamp::UNIX_EPOCH);
        let figures = service.metrics.periods(id, metric.name, start, now, period);
        let breaches = |index| figures.get(&index).map(|one| comparison.holds(metric.statistic.of(one), *threshold));
        (0..periods).map(breaches).collect()
    });
    let breaches: Vec<Option<bool>> = found.unwrap_or_else(|| vec![None; periods as usize]);
    evaluate::next(alarm.state, &breaches, alarm.settings.datapoints_to_alarm, alarm.settings.missing)
}

fn notify(state: &State, name: &str, alarm: &Alarm, next: AlarmState) {
    let Settings { resource, metric, .. } = &alarm.settings;
    tracing::info!(alarm = name, resource, metric, state = next.name(), "an alarm changed its state");
    if alarm.settings.notifies && alarm.settings.triggers.contains(&next) {
        let message = format!("{name} is {}: {metric} of {resource}", next.name());
        contacts::notify(state, &alarm.settings.protocols, &message);
    }
}

fn view(service: &Service, name: &str, alarm: &Alarm) -> Value {
    let Settings { resource, resource_kind, resource_arn, metric, .. } = &alarm.settings;
    let published = metrics::find(*resource_kind, metric);
    json!({
        "name": name,
        "arn": alarm.common.arn,
        "supportCode": alarm.common.support_code,
        "createdAt": operations::epoch(alarm.common.created_at),
        "location": { "availabilityZone": "all", "regionName": service.options.region },
        "resourceType": TYPE,
        "tags": alarm.common.tags,
        "monitoredResourceInfo": { "arn": resource_arn, "name": resource, "resourceType": resource_kind.name() },
        "comparisonOperator": alarm.settings.comparison,
        "evaluationPeriods": alarm.settings.evaluation_periods,
        "period": PERIOD_SECONDS,
        "threshold": alarm.settings.threshold,
        "datapointsToAlarm": alarm.settings.datapoints_to_alarm,
        "treatMissingData": alarm.settings.missing,
        "statistic": published.map(|metric| metric.statistic.name()),
        "unit": published.map(|metric| metric.unit),
        "metricName": metric,
        "state": alarm.state,
        "contactProtocols": alarm.settings.protocols,
        "notificationTriggers": alarm.settings.triggers,
        "notificationEnabled": alarm.settings.notifies,
    })
}
