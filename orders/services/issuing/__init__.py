"""What we issue ourselves: numbers are reserved, cards created on them, money held on cards.

What the three rooms share is here: how a request leaves (`sending`), how a state changes
(`stepping`), what the sweep and a restore do.
"""
