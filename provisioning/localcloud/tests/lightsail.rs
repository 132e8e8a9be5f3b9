//! What the local Lightsail does for real and no other test sees: measuring, and balancing load. Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod cloud;

use self::cloud::{Cloud, python};

/// A machine that computes, a server that somebody is connected to, and what the cloud says of them.
const WATCH: &str = "
import datetime, socket, subprocess, sys, time
lightsail = client('lightsail')
lightsail.create_instances(instanceNames=['busy'], availabilityZone='ap-southeast-1a', blueprintId='ubuntu_24_04',
    bundleId='nano_3_0', userData='systemd-run --quiet sh -c \"while :; do :; done\"')
lightsail.create_relational_database(relationalDatabaseName='db', relationalDatabaseBlueprintId='mysql_8_4',
    relationalDatabaseBundleId='micro_2_0', masterDatabaseName='shop', masterUsername='owner')
deadline = time.monotonic() + 60
def until(what, condition):
    while not (found := condition()):
        if time.monotonic() > deadline:
            sys.exit('not in time: ' + what)
        time.sleep(0.1)
    return found
def alarm(name, resource, metric, comparison, threshold):
    lightsail.put_alarm(alarmName=name, monitoredResourceName=resource, metricName=metric, evaluationPeriods=1,
        comparisonOperator=comparison, threshold=threshold)
alarm('cpu', 'busy', 'CPUUtilization', 'GreaterThanThreshold', 5)
alarm('space', 'db', 'FreeStorageSpace', 'LessThanThreshold', 1e9)
database = lambda: lightsail.get_relational_database(relationalDatabaseName='db')['relationalDatabase']
until('a database', lambda: database()['state'] == 'available')
endpoint = database()['masterEndpoint']['address']
vpc = 'jewel' + endpoint.split('.')[2] + '-vpc'
connect = f'import socket, sys; s = socket.create_connection((\"{endpoint}\", 3306)); print(1, flush=True); sys.stdin.read()'
guest = subprocess.Popen(['ip', 'netns', 'exec', vpc, 'python3', '-c', connect], stdin=subprocess.PIPE,
    stdout=subprocess.PIPE)
guest.stdout.readline()
now = datetime.datetime.now(datetime.timezone.utc)
span = dict(startTime=now - datetime.timedelta(hours=1), endTime=now + datetime.timedelta(hours=1), period=300)
def of_instance(metric, unit, statistic):
    data = lightsail.get_instance_metric_data(instanceName='busy', metricName=metric, unit=unit,
        statistics=[statistic], **span)['metricData']
    return data[-1][statistic.lower()] if data else None
def of_database(metric, unit, statistic):
    data = lightsail.get_relational_database_metric_data(relationalDatabaseName='db', metricName=metric, unit=unit,
        statistics=[statistic], **span)['metricData']
    return data[-1][statistic.lower()] if data else None
until('computing', lambda: (of_instance('CPUUtilization', 'Percent', 'Maximum') or 0) > 10)
until('less capacity', lambda: (of_instance('BurstCapacityPercentage', 'Percent', 'Minimum') or 100) < 100)
until('a connection', lambda: of_database('DatabaseConnections', 'Count', 'Maximum') == 1)
assert 35e9 < of_database('FreeStorageSpace', 'Bytes', 'Average') < 40 * 1024**3
until('traffic to the server', lambda: of_database('NetworkReceiveThroughput', 'Bytes/Second', 'Maximum'))
address = lightsail.get_instance(instanceName='busy')['instance']['publicIpAddress']
before = of_instance('NetworkIn', 'Bytes', 'Sum') or 0
for _ in range(20):
    socket.create_connection((address, 22)).recv(8)
until('traffic to the instance', lambda: (of_instance('NetworkIn', 'Bytes', 'Sum') or 0) > before + 1000)
assert of_instance('StatusCheckFailed', 'Count', 'Maximum') == 0
state = lambda name: lightsail.get_alarms(alarmName=name)['alarms'][0]['state']
until('an alarm', lambda: state('cpu') == 'ALARM')
until('no alarm', lambda: state('space') == 'OK')
guest.communicate()
print('watched')
";

#[tokio::test(flavor = "multi_thread")]
async fn what_machines_and_servers_do_is_measured_and_wakes_alarms() {
    let cloud = Cloud::new();
    let endpoints = cloud.up().await;
    assert_eq!(python(&endpoints, WATCH), "watched");
}

/// Two machines that answer with their name, and fall ill when asked to.
const BALANCE: &str = r#"
import http.client, ssl, sys, time
lightsail = client('lightsail')
ANSWER = r'''#!/bin/sh
read -r method path rest
while read -r line && [ "$line" != "$(printf '\r')" ]; do
    case $line in x-forwarded-proto:*) protocol=$(printf %s "${line#*: }" | tr -d '\r') ;; esac
done
[ "$path" = "/sick-$(hostname)" ] && touch /run/sick
status=200
[ "$path" = /health ] && [ -e /run/sick ] && status=503
body="$(hostname) $protocol"
printf 'HTTP/1.1 %s X\r\ncontent-length: %s\r\nconnection: close\r\n\r\n%s' $status ${#body} "$body"
'''
DATA = f"""cat > /usr/local/bin/answer <<'END'
{ANSWER}
END
chmod +x /usr/local/bin/answer
printf '[Socket]\\nListenStream=8080\\nAccept=yes\\n[Install]\\nWantedBy=sockets.target\\n' > /etc/systemd/system/web.socket
printf '[Service]\\nExecStart=/usr/local/bin/answer\\nStandardInput=socket\\n' > /etc/systemd/system/web@.service
systemctl daemon-reload && systemctl enable --now web.socket
"""
deadline = time.monotonic() + 60
def until(what, condition):
    while not (found := condition()):
        if time.monotonic() > deadline:
            sys.exit('not in time: ' + what)
        time.sleep(0.1)
    return found
NAMES = ['api-1', 'api-2']
lightsail.create_instances(instanceNames=NAMES, availabilityZone='ap-southeast-1a', blueprintId='ubuntu_24_04',
    bundleId='nano_3_0', userData=DATA)
lightsail.create_load_balancer(loadBalancerName='front', instancePort=8080, healthCheckPath='/health')
balancer = lambda: lightsail.get_load_balancer(loadBalancerName='front')['loadBalancer']
until('a balancer', lambda: balancer()['state'] == 'active')
until('instances', lambda: all(i['state']['name'] == 'running' for i in lightsail.get_instances()['instances']))
address = balancer()['dnsName']
def ask(path='/', tls=False):
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(address, 443, timeout=10, context=context) if tls else \
        http.client.HTTPConnection(address, 80, timeout=10)
    connection.request('GET', path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), answer.headers['location']
assert ask()[0] == 503
lightsail.attach_instances_to_load_balancer(loadBalancerName='front', instanceNames=NAMES)
health = lambda: [i['instanceHealth'] for i in balancer()['instanceHealthSummary']]
until('healthy instances', lambda: health() == ['healthy', 'healthy'])
assert {ask()[1] for _ in range(6)} == {'api-1 http', 'api-2 http'}
for _ in range(2):
    ask('/sick-api-1')
until('an unhealthy instance', lambda: health() == ['unhealthy', 'healthy'])
assert balancer()['instanceHealthSummary'][0]['instanceHealthReason'] == 'Instance.ResponseCodeMismatch'
assert {ask()[1] for _ in range(6)} == {'api-2 http'}
lightsail.create_load_balancer_tls_certificate(loadBalancerName='front', certificateName='cert',
    certificateDomainName='shop.example')
lightsail.attach_load_balancer_tls_certificate(loadBalancerName='front', certificateName='cert')
assert ask(tls=True)[1] == 'api-2 https'
lightsail.update_load_balancer_attribute(loadBalancerName='front', attributeName='HttpsRedirectionEnabled',
    attributeValue='true')
assert ask('/a')[0::2] == (301, f'https://{address}/a')
print(address)
"#;

/// After a kill: the same address, before the same machines.
const BALANCED: &str = r#"
import http.client, ssl, sys, time
lightsail = client('lightsail')
balancer = lightsail.get_load_balancer(loadBalancerName='front')['loadBalancer']
def ask():
    connection = http.client.HTTPSConnection(balancer['dnsName'], 443, timeout=10,
        context=ssl._create_unverified_context())
    connection.request('GET', '/')
    return connection.getresponse().read().decode()
deadline = time.monotonic() + 20
while not ask().endswith(' https'):
    assert time.monotonic() < deadline
    time.sleep(0.1)
lightsail.delete_load_balancer(loadBalancerName='front')
try:
    ask()
    sys.exit('it still listens')
except ConnectionRefusedError:
    print(balancer['dnsName'])
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_load_balancer_sends_to_those_that_are_well_and_survives_a_kill() {
    let cloud = Cloud::new();
    let address = python(&cloud.up().await, BALANCE);
    cloud.kill(&[cloud.daemon_pid()]);
    assert_eq!(python(&cloud.up().await, BALANCED), address);
    assert!(!cloud.processes().is_empty());
}
