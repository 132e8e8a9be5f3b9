//! Taking the shop down: data stays unless told otherwise, and then nothing stays.

use crate::Shop;

/// Without `--delete-data` the data stays, and the answer says where; without the typed name nothing happens.
pub fn keeps_data(shop: &Shop) {
    shop.cloud.run(&["destroy", "--yes"]).expect(7);
    shop.cloud.run(&["destroy", "--confirm", "shop-wrong"]).expect(7);
    assert_eq!(shop.get("/").status, 200, "a refused destroy changed nothing");
    let result = shop.cloud.run(&["destroy", "--confirm", "shop-prod", "--json"]).expect(0).json();
    let kept: Vec<&str> =
        result["kept"].as_array().unwrap().iter().map(|kept| kept["address"].as_str().unwrap()).collect();
    assert!(kept.iter().any(|address| address.contains("database")), "{kept:?}");
    assert!(shop.cloud.aws(&["s3", "ls"]).expect(0).stdout.contains("shop-prod-media"));
    let instances = shop.cloud.aws(&["lightsail", "get-instances"]).expect(0).stdout;
    assert!(!instances.contains("shop-prod"), "{instances}");
    // What was kept is taken up again by the next `up`, with everything in it.
    let url = shop.cloud.run(&["up", "--yes", "--json"]).expect(0).json()["url"].as_str().unwrap().to_owned();
    let piece = crate::http::get(&format!("{url}/api/v1/products/test-ring"));
    assert_eq!(piece.json()["name"], "Test Ring", "the data outlived the shop");
}

/// With `--delete-data` nothing is left in the whole cloud.
pub fn deletes_data(shop: &Shop) {
    shop.cloud.run(&["destroy", "--confirm", "shop-prod", "--delete-data", "--json"]).expect(0);
    let program = "
import boto3
l = boto3.client('lightsail')
print([one['name'] for one in l.get_instances()['instances']])
print([one['name'] for one in l.get_relational_databases()['relationalDatabases']])
print([one['name'] for one in l.get_static_ips()['staticIps']])
print(len(boto3.client('s3').list_buckets()['Buckets']))
print(len(boto3.client('secretsmanager').list_secrets()['SecretList']))
print(len(boto3.client('cognito-idp').list_user_pools(MaxResults=60)['UserPools']))
print(len(boto3.client('apigatewayv2').get_apis()['Items']))
c = boto3.client('cloudfront')
print(len(c.list_distributions()['DistributionList'].get('Items', [])))
print(len(c.list_functions()['FunctionList'].get('Items', [])), len(c.list_origin_access_controls()['OriginAccessControlList'].get('Items', [])))
";
    assert_eq!(shop.cloud.python(program).expect(0).stdout, "[]\n[]\n[]\n0\n0\n0\n0\n0\n0 0\n");
    shop.cloud.run(&["plan", "--exit-code"]).expect(6);
}
