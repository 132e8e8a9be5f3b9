"""The names in this cloud's hosted zones, and the certificates of its load balancers.

* A name that stands in a hosted zone resolves to what is said there, so that API Gateway finds a load balancer.
* What a load balancer of this cloud presents is trusted here beside what everybody trusts; no authority signs it.
"""

import os
import pathlib
import socket
import ssl

# As resolvers do, against records that lead in a circle.
LONGEST_CHAIN = 8


def said(route53, name):
    """What the zones say of a name: an address, or another name."""
    wanted = name.rstrip(".").lower() + "."
    for zone_id, zone in list(route53._zones.items()):
        if zone.get("private") or not ("." + wanted).endswith("." + zone["name"].lower()):
            continue
        for record in list(route53._records.get(zone_id, [])):
            if record["Name"].lower() == wanted and record["Type"] in ("A", "CNAME") and record.get("ResourceRecords"):
                return record["ResourceRecords"][0].rstrip(".")
    return None


def resolve_zones(route53):
    system = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        for _ in range(LONGEST_CHAIN):
            target = said(route53, name) if isinstance(name, str) else None
            if target is None:
                break
            host = name = target
        return system(host, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


def trusting():
    """Whom a client in this cloud believes."""
    context = ssl.create_default_context()
    for certificate in pathlib.Path(os.environ["TRUSTED_DIR"]).glob("*/*.der"):
        context.load_verify_locations(cadata=certificate.read_bytes())
    return context
