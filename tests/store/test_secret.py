"""Secrets: the latest first, old ones for a while."""

from posthaus.store import secret
from posthaus.store.store import Store


async def test_secrets(store: Store) -> None:
    assert await store.read(secret.known, "srs", 0) == []
    await store.write(secret.put, "srs", b"\0one", 100, 0)
    await store.write(secret.put, "srs", b"late", 100, 0)
    await store.write(secret.put, "srs", b"two", 200, 0)
    await store.write(secret.put, "other", b"three", 300, 200)
    assert await store.read(secret.known, "srs", 0) == [(200, b"two"), (100, b"\0one")]
    assert await store.read(secret.known, "srs", 101) == [(200, b"two")]
    await store.write(secret.put, "srs", b"four", 400, 150)
    assert await store.read(secret.known, "srs", 0) == [(400, b"four"), (200, b"two")]
