"""Experiments: one question a file, answered by numbers and figures that the script writes. See README.md beside this."""
