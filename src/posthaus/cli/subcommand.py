"""How a command, and a group of commands, is put into the grammar.

Standards: none.
Faults:    none.
"""

import argparse
from typing import Any

Commands = Any  # argparse has no public name for what add_subparsers() gives


def make_command(commands: Commands, name: str, run: str, words: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words)
    command.set_defaults(run=run)
    return command


def make_group(commands: Commands, name: str, words: str) -> Commands:
    return commands.add_parser(name, help=words, description=words).add_subparsers(metavar="COMMAND", required=True)
