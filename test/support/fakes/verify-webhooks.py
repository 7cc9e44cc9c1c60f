"""Verifies webhooks as a receiver in Python would: reads [{secret, body, headers}] from stdin, writes for each what the two published packages said."""

import json
import sys

from standardwebhooks.webhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook


def verdict(library, secret, body, headers):
    try:
        library(secret).verify(body, headers)
        return "ok"
    except Exception as error:
        return type(error).__name__ + ": " + str(error)


json.dump(
    [
        {name: verdict(library, one["secret"], one["body"], one["headers"]) for name, library in (("standardwebhooks", StandardWebhook), ("svix", SvixWebhook))}
        for one in json.load(sys.stdin)
    ],
    sys.stdout,
)
