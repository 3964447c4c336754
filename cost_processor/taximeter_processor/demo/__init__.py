"""What `taximeter demo` runs: a replay provider, an example app, its traffic and a history."""
