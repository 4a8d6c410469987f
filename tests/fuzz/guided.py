"""Fuzzing led by coverage: the same promises as the property tests, for as long as one likes.

    make fuzz-guided TARGET=imap FOR=600

Not run by pytest: atheris is not installed for the tests. What it finds lies where it says, in a folder of its own, and
is kept as a test beside the code. Further arguments are libFuzzer's; an input that broke something is given again by
its file's name. How slow one is it tells by the clock on the wall: on a busy machine that may mean nothing.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["posthaus"]):
    from tests.fuzz.test_imap import WORDS, play
    from tests.fuzz.test_scan import FRAGMENTS, check

    from posthaus.proto.imap.parse import State
    from posthaus.testing.script import Kind, parse_script

HERE = Path(__file__).resolve().parent
SENT = (Kind.SEND, Kind.OCTETS)
STATES = (State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED)


def imap(data: bytes) -> None:
    """Two octets say in which state and in which pieces; no piece makes a difference, and nothing raises."""
    if len(data) < 2:
        return
    octets, state = data[2:], STATES[data[0] % len(STATES)]
    assert play(octets, 1 + data[1] % 20, state) == play(octets, max(1, len(octets)), state)


def dialogues(folder: Path) -> None:
    """What the clients of the scripts say, each script an input."""
    for path in sorted((HERE.parent / "scripts" / "imap").glob("*.txt")):
        steps = parse_script(path.read_text(encoding="utf-8")).steps
        said = [step.text + ("\r\n" if step.kind is Kind.SEND else "") for step in steps if step.kind in SENT]
        for state in range(len(STATES)):
            (folder / f"{path.stem}-{state}").write_bytes(
                bytes([state, 6]) + "".join(said).encode("utf-8", "surrogateescape")
            )


TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes], list[Path]]] = {
    "imap": (imap, WORDS, []),
    "scan": (check, FRAGMENTS, [HERE.parent / "mail" / "messages"]),
}


def dictionary(words: list[bytes]) -> str:
    """As libFuzzer reads it."""
    quoted = ["".join(f"\\x{octet:02x}" for octet in word) for word in words if word]
    return "".join(f'"{word}"\n' for word in dict.fromkeys(quoted))


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        raise SystemExit(f"which of {', '.join(TARGETS)}?")
    target, words, seeds = TARGETS[name]
    scratch = Path(tempfile.mkdtemp(prefix=f"posthaus-fuzz-{name}-"))  # libFuzzer ends the process; it stays
    (scratch / "words").write_text(dictionary(words))
    (scratch / "corpus").mkdir()
    if target is imap:
        dialogues(scratch / "corpus")
    given = sys.argv[2:]
    places = [] if any(not one.startswith("-") for one in given) else [scratch / "corpus", *seeds]
    ours = [f"-dict={scratch / 'words'}", f"-artifact_prefix={scratch}/"]
    atheris.Setup([sys.argv[0], *ours, *given, *map(str, places)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
