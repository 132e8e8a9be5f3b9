"""Holds the parameters of an operation against its model: types, what is required, enums, patterns, lengths, ranges.

Lengths count characters of texts, bytes of blobs, items of lists and maps. Patterns are Java's, and a value must match as
a whole: services that mean less than the whole say so in their patterns (`.*\\S.*`).
"""

import base64

import regex

JSON_TYPES = {"json", "rest-json", "smithy-rpc-v2-cbor"}


class Rules:
    """Collects violations as dictionaries: what is wrong, where, and the shape of the value, never the value."""

    def __init__(self, service, operation):
        self.service = service
        self.operation = operation
        self.violations = []

    def say(self, rule, at, value=None, wanted=""):
        self.violations.append(
            {
                "service": self.service,
                "operation": self.operation,
                "path": at or "(input)",
                "rule": rule,
                "wanted": str(wanted),
                "value": describe(value),
            }
        )

    def check(self, value, shape, at=""):
        kind = shape.type_name
        if shape.metadata.get("document") or (kind == "structure" and getattr(shape, "is_document_type", False)):
            return
        if not fits(value, shape):
            self.say("type", at, value, kind)
            return
        if kind == "structure":
            self.structure(value, shape, at)
        elif kind == "list":
            self.size(len(value), shape, at, value)
            for item in value:
                self.check(item, shape.member, at + "[]")
        elif kind == "map":
            self.size(len(value), shape, at, value)
            for key, item in value.items():
                self.check(key, shape.key, at + "[key]")
                self.check(item, shape.value, at + "[]")
        elif kind == "string":
            self.text(value, shape, at)
        elif kind == "blob":
            # The length of a body that is streamed in pieces is not the length of what it carries.
            if not shape.serialization.get("streaming"):
                data = base64.b64decode(value) if isinstance(value, str) else value
                self.size(len(data), shape, at, value)
        elif kind in ("integer", "long", "float", "double"):
            self.size(value, shape, at, value)

    def structure(self, value, shape, at):
        # In JSON and CBOR members go by their wire names at every depth.
        names = {}
        for name, member in shape.members.items():
            names[name] = member
            names.setdefault(member.serialization.get("name", name), member)
        present = set()
        for key, item in value.items():
            member = names.get(key)
            if member is None:
                self.say("unknown", f"{at}.{key}", item)
                continue
            # A null stands for nothing.
            if item is None:
                continue
            present.add(id(member))
            self.check(item, member, f"{at}.{key}")
        for name in shape.required_members:
            if id(shape.members[name]) not in present:
                self.say("required", f"{at}.{name}")
        if shape.metadata.get("union") and len(present) != 1:
            self.say("union", at, value, "exactly one member")

    def text(self, value, shape, at):
        self.size(len(value), shape, at, value)
        enum = shape.metadata.get("enum")
        if enum and value not in enum:
            self.say("enum", at, value, "|".join(enum[:6]) + ("|…" if len(enum) > 6 else ""))
        pattern = shape.metadata.get("pattern")
        if pattern and not compiled(pattern).fullmatch(value):
            self.say("pattern", at, value, pattern[:100])
        if shape.serialization.get("location") == "uri" and not value:
            self.say("min", at, value, "a label of the path is never empty")

    def size(self, count, shape, at, value):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if low is not None and count < float(low):
            self.say("min", at, value, low)
        if high is not None and count > float(high):
            self.say("max", at, value, high)


PATTERNS = {}


def compiled(pattern):
    if pattern not in PATTERNS:
        PATTERNS[pattern] = regex.compile(pattern, regex.VERSION0)
    return PATTERNS[pattern]


def fits(value, shape):
    kind = shape.type_name
    if kind in ("structure", "map"):
        return isinstance(value, dict)
    if kind == "list":
        return isinstance(value, list)
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in ("integer", "long"):
        bits = 31 if kind == "integer" else 63
        return isinstance(value, int) and not isinstance(value, bool) and -(2**bits) <= value < 2**bits
    if kind in ("float", "double"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "blob":
        if isinstance(value, str):
            try:
                base64.b64decode(value, validate=True)
            except ValueError:
                return False
        return isinstance(value, (str, bytes))
    # Times come as numbers, texts or CBOR's own; their form is the SDK's business.
    return True


def describe(value):
    """What a value looks like, without what it says: letters become `a` and `A`, digits `0`."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        shape = regex.sub(r"\d", "0", regex.sub(r"[[:lower:]]", "a", regex.sub(r"[[:upper:]]", "A", value[:48])))
        return f"text of {len(value)}: {shape}{'…' if len(value) > 48 else ''}"
    if isinstance(value, (bytes, list, dict)):
        return f"{type(value).__name__} of {len(value)}"
    return f"{type(value).__name__} {value}"
