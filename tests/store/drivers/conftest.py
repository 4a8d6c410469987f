"""The fixtures of the store's tests."""

from posthaus.testing.storehouse import databases, house, store

__all__ = ["databases", "house", "store"]
