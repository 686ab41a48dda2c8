"""The back office for gift cards: what every app of this project stands on."""

__version__ = "0.1.0"
