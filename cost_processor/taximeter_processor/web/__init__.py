"""Pages for people without Grafana: server-rendered HTML that needs no script."""
