"""What a description cannot say: each check replaces one of Schemathesis or adds to them."""

import json
import re
from itertools import count

import jsonschema_rs
import requests
import schemathesis
from schemathesis.generation.meta import ParameterLocation
from schemathesis.specs.openapi import checks as standard

BATCH = "POST /v1/records/batch"
OTHER_LOCATIONS = [location for location in ParameterLocation if location != ParameterLocation.BODY]

reads = count()


def get_of_created(case):
    """The description of the GET that reads what the case creates, or None."""
    pattern = re.compile(re.escape(case.operation.path) + r"/\{\w+\}")
    paths = case.operation.schema.raw_schema["paths"]
    return next((item["get"] for path, item in paths.items() if pattern.fullmatch(path) and "get" in item), None)


@schemathesis.check
def created_resource_is_found(ctx, response, case):
    """What a 201 names can be read at once with the same key."""
    is_replayed = "idempotent-replayed" in response.headers
    if response.status_code != 201 or is_replayed or get_of_created(case) is None:
        return
    created = response.json()["id"]
    turn = next(reads)
    answer = requests.get(
        f"{response.request.url.split('?')[0]}/{created}",
        headers={
            "Authorization": response.request.headers["Authorization"],
            "X-Forwarded-For": f"10.200.{turn >> 8 & 255}.{turn & 255}",
        },
        timeout=60,
    )
    assert answer.status_code == 200, f"GET of {created} answers {answer.status_code}: {answer.text}"
    assert answer.json()["id"] == created, f"GET of {created} answers another one: {answer.text}"


@schemathesis.check
def created_resource_stays_available(ctx, response, case):
    """Replaces ensure_resource_availability: the body can name another resource, which the 404 is about."""
    parent = ctx.internals.find_parent(case_id=case.id)
    get = None if parent is None or response.status_code != 404 else get_of_created(parent)
    if get is not None and f"`{response.json()['code']}`" in get["responses"]["404"]["description"]:
        standard.ensure_resource_availability(ctx, response, case)


@schemathesis.check
def batch_refuses_invalid_items(ctx, response, case):
    """Replaces negative_data_rejection: 202 is right for invalid items if each of them is refused."""
    if case.operation.label != BATCH:
        return
    validities = judged_items(response, case) if response.status_code == 202 else []
    is_negative_elsewhere = case.meta is not None and any(map(case.meta.is_negative_at, OTHER_LOCATIONS))
    if all(validities) or is_negative_elsewhere:
        standard.negative_data_rejection(ctx, response, case)


def judged_items(response, case):
    """For each item whether it is valid, after a comparison with its result."""
    components = case.operation.schema.raw_schema["components"]
    validator = jsonschema_rs.Draft202012Validator(
        {"$ref": "#/components/schemas/BatchItem", "components": components}, validate_formats=True
    )
    items = json.loads(response.request.body)["records"]
    results = response.json()["results"]
    assert [result["index"] for result in results] == list(range(len(items))), "there is not one result per item"
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    validities = []
    for item, result in zip(items, results):
        try:
            is_valid = validator.is_valid(item)
        except ValueError:  # half a surrogate pair
            is_valid = False
        assert is_valid or result["status"] == 400, f"accepted, but invalid: {item!r}: {result}"
        is_refused_rightly = not is_valid or not is_positive
        assert result["status"] != 400 or is_refused_rightly, f"refused, but valid: {item!r}: {result}"
        validities.append(is_valid)
    return validities
