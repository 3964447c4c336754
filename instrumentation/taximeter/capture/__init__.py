"""Turns the requests that pass through HTTP clients into metered attempts."""
