"""`taximeter rules`: generate what Grafana, Prometheus and Alertmanager are provisioned with."""
