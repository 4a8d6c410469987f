"""Every test of the store runs on both drivers."""

from posthaus.testing.storehouse import databases, house, store

__all__ = ["databases", "house", "store"]
