"""Arithmetic of spend over time: what is to come, and what moved it. Numbers in, numbers out."""
