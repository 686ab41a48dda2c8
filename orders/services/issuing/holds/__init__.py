"""Money held on cards: asked for, granted, taken or given back; and what became of lost answers."""
