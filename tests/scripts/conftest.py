"""A database on PostgreSQL, where a server can be started."""

from posthaus.testing.storehouse import databases

__all__ = ["databases"]
