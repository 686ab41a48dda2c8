"""One folder per provider, and the few things they share: words, errors, the HTTP session."""
