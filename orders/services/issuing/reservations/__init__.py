"""Numbers reserved at an issuer: asked for, received, kept in stock, lost."""
