"""Measures Seawall beside nginx and a direct connection: `python -m bench`."""
