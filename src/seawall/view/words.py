"""How lengths of time are said."""

from seawall.clock import duration

__all__ = ["duration"]
