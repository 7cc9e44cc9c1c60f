#!/bin/sh
# Brings Temporal's two databases to the schema of this version, before the server starts. Safe to repeat.
# The admin-tools image runs it.
set -eu
for database in temporal visibility; do
  name=temporal
  [ "$database" = visibility ] && name=temporal_visibility
  tool="temporal-sql-tool --plugin postgres12 --ep postgres --port 5432 --user temporal --db $name"
  $tool setup-schema -v 0.0
  $tool update-schema -d "/etc/temporal/schema/postgresql/v12/$database/versioned"
done
