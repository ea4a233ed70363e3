"""What to hand to somebody else: a bundle without secrets, and the texts for an issue, for support, for IT."""
