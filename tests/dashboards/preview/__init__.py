"""Draws the boards from their JSON and real answers, so that a person can look at them.

This proves what is asked and answered, and how panels lie on the grid. It is not Grafana's drawing.
"""
