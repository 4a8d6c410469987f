"""Tests of posthaus.testing.plugin: the fixture is there, and nothing else is loaded with it."""

import subprocess
import sys

from posthaus.testing.kit import Office


def test_fixture_runs_a_server(posthaus: Office) -> None:
    assert posthaus.port("smtp") > 0


def test_plugin_loads_nothing_heavy() -> None:
    """A project that has Posthaus installed pays nothing in the tests that do not use it."""
    code = "import sys, posthaus.testing.plugin; sys.exit('posthaus.app' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", f"{code}"], check=False)
    assert done.returncode == 0
