//! The stock AWS CLI and boto3 against the local cloud.

use serde_json::Value;

use crate::Shop;

/// The three commands of the README.
pub fn aws_cli(shop: &Shop) {
    let outputs = shop.cloud.run(&["outputs", "--json"]).expect(0).json();
    let buckets = shop.cloud.aws(&["s3", "ls"]).expect(0).stdout;
    assert!(buckets.contains(outputs["site_bucket"].as_str().unwrap()), "{buckets}");
    let instances = shop.cloud.aws(&["lightsail", "get-instances"]).expect(0).stdout;
    let instances: Value = serde_json::from_str(&instances).unwrap();
    assert_eq!(instances["instances"][0]["name"], outputs["instance_name"]);
    assert_eq!(instances["instances"][0]["state"]["name"], "running");
    let pools = shop.cloud.aws(&["cognito-idp", "list-user-pools", "--max-results", "5"]).expect(0).stdout;
    let pools: Value = serde_json::from_str(&pools).unwrap();
    assert_eq!(pools["UserPools"][0]["Id"], outputs["user_pool_id"]);
}

/// Bad calls get AWS's error codes, and what is not built names itself.
pub fn boto3_errors(shop: &Shop) {
    let program = "
import boto3
from botocore.exceptions import ClientError
from botocore.config import Config
c = boto3.client('lightsail', config=Config(parameter_validation=False, retries={'total_max_attempts': 1}))
name = c.get_instances()['instances'][0]['name']
database = c.get_relational_databases()['relationalDatabases'][0]
zone = c.get_instances()['instances'][0]['location']['availabilityZone']
def code(operation, **arguments):
    try:
        getattr(c, operation)(**arguments)
        return 'ok'
    except ClientError as error:
        return error.response['Error']['Code']
print(code('get_instance', instanceName='no-such-instance'))
print(code('get_relational_database', relationalDatabaseName='no-such-database'))
print(code('create_instances', instanceNames=[name], availabilityZone=zone, blueprintId='ubuntu_24_04', bundleId='small_3_0'))
print(code('create_instances', instanceNames=['-bad-'], availabilityZone=zone, blueprintId='ubuntu_24_04', bundleId='small_3_0'))
print(code('create_instances', instanceNames=['fine'], availabilityZone=zone, blueprintId='ubuntu_24_04', bundleId='no_such_bundle'))
print(code('get_regions', includeAvailabilityZones='not-a-boolean'))
print(code('start_relational_database', relationalDatabaseName=database['name']))
print(code('release_static_ip', staticIpName='no-such-address'))
print(database['state'], database['engine'], database['publiclyAccessible'])
";
    let answer = shop.cloud.python(program).expect(0).stdout;
    let lines: Vec<&str> = answer.lines().collect();
    assert_eq!(
        lines,
        [
            "NotFoundException",
            "NotFoundException",
            "InvalidInputException",
            "InvalidInputException",
            "InvalidInputException",
            "SerializationException",
            "OperationFailureException",
            "NotFoundException",
            "available mysql False",
        ]
    );
}
