"""The sections of the daily page, one file each; every one is a read of its own."""
