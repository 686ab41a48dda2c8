"""Who we deal with and how we speak to them."""
