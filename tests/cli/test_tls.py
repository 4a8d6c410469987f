"""`posthaus tls reports`, in this process."""

import json
import time
from pathlib import Path

import pytest
from tests.cli.shell import Shell, make_house

from posthaus.base.setting import read_settings
from posthaus.cli.opening import on_store
from posthaus.mail.tlsrpt import Failure, Policy, Report
from posthaus.store import tlsreport
from posthaus.store.store import Store

BEGIN = 1_767_225_600


def test_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(house := make_house(tmp_path / "house"), capsys)
    assert shell.run("tls", "reports") == (0, "", "")
    failures = (Failure("certificate-expired", 3, host="mx.a.test", reason="\x1b[2Jof late"),)
    policy = Policy("sts", "a.test", successes=7, failures=failures, failed=3)

    async def put(store: Store) -> None:
        await store.write(tlsreport.put, Report("B Inc", "", "r1", BEGIN, BEGIN + 9, (policy,)), int(time.time()))

    on_store(house, read_settings(house), put)
    code, out, _ = shell.run("tls", "reports", "--domain", "A.test")
    assert code == 0 and "\x1b" not in out
    assert "a.test  2026-01-01T00:00:00Z" in out and "3 certificate-expired mx.a.test" in out
    (one,) = json.loads(shell.run("tls", "reports", "--json")[1])
    assert (one["organization"], one["sessions"], one["failed"]) == ("B Inc", 10, 3)
    assert one["failures"][0]["kind"] == "certificate-expired"
    assert shell.run("tls", "reports", "--domain", "b.test") == (0, "", "")
    assert shell.run("tls", "reports", "--days", "0")[0] == 1
