//! What can be ordered: bundles, blueprints and regions, with AWS's ids and prices.
//!
//! Prices and sizes are those of the AWS CLI's own examples and of the price list of the second half of 2026. Every
//! instance blueprint boots the same Debian image here; what differs is the user to log in as.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{fault::Fault, service::Service};

/// A size of instance.
pub(crate) struct Bundle {
    pub(crate) id: &'static str,
    name: &'static str,
    instance_type: &'static str,
    price: f64,
    pub(crate) cpus: u32,
    pub(crate) ram_gb: f64,
    pub(crate) disk_gb: u32,
    power: u32,
    /// The part of its processors it may use for ever, 0 to 1; beyond it, it spends burst capacity.
    pub(crate) baseline: f64,
    pub(crate) transfer_gb: u32,
}

/// An operating system.
pub(crate) struct Blueprint {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    group: &'static str,
    version: &'static str,
    pub(crate) user: &'static str,
}

/// A size of database.
pub(crate) struct DatabaseBundle {
    pub(crate) id: &'static str,
    name: &'static str,
    price: f64,
    pub(crate) ram_gb: f64,
    pub(crate) disk_gb: u32,
    transfer_gb: u32,
    pub(crate) cpus: u32,
    /// Has a standby in another zone.
    pub(crate) is_high_availability: bool,
}

/// A major version of a database.
pub(crate) struct DatabaseBlueprint {
    pub(crate) id: &'static str,
    version: &'static str,
    description: &'static str,
    is_default: bool,
}

#[rustfmt::skip]
const BUNDLES: [Bundle; 7] = [
    Bundle { id: "nano_3_0", name: "Nano", instance_type: "nano", price: 5.0, cpus: 2, ram_gb: 0.5, disk_gb: 20, power: 298, baseline: 0.05, transfer_gb: 1024 },
    Bundle { id: "micro_3_0", name: "Micro", instance_type: "micro", price: 7.0, cpus: 2, ram_gb: 1.0, disk_gb: 40, power: 500, baseline: 0.1, transfer_gb: 2048 },
    Bundle { id: "small_3_0", name: "Small", instance_type: "small", price: 12.0, cpus: 2, ram_gb: 2.0, disk_gb: 60, power: 1000, baseline: 0.2, transfer_gb: 3072 },
    Bundle { id: "medium_3_0", name: "Medium", instance_type: "medium", price: 24.0, cpus: 2, ram_gb: 4.0, disk_gb: 80, power: 2000, baseline: 0.2, transfer_gb: 4096 },
    Bundle { id: "large_3_0", name: "Large", instance_type: "large", price: 44.0, cpus: 2, ram_gb: 8.0, disk_gb: 160, power: 3000, baseline: 0.3, transfer_gb: 5120 },
    Bundle { id: "xlarge_3_0", name: "Xlarge", instance_type: "xlarge", price: 84.0, cpus: 4, ram_gb: 16.0, disk_gb: 320, power: 4000, baseline: 0.225, transfer_gb: 6144 },
    Bundle { id: "2xlarge_3_0", name: "2Xlarge", instance_type: "2xlarge", price: 164.0, cpus: 8, ram_gb: 32.0, disk_gb: 640, power: 5000, baseline: 0.17, transfer_gb: 7168 },
];

#[rustfmt::skip]
const BLUEPRINTS: [Blueprint; 4] = [
    Blueprint { id: "amazon_linux_2023", name: "Amazon Linux 2023", group: "amazon_linux_2023", version: "2023", user: "ec2-user" },
    Blueprint { id: "debian_12", name: "Debian", group: "debian", version: "12", user: "admin" },
    Blueprint { id: "ubuntu_22_04", name: "Ubuntu", group: "ubuntu_22", version: "22.04 LTS", user: "ubuntu" },
    Blueprint { id: "ubuntu_24_04", name: "Ubuntu", group: "ubuntu_24", version: "24.04 LTS", user: "ubuntu" },
];

#[rustfmt::skip]
const DATABASE_BUNDLES: [DatabaseBundle; 8] = [
    DatabaseBundle { id: "micro_2_0", name: "Micro", price: 15.0, ram_gb: 1.0, disk_gb: 40, transfer_gb: 100, cpus: 2, is_high_availability: false },
    DatabaseBundle { id: "micro_ha_2_0", name: "Micro with High Availability", price: 30.0, ram_gb: 1.0, disk_gb: 40, transfer_gb: 100, cpus: 2, is_high_availability: true },
    DatabaseBundle { id: "small_2_0", name: "Small", price: 30.0, ram_gb: 2.0, disk_gb: 80, transfer_gb: 100, cpus: 2, is_high_availability: false },
    DatabaseBundle { id: "small_ha_2_0", name: "Small with High Availability", price: 60.0, ram_gb: 2.0, disk_gb: 80, transfer_gb: 100, cpus: 2, is_high_availability: true },
    DatabaseBundle { id: "medium_2_0", name: "Medium", price: 60.0, ram_gb: 4.0, disk_gb: 120, transfer_gb: 100, cpus: 2, is_high_availability: false },
    DatabaseBundle { id: "medium_ha_2_0", name: "Medium with High Availability", price: 120.0, ram_gb: 4.0, disk_gb: 120, transfer_gb: 100, cpus: 2, is_high_availability: true },
    DatabaseBundle { id: "large_2_0", name: "Large", price: 115.0, ram_gb: 8.0, disk_gb: 240, transfer_gb: 200, cpus: 2, is_high_availability: false },
    DatabaseBundle { id: "large_ha_2_0", name: "Large with High Availability", price: 230.0, ram_gb: 8.0, disk_gb: 240, transfer_gb: 200, cpus: 2, is_high_availability: true },
];

#[rustfmt::skip]
const DATABASE_BLUEPRINTS: [DatabaseBlueprint; 2] = [
    DatabaseBlueprint { id: "mysql_8_0", version: "8.0", description: "MySQL 8.0", is_default: false },
    DatabaseBlueprint { id: "mysql_8_4", version: "8.4", description: "MySQL 8.4", is_default: true },
];

/// # Errors
/// When there is no such bundle.
pub(crate) fn bundle(id: &str) -> Result<&'static Bundle, Fault> {
    find(&BUNDLES, |bundle| bundle.id, "bundle", id)
}

/// # Errors
/// When there is no such blueprint.
pub(crate) fn blueprint(id: &str) -> Result<&'static Blueprint, Fault> {
    find(&BLUEPRINTS, |blueprint| blueprint.id, "blueprint", id)
}

/// # Errors
/// When there is no such bundle.
pub(crate) fn database_bundle(id: &str) -> Result<&'static DatabaseBundle, Fault> {
    find(&DATABASE_BUNDLES, |bundle| bundle.id, "relational database bundle", id)
}

/// # Errors
/// When there is no such blueprint.
pub(crate) fn database_blueprint(id: &str) -> Result<&'static DatabaseBlueprint, Fault> {
    find(&DATABASE_BLUEPRINTS, |blueprint| blueprint.id, "relational database blueprint", id)
}

fn find<T>(all: &'static [T], id: impl Fn(&T) -> &str, what: &str, wanted: &str) -> Result<&'static T, Fault> {
    let found = all.iter().find(|item| id(item) == wanted);
    found.ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(&id).collect();
        Fault::invalid(format!("The {what} id is not valid: {wanted} (of {})", known.join(", ")))
    })
}

/// All four lists are one page, and none has inactive entries.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    app_category: Option<String>,
}

pub(crate) async fn bundles(_: &Arc<Service>, request: Listing) -> Result<Value, Fault> {
    // The one category is Lightsail for Research, whose bundles are others.
    let shown = if request.app_category.is_some() { &[][..] } else { &BUNDLES[..] };
    let view = |bundle: &Bundle| {
        json!({
            "bundleId": bundle.id,
            "name": bundle.name,
            "instanceType": bundle.instance_type,
            "price": bundle.price,
            "cpuCount": bundle.cpus,
            "ramSizeInGb": bundle.ram_gb,
            "diskSizeInGb": bundle.disk_gb,
            "power": bundle.power,
            "transferPerMonthInGb": bundle.transfer_gb,
            "isActive": true,
            "supportedPlatforms": ["LINUX_UNIX"],
            "publicIpv4AddressCount": 1,
        })
    };
    Ok(json!({ "bundles": shown.iter().map(view).collect::<Vec<_>>() }))
}

pub(crate) async fn blueprints(_: &Arc<Service>, request: Listing) -> Result<Value, Fault> {
    let shown = if request.app_category.is_some() { &[][..] } else { &BLUEPRINTS[..] };
    let view = |blueprint: &Blueprint| {
        json!({
            "blueprintId": blueprint.id,
            // The model's pattern for names has no spaces; AWS answers names with spaces all the same.
            "name": blueprint.name.replace(' ', "-"),
            "group": blueprint.group,
            "type": "os",
            "description": format!("{} {}, booted here from the local cloud's own Debian image.", blueprint.name, blueprint.version),
            "isActive": true,
            "minPower": 0,
            "version": blueprint.version,
            "versionCode": "1",
            "platform": "LINUX_UNIX",
        })
    };
    Ok(json!({ "blueprints": shown.iter().map(view).collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
pub(crate) struct DatabaseListing {}

pub(crate) async fn database_bundles(_: &Arc<Service>, _: DatabaseListing) -> Result<Value, Fault> {
    let view = |bundle: &DatabaseBundle| {
        json!({
            "bundleId": bundle.id,
            "name": bundle.name,
            "price": bundle.price,
            "ramSizeInGb": bundle.ram_gb,
            "diskSizeInGb": bundle.disk_gb,
            "transferPerMonthInGb": bundle.transfer_gb,
            "cpuCount": bundle.cpus,
            "isEncrypted": true,
            "isActive": true,
        })
    };
    Ok(json!({ "bundles": DATABASE_BUNDLES.iter().map(view).collect::<Vec<_>>() }))
}

pub(crate) async fn database_blueprints(_: &Arc<Service>, _: DatabaseListing) -> Result<Value, Fault> {
    let view = |blueprint: &DatabaseBlueprint| {
        json!({
            "blueprintId": blueprint.id,
            "engine": "mysql",
            "engineVersion": blueprint.version,
            "engineDescription": "MySQL Community Edition",
            "engineVersionDescription": blueprint.description,
            "isEngineDefault": blueprint.is_default,
        })
    };
    Ok(json!({ "blueprints": DATABASE_BLUEPRINTS.iter().map(view).collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetRegions {
    #[serde(default)]
    include_availability_zones: bool,
    #[serde(default)]
    include_relational_database_availability_zones: bool,
}

/// The one region of this cloud.
pub(crate) async fn regions(service: &Arc<Service>, request: GetRegions) -> Result<Value, Fault> {
    let name = &service.options.region;
    let (continent, place) = place(name);
    let zones = |included: bool| {
        let zone = |zone: String| json!({ "zoneName": zone, "state": "available" });
        if included { service.zones().map(zone).to_vec() } else { Vec::new() }
    };
    Ok(json!({ "regions": [{
        "name": name,
        "continentCode": continent,
        "displayName": place,
        "description": "The local cloud on this machine",
        "availabilityZones": zones(request.include_availability_zones),
        "relationalDatabaseAvailabilityZones": zones(request.include_relational_database_availability_zones),
    }] }))
}

fn place(region: &str) -> (&'static str, &str) {
    match region {
        "ap-southeast-1" => ("AS", "Singapore"),
        "ap-south-1" => ("AS", "Mumbai"),
        "ap-northeast-1" => ("AS", "Tokyo"),
        "ap-southeast-2" => ("OC", "Sydney"),
        "eu-central-1" => ("EU", "Frankfurt"),
        "eu-west-1" => ("EU", "Ireland"),
        "us-east-1" => ("NA", "Virginia"),
        other if other.starts_with("us-") || other.starts_with("ca-") => ("NA", other),
        other if other.starts_with("eu-") => ("EU", other),
        other if other.starts_with("sa-") => ("SA", other),
        other => ("AS", other),
    }
}
