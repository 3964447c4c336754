"""What Prometheus, Alertmanager and Grafana are given, generated from names and owners."""
