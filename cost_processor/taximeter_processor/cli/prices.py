"""`taximeter prices show|search`: which price applies when, and why."""
