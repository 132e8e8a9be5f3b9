"""Reads recorded requests, one JSON object a line, and prints what of them the AWS service models refuse, one a line.

The last line is a summary: how many requests there were, and which operations they called.
"""

import base64
import json
import sys

from rules import Rules
from wire import Request, Unreadable


def violations(record):
    """The operation a record calls, and what is wrong with it."""
    request = Request(
        record["service"], record["method"], record["path"], record["headers"], base64.b64decode(record["body"])
    )
    try:
        operation, parameters = request.parameters()
    except (Unreadable, ValueError) as error:
        rules = Rules(record["service"], request.operation.name if request.operation else "?")
        rules.say("unreadable", "", None, str(error) if isinstance(error, Unreadable) else type(error).__name__)
        return "?", rules.violations
    rules = Rules(record["service"], operation.name)
    for path in request.unknown:
        rules.say("unknown", path)
    if operation.input_shape is not None:
        rules.check(parameters, operation.input_shape)
    elif parameters:
        rules.say("unknown", "", parameters)
    return operation.name, rules.violations


def main():
    operations, count = {}, 0
    for line in sys.stdin:
        record = json.loads(line)
        operation, wrong = violations(record)
        count += 1
        operations.setdefault(record["service"], set()).add(operation)
        for violation in wrong:
            print(json.dumps({"violation": violation}))
    print(json.dumps({"requests": count, "operations": {name: sorted(all) for name, all in sorted(operations.items())}}))


if __name__ == "__main__":
    main()
