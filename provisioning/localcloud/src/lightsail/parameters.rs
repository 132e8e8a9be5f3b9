//! The parameters of a database: the requests. The table of what there is belongs to the servers.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    databases::{self, command, expect},
    fault::Fault,
    paging,
    service::Service,
    state::{Database, DatabaseState, DatabaseWork},
};
use crate::database::parameters::{Parameter, TABLE, find};

const IMMEDIATE: &str = "immediate";
const PENDING_REBOOT: &str = "pending-reboot";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Get {
    relational_database_name: String,
    page_token: Option<String>,
}

pub(crate) async fn get(service: &Arc<Service>, request: Get) -> Result<Value, Fault> {
    let state = service.store.now();
    let database = databases::found(&state, &request.relational_database_name)?;
    let views = TABLE.iter().map(|parameter| (parameter.name, view(database, parameter)));
    let page = paging::page(views, request.page_token.as_deref(), paging::PAGE)?;
    Ok(json!({ "parameters": page.items, "nextPageToken": page.next }))
}

/// As on RDS, a value that waits for a reboot is shown already; `parameterApplyStatus` of the database says it waits.
fn view(database: &Database, parameter: &Parameter) -> Value {
    let set = database.pending_parameters.get(parameter.name).or_else(|| database.parameters.get(parameter.name));
    json!({
        "parameterName": parameter.name,
        "parameterValue": set.map(String::as_str).or(parameter.default),
        "allowedValues": parameter.allowed(),
        "applyMethod": PENDING_REBOOT,
        "applyType": if parameter.is_dynamic { "dynamic" } else { "static" },
        "dataType": parameter.data_type(),
        "description": parameter.description,
        "isModifiable": parameter.is_modifiable,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Update {
    relational_database_name: String,
    parameters: Vec<Asked>,
}

/// The other members of the shape only describe.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    parameter_name: Option<String>,
    parameter_value: Option<String>,
    apply_method: Option<String>,
}

struct Wanted {
    name: &'static str,
    value: String,
    at_once: bool,
}

impl Asked {
    fn checked(self) -> Result<Wanted, Fault> {
        let name = self.parameter_name.ok_or_else(|| Fault::invalid("A parameter name is required."))?;
        let parameter =
            find(&name).ok_or_else(|| Fault::invalid(format!("Could not find parameter with name: {name}")))?;
        if !parameter.is_modifiable {
            return Err(Fault::invalid(format!("The parameter {name} cannot be modified.")));
        }
        let value = self.parameter_value.ok_or_else(|| Fault::invalid(format!("A value is required for {name}.")))?;
        let normal = parameter.normal(&value).ok_or_else(|| {
            let allowed = parameter.allowed().unwrap_or_default();
            Fault::invalid(format!("Invalid parameter value: {value} for: {name} allowed values are: {allowed}"))
        })?;
        let at_once = match self.apply_method.as_deref() {
            Some(IMMEDIATE) if parameter.is_dynamic => true,
            Some(IMMEDIATE) => {
                return Err(Fault::invalid(format!(
                    "Cannot use immediate apply method for static parameter {name}; use {PENDING_REBOOT}."
                )));
            }
            Some(PENDING_REBOOT) => false,
            None => parameter.is_dynamic,
            Some(other) => {
                return Err(Fault::invalid(format!(
                    "The apply method is not valid: {other} (of {IMMEDIATE}, {PENDING_REBOOT})"
                )));
            }
        };
        Ok(Wanted { name: parameter.name, value: normal, at_once })
    }
}

pub(crate) async fn update(service: &Arc<Service>, request: Update) -> Result<Value, Fault> {
    if request.parameters.is_empty() {
        return Err(Fault::invalid("At least one parameter is required."));
    }
    let wanted: Vec<Wanted> = request.parameters.into_iter().map(Asked::checked).collect::<Result<_, _>>()?;
    command(service, &request.relational_database_name, DatabaseWork::Parameters, |database, name| {
        // A database that does not start is mended with parameters and a reboot.
        let broken = database.state == DatabaseState::IncompatibleParameters;
        expect(database, name, &[DatabaseState::Available, DatabaseState::IncompatibleParameters], "modified")?;
        for Wanted { name, value, at_once } in wanted {
            if at_once && !broken {
                database.pending_parameters.remove(name);
                database.parameters.insert(name.to_owned(), value);
            } else {
                database.pending_parameters.insert(name.to_owned(), value);
            }
        }
        Ok(if broken { DatabaseState::IncompatibleParameters } else { DatabaseState::Modifying })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, value: &str, method: Option<&str>) -> Result<bool, String> {
        let asked = Asked {
            parameter_name: Some(name.to_owned()),
            parameter_value: Some(value.to_owned()),
            apply_method: method.map(str::to_owned),
        };
        asked.checked().map(|wanted| wanted.at_once).map_err(|fault| fault.message)
    }

    #[test]
    fn dynamic_parameters_apply_at_once_and_static_ones_at_the_next_reboot() {
        assert_eq!(ask("max_connections", "50", None), Ok(true));
        assert_eq!(ask("max_connections", "50", Some(PENDING_REBOOT)), Ok(false));
        assert_eq!(ask("back_log", "50", None), Ok(false));
        assert!(ask("back_log", "50", Some(IMMEDIATE)).unwrap_err().contains("static parameter back_log"));
    }

    #[test]
    fn what_is_unknown_fixed_or_out_of_range_is_refused() {
        for (name, value) in [("no_such", "1"), ("datadir", "/tmp"), ("max_connections", "x")] {
            assert!(ask(name, value, None).is_err(), "{name}");
        }
    }
}
