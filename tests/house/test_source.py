"""Rules of the house about source files: each says what it is, is short enough, and speaks of Posthaus alone."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "posthaus"
TESTS = ROOT / "tests"
MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if path.read_text(encoding="utf-8").strip())

LINES = 500
LONGER: dict[str, str] = {
    # module: why it may be longer
}

MIRRORED = ("base", "check", "mail", "net", "proto")
WITHOUT_TEST: dict[str, str] = {
    # module: where it is tested instead
    "base/clock.py": "one call each; the clock of tests is tests/testing/test_clock.py",
    "base/dns.py": "values and a Protocol; tests/net/test_resolver.py asks a real server",
    "base/error.py": "two names without behaviour",
    "base/limit.py": "constants",
    "mail/envelope.py": "values without behaviour",
    "proto/imap/command_acl.py": "values without behaviour",
    "proto/imap/command_quota.py": "values without behaviour",
    "proto/smtp/event.py": "values without behaviour",
    "net/hello.py": "values without behaviour",
    "net/dnsexchange.py": "tests/net/test_resolver.py asks a real server",
    "net/dnsmessage.py": "tests/net/test_resolver.py asks a real server",
}


def tracked() -> list[Path]:
    """Files that git knows or would know; in an unpacked archive, all but what tools leave behind."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        return [p for p in ROOT.rglob("*") if p.is_file() and not any(part.startswith(".") for part in p.parts)]
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_module_says_what_it_is(module: Path) -> None:
    tree = ast.parse((SOURCE / module).read_text(encoding="utf-8"))
    words = ast.get_docstring(tree)
    assert words, f"{module} has no docstring"
    assert words.split("\n")[0].rstrip().endswith((".", ":", "?")), f"{module}: the first line is one sentence"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_module_is_short(module: Path) -> None:
    lines = (SOURCE / module).read_text(encoding="utf-8").count("\n")
    if str(module) in LONGER:
        assert lines > LINES, f"{module} is short again: take it out of the table"
    else:
        assert lines <= LINES, f"{module} has {lines} lines; which second thing hides in it?"


def _tests_of(module: Path) -> list[Path]:
    folder, stem = TESTS / module.parent, module.stem
    if module.name == "__init__.py":
        folder, stem = folder.parent, module.parent.name
    return sorted(folder.glob(f"test_{stem}.py")) + sorted(folder.glob(f"test_{stem}_*.py"))


@pytest.mark.parametrize("module", [m for m in MODULES if m.parts[0] in MIRRORED], ids=str)
def test_tests_mirror_the_source(module: Path) -> None:
    if str(module) in WITHOUT_TEST:
        return
    assert _tests_of(module), f"{module} has no tests/{module.parent}/test_{module.stem}.py"


def test_rest_of_the_mirror() -> None:
    """The upper floors are tested by scripts and flows too, so here the mirror is told and not demanded."""
    missing = [str(m) for m in MODULES if len(m.parts) > 1 and m.parts[0] not in MIRRORED and not _tests_of(m)]
    print("modules without a test file of their own:", *missing, sep="\n  ")


def test_tables_of_exceptions_name_modules() -> None:
    known = {str(module) for module in MODULES}
    assert set(LONGER) <= known
    assert all(LONGER.values()) and all(WITHOUT_TEST.values())


FOREIGN = [re.compile(rb"/" + word + rb"/") for word in (b"work", b"root")] + [re.compile(rb"/home/[a-z]+/")]


def test_no_file_speaks_of_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {pattern.pattern.decode()}"
        for path in tracked()
        for pattern in FOREIGN
        if path != Path(__file__).resolve() and pattern.search(path.read_bytes())
    ]
    assert not found


NO_SUBJECT = {"utils", "util", "helpers", "helper", "common", "manager", "handler", "misc"}


def test_names_are_the_fields_own() -> None:
    assert not [str(module) for module in MODULES if NO_SUBJECT & {module.stem, *module.parent.parts}]


def test_nothing_is_left_for_later() -> None:
    """A gap is `RFC n §s todo: ...`, which the cross-reference lists; no other note of that kind."""
    mark = re.compile(r"#.*\b(?:TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")
    found = [
        f"{module}:{n}"
        for module in MODULES
        for n, line in enumerate((SOURCE / module).read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert not found
