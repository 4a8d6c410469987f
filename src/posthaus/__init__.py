"""Posthaus: the whole post office under one roof."""

__version__ = "0.1.0"
