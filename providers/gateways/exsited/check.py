"""What Exsited cannot be asked, said in a sentence before anything is sent.

A uuid stands in paths, so it is held to letters that cannot lead elsewhere.
"""

from providers.gateways.exsited import wire


def check_name(external_id: str) -> None:
    """ValueError with a sentence for what cannot be the uuid of a certificate."""
    if not wire.NAME.fullmatch(external_id):
        raise ValueError("A certificate is named by 1 to 64 letters, digits, dashes, underscores.")


def check_slice(offset: int, limit: int) -> None:
    """ValueError with a sentence for a slice that no list has."""
    if not 1 <= limit <= wire.MOST_PER_SLICE:
        raise ValueError(f"A slice is of 1 to {wire.MOST_PER_SLICE} certificates.")
    if not 0 <= offset <= wire.MOST_RECORDS:
        raise ValueError("A slice begins somewhere in the book.")
