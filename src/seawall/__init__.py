"""Seawall keeps Claude calls working through failures and says whose fault a failure is."""

__version__ = "0.1.0"
