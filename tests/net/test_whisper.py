"""Whispers: everybody else hears, a full queue holds nobody up."""

import asyncio

from posthaus.net.whisper import Whisper, make_pair


async def test_all_others_hear() -> None:
    pairs = [make_pair() for _ in range(3)]
    heard: list[tuple[int, bytes]] = []
    all_heard = asyncio.Event()

    def hear(who: int, payload: bytes) -> None:
        heard.append((who, payload))
        if len(heard) == 4:
            all_heard.set()

    whispers = [Whisper(pair.ear, [other.mouth for other in pairs if other is not pair]) for pair in pairs]
    whispers[0].say(b"too early")
    for who, whisper in enumerate(whispers):
        whisper.listen(lambda payload, who=who: hear(who, payload))  # type: ignore[misc]
    whispers[0].say(b"one")
    whispers[2].say(b"two")
    async with asyncio.timeout(10):
        await all_heard.wait()
    assert sorted(heard) == [(0, b"two"), (1, b"one"), (1, b"two"), (2, b"one")]
    for whisper, pair in zip(whispers, pairs, strict=True):
        whisper.stop()
        pair.close()


async def test_a_deaf_one_holds_nobody_up() -> None:
    pairs = [make_pair() for _ in range(2)]
    whisper = Whisper(None, [pairs[0].mouth])
    whisper.listen(lambda payload: None)
    for _ in range(10_000):
        whisper.say(b"x" * 100)
    whisper.stop()
    for pair in pairs:
        pair.close()
