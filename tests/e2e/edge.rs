//! What stands before the shop: the secret that only the distribution knows, the closed door, the domain, the plan.

use jewel_tests::Cloud;

use crate::Shop;

/// A request that knows the gateway's own address is refused, with a guess at the secret too.
pub fn gateway_is_closed(shop: &Shop) {
    let program = "
import boto3, os, urllib.request, urllib.error
api = boto3.client('apigatewayv2').get_apis()['Items'][0]['ApiId']
for headers in ({}, {'x-origin-verify': 'a-guess'}):
    url = f\"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{api}/$default/api/v1/products\"
    try:
        print(urllib.request.urlopen(urllib.request.Request(url, headers=headers)).status)
    except urllib.error.HTTPError as error:
        print(error.code)
";
    assert_eq!(shop.cloud.python(program).expect(0).stdout, "403\n403\n");
    let client = reqwest::blocking::Client::new();
    let url = format!("{}/api/v1/products", shop.url);
    let smuggled = client.get(url).header("x-origin-verify", "a-guess").send().expect("an answer");
    assert_eq!(smuggled.status(), 200, "the distribution replaces what a visitor sends");
}

/// A new proof is taken up without a visitor noticing; afterwards the one before opens nothing.
pub fn origin_secret_changes(shop: &Shop) {
    let program = "
import boto3, json
secret = boto3.client('secretsmanager').get_secret_value(SecretId=[s for s in boto3.client('secretsmanager').list_secrets()['SecretList'] if s['Name'].endswith('-api')][0]['Name'])
print(json.loads(secret['SecretString'])['origin_secret'])
";
    let ip =
        shop.cloud.run(&["outputs", "--json"]).expect(0).json()["static_ip"].as_str().expect("an address").to_owned();
    let newest = || shop.cloud.python(program).expect(0).stdout.trim().to_owned();
    let opens = |proof: &str| {
        let request = reqwest::blocking::Client::new().get(format!("http://{ip}/api/v1/categories"));
        request.header("x-origin-verify", proof).send().expect("an answer").status() == 200
    };
    let step = |arguments: &[&str], exit: i32| {
        let answer = shop.cloud.run(arguments).expect(exit);
        assert_eq!(shop.get("/api/v1/products?limit=1&sort=name").status, 200, "after {arguments:?}");
        answer
    };
    let first = newest();
    step(&["secrets", "rotate", "origin", "--only"], 7);
    step(&["secrets", "rotate", "origin"], 0);
    let second = newest();
    assert!(first != second && opens(&first) && !opens(&second));
    assert!(step(&["secrets", "rotate", "origin"], 7).stderr.contains("a change is under way"));
    // The front door stays with what the instances accept.
    step(&["plan", "--exit-code"], 0);
    step(&["deploy", "api"], 0);
    assert!(opens(&first) && opens(&second));
    assert!(step(&["secrets", "forget", "origin"], 7).stderr.contains("still shows the one before"));
    step(&["plan", "--exit-code"], 6);
    step(&["provision", "--yes"], 0);
    step(&["secrets", "forget", "origin"], 0);
    step(&["deploy", "api"], 0);
    assert!(!opens(&first) && opens(&second));
    step(&["plan", "--exit-code"], 0);
    step(&["status", "--exit-code"], 0);
}

/// The query is a part of the cache key: answers to different ones differ, to the same ones in another order do not.
pub fn catalogue_is_kept_apart(shop: &Shop) {
    let get = |query: &str| shop.get(&format!("/api/v1/products?{query}"));
    let one = get("limit=3&sort=name");
    assert!(one.header("cache-control").starts_with("public, max-age=60"), "{one:?}");
    assert_eq!(one.json()["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(one.text, get("sort=name&limit=3").text);
    assert_ne!(one.text, get("sort=name&limit=4").text);
    assert_eq!(get("q=rose%20gold&limit=100").status, 200);
    let page = shop.get("/");
    assert!(page.header("content-security-policy").contains("script-src 'self'"), "{page:?}");
    assert!(page.header("cache-control").contains("s-maxage="), "{page:?}");
}

/// Visitors see the page with 503, who has the pass sees the shop, and a provision leaves the door as it is.
pub fn closed_for_maintenance(shop: &Shop) {
    let turn =
        |arguments: &[&str]| shop.cloud.run(&[&["maintenance"], arguments, &["--json"]].concat()).expect(0).json();
    assert_eq!(turn(&["on", "--dry-run"])["would_close"], shop.url.as_str());
    assert_eq!(turn(&["status"])["closed"], false);
    let closed = turn(&["on", "--message", "Back at <nine>.", "--retry-after", "300"]);
    assert!(closed["took_ms"].as_u64().expect("a time") < 30_000, "{closed}");
    let page = shop.get("/product/any-piece");
    assert_eq!((page.status, page.header("retry-after"), page.header("cache-control")), (503, "300", "no-store"));
    assert!(page.text.contains("polishing the shop") && page.text.contains("Back at &lt;nine&gt;."), "{}", page.text);
    let refused = shop.get("/api/v1/products");
    assert_eq!((refused.status, refused.header("content-type")), (503, "application/problem+json"));

    // The link gives a cookie, and the cookie opens the door.
    let client =
        reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let link = closed["pass_url"].as_str().expect("a link");
    let admitted = client.get(link).send().expect("an answer");
    let cookie = admitted.headers().get("set-cookie").and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
    assert_eq!((admitted.status().as_u16(), admitted.headers()["location"].to_str().ok()), (303, Some("/")));
    for path in ["/", "/api/v1/products"] {
        let pass = cookie.split(';').next().unwrap_or_default();
        let answer = client.get(format!("{}{path}", shop.url)).header("cookie", pass).send().expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
    let guess = format!("{}/?jewel-pass=a-guess", shop.url);
    assert_eq!(client.get(guess).send().expect("an answer").status(), 503);

    shop.cloud.run(&["plan", "--exit-code"]).expect(0);
    let again = turn(&["on"]);
    assert_eq!(again["pass_url"], closed["pass_url"], "who has the link keeps it");
    assert!(!shop.get("/").text.contains("Back at"), "the message was taken back");
    let opened = turn(&["off"]);
    assert!(opened["took_ms"].as_u64().expect("a time") < 30_000, "{opened}");
    assert_eq!(shop.get("/").status, 200);
    assert_eq!(turn(&["off"])["closed"], false, "twice does no harm");
}

/// A shop under its own domain: made, looked at, bent by hand, mended, moved to another domain, taken down.
pub fn own_domain() {
    let cloud = provisioned(&["domain = 'permata.example'"]);
    assert_eq!(records(&cloud), ["A permata.example.", "AAAA permata.example.", "CNAME permata.example."]);
    assert_eq!(certificates(&cloud), ["permata.example ISSUED True"]);
    let program = "
import boto3, os, urllib.request, urllib.error
r = boto3.client('route53')
zone = r.list_hosted_zones()['HostedZones'][0]['Id']
bent = {'Name': 'permata.example', 'Type': 'A', 'TTL': 60, 'ResourceRecords': [{'Value': '203.0.113.9'}]}
r.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={'Changes': [{'Action': 'UPSERT', 'ResourceRecordSet': bent}]})
request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'] + '/maintenance.html')
request.add_header('Host', 'permata.example')
request.add_header('X-Forwarded-Proto', 'https')
print('polishing' in urllib.request.urlopen(request).read().decode())
";
    assert_eq!(cloud.python(program).expect(0).stdout, "True\n", "the distribution answers under the domain");
    let plan = cloud.run(&["plan", "--exit-code"]).expect(6);
    assert!(plan.stdout.contains("DNS record A permata.example"), "{}", plan.stdout);
    cloud.run(&["provision", "--yes"]).expect(0);
    cloud.run(&["plan", "--exit-code"]).expect(0);

    // In a zone that is not the stack's own, a foreign record of the name stays until it is to be taken over.
    let foreign = "
import boto3
r = boto3.client('route53')
zone = r.list_hosted_zones()['HostedZones'][0]['Id']
other = {'Name': 'shop.permata.example', 'Type': 'A', 'TTL': 60, 'ResourceRecords': [{'Value': '203.0.113.9'}]}
r.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={'Changes': [{'Action': 'UPSERT', 'ResourceRecordSet': other}]})
";
    cloud.python(foreign).expect(0);
    settle(&cloud, &["domain = 'shop.permata.example'", "dns_zone = 'existing'"]);
    cloud.run(&["provision", "--yes"]).expect(7);
    cloud.run(&["provision", "--yes", "--adopt"]).expect(0);
    cloud.run(&["plan", "--exit-code"]).expect(0);
    assert_eq!(certificates(&cloud), ["shop.permata.example ISSUED True"], "the former certificate is gone");

    cloud.run(&["destroy", "--confirm", "shop-prod", "--delete-data", "--yes"]).expect(0);
    assert!(certificates(&cloud).is_empty());
    let left = records(&cloud);
    assert!(left.iter().all(|record| !record.contains(" shop.")), "{left:?}");
}

/// The Free plan is taken where it is granted, given back where it is not wanted, and a refusal stops nothing.
pub fn free_plan() {
    let cloud = provisioned(&[]);
    assert_eq!(plans(&cloud), ["FREE ACTIVE"]);
    let wish = |cloud: &Cloud, plan: &str| {
        settle(cloud, &["[edge]", &format!("plan = '{plan}'")]);
        cloud.run(&["provision", "--yes"]).expect(0);
        cloud.run(&["plan", "--exit-code"]).expect(0);
    };
    wish(&cloud, "pay-as-you-go");
    assert!(plans(&cloud).is_empty());
    // An account has three Free plans at most.
    let others = "
import boto3
c, w = boto3.client('cloudfront'), boto3.client('wafv2', region_name='us-east-1')
p = boto3.client('pricing-plan-manager', region_name='us-east-1')
origin = {'Id': 'o', 'DomainName': 'example.com', 'CustomOriginConfig': {'HTTPPort': 80, 'HTTPSPort': 443, 'OriginProtocolPolicy': 'https-only'}}
cached = {'TargetOriginId': 'o', 'ViewerProtocolPolicy': 'https-only', 'CachePolicyId': '658327ea-f89d-4fab-a63d-7e88639e58f6'}
for name in ('one', 'two', 'three'):
    seen = {'SampledRequestsEnabled': True, 'CloudWatchMetricsEnabled': True, 'MetricName': name}
    acl = w.create_web_acl(Name=name, Scope='CLOUDFRONT', DefaultAction={'Allow': {}}, VisibilityConfig=seen)['Summary']['ARN']
    config = {'CallerReference': name, 'Comment': name, 'Enabled': True, 'WebACLId': acl, 'PriceClass': 'PriceClass_All',
              'Origins': {'Quantity': 1, 'Items': [origin]}, 'DefaultCacheBehavior': cached}
    arn = c.create_distribution(DistributionConfig=config)['Distribution']['ARN']
    p.create_subscription(planFamily='CloudFront', planTier='FREE', resourceArns=[arn, acl])
";
    cloud.python(others).expect(0);
    wish(&cloud, "free");
    let noted = "
import boto3
c = boto3.client('cloudfront')
ours = next(d for d in c.list_distributions()['DistributionList']['Items'] if d['Comment'] == 'shop-prod')
tags = c.list_tags_for_resource(Resource=ours['ARN'])['Tags']['Items']
print(next(tag['Value'] for tag in tags if tag['Key'] == 'jewel:edge-plan'))
";
    let noted = cloud.python(noted).expect(0).stdout;
    assert!(noted.starts_with("pay-as-you-go: refused ") && noted.contains("ServiceQuotaExceeded"), "{noted}");
    assert_eq!(plans(&cloud).len(), 3);
    cloud.run(&["destroy", "--confirm", "shop-prod", "--delete-data", "--yes"]).expect(0);
}

/// A cloud with a stack and nothing deployed on it.
fn provisioned(settings: &[&str]) -> Cloud {
    let cloud = Cloud::new();
    settle(&cloud, settings);
    cloud.run(&["local", "up"]).expect(0);
    cloud.run(&["provision", "--yes"]).expect(0);
    cloud.run(&["plan", "--exit-code"]).expect(0);
    cloud
}

pub fn settle(cloud: &Cloud, settings: &[&str]) {
    let text = format!("project = 'shop'\n{}\n", settings.join("\n"));
    fs_err::write(cloud.folder().join("jewel.toml"), text).expect("the folder is writable");
}

fn lines(cloud: &Cloud, program: &str) -> Vec<String> {
    cloud.python(program).expect(0).stdout.lines().map(ToOwned::to_owned).collect()
}

/// Type and name of each record that somebody wrote; random first labels are left out.
pub fn records(cloud: &Cloud) -> Vec<String> {
    let program = "
import boto3, re
r = boto3.client('route53')
for zone in r.list_hosted_zones()['HostedZones']:
    for record in r.list_resource_record_sets(HostedZoneId=zone['Id'])['ResourceRecordSets']:
        if record['Type'] not in ('NS', 'SOA'):
            print(record['Type'], re.sub('^_[0-9a-f]+\\\\.', '', record['Name']))
";
    let mut records = lines(cloud, program);
    records.sort();
    records
}

fn certificates(cloud: &Cloud) -> Vec<String> {
    let program = "
import boto3
for c in boto3.client('acm', region_name='us-east-1').list_certificates()['CertificateSummaryList']:
    print(c['DomainName'], c['Status'], c['InUse'])
";
    lines(cloud, program)
}

fn plans(cloud: &Cloud) -> Vec<String> {
    let program = "
import boto3
for s in boto3.client('pricing-plan-manager', region_name='us-east-1').list_subscriptions()['subscriptionSummaries']:
    print(s['planTier'], s['status'])
";
    lines(cloud, program)
}
