"""Benchmarks: our code beside a peer and beside the limit, in one run on the same data.

Only ratios count: absolute figures differ from machine to machine, and from run to run.
"""
