"""The grammar of the command line: mail to other servers: ways, keys, queue, and what became of it.

Standards: none.
Faults:    as cli/argument.py.
"""

import argparse

from posthaus.cli.subcommand import Commands, make_command, make_group


def add_smarthost(commands: Commands) -> None:
    group = make_group(commands, "smarthost", "hosts that take our mail and send it on")
    add = make_command(
        group,
        "add",
        "smarthost:add",
        "send mail by another host: all of it, or what --to and --from say. A recipient's domain counts before a "
        "sender, a sender before his domain, and all of these before a smart host for all mail",
    )
    add.add_argument("name", help="how it is called here, such as backup-1")
    add.add_argument("host", help="its name or address; MX records of it are not asked for")
    add.add_argument("--port", type=int, default=25, metavar="N", help="default: 25; 465 means --tls-first")
    add.add_argument(
        "--tls",
        choices=("none", "opportunistic", "encrypted", "verified"),
        help="what is asked of it: nothing at all, TLS where it offers it, TLS, TLS with a certificate for its name "
        "(default: verified with --user, else opportunistic)",
    )
    add.add_argument("--tls-first", action="store_true", help="TLS from the first octet, without STARTTLS")
    add.add_argument(
        "--user",
        metavar="NAME",
        help="log in there under this name; the password comes from standard input. It is kept readable in the store "
        "and its backups, because it has to be told to the smart host",
    )
    add.add_argument("--password-file", metavar="FILE", help="read the password there (default: standard input)")
    _add_scopes(add)
    add.add_argument("--direct-first", action="store_true", help="only where no host of the domain itself is reached")
    direct = make_command(
        group,
        "direct",
        "smarthost:direct",
        "send some mail by no smart host, though there is one for other mail; `smarthost remove direct` ends that",
    )
    _add_scopes(direct)
    make_command(group, "list", "smarthost:listing", "all smart hosts").add_argument("--json", action="store_true")
    remove = make_command(
        group, "remove", "smarthost:remove", "no longer; what waits for it waits until there is one again"
    )
    remove.add_argument("name")


def _add_scopes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--to", metavar="DOMAIN", action="append", default=[], help="to this domain; may be repeated")
    command.add_argument(
        "--from", dest="sender", metavar="SENDER", action="append", default=[], help="mail from this address or domain"
    )


def add_transport(commands: Commands) -> None:
    group = make_group(commands, "transport", "the way to other servers")
    test = make_command(
        group,
        "test",
        "transport:test",
        "go the way that mail to an address takes, and show each line of the dialogue: next hop, connection, EHLO, "
        "TLS, MAIL, RCPT. Nothing is sent; exit code 1 where the address would not be taken",
    )
    test.add_argument("address", metavar="ADDRESS", help="of somebody elsewhere")
    test.add_argument("--from", dest="sender", metavar="ADDRESS", help="the reverse-path (default: <>)")
    test.add_argument("--send", action="store_true", help="send a short message, too")


def add_tls(commands: Commands) -> None:
    group = make_group(commands, "tls", "how safely other servers come here")
    reports = make_command(
        group,
        "reports",
        "tls:reports",
        "what others report of TLS with our hosts, where DNS asks them to (TLSRPT)",
    )
    reports.add_argument("--domain", help="of this domain only")
    reports.add_argument("--days", type=int, default=30, metavar="N", help="that came in the last N days (default: 30)")
    reports.add_argument("--json", action="store_true")


def add_dkim(commands: Commands) -> None:
    group = make_group(commands, "dkim", "keys that sign the mail of a domain")
    add = make_command(group, "add", "dkim:add", "make keys, and print the records to publish for them")
    add.add_argument("domain")
    add.add_argument("--algorithm", choices=("rsa", "ed25519"), help="(default: one key of each)")
    add.add_argument("--selector", metavar="NAME", help="(default: made from the day)")
    add.add_argument("--after", metavar="TIME", help='sign after "3 days", say (default: when DNS has the record)')
    add.add_argument("--now", action="store_true", help="sign at once")
    add.add_argument("--json", action="store_true")
    listing = make_command(group, "list", "dkim:listing", "all keys with their states")
    listing.add_argument("--domain", help="of this domain only")
    listing.add_argument("--json", action="store_true")
    record = make_command(group, "record", "dkim:record", "print the records that DNS must have now")
    record.add_argument("domain")
    record.add_argument("selector", nargs="?", help="of this key only")
    record.add_argument("--json", action="store_true")
    rotate = make_command(
        group, "rotate", "dkim:rotate", "make the next keys; called again, let them take over if DNS has their records"
    )
    rotate.add_argument("domain")
    rotate.add_argument("--after", metavar="TIME", help="new keys sign after so long, whether DNS has them or not")
    rotate.add_argument("--now", action="store_true", help="let them take over without asking DNS")
    rotate.add_argument("--json", action="store_true")
    retire = make_command(group, "retire", "dkim:retire", "no longer sign with a key; its record must stay for a week")
    retire.add_argument("domain")
    retire.add_argument("selector")
    retire.add_argument("--after", metavar="TIME", help='in "30 days", say (default: now)')
    remove = make_command(group, "remove", "dkim:remove", "forget a key that does not sign")
    remove.add_argument("domain")
    remove.add_argument("selector")


def add_suppression(commands: Commands) -> None:
    group = make_group(commands, "suppression", "addresses to which nothing is sent, because there is nobody")
    listing = make_command(group, "list", "suppression:listing", "all of them, and why")
    listing.add_argument("--account", metavar="ADDRESS", help="those of one account only")
    listing.add_argument("--json", action="store_true")
    add = make_command(group, "add", "suppression:add", "send nothing there any more, until it is removed by hand")
    add.add_argument("address")
    add.add_argument("--account", metavar="ADDRESS", help="nothing from this account (default: from nobody here)")
    add.add_argument("--reason", default="an administrator said so", help="what the sender is told")
    remove = make_command(group, "remove", "suppression:remove", "send there again")
    remove.add_argument("address")
    remove.add_argument("--account", metavar="ADDRESS", help="from this account only (default: from everybody here)")


_QUEUE_ACTS = {
    "hold": ("hold", "try no more, until released"),
    "release": ("release", "try again what was held"),
    "retry": ("retry", "try now, and not only when it is due"),
    "drop": ("drop", "take out of the queue; nobody is told"),
    "bounce": ("return", "give up, and tell the senders"),
}


def add_queue(commands: Commands) -> None:
    group = make_group(commands, "queue", "what is on its way out")
    listing = make_command(group, "list", "queue:listing", "what waits, for which host, and why")
    _add_which(listing)
    listing.add_argument("--state", choices=("waiting", "held", "returned", "dropped"))
    listing.add_argument("--most", type=int, default=1_000, metavar="N", help="so many lines (default: 1000)")
    make_command(group, "count", "queue:count", "how much waits for each destination").add_argument(
        "--json", action="store_true"
    )
    for name, (act, words) in _QUEUE_ACTS.items():
        command = make_command(group, name, "queue:change", words)
        command.set_defaults(act=act)
        _add_which(command)
        command.add_argument("--all", action="store_true", help="everything")


def _add_which(command: argparse.ArgumentParser) -> None:
    command.add_argument("--id", metavar="ID", help='as `queue list` shows it: "17" is a message, "17.0" a recipient')
    command.add_argument("--tid", metavar="ID", help="of the transaction that brought the message")
    command.add_argument("--destination", metavar="NAME", help='such as "mx/example.org"')
    command.add_argument("--to", metavar="ADDRESS|DOMAIN", help="of the recipient")
    command.add_argument("--account", metavar="ADDRESS", help="who submitted it")
    command.add_argument("--client", metavar="ADDRESS", help="which client of a trusted network brought it")
    command.add_argument("--json", action="store_true")


def add_network(commands: Commands) -> None:
    group = make_group(commands, "network", "clients that submit without log-in, from the networks of the settings")
    stopped = make_command(group, "stopped", "network:stopped", "those that were stopped because they sent too much")
    stopped.add_argument("--json", action="store_true")
    make_command(group, "release", "network:release", "let one that was stopped send again").add_argument("client")


def add_why(commands: Commands) -> None:
    why = make_command(
        commands,
        "why",
        "why:run",
        "tell what became of a message, step by step, or of the mail of an address: where it is, what other servers "
        "said, why it was refused",
    )
    why.add_argument(
        "what", metavar="ID|MESSAGE-ID|ADDRESS", help="the id is in our reply to the client and in Received"
    )
    why.add_argument("--json", action="store_true")
