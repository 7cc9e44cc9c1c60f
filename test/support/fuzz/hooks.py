"""Hooks of Schemathesis: a key of each role, ids of what exists, and what no schema can say.

The file that FUZZ_SETTINGS names holds the keys and ids. fuzzed-api.test.ts writes it.
"""

import json
import os
import random
import re
from collections import defaultdict, deque
from itertools import count

import checks  # noqa: F401 -- registers them
import requests
import schemathesis

with open(os.environ["FUZZ_SETTINGS"], encoding="utf-8") as file:
    SETTINGS = json.load(file)
KEYS = SETTINGS["keys"]
ROLES = ("viewer", "operator", "admin", "platform")
ID = re.compile(r"([a-z]{3})_[0-7][0-9a-hjkmnp-tv-z]{25}")
LARGEST_INTEGER = 2**53 - 1

turns = count()
known_ids = defaultdict(lambda: deque(maxlen=20))


def remember_ids(text):
    for found in re.finditer(rf'"id":"({ID.pattern})"', text):
        if found[1] not in known_ids[found[2]]:
            known_ids[found[2]].append(found[1])


remember_ids(SETTINGS["seed"])


def role_needed(operation):
    raw = operation.definition.raw
    if any("platformKey" in alternative for alternative in raw.get("security", [])):
        return "platform"
    return next((role for role in ROLES if f"role {role}" in raw.get("description", "")), None)


@schemathesis.auth(refresh_interval=None)
class KeyOfARole:
    """Mostly the key that the operation needs, each tenth time another one."""

    turns = count(1)

    def get(self, case, context):
        turn = next(self.turns)
        role = role_needed(context.operation)
        if role is None:
            return None
        return KEYS[ROLES[turn // 10 % len(ROLES)] if turn % 10 == 0 else role]

    def set(self, case, data, context):
        if data is not None:
            case.headers["Authorization"] = f"Bearer {data}"


def with_known_ids(value, choice):
    """The value with most ids replaced by ids of what exists."""
    if isinstance(value, dict):
        return {name: with_known_ids(member, choice) for name, member in value.items()}
    if isinstance(value, list):
        return [with_known_ids(item, choice) for item in value]
    found = ID.fullmatch(value) if isinstance(value, str) else None
    if found and known_ids[found[1]] and choice.random() < 0.8:
        return choice.choice(list(known_ids[found[1]]))
    return value


def storable(value):
    """The value without integers that JavaScript would round: the API refuses them wherever they are."""
    if isinstance(value, dict):
        return {name: storable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, (int, float)) and abs(value) > LARGEST_INTEGER:
        return LARGEST_INTEGER
    return value


def changes_of(body):
    """The body and, if it is a batch, its items."""
    items = body.get("records") if isinstance(body, dict) else None
    return [each for each in [body, *(items if isinstance(items, list) else [])] if isinstance(each, dict)]


def use_what_exists(case, choice):
    parameters = case.path_parameters or {}
    for name in parameters:
        known = SETTINGS["values"].get(name)
        parameters[name] = (
            choice.choice(known)
            if known and choice.random() < 0.7
            else with_known_ids(parameters[name], choice)
        )
    for name in case.query or {}:
        case.query[name] = with_known_ids(case.query[name], choice)
    if isinstance(case.body, (dict, list)):
        case.body = storable(with_known_ids(case.body, choice))
    # A cursor is opaque: only one that the API returned is valid.
    for part in (case.query, case.body):
        if isinstance(part, dict):
            part.pop("cursor", None)
    # No schema says what time it is: a change may not come from the future.
    for change in changes_of(case.body):
        if change.get("occurred_at") is not None:
            change["occurred_at"] = "2024-02-29T12:00:00Z"
    # OpenAPI cannot say that two parameters belong together.
    if case.operation.label == "GET /v1/pushes":
        if len({"record_type", "external_id"} & set(case.query or {})) == 1:
            case.query.pop("record_type", None)
            case.query.pop("external_id", None)


def use_current_headers(case, choice, turn):
    if "Idempotency-Key" in case.headers and choice.random() < 0.9:
        case.headers["Idempotency-Key"] = f"{SETTINGS['run']}-{turn}"
    if "Syncline-Acting-As" in case.headers:
        if choice.random() < 0.7:
            del case.headers["Syncline-Acting-As"]
        else:
            case.headers["Syncline-Acting-As"] = SETTINGS["own_ids"]["psn"]
    if "If-Match" in case.headers and choice.random() < 0.9:
        headers = {name: case.headers[name] for name in ("Authorization",) if name in case.headers}
        answer = requests.get(SETTINGS["url"] + case.formatted_path, headers=headers, timeout=60)
        case.headers["If-Match"] = answer.headers.get("ETag", '"1"')


def spare_what_the_run_needs(case):
    """The keys of the run, their tenant's person and the integrations must remain."""
    parameters = case.path_parameters or {}
    for name, value in parameters.items():
        if case.method in ("DELETE", "PATCH") and value in SETTINGS["own_ids"].values():
            parameters[name] = f"{value[:4]}01h455vb4pex5vsknk084sn02q"


@schemathesis.hook
def before_call(context, case, kwargs):
    turn = next(turns)
    choice = random.Random(turn)
    # A network of its own for each request: refused authentications are limited per network.
    case.headers["X-Forwarded-For"] = f"10.{turn >> 16 & 255}.{turn >> 8 & 255}.{turn & 255}"
    if case.meta is not None and case.meta.generation.mode.value == "positive":
        use_what_exists(case, choice)
        use_current_headers(case, choice, turn)
    spare_what_the_run_needs(case)


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code < 300:
        remember_ids(response.content[:100_000].decode("utf-8", "replace"))
