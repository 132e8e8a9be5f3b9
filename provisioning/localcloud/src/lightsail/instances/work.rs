//! What happens to an instance after a request was answered: machines are made, booted, stopped and erased.
//!
//! The state says what was begun. Everything the machines do is idempotent, so work that was cut off is done again.

use std::sync::Arc;

use crate::{
    lightsail::{
        catalog, delays,
        hardware::Failure,
        operations::{self, Status},
        service::Service,
        state::{Instance, InstanceState, InstanceWork, Job, State},
    },
    machine::MachineSpec,
};

/// The operation type of each kind of work, in the model's words.
pub(crate) fn operation_type(work: InstanceWork) -> &'static str {
    match work {
        InstanceWork::Create => "CreateInstance",
        InstanceWork::Start => "StartInstance",
        InstanceWork::Stop => "StopInstance",
        InstanceWork::Reboot => "RebootInstance",
        InstanceWork::Delete => "DeleteInstance",
    }
}

/// Plans the work that a service finds when it is opened: what was cut off, and booting what ran.
pub(crate) fn resume(state: &mut State) {
    for instance in state.instances.values_mut().filter(|instance| instance.job.is_none()) {
        if instance.state == InstanceState::Running {
            instance.state = InstanceState::Pending;
            instance.job = Some(Job { work: InstanceWork::Start, operation: None });
        }
    }
}

/// Work on one instance: its name, its id (a name may be given again), and what was begun.
pub(crate) type Begun = (String, String, Job<InstanceWork>);

/// All work the state says was begun.
pub(crate) fn all_begun(state: &State) -> Vec<Begun> {
    let begun = |(name, instance): (&String, &Instance)| Some((name.clone(), instance.id.clone(), instance.job?));
    state.instances.iter().filter_map(begun).collect()
}

/// Does it in the background, after what is already being done with the same instance.
pub(crate) fn begin(service: &Arc<Service>, (name, id, job): Begun) {
    let shared = service.clone();
    service.spawn(async move { run(&shared, &name, &id, job).await });
}

async fn run(service: &Arc<Service>, name: &str, id: &str, job: Job<InstanceWork>) {
    let _alone = service.lock(id).await;
    // Whoever held the lock may have changed what there is to do; a deletion that came later has its own run.
    let now = service.store.now();
    let Some(instance) = now.instances.get(name).filter(|instance| instance.id == id && instance.job == Some(job))
    else {
        let overtaken = "The instance was deleted before the operation began.";
        if let Some(operation) = job.operation {
            service.record(|state| operations::mark(state, operation, Status::Failed, Some(overtaken))).await;
        }
        return;
    };
    service.mark(job.operation, Status::Started).await;
    if let Err(failure) = service.arrange_addresses().await {
        tracing::error!(instance = name, error = %failure, "its public address could not be arranged");
    }
    // Work of the service's own has no counterpart on AWS, so there is nothing to be as slow as.
    let kind = if instance.origin.is_some() { "CreateInstancesFromSnapshot" } else { operation_type(job.work) };
    let usual = job.operation.map(|_| delays::usual(kind)).unwrap_or_default();
    let (outcome, ()) = tokio::join!(perform(service, name, instance, job.work), service.pace(usual));
    if let Err(failure) = &outcome {
        tracing::error!(instance = name, work = operation_type(job.work), error = %failure, "failed");
    }
    service.record(|state| finish(state, name, id, job, &outcome)).await;
    if let Err(failure) = service.arrange_addresses().await {
        tracing::error!(instance = name, error = %failure, "its public address could not be arranged");
    }
}

async fn perform(service: &Service, name: &str, instance: &Instance, work: InstanceWork) -> Result<(), Failure> {
    let (hardware, id) = (&service.hardware, instance.id.as_str());
    match work {
        InstanceWork::Create => {
            let user = catalog::blueprint(&instance.blueprint_id).map_or("ubuntu", |blueprint| blueprint.user);
            let spec = MachineSpec {
                id: id.to_owned(),
                hostname: hostname(name),
                user: user.to_owned(),
                address: instance.private_address,
                user_data: instance.user_data.clone(),
            };
            match &instance.origin {
                Some(snapshot) => {
                    let _kept = service.lock(snapshot).await;
                    hardware.create_machine_from(&spec, snapshot).await?;
                }
                None => hardware.create_machine(&spec).await?,
            }
            hardware.start_machine(id).await
        }
        InstanceWork::Start => hardware.start_machine(id).await,
        InstanceWork::Stop => hardware.stop_machine(id).await,
        InstanceWork::Reboot => {
            hardware.stop_machine(id).await?;
            hardware.start_machine(id).await
        }
        InstanceWork::Delete => {
            hardware.destroy_machine(id).await?;
            for automatic in &instance.auto_snapshots {
                let _alone = service.lock(&automatic.id).await;
                hardware.erase_snapshot(&automatic.id).await?;
            }
            Ok(())
        }
    }
}

/// A host name holds no underscores and at most 63 characters.
fn hostname(name: &str) -> String {
    let name: String = name.chars().map(|c| if c == '_' { '-' } else { c }).take(63).collect();
    name.trim_matches('-').to_owned()
}

/// Writes down how the work went. The instance may have been given other work meanwhile (its deletion); then only the
/// operation is marked.
fn finish(state: &mut State, name: &str, id: &str, job: Job<InstanceWork>, outcome: &Result<(), Failure>) {
    if let Some(operation) = job.operation {
        match outcome {
            Ok(()) => operations::mark(state, operation, Status::Succeeded, None),
            Err(failure) => operations::mark(state, operation, Status::Failed, Some(&failure.to_string())),
        }
    }
    let ours = |instance: &&mut Instance| instance.id == id && instance.job == Some(job);
    let Some(instance) = state.instances.get_mut(name).filter(ours) else { return };
    instance.job = None;
    match (job.work, outcome) {
        (InstanceWork::Delete, Ok(())) => {
            state.instances.remove(name);
            for balancer in state.load_balancers.values_mut() {
                balancer.instances.retain(|attached| attached != name);
            }
            return;
        }
        // Nothing is gone: it can be deleted again.
        (InstanceWork::Delete, Err(_)) | (InstanceWork::Stop, Ok(())) => instance.state = InstanceState::Stopped,
        (InstanceWork::Create, Ok(())) => {
            instance.state = InstanceState::Running;
            instance.user_data = None;
            instance.origin = None;
        }
        (InstanceWork::Start | InstanceWork::Reboot, Ok(())) => instance.state = InstanceState::Running,
        // As on EC2, an instance that does not come up is stopped; one that does not go down still runs.
        (InstanceWork::Create | InstanceWork::Start | InstanceWork::Reboot, Err(_)) => {
            instance.state = InstanceState::Stopped;
        }
        (InstanceWork::Stop, Err(_)) => instance.state = InstanceState::Running,
    }
    if instance.state == InstanceState::Stopped {
        instance.public_address = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_what_hosts_may_be_called() {
        assert_eq!(hostname("web_1-"), "web-1");
        assert_eq!(hostname(&"a".repeat(100)).len(), 63);
    }
}
