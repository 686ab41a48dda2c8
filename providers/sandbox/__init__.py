"""Simulated providers: independent programs with their own ledgers and their own faults.

Nothing here knows the product that talks to it, nor Django: the standard library is enough (and
Pillow, to draw one picture). So the ledger of a simulated provider may serve as the oracle of the
product's tests.
"""
