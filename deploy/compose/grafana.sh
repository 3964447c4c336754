#!/bin/sh
# Grafana with the data sources and dashboards that `taximeter rules` wrote, as a reader of the ledger's views.
set -eu
export GF_PATHS_PROVISIONING=/provision/provisioning
TAXIMETER_READER_PASSWORD=$(cat /run/taximeter/reader)
export TAXIMETER_READER_PASSWORD
exec /run.sh
