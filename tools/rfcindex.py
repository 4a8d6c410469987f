"""The index of RFCs: checks docs/rfc/index.tsv and writes docs/rfc/xref.md.

Every reference in sources, tests and scripts has the one form `RFC 5321 §4.5.3.1.6` or
`RFC 7208 erratum 5436`; after it, `not:` marks a deviation on purpose and `todo:` a gap. The cross-reference says for
each RFC and section where it is carried out, where it is shown, where we deviate and what is missing.

Standards: none of its own.
Faults:    ends with 1 and one line per fault: a cited RFC that is not in the index, a `yes` that no test and no script
           cites, an owner that does not exist, a row that cannot be read.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INDEX = Path("docs/rfc/index.tsv")
XREF = Path("docs/rfc/xref.md")
STATUSES = ("yes", "partial", "planned", "no", "background")
OWN_TEST = "tests/house/test_rfc.py"  # speaks of RFCs that are none
COLUMNS = ("number", "status", "obsoleted-by", "owner", "title")
SEARCHED = (
    ("src", "*.py"),
    ("src", "*.sql"),
    ("tests", "*.py"),
    ("tests", "*.txt"),
    ("tools", "*.py"),
    ("bench", "*.py"),
)

_SECTION = r"[0-9A-Z]+(?:\.[0-9A-Z]+)*"
REFERENCE = re.compile(rf"RFC (?P<number>\d{{3,5}})(?: (?:§(?P<section>{_SECTION})|erratum (?P<erratum>\d+)))?")
_MARK = re.compile(r"[ ,]*(?P<mark>not|todo):")


@dataclass(frozen=True, slots=True)
class Row:
    """One document of the index."""

    number: int
    status: str
    obsoleted_by: str
    owner: str
    title: str


@dataclass(frozen=True, slots=True)
class Citation:
    """One reference in one line of one file."""

    number: int
    section: str  # "" for the document as a whole; "erratum 5436" for an erratum
    path: str
    line: int
    mark: str  # "", "not" or "todo"

    @property
    def shown(self) -> bool:
        """Whether this is a test or a script."""
        return self.path.startswith("tests/")

    @property
    def title(self) -> str:
        """Where the cross-reference lists it."""
        return {"not": "not, on purpose", "todo": "todo"}.get(self.mark, "shown" if self.shown else "carried out")


def read_index(text: str) -> tuple[dict[int, Row], list[str]]:
    """The rows by number, and what is wrong with the others."""
    rows: dict[int, Row] = {}
    faults: list[str] = []
    lines = text.splitlines()
    if not lines or tuple(lines[0].split("\t")) != COLUMNS:
        faults.append(f"{INDEX}: the first line names the columns {COLUMNS}")
    for n, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS) or not cells[0].isdigit() or cells[1] not in STATUSES:
            faults.append(f"{INDEX}:{n}: cannot be read: {line!r}")
            continue
        row = Row(int(cells[0]), *cells[1:])
        if rows and row.number <= max(rows):
            faults.append(f"{INDEX}:{n}: RFC {row.number} is out of order or repeated")
        rows[row.number] = row
    return rows, faults


def citations(path: str, text: str) -> Iterator[Citation]:
    """All references of one file, line by line."""
    for n, line in enumerate(text.splitlines(), 1):
        for found in REFERENCE.finditer(line):
            section = found["section"] or (f"erratum {found['erratum']}" if found["erratum"] else "")
            mark = _MARK.match(line, found.end())
            yield Citation(int(found["number"]), section, path, n, mark["mark"] if mark else "")


def read_tree(root: Path) -> list[Citation]:
    """The references of everything that is searched."""
    found: list[Citation] = []
    for folder, pattern in SEARCHED:
        for file in sorted((root / folder).rglob(pattern)):
            name = file.relative_to(root).as_posix()
            if name != OWN_TEST:
                found.extend(citations(name, file.read_text(encoding="utf-8")))
    return found


def check(rows: dict[int, Row], found: Iterable[Citation], root: Path) -> list[str]:
    """Every promise of the index that is not kept."""
    faults: list[str] = []
    shown: set[int] = set()
    for citation in found:
        if citation.number not in rows:
            faults.append(f"{citation.path}:{citation.line}: RFC {citation.number} is not in {INDEX}")
        if citation.shown:
            shown.add(citation.number)
    for row in rows.values():
        if row.status == "yes" and row.number not in shown:
            faults.append(f"{INDEX}: RFC {row.number} is `yes`, but no test and no script cites it")
        faults.extend(
            f"{INDEX}: RFC {row.number} is owned by {owner}, which does not exist"
            for owner in row.owner.split(",")
            if owner != "-" and not exists(root, owner)
        )
        if row.owner == "-" and row.status in ("yes", "partial"):
            faults.append(f"{INDEX}: RFC {row.number} is `{row.status}`, but nobody owns it")
    return faults


def exists(root: Path, owner: str) -> bool:
    """An owner is a module or a folder below src/posthaus, written without .py."""
    place = root / "src" / "posthaus" / owner
    return place.is_dir() or place.with_name(place.name + ".py").is_file()


def render(rows: dict[int, Row], found: Iterable[Citation]) -> str:
    """The cross-reference as Markdown; the same input gives the same octets."""
    by_number: dict[int, list[Citation]] = defaultdict(list)
    for citation in found:
        by_number[citation.number].append(citation)
    out = [
        "# RFCs and where they are carried out",
        "",
        f"Written by `make rfc` from `{INDEX}` and the references in the sources; not edited by hand.",
        "",
    ]
    for row in rows.values():
        out.append(f"## RFC {row.number}: {row.title}")
        out.append("")
        owner = "" if row.owner == "-" else f", in {row.owner}"
        obsoleted = "" if row.obsoleted_by == "-" else f"; obsoleted by {row.obsoleted_by}"
        out.append(f"{row.status}{owner}{obsoleted}")
        out.append("")
        out.extend(_sections(by_number.get(row.number, [])))
    return "\n".join(out).rstrip("\n") + "\n"


def _sections(found: list[Citation]) -> Iterator[str]:
    sections: dict[str, list[Citation]] = defaultdict(list)
    for citation in found:
        sections[citation.section].append(citation)
    for section in sorted(sections, key=_order):
        yield f"- {_name(section)}"
        for title in ("carried out", "shown", "not, on purpose", "todo"):
            files = sorted({c.path for c in sections[section] if c.title == title})
            if files:
                yield f"  - {title}: {', '.join(files)}"
    if sections:
        yield ""


def _name(section: str) -> str:
    if not section:
        return "the document"
    return section if section.startswith("erratum") else f"§{section}"


def _order(section: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in section.split(".") if p)


def main() -> int:
    """python tools/rfcindex.py [--check]: with --check nothing is written, and an old xref.md is no fault."""
    rows, faults = read_index((ROOT / INDEX).read_text(encoding="utf-8"))
    found = read_tree(ROOT)
    faults += check(rows, found, ROOT)
    for fault in faults:
        print(fault, file=sys.stderr)
    if "--check" not in sys.argv[1:]:
        (ROOT / XREF).write_text(render(rows, found), encoding="utf-8")
    print(f"{len(rows)} RFCs, {len(found)} references, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
