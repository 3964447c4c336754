#!/bin/sh
# Grafana with the data sources and dashboards that `taximeter rules` wrote.
set -eu
export GF_PATHS_PROVISIONING=/provision/provisioning
exec /run.sh
