"""Benchmarks: ratios measured in one run, because these figures are read on machines whose speed drifts.

    python -m experiments.benchmarks [NAME ...] [--smoke] [--data FOLDER] [--out FOLDER]

Each file answers one question; contenders take turns, round by round, and the median of each is quoted.
"""
