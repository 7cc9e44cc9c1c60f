#!/bin/sh
# Makes the namespace that Syncline uses, once the server answers. Safe to repeat.
set -eu
until temporal operator cluster health; do sleep 2; done
temporal operator namespace describe --namespace default >/dev/null 2>&1 ||
  temporal operator namespace create --namespace default --retention 168h
# The server's parts learn of a new namespace within some seconds.
until temporal workflow list --namespace default --limit 1 >/dev/null 2>&1; do sleep 1; done
