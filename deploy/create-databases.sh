#!/bin/sh
# Runs once, when PostgreSQL's volume is empty. Syncline and Temporal own their databases and are not
# superusers. Syncline may create roles, because its migrations create those for row-level security.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set syncline_password="$SYNCLINE_DATABASE_PASSWORD" --set temporal_password="$TEMPORAL_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE syncline LOGIN CREATEROLE PASSWORD :'syncline_password';
CREATE DATABASE syncline OWNER syncline;
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
SQL
