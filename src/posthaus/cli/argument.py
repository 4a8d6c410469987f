"""The grammar of the command line, and nothing else: no command is carried out here.

Standards: none.
Faults:    exit code 2 with the usage, by argparse.
"""

import argparse
from typing import Any

from posthaus import __version__

_Commands = Any  # argparse has no public name for what add_subparsers() gives


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("posthaus", description="The whole post office under one roof.")
    parser.add_argument("-C", dest="folder", metavar="DIR", default=".", help="folder of the house (default: here)")
    parser.add_argument("--version", action="version", version=f"posthaus {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_house(commands)
    _add_account(commands)
    _add_shared(commands)
    _add_acl(commands)
    _add_domain(commands)
    _add_alias(commands)
    _add_smarthost(commands)
    _add_transport(commands)
    _add_tls(commands)
    _add_suppression(commands)
    _add_annotation(commands)
    _add_undelete(commands)
    _add_queue(commands)
    _add_network(commands)
    _add_why(commands)
    _add_dkim(commands)
    _add_index(commands)
    return parser


def _command(commands: _Commands, name: str, run: str, words: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words)
    command.set_defaults(run=run)
    return command


def _group(commands: _Commands, name: str, words: str) -> _Commands:
    return commands.add_parser(name, help=words, description=words).add_subparsers(metavar="COMMAND", required=True)


def _add_house(commands: _Commands) -> None:
    init = _command(commands, "init", "house:init", "make a new house: settings, store, certificate")
    init.add_argument("house", metavar="DIR")
    init.add_argument("--domain", required=True, help="the first domain whose mail comes here")
    init.add_argument("--hostname", help="name of this host as other servers see it (default: mail.DOMAIN)")
    init.add_argument("--store", metavar="URL", help="postgresql://user@host/database (default: SQLite in the folder)")
    init.add_argument("--loopback", action="store_true", help="listen on 127.0.0.1 and ::1 only")
    init.add_argument("--port-base", type=int, default=0, metavar="N", help="add N to every port: 10000 makes 25 10025")

    serve = _command(commands, "serve", "house:serve", "run the house until SIGTERM; says `ready` when it accepts")
    serve.add_argument("--workers", type=int, default=0, metavar="N", help="processes (default: the settings)")

    dev = _command(commands, "dev", "house:dev", "a post office for trying out, on this host, with two accounts")
    dev.add_argument("house", metavar="DIR", nargs="?", default="posthaus-dev")
    dev.add_argument("--port-base", type=int, default=10000, metavar="N")

    _command(commands, "config", "house:config", "print all settings with their defaults and words")
    verify = _command(commands, "verify", "house:verify", "check every invariant of the store")
    verify.add_argument("--json", action="store_true")
    backup = _command(commands, "backup", "copy:backup", "copy the house while it runs")
    backup.add_argument("destination", metavar="DEST")
    restore = _command(commands, "restore", "copy:restore", "make DIR from a backup; DIR must not have a house yet")
    restore.add_argument("source", metavar="SRC")


def _add_password(command: argparse.ArgumentParser) -> None:
    command.add_argument("--password-file", metavar="FILE", help="read the password there (default: standard input)")
    command.add_argument(
        "--recoverable",
        action="store_true",
        help="let old programs log in by CRAM-MD5 and APOP. The price: the password itself is kept in the store and its"
        " backups, and whoever reads them has it. A password set without this is kept as a hash only",
    )


def _add_account(commands: _Commands) -> None:
    group = _group(commands, "account", "people who have mail here")
    add = _command(group, "add", "account:add", "make an account; the password comes from standard input")
    add.add_argument("address")
    add.add_argument("--quota", metavar="SIZE", help='room, such as "5 GB"; "0 B" for no limit (default: the settings)')
    add.add_argument("--messages", metavar="N", help="so many messages at most; 0 for no limit (default: the settings)")
    _add_password(add)
    listing = _command(group, "list", "account:listing", "all accounts")
    listing.add_argument("--domain", help="of this domain only")
    listing.add_argument("--json", action="store_true")
    remove = _command(group, "remove", "account:remove", "remove an account with all its mail")
    remove.add_argument("address")
    password = _command(group, "password", "account:password", "set another password, from standard input")
    password.add_argument("address")
    _add_password(password)
    quota = _command(group, "quota", "account:quota", "set how much an account may hold")
    quota.add_argument("address")
    quota.add_argument("quota", metavar="SIZE", nargs="?", help='such as "5 GB"; "0 B" for no limit')
    quota.add_argument(
        "--messages", metavar="N", help="so many messages, each counted in every mailbox that has it; 0 for no limit"
    )
    admin = _command(
        group, "admin", "account:admin", "let an account set the quotas of all accounts from a mail client (IMAP QUOTA)"
    )
    admin.add_argument("address")
    admin.add_argument("wanted", choices=("on", "off"))
    _add_sending(group)
    bulk = _command(group, "import", "bulk:run", "make many accounts from lines `address,password`")
    bulk.add_argument("file", metavar="FILE", help='"-" is standard input')
    bulk.add_argument("--quota", metavar="SIZE")
    bulk.add_argument("--messages", metavar="N")
    bulk.add_argument("--skip-existing", action="store_true", help="leave accounts that are there as they are")


def _add_shared(commands: _Commands) -> None:
    group = _group(commands, "shared", "mailboxes of teams: mail comes to their address, and nobody logs in to them")
    add = _command(
        group,
        "add",
        "shared:add",
        "make one; `acl set` says who sees it below Shared/ADDRESS, `account allow-sender` who writes as it",
    )
    add.add_argument("address")
    add.add_argument("--quota", metavar="SIZE", help='room, such as "5 GB"; "0 B" for no limit (default: the settings)')
    add.add_argument("--messages", metavar="N", help="so many messages at most; 0 for no limit (default: the settings)")
    _command(group, "list", "shared:listing", "all of them").add_argument("--json", action="store_true")
    _command(group, "remove", "shared:remove", "remove one with all its mail").add_argument("address")


def _add_acl(commands: _Commands) -> None:
    group = _group(commands, "acl", "who may do what with whose mailboxes")
    listing = _command(group, "list", "acl:listing", "what is given, and what is denied")
    listing.add_argument("address", nargs="?", metavar="ADDRESS", help="of the owner (default: of all)")
    listing.add_argument("--json", action="store_true")
    put = _command(
        group,
        "set",
        "acl:put",
        "give rights: l look up, r read, s mark as seen, w other flags, i put in, p post, k make mailboxes below, "
        "x delete the mailbox, t mark as deleted, e expunge, a administer",
    )
    remove = _command(group, "remove", "acl:remove", "take rights away, or all of them")
    for command in (put, remove):
        command.add_argument("address", metavar="ADDRESS", help="of the owner")
        command.add_argument("mailbox", metavar="MAILBOX", help="as the owner names it")
        command.add_argument("who", metavar="WHO", help='the address of an account here, or "anyone": all of them')
        command.add_argument("--below", action="store_true", help="the mailboxes below as well")
        command.add_argument("--deny", action="store_true", help="what is denied, whoever gives it")
    put.add_argument("rights", metavar="RIGHTS", help='such as lrs, in place of what there was; "+i": besides')
    remove.add_argument("rights", metavar="RIGHTS", nargs="?", help="(default: all)")


def _add_sending(group: _Commands) -> None:
    for name, run, words in (
        ("allow-sender", "sending:allow_sender", "let an account write as one more address, or as all of @domain"),
        ("deny-sender", "sending:deny_sender", "no longer"),
    ):
        command = _command(group, name, run, words)
        command.add_argument("address")
        command.add_argument("sender", metavar="SENDER", help="an address, or @domain")
    senders = _command(group, "senders", "sending:senders", "whom it may write as, beside itself and its aliases")
    senders.add_argument("address")
    senders.add_argument("--json", action="store_true")
    limits = _command(group, "send-limit", "sending:limits", "show or set to how many in other domains it may write")
    limits.add_argument("address")
    limits.add_argument("--per-hour", metavar="N", help="beyond: refused for the moment")
    limits.add_argument("--per-day", metavar="N", help="beyond: it can send nothing until release-sender")
    limits.add_argument("--strangers", metavar="N", help="a day, to whom it never wrote before; beyond: the same")
    limits.add_argument("--default", action="store_true", help="as all accounts")
    limits.add_argument("--json", action="store_true")
    copy = _command(group, "sent-copy", "sending:sent_copy", "put a copy of what it submits into its Sent mailbox")
    copy.add_argument("address")
    copy.add_argument("wanted", choices=("on", "off"))
    held = _command(group, "held", "sending:held", "accounts that were stopped because they sent too much")
    held.add_argument("--json", action="store_true")
    release = _command(group, "release-sender", "sending:release", "let an account that was stopped send again")
    release.add_argument("address")


def _add_domain(commands: _Commands) -> None:
    group = _group(commands, "domain", "domains whose mail comes here")
    _command(group, "add", "directory:add_domain", "take mail for a domain").add_argument("domain")
    _command(group, "list", "directory:list_domains", "all domains").add_argument("--json", action="store_true")
    _command(group, "remove", "directory:remove_domain", "no longer; its accounts go first").add_argument("domain")
    everything = _command(group, "catch-all", "directory:catch_all", "where mail for unknown addresses of it goes")
    everything.add_argument("domain")
    everything.add_argument("address", nargs="?", default="", help="without one: nowhere, it is refused")


def _add_alias(commands: _Commands) -> None:
    group = _group(commands, "alias", "addresses that lead to others")
    add = _command(group, "add", "directory:add_alias", "let an address lead to one or more others")
    add.add_argument("address")
    add.add_argument("targets", metavar="TARGET", nargs="+")
    _command(group, "list", "directory:list_aliases", "all aliases").add_argument("--json", action="store_true")
    remove = _command(group, "remove", "directory:remove_alias", "remove one target of an alias, or all")
    remove.add_argument("address")
    remove.add_argument("target", metavar="TARGET", nargs="?")


def _add_smarthost(commands: _Commands) -> None:
    group = _group(commands, "smarthost", "hosts that take our mail and send it on")
    add = _command(
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
    direct = _command(
        group,
        "direct",
        "smarthost:direct",
        "send some mail by no smart host, though there is one for other mail; `smarthost remove direct` ends that",
    )
    _add_scopes(direct)
    _command(group, "list", "smarthost:listing", "all smart hosts").add_argument("--json", action="store_true")
    remove = _command(
        group, "remove", "smarthost:remove", "no longer; what waits for it waits until there is one again"
    )
    remove.add_argument("name")


def _add_scopes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--to", metavar="DOMAIN", action="append", default=[], help="to this domain; may be repeated")
    command.add_argument(
        "--from", dest="sender", metavar="SENDER", action="append", default=[], help="mail from this address or domain"
    )


def _add_transport(commands: _Commands) -> None:
    group = _group(commands, "transport", "the way to other servers")
    test = _command(
        group,
        "test",
        "transport:test",
        "go the way that mail to an address takes, and show each line of the dialogue: next hop, connection, EHLO, "
        "TLS, MAIL, RCPT. Nothing is sent; exit code 1 where the address would not be taken",
    )
    test.add_argument("address", metavar="ADDRESS", help="of somebody elsewhere")
    test.add_argument("--from", dest="sender", metavar="ADDRESS", help="the reverse-path (default: <>)")
    test.add_argument("--send", action="store_true", help="send a short message, too")


def _add_tls(commands: _Commands) -> None:
    group = _group(commands, "tls", "how safely other servers come here")
    reports = _command(
        group,
        "reports",
        "tls:reports",
        "what others report of TLS with our hosts, where DNS asks them to (TLSRPT)",
    )
    reports.add_argument("--domain", help="of this domain only")
    reports.add_argument("--days", type=int, default=30, metavar="N", help="that came in the last N days (default: 30)")
    reports.add_argument("--json", action="store_true")


def _add_dkim(commands: _Commands) -> None:
    group = _group(commands, "dkim", "keys that sign the mail of a domain")
    add = _command(group, "add", "dkim:add", "make keys, and print the records to publish for them")
    add.add_argument("domain")
    add.add_argument("--algorithm", choices=("rsa", "ed25519"), help="(default: one key of each)")
    add.add_argument("--selector", metavar="NAME", help="(default: made from the day)")
    add.add_argument("--after", metavar="TIME", help='sign after "3 days", say (default: when DNS has the record)')
    add.add_argument("--now", action="store_true", help="sign at once")
    add.add_argument("--json", action="store_true")
    listing = _command(group, "list", "dkim:listing", "all keys with their states")
    listing.add_argument("--domain", help="of this domain only")
    listing.add_argument("--json", action="store_true")
    record = _command(group, "record", "dkim:record", "print the records that DNS must have now")
    record.add_argument("domain")
    record.add_argument("selector", nargs="?", help="of this key only")
    record.add_argument("--json", action="store_true")
    rotate = _command(
        group, "rotate", "dkim:rotate", "make the next keys; called again, let them take over if DNS has their records"
    )
    rotate.add_argument("domain")
    rotate.add_argument("--after", metavar="TIME", help="new keys sign after so long, whether DNS has them or not")
    rotate.add_argument("--now", action="store_true", help="let them take over without asking DNS")
    rotate.add_argument("--json", action="store_true")
    retire = _command(group, "retire", "dkim:retire", "no longer sign with a key; its record must stay for a week")
    retire.add_argument("domain")
    retire.add_argument("selector")
    retire.add_argument("--after", metavar="TIME", help='in "30 days", say (default: now)')
    remove = _command(group, "remove", "dkim:remove", "forget a key that does not sign")
    remove.add_argument("domain")
    remove.add_argument("selector")


def _add_index(commands: _Commands) -> None:
    group = _group(commands, "index", "the index of texts, behind SEARCH")
    _command(group, "status", "index:status", "how far it has come").add_argument("--json", action="store_true")
    _command(group, "rebuild", "index:rebuild", "throw it away; the running house makes it anew")


def _add_suppression(commands: _Commands) -> None:
    group = _group(commands, "suppression", "addresses to which nothing is sent, because there is nobody")
    listing = _command(group, "list", "suppression:listing", "all of them, and why")
    listing.add_argument("--account", metavar="ADDRESS", help="those of one account only")
    listing.add_argument("--json", action="store_true")
    add = _command(group, "add", "suppression:add", "send nothing there any more, until it is removed by hand")
    add.add_argument("address")
    add.add_argument("--account", metavar="ADDRESS", help="nothing from this account (default: from nobody here)")
    add.add_argument("--reason", default="an administrator said so", help="what the sender is told")
    remove = _command(group, "remove", "suppression:remove", "send there again")
    remove.add_argument("address")
    remove.add_argument("--account", metavar="ADDRESS", help="from this account only (default: from everybody here)")


def _add_annotation(commands: _Commands) -> None:
    group = _group(commands, "annotation", "what mail programs read of this server, for all accounts (IMAP METADATA)")
    listing = _command(group, "list", "annotation:listing", "all of them")
    listing.add_argument("--json", action="store_true")
    put = _command(group, "set", "annotation:put", "write one: /shared/comment, /shared/admin, /shared/vendor/...")
    put.add_argument("entry")
    put.add_argument("value")
    remove = _command(group, "remove", "annotation:remove", "take one away")
    remove.add_argument("entry")


def _add_undelete(commands: _Commands) -> None:
    undelete = _command(
        commands,
        "undelete",
        "undelete:run",
        "bring deleted messages of an account back into the mailboxes where they were, as long as they are kept "
        "([store] keep_octets)",
    )
    undelete.add_argument("address", metavar="ADDRESS")
    undelete.add_argument("--mailbox", metavar="NAME", help="those that were in this mailbox")
    undelete.add_argument(
        "--since", metavar="TIME", help='those deleted since then: "2 hours" ago, or 2026-11-25T14:30'
    )
    undelete.add_argument("--id", type=int, nargs="+", metavar="N", help="these, by the ids that --list shows")
    undelete.add_argument("--all", action="store_true", help="all of them")
    undelete.add_argument("--list", action="store_true", help="only show which there are")
    undelete.add_argument("--json", action="store_true")


_QUEUE_ACTS = {
    "hold": ("hold", "try no more, until released"),
    "release": ("release", "try again what was held"),
    "retry": ("retry", "try now, and not only when it is due"),
    "drop": ("drop", "take out of the queue; nobody is told"),
    "bounce": ("return", "give up, and tell the senders"),
}


def _add_queue(commands: _Commands) -> None:
    group = _group(commands, "queue", "what is on its way out")
    listing = _command(group, "list", "queue:listing", "what waits, for which host, and why")
    _add_which(listing)
    listing.add_argument("--state", choices=("waiting", "held", "returned", "dropped"))
    listing.add_argument("--most", type=int, default=1_000, metavar="N", help="so many lines (default: 1000)")
    _command(group, "count", "queue:count", "how much waits for each destination").add_argument(
        "--json", action="store_true"
    )
    for name, (act, words) in _QUEUE_ACTS.items():
        command = _command(group, name, "queue:change", words)
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


def _add_network(commands: _Commands) -> None:
    group = _group(commands, "network", "clients that submit without log-in, from the networks of the settings")
    stopped = _command(group, "stopped", "network:stopped", "those that were stopped because they sent too much")
    stopped.add_argument("--json", action="store_true")
    _command(group, "release", "network:release", "let one that was stopped send again").add_argument("client")


def _add_why(commands: _Commands) -> None:
    why = _command(
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
