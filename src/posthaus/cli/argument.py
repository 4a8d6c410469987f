"""The grammar of the command line, and nothing else: no command is carried out here.

Standards: none.
Faults:    exit code 2 with the usage, by argparse.
"""

import argparse

from posthaus import __version__
from posthaus.cli import argument_house, argument_people, argument_sending


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("posthaus", description="The whole post office under one roof.")
    parser.add_argument("-C", dest="folder", metavar="DIR", default=".", help="folder of the house (default: here)")
    parser.add_argument("--version", action="version", version=f"posthaus {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    argument_house.add_house(commands)
    argument_people.add_account(commands)
    argument_people.add_shared(commands)
    argument_people.add_acl(commands)
    argument_people.add_domain(commands)
    argument_people.add_alias(commands)
    argument_sending.add_smarthost(commands)
    argument_sending.add_transport(commands)
    argument_sending.add_tls(commands)
    argument_sending.add_suppression(commands)
    argument_house.add_annotation(commands)
    argument_house.add_undelete(commands)
    argument_sending.add_queue(commands)
    argument_sending.add_network(commands)
    argument_sending.add_why(commands)
    argument_sending.add_dkim(commands)
    argument_house.add_index(commands)
    return parser
