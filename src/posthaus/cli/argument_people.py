"""The grammar of the command line: who has mail here, under which addresses, and who may do what.

Standards: none.
Faults:    as cli/argument.py.
"""

import argparse

from posthaus.cli.subcommand import Commands, make_command, make_group


def _add_password(command: argparse.ArgumentParser) -> None:
    command.add_argument("--password-file", metavar="FILE", help="read the password there (default: standard input)")
    command.add_argument(
        "--recoverable",
        action="store_true",
        help="let old programs log in by CRAM-MD5 and APOP. The price: the password itself is kept in the store and its"
        " backups, and whoever reads them has it. A password set without this is kept as a hash only",
    )


def add_account(commands: Commands) -> None:
    group = make_group(commands, "account", "people who have mail here")
    add = make_command(group, "add", "account:add", "make an account; the password comes from standard input")
    add.add_argument("address")
    add.add_argument("--quota", metavar="SIZE", help='room, such as "5 GB"; "0 B" for no limit (default: the settings)')
    add.add_argument("--messages", metavar="N", help="so many messages at most; 0 for no limit (default: the settings)")
    _add_password(add)
    listing = make_command(group, "list", "account:listing", "all accounts")
    listing.add_argument("--domain", help="of this domain only")
    listing.add_argument("--json", action="store_true")
    remove = make_command(group, "remove", "account:remove", "remove an account with all its mail")
    remove.add_argument("address")
    password = make_command(group, "password", "account:password", "set another password, from standard input")
    password.add_argument("address")
    _add_password(password)
    quota = make_command(group, "quota", "account:quota", "set how much an account may hold")
    quota.add_argument("address")
    quota.add_argument("quota", metavar="SIZE", nargs="?", help='such as "5 GB"; "0 B" for no limit')
    quota.add_argument(
        "--messages", metavar="N", help="so many messages, each counted in every mailbox that has it; 0 for no limit"
    )
    admin = make_command(
        group, "admin", "account:admin", "let an account set the quotas of all accounts from a mail client (IMAP QUOTA)"
    )
    admin.add_argument("address")
    admin.add_argument("wanted", choices=("on", "off"))
    _add_sending(group)
    bulk = make_command(group, "import", "bulk:run", "make many accounts from lines `address,password`")
    bulk.add_argument("file", metavar="FILE", help='"-" is standard input')
    bulk.add_argument("--quota", metavar="SIZE")
    bulk.add_argument("--messages", metavar="N")
    bulk.add_argument("--skip-existing", action="store_true", help="leave accounts that are there as they are")


def _add_sending(group: Commands) -> None:
    for name, run, words in (
        ("allow-sender", "sending:allow_sender", "let an account write as one more address, or as all of @domain"),
        ("deny-sender", "sending:deny_sender", "no longer"),
    ):
        command = make_command(group, name, run, words)
        command.add_argument("address")
        command.add_argument("sender", metavar="SENDER", help="an address, or @domain")
    senders = make_command(group, "senders", "sending:senders", "whom it may write as, beside itself and its aliases")
    senders.add_argument("address")
    senders.add_argument("--json", action="store_true")
    limits = make_command(
        group, "send-limit", "sending:limits", "show or set to how many in other domains it may write"
    )
    limits.add_argument("address")
    limits.add_argument("--per-hour", metavar="N", help="beyond: refused for the moment")
    limits.add_argument("--per-day", metavar="N", help="beyond: it can send nothing until release-sender")
    limits.add_argument("--strangers", metavar="N", help="a day, to whom it never wrote before; beyond: the same")
    limits.add_argument("--default", action="store_true", help="as all accounts")
    limits.add_argument("--json", action="store_true")
    copy = make_command(group, "sent-copy", "sending:sent_copy", "put a copy of what it submits into its Sent mailbox")
    copy.add_argument("address")
    copy.add_argument("wanted", choices=("on", "off"))
    held = make_command(group, "held", "sending:held", "accounts that were stopped because they sent too much")
    held.add_argument("--json", action="store_true")
    release = make_command(group, "release-sender", "sending:release", "let an account that was stopped send again")
    release.add_argument("address")


def add_shared(commands: Commands) -> None:
    group = make_group(
        commands, "shared", "mailboxes of teams: mail comes to their address, and nobody logs in to them"
    )
    add = make_command(
        group,
        "add",
        "shared:add",
        "make one; `acl set` says who sees it below Shared/ADDRESS, `account allow-sender` who writes as it",
    )
    add.add_argument("address")
    add.add_argument("--quota", metavar="SIZE", help='room, such as "5 GB"; "0 B" for no limit (default: the settings)')
    add.add_argument("--messages", metavar="N", help="so many messages at most; 0 for no limit (default: the settings)")
    make_command(group, "list", "shared:listing", "all of them").add_argument("--json", action="store_true")
    make_command(group, "remove", "shared:remove", "remove one with all its mail").add_argument("address")


def add_acl(commands: Commands) -> None:
    group = make_group(commands, "acl", "who may do what with whose mailboxes")
    listing = make_command(group, "list", "acl:listing", "what is given, and what is denied")
    listing.add_argument("address", nargs="?", metavar="ADDRESS", help="of the owner (default: of all)")
    listing.add_argument("--json", action="store_true")
    put = make_command(
        group,
        "set",
        "acl:put",
        "give rights: l look up, r read, s mark as seen, w other flags, i put in, p post, k make mailboxes below, "
        "x delete the mailbox, t mark as deleted, e expunge, a administer",
    )
    remove = make_command(group, "remove", "acl:remove", "take rights away, or all of them")
    for command in (put, remove):
        command.add_argument("address", metavar="ADDRESS", help="of the owner")
        command.add_argument("mailbox", metavar="MAILBOX", help="as the owner names it")
        command.add_argument("who", metavar="WHO", help='the address of an account here, or "anyone": all of them')
        command.add_argument("--below", action="store_true", help="the mailboxes below as well")
        command.add_argument("--deny", action="store_true", help="what is denied, whoever gives it")
    put.add_argument("rights", metavar="RIGHTS", help='such as lrs, in place of what there was; "+i": besides')
    remove.add_argument("rights", metavar="RIGHTS", nargs="?", help="(default: all)")


def add_domain(commands: Commands) -> None:
    group = make_group(commands, "domain", "domains whose mail comes here")
    make_command(group, "add", "directory:add_domain", "take mail for a domain").add_argument("domain")
    make_command(group, "list", "directory:list_domains", "all domains").add_argument("--json", action="store_true")
    make_command(group, "remove", "directory:remove_domain", "no longer; its accounts go first").add_argument("domain")
    everything = make_command(group, "catch-all", "directory:catch_all", "where mail for unknown addresses of it goes")
    everything.add_argument("domain")
    everything.add_argument("address", nargs="?", default="", help="without one: nowhere, it is refused")


def add_alias(commands: Commands) -> None:
    group = make_group(commands, "alias", "addresses that lead to others")
    add = make_command(group, "add", "directory:add_alias", "let an address lead to one or more others")
    add.add_argument("address")
    add.add_argument("targets", metavar="TARGET", nargs="+")
    make_command(group, "list", "directory:list_aliases", "all aliases").add_argument("--json", action="store_true")
    remove = make_command(group, "remove", "directory:remove_alias", "remove one target of an alias, or all")
    remove.add_argument("address")
    remove.add_argument("target", metavar="TARGET", nargs="?")
