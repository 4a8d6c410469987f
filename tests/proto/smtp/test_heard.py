"""Events of the client engine: what is asked has words for people."""

from posthaus.proto.smtp.heard import Ask


def test_words_differ() -> None:
    assert len({ask.value for ask in Ask}) == len(Ask)
