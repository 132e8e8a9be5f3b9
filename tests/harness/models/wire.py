"""Reads a request off the wire back into the parameters of its operation, by the service's own model.

The other way round than an SDK does it, and from the model alone: what an SDK's types let pass, this still sees. Whatever
the model has no place for is reported as unknown.
"""

import base64
import functools
import json
import re
import urllib.parse
import xml.etree.ElementTree as ElementTree
from io import BytesIO

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import RpcV2CBORParser

# Models whose names are not those that requests are signed with.
MODELS = {"apigateway": "apigatewayv2", "monitoring": "cloudwatch", "pricingplanmanager": "pricing-plan-manager"}

# Headers that belong to the transport, not to an operation.
TRANSPORT = re.compile(
    r"x-amz-(date|content-sha256|security-token|user-agent|target|trailer|decoded-content-length"
    r"|checksum-[a-z0-9]+|sdk-checksum-algorithm)"
)


class Unreadable(Exception):
    """The request belongs to no operation of the model."""


@functools.cache
def model(service):
    name = MODELS.get(service, service)
    try:
        return ServiceModel(Loader().load_service_model(name, "service-2"), name)
    except Exception as error:
        raise Unreadable(f"there is no model of a service `{service}`") from error


class Request:
    """One request; `unknown` collects the paths of what the model has no place for."""

    def __init__(self, service, method, target, headers, body):
        self.service = service
        self.method = method
        path, _, query = target.partition("?")
        self.path = path
        self.query = urllib.parse.parse_qsl(query, keep_blank_values=True)
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body
        self.unknown = []
        self.operation = None

    def parameters(self):
        """The operation's model and its parameters as they came."""
        service = model(self.service)
        protocol = service.metadata["protocol"]
        if "x-amz-target" in self.headers:
            prefix, _, name = self.headers["x-amz-target"].rpartition(".")
            wanted = service.metadata.get("targetPrefix", "")
            # The namespace before it may be left out.
            if prefix not in (wanted, wanted.rpartition(".")[2]):
                raise Unreadable(f"the target `{prefix}` is not `{wanted}`")
            return self.found(service, name), self.json(json.loads(self.body or b"{}"))
        if "/operation/" in self.path:
            name = self.path.rpartition("/")[2]
            return self.found(service, name), cbor(self.body)
        if protocol == "query":
            form = urllib.parse.parse_qs(self.body.decode(), keep_blank_values=True, strict_parsing=True)
            form = {key: values[-1] for key, values in form.items()}
            version = form.pop("Version", None)
            if version != service.metadata["apiVersion"]:
                raise Unreadable(f"the version `{version}` is not `{service.metadata['apiVersion']}`")
            self.found(service, form.pop("Action", ""))
            return self.operation, self.form(form, self.operation.input_shape, "")
        return self.rest(service, protocol)

    def found(self, service, name):
        if name not in service.operation_names:
            raise Unreadable(f"there is no operation `{name}`")
        self.operation = service.operation_model(name)
        return self.operation

    def json(self, value):
        if not isinstance(value, dict):
            raise Unreadable("the body is not an object")
        return value

    # Forms: `Tags.member.1.Key=a`.

    def form(self, form, shape, at):
        if shape is None:
            self.unknown += list(form)
            return {}
        tree = {}
        for key, value in form.items():
            node = tree
            *parents, last = key.split(".")
            for parent in parents:
                node = node.setdefault(parent, {})
            node[last] = value
        return self.branch(tree, shape, at)

    def branch(self, node, shape, at):
        kind = shape.type_name
        if kind == "structure":
            node = node if isinstance(node, dict) else {}
            names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
            self.unknown += [f"{at}.{key}" for key in node if key not in names]
            return {
                names[key]: self.branch(value, shape.members[names[key]], f"{at}.{names[key]}")
                for key, value in node.items()
                if key in names
            }
        if kind == "list":
            # An empty list is sent as an empty text.
            if node == "":
                return []
            if not shape.serialization.get("flattened"):
                self.unknown += [f"{at}.{key}" for key in node if key != shape.member.serialization.get("name", "member")]
                node = node.get(shape.member.serialization.get("name", "member"), {})
            return [self.branch(node[key], shape.member, f"{at}[]") for key in sorted(node, key=int)]
        if kind == "map":
            node = node if shape.serialization.get("flattened") else node.get("entry", {})
            key, value = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
            return {
                entry[key]: self.branch(entry.get(value, ""), shape.value, f"{at}[]") for entry in node.values()
            }
        return scalar(node, shape)

    # REST: paths, query parameters, headers, and a body in XML or JSON.

    def rest(self, service, protocol):
        operation, labels = self.route(service)
        self.operation = operation
        shape = operation.input_shape
        if shape is None:
            if self.body:
                self.unknown.append("body")
            return operation, {}
        members = shape.members
        literals = urllib.parse.urlsplit(operation.http["requestUri"]).query
        taken = {key for key, _ in urllib.parse.parse_qsl(literals, keep_blank_values=True)} | {"x-id"}
        parameters, rest = {}, {}
        for name, member in members.items():
            place, wire = member.serialization.get("location"), member.serialization.get("name", name)
            if place == "uri":
                parameters[name] = scalar(labels[wire], member)
            elif place == "querystring":
                values = [value for key, value in self.query if key == wire]
                taken.add(wire)
                if values and member.type_name == "list":
                    parameters[name] = [scalar(value, member.member) for value in values]
                elif values:
                    parameters[name] = scalar(values[-1], member)
            elif place == "header":
                if wire.lower() in self.headers:
                    parameters[name] = scalar(self.headers[wire.lower()], member)
            elif place == "headers":
                prefix = wire.lower()
                found = {key[len(prefix):]: value for key, value in self.headers.items() if key.startswith(prefix)}
                if found:
                    parameters[name] = found
            else:
                rest[name] = member
        known = {m.serialization.get("name", n).lower() for n, m in members.items() if m.serialization.get("location") == "header"}
        known_prefixes = tuple(
            m.serialization.get("name", n).lower() for n, m in members.items() if m.serialization.get("location") == "headers"
        )
        self.unknown += [f"?{key}" for key, _ in self.query if key not in taken]
        self.unknown += [
            f"header {key}"
            for key in self.headers
            if key.startswith("x-amz-")
            and key not in known
            and not TRANSPORT.fullmatch(key)
            and not (known_prefixes and key.startswith(known_prefixes))
        ]
        payload = shape.serialization.get("payload")
        if payload:
            member = members[payload]
            if member.type_name in ("blob", "string"):
                parameters[payload] = self.body if member.type_name == "blob" else self.body.decode()
            elif self.body:
                parameters[payload] = self.document(protocol, member, member.serialization.get("name", payload))
        elif rest and self.body:
            name = shape.serialization.get("name") or operation.input_shape.name
            parameters.update(self.document(protocol, shape, name, only=rest))
        elif self.body:
            self.unknown.append("body")
        return operation, parameters

    def route(self, service):
        """The operation that fits this path best: the one with the most literals, and nothing it requires missing."""
        best = None
        keys = dict(self.query)
        for name in service.operation_names:
            operation = service.operation_model(name)
            if operation.http["method"] != self.method:
                continue
            path, _, query = operation.http["requestUri"].partition("?")
            labels = match(path, self.path)
            literals = urllib.parse.parse_qsl(query, keep_blank_values=True)
            if labels is None or any(keys.get(key) != value for key, value in literals):
                continue
            outside = 0
            for member, shape in operation.input_shape.members.items() if operation.input_shape else ():
                wire = shape.serialization.get("name", member)
                place = shape.serialization.get("location")
                there = wire in keys if place == "querystring" else wire.lower() in self.headers if place == "header" else None
                if there is False and member in operation.input_shape.required_members:
                    outside -= 10
                elif there:
                    outside += 1
            score = (keys.get("x-id") == name, len(literals), -len(labels), not operation.deprecated, outside)
            if best is None or score > best[0]:
                best = (score, operation, labels)
        if best is None:
            raise Unreadable(f"no operation has this path: {self.method} {shorten(self.path)}")
        return best[1:]

    def document(self, protocol, shape, name, only=None):
        if protocol == "rest-json":
            value = self.json(json.loads(self.body))
            names = {m.serialization.get("name", n): n for n, m in (only or shape.members).items()}
            self.unknown += [f".{key}" for key in value if key not in names]
            return {names[key]: inner for key, inner in value.items() if key in names}
        root = ElementTree.fromstring(self.body)
        if local(root.tag) != name:
            self.unknown.append(f"the body's element is {local(root.tag)}, not {name}")
        return self.element(root, shape, "", only)

    def element(self, node, shape, at, only=None):
        kind = shape.type_name
        if kind == "structure":
            members = {m.serialization.get("name", n): n for n, m in (only or shape.members).items()}
            found = {}
            for key, value in node.attrib.items():
                names = [n for w, n in members.items() if w.rpartition(":")[2] == local(key)]
                if names and shape.members[names[0]].serialization.get("xmlAttribute"):
                    found[names[0]] = value
                else:
                    self.unknown.append(f"{at}@{key}")
            for child in node:
                name = members.get(local(child.tag))
                if name is None:
                    self.unknown.append(f"{at}.{local(child.tag)}")
                    continue
                member, inner = shape.members[name], f"{at}.{name}"
                if member.type_name == "list" and member.serialization.get("flattened"):
                    found.setdefault(name, []).append(self.element(child, member.member, inner + "[]"))
                elif name in found:
                    self.unknown.append(f"{inner} twice")
                else:
                    found[name] = self.element(child, member, inner)
            # A flattened list takes its name from its items.
            return found
        if kind == "list":
            wire = shape.member.serialization.get("name", "member")
            self.unknown += [f"{at}.{local(child.tag)}" for child in node if local(child.tag) != wire]
            return [self.element(child, shape.member, at + "[]") for child in node if local(child.tag) == wire]
        return scalar(node.text or "", shape)


def cbor(body):
    return RpcV2CBORParser().parse_data_item(BytesParser(body)) if body else {}


class BytesParser(BytesIO):
    """A body as botocore's parser of CBOR reads it."""

    def peek(self, size):
        at = self.tell()
        data = self.read(size)
        self.seek(at)
        return data


def local(tag):
    return tag.rpartition("}")[2]


def match(template, path):
    """The labels of a path, or None. A label with `+` takes slashes too; a label may be empty, to be refused later."""
    wanted = [re.escape(part) for part in re.split(r"\{[^}]+\}", template)]
    names = re.findall(r"\{([^}]+)\}", template)
    pattern = wanted[0]
    for name, after in zip(names, wanted[1:]):
        pattern += ("(.+)" if name.endswith("+") else "([^/]*)") + after
    # Models and SDKs do not agree on the last slash, and services take both.
    found = re.fullmatch(pattern.removesuffix("/") + "/?", path)
    if found is None:
        return None
    return {name.rstrip("+"): urllib.parse.unquote(value) for name, value in zip(names, found.groups())}


def scalar(text, shape):
    """A value that came as text, as the type it claims to be; left as text where it is not of that type."""
    kind = shape.type_name
    if not isinstance(text, str):
        return text
    if kind in ("integer", "long") and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind in ("float", "double") and re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text):
        return float(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "blob":
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:
            return text
    return text


def shorten(path):
    """A path without what may identify anything."""
    return re.sub(r"[A-Za-z0-9_-]{12,}", "…", path)
