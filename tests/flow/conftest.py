"""A test of the flow that asks for `house` or `store` runs on both drivers."""

from posthaus.testing.storehouse import databases, house, store

__all__ = ["databases", "house", "store"]
