"""Rules of the house about RFCs: one form of reference, and an index that keeps its promises."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rfcindex", ROOT / "tools" / "rfcindex.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["rfcindex"] = module
    spec.loader.exec_module(module)
    return module


rfcindex = _tool()

TEXTS = [
    path
    for folder, pattern in (*rfcindex.SEARCHED, ("docs", "*.md"))
    for path in sorted((ROOT / folder).rglob(pattern))
    if path != Path(__file__).resolve()
]

# message/rfc822 and RFC822.SIZE are names of the wire, no references.
OTHER_FORMS = [
    re.compile(r"\b(?!RFC \d)(?i:rfc)[-_ ]?(?!822\b|822[._])\d{3,5}\b"),
    re.compile(r"RFC \d{3,5},? ?(?i:section|sect\.|sec\.|chapter|ch\.|s\.)"),
    re.compile(r"RFC \d{3,5}(?: ?§ | §§|§)"),
    re.compile(r"(?i:section) [0-9.]+ of RFC"),
    re.compile(r"RFC \d{3,5} (?:eid|errata|Erratum)"),
]


def test_one_form_of_reference() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{n}: {line.strip()}"
        for path in TEXTS
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if any(form.search(line) for form in OTHER_FORMS)
    ]
    assert not found


def test_index_keeps_its_promises() -> None:
    rows, faults = rfcindex.read_index((ROOT / rfcindex.INDEX).read_text(encoding="utf-8"))
    faults += rfcindex.check(rows, rfcindex.read_tree(ROOT), ROOT)
    assert not faults


# -- the tool itself -----------------------------------------------------------------------------------------------

REFERENCES = [
    ("# RFC 5321 §4.5.3.1.6", [(5321, "4.5.3.1.6", "")]),
    ("# RFC 7208 erratum 5436", [(7208, "erratum 5436", "")]),
    ("# RFC 5321 §2.3.8 not: bare LF is refused", [(5321, "2.3.8", "not")]),
    ("# RFC 9051 §6.4.4 todo: fuzzy", [(9051, "6.4.4", "todo")]),
    ("RFC 5321 §4.1.4 over §3.3: decides", [(5321, "4.1.4", "")]),
    ("RFC 2045 and RFC 2046 §5.1.1.", [(2045, "", ""), (2046, "5.1.1", "")]),
    ("RFC 3501 §A.1", [(3501, "A.1", "")]),
    ("message/rfc822 and RFC822.SIZE", []),
]


@pytest.mark.parametrize(("line", "wanted"), REFERENCES)
def test_references(line: str, wanted: list[tuple[int, str, str]]) -> None:
    assert [(c.number, c.section, c.mark) for c in rfcindex.citations("src/x.py", line)] == wanted


HEAD = "number\tstatus\tobsoleted-by\towner\ttitle\n"
BROKEN = [
    ("", "", "first line"),
    (HEAD + "1\tperhaps\t-\t-\tx\n", "", "cannot be read"),
    (HEAD + "2\tno\t-\t-\tx\n1\tno\t-\t-\tx\n", "", "out of order"),
    (HEAD, "RFC 9999", "not in"),
    (HEAD + "1\tyes\t-\tproto\tx\n", "", "no test"),
    (HEAD + "1\tplanned\t-\tno/such\tx\n", "", "does not exist"),
    (HEAD + "1\tpartial\t-\t-\tx\n", "", "nobody owns"),
]


@pytest.mark.parametrize(("index", "source", "told"), BROKEN)
def test_broken_promises(index: str, source: str, told: str) -> None:
    rows, faults = rfcindex.read_index(index)
    faults += rfcindex.check(rows, list(rfcindex.citations("src/x.py", source)), ROOT)
    assert [fault for fault in faults if told in fault]


def test_cross_reference() -> None:
    rows, _ = rfcindex.read_index(HEAD + "1\tyes\t2\tproto\tOne\n")
    found = [
        *rfcindex.citations("src/posthaus/a.py", "RFC 1 §2\nRFC 1"),
        *rfcindex.citations("src/b.py", "# RFC 0001 §10\n# RFC 0001 §2 not: no\n# RFC 0001 §2"),
        *rfcindex.citations("tests/c.py", "# RFC 0001 §2"),
    ]
    assert rfcindex.render(rows, found).split("\n")[4:-1] == [
        "## RFC 1: One",
        "",
        "yes, in proto; obsoleted by 2",
        "",
        "- §2",
        "  - carried out: src/b.py",
        "  - shown: tests/c.py",
        "  - not, on purpose: src/b.py",
        "- §10",
        "  - carried out: src/b.py",
    ]
