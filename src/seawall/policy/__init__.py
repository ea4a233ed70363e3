"""Decisions: facts, `now` and a random source in, a value out. Nothing here waits or sends."""
