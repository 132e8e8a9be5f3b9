"""Derives operations.json, the part of AWS's service model that the local Lightsail answers by.

    python3 derive.py path/to/botocore/data/lightsail/2016-11-28/service-2.json[.gz] > operations.json

The names of all operations are kept, so that one that is not built can be told from one that does not exist; shapes are
kept for the operations in BUILT only, without documentation. To build another operation: add it here, run this again,
and add its line to `dispatch.rs`.
"""

import gzip
import json
import sys

BUILT = """
AllocateStaticIp AttachInstancesToLoadBalancer AttachLoadBalancerTlsCertificate AttachStaticIp
CloseInstancePublicPorts CopySnapshot CreateContactMethod CreateInstanceSnapshot CreateInstances
CreateInstancesFromSnapshot CreateLoadBalancer CreateLoadBalancerTlsCertificate CreateRelationalDatabase
CreateRelationalDatabaseFromSnapshot CreateRelationalDatabaseSnapshot DeleteAlarm DeleteAutoSnapshot
DeleteContactMethod DeleteInstance DeleteInstanceSnapshot DeleteLoadBalancer DeleteLoadBalancerTlsCertificate
DeleteRelationalDatabase DeleteRelationalDatabaseSnapshot DetachInstancesFromLoadBalancer DetachStaticIp DisableAddOn
EnableAddOn GetAlarms GetAutoSnapshots GetBlueprints GetBundles GetContactMethods GetInstance GetInstanceAccessDetails
GetInstanceMetricData GetInstancePortStates GetInstanceSnapshot GetInstanceSnapshots GetInstanceState GetInstances
GetLoadBalancer GetLoadBalancerTlsCertificates GetLoadBalancers GetOperation GetOperations GetOperationsForResource
GetRegions GetRelationalDatabase GetRelationalDatabaseBlueprints GetRelationalDatabaseBundles
GetRelationalDatabaseEvents GetRelationalDatabaseLogEvents GetRelationalDatabaseLogStreams
GetRelationalDatabaseMasterUserPassword GetRelationalDatabaseMetricData GetRelationalDatabaseParameters
GetRelationalDatabaseSnapshot GetRelationalDatabaseSnapshots GetRelationalDatabases GetStaticIp GetStaticIps
OpenInstancePublicPorts PutAlarm PutInstancePublicPorts RebootInstance RebootRelationalDatabase ReleaseStaticIp
SendContactMethodVerification SetIpAddressType StartInstance StartRelationalDatabase StopInstance
StopRelationalDatabase TagResource TestAlarm UntagResource UpdateLoadBalancerAttribute UpdateRelationalDatabase
UpdateRelationalDatabaseParameters
""".split()


def main(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path) as file:
        model = json.load(file)
    shapes = {}

    def keep(name):
        if name in shapes:
            return
        shape = model["shapes"][name]
        kept = shapes[name] = {"type": shape["type"]}
        for trait in ("enum", "pattern", "min", "max", "required"):
            if shape.get(trait):
                kept[trait] = shape[trait]
        if shape["type"] == "structure":
            kept["members"] = {member: target["shape"] for member, target in shape["members"].items()}
            for target in kept["members"].values():
                keep(target)
        elif shape["type"] == "list":
            kept["member"] = shape["member"]["shape"]
            keep(kept["member"])
        elif shape["type"] == "map":
            kept["key"], kept["value"] = shape["key"]["shape"], shape["value"]["shape"]
            keep(kept["key"])
            keep(kept["value"])

    operations = {}
    for name, operation in sorted(model["operations"].items()):
        operations[name] = None
        if name in BUILT:
            operations[name] = {"input": operation["input"]["shape"], "output": operation["output"]["shape"]}
            keep(operation["input"]["shape"])
            keep(operation["output"]["shape"])

    print('{"operations": {')
    print(",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in operations.items()))
    print('}, "shapes": {')
    print(",\n".join(f"{json.dumps(name)}: {json.dumps(shapes[name])}" for name in sorted(shapes)))
    print("}}")


main(sys.argv[1])
