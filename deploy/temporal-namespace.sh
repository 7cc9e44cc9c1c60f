#!/bin/sh
# Creates Syncline's namespace when the server answers. Safe to repeat.
set -eu
until temporal operator cluster health; do sleep 2; done
temporal operator namespace describe --namespace default >/dev/null 2>&1 ||
  temporal operator namespace create --namespace default --retention 168h
# It takes some seconds until every part of the server knows a new namespace.
until temporal workflow list --namespace default --limit 1 >/dev/null 2>&1; do sleep 1; done
