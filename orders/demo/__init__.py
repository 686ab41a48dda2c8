"""The demo: people to sign in as, a simulated provider to buy from, orders to look at.

Everything is made through the same services that people use, and only where DEBUG is on.
"""
