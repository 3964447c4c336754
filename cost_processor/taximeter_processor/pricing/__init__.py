"""Disjoint meters of a call, turned into exact money or into the reason why not."""
