"""Where the simulated providers are said to live."""

HOST = "b2b.giftcardpartners.example"
"""For a provider whose documents name no host."""
TILL = "till.harborstreet.example"
"""For a provider that stands at the merchant's."""
