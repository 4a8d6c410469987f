"""The settings of a house: posthaus.toml as frozen dataclasses, with the help text of each in its field.

Here stands only what needs a restart or a reload: listeners, paths, the store, TLS. Domains, accounts and aliases are
rows of the store. A limit that nobody should change is a constant in base/limit.py.

Faults: SettingFault (Refusal) names file, line, key and the nearest key that is known.
"""
# ruff: noqa: RUF009  (setting() is dataclasses.field() with the help text as a parameter)

import dataclasses
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from posthaus.base import limit
from posthaus.base.settingfile import SettingFault, parse_settings, render_settings, setting
from posthaus.base.unit import Duration, Size

FILE_NAME = "posthaus.toml"


def _port(value: int) -> str | None:
    return None if 0 <= value <= 65535 else "must be between 1 and 65535, or 0 for off"


def _other_port(value: int) -> str | None:
    return None if 0 < value <= 65535 else "must be between 1 and 65535"


def _port_base(value: int) -> str | None:
    return None if 0 <= value <= 60000 else "must be between 0 and 60000"


def _positive(value: float) -> str | None:
    return None if value > 0 else "must be more than zero"


def _not_negative(value: float) -> str | None:
    return None if value >= 0 else "must not be negative"


def _message_limit(value: int) -> str | None:
    return None if value == 0 or value >= 1_000 else "must be 1000 or more, or 0 for no limit"  # RFC 9738 §3


def _networks(value: tuple[str, ...]) -> str | None:
    for one in value:
        try:
            ipaddress.ip_network(one)
        except ValueError:
            return f"has {one!r}, which is not a network such as 192.0.2.0/24 or 2001:db8::/32"
    return None


def _addresses(value: tuple[str, ...]) -> str | None:
    for one in value:
        try:
            ipaddress.ip_address(one)
        except ValueError:
            return f"has {one!r}, which is not an IP address"
    return None if value else "must name at least one address"


def _sources(value: tuple[str, ...]) -> str | None:
    return _addresses(value) if value else None


def _resolvers(value: tuple[str, ...]) -> str | None:
    for one in value:
        if parse_resolver(one) is None:
            return (
                f"has {one!r}, which is not an address, an address and a port such as 127.0.0.1:53 or [::1]:53, or "
                "tls://address#name"
            )
    return None


@dataclass(frozen=True, slots=True)
class ResolverAddress:
    """`name` is what its certificate must be for; "" where it is asked without TLS."""

    address: str
    port: int
    name: str = ""


def parse_resolver(text: str) -> ResolverAddress | None:
    """One of the setting `resolvers`; None where it is none."""
    rest = text.removeprefix("tls://")
    is_tls = rest != text
    place, _, name = rest.partition("#") if is_tls else (rest, "", "")
    address, port = split_port(place, 853 if is_tls else 53)
    if port is None or _addresses((address,)):
        return None
    return ResolverAddress(address, port, (name or address) if is_tls else "")


def split_port(text: str, default: int) -> tuple[str, int | None]:
    """An address as in the settings, "192.0.2.1:53" or "[2001:db8::1]:53", and its port; None where that is none."""
    address, colon, port = text.rpartition(":")
    if not colon or (":" in address and not address.endswith("]")):
        return text.strip("[]"), default
    is_port = port.isascii() and port.isdigit() and 0 < int(port) <= 65535
    return address.strip("[]"), int(port) if is_port else None


def store_url_fault(value: str) -> str | None:
    known = value == "sqlite:" or value.startswith(("postgresql://", "postgres://"))
    return None if known else 'must be "sqlite:" or begin with "postgresql://"'


@dataclass(frozen=True, slots=True)
class ServerSetting:
    workers: int = setting(0, "Worker processes. 0: one per core.", check=_not_negative)
    user: str = setting("", "User that the workers become when started as root. Empty: stay as started.")
    drain: Duration = setting(
        Duration(30.0), "How long sessions may go on after a stop or a reload.", check=_not_negative
    )


@dataclass(frozen=True, slots=True)
class ListenSetting:
    addresses: tuple[str, ...] = setting(
        ("0.0.0.0", "::"), "Addresses to listen on. IPv6 is left out on a host without it.", check=_addresses
    )
    port_base: int = setting(
        0,
        "Added to every port below: with 10000, port 25 is port 10025. For trying out without root.",
        check=_port_base,
    )
    smtp: int = setting(25, "Mail from other servers, with STARTTLS. As for all ports here, 0 is off.", check=_port)
    submission: int = setting(587, "Mail from our own users, with STARTTLS.", check=_port)
    submissions: int = setting(465, "Mail from our own users, in TLS from the start.", check=_port)
    submission_other: int = setting(2525, "The same as submission, for networks that block port 587.", check=_port)
    imap: int = setting(143, "IMAP with STARTTLS.", check=_port)
    imaps: int = setting(993, "IMAP in TLS from the start.", check=_port)
    imaps_other: int = setting(0, "The same as imaps on one more port, such as 585 for old clients.", check=_port)
    pop3: int = setting(110, "POP3 with STLS.", check=_port)
    pop3s: int = setting(995, "POP3 in TLS from the start.", check=_port)


@dataclass(frozen=True, slots=True)
class NetworkSetting:
    proxies: tuple[str, ...] = setting(
        (),
        "Networks of load balancers. A connection from there must begin with a PROXY protocol header (version 1 or 2), "
        "and the client's address is taken from it. From everywhere else such a header is refused.",
        check=_networks,
    )
    connections: int = setting(limit.CONNECTIONS_PER_WORKER, "Connections of one worker at a time.", check=_positive)
    connections_per_address: int = setting(
        limit.CONNECTIONS_PER_ADDRESS, "Connections of one client address to one worker at a time.", check=_positive
    )


@dataclass(frozen=True, slots=True)
class TlsSetting:
    folder: str = setting(
        "tls",
        "Folder of certificates: NAME.crt (certificate and chain, PEM) beside NAME.key. Each is used for the names in "
        "it; the one for the hostname, or else the first, is for clients that name none.",
    )


@dataclass(frozen=True, slots=True)
class StoreSetting:
    url: str = setting(
        "sqlite:",
        'Where the mail is: "sqlite:" is in the folder below, "postgresql://user@host/database" is there.',
        check=store_url_fault,
    )
    folder: str = setting("store", "Folder of the store and of large messages, relative to this file.")
    keep_octets: Duration = setting(
        Duration(14 * 86400.0),
        'How long deleted mail can be brought back. "0 s": it is gone at once.',
        check=_not_negative,
    )


@dataclass(frozen=True, slots=True)
class MailSetting:
    message_size: Size = setting(Size(limit.SMTP_MESSAGE_OCTETS), "The largest message taken.", check=_positive)
    quota: Size = setting(Size(0), 'Room of a new account when none is named. "0 B": no limit.')
    quota_messages: int = setting(
        0, "How many messages a new account may hold when nothing is said. 0: no limit.", check=_not_negative
    )
    imap_message_limit: int = setting(
        0,
        "How many messages one command of a mail client may be about (IMAP MESSAGELIMIT); of more it does the newest, "
        "and clients that do not know of it never see the others. SORT and THREAD of more are refused. At least 1000. "
        "0: no limit.",
        check=_message_limit,
    )
    imap_save_limit: int = setting(
        0,
        "The same for copying and appending alone, which does nothing then (SAVELIMIT). 0: no limit.",
        check=_message_limit,
    )
    share_with_anyone: bool = setting(
        False,
        "Whether people may give rights on their mailboxes to `anyone`: all who can log in here, in all domains. Such "
        "a mailbox stands in everybody's list, under whatever name its owner gives it. `posthaus acl` always may.",
    )
    separator: str = setting("+", "Sign that begins a subaddress: anna+list@ is anna@. Empty: none.")


@dataclass(frozen=True, slots=True)
class SendSetting:
    give_up: Duration = setting(
        Duration(5 * 86400.0),
        "How long delivery to another server is tried before the sender is told.",
        check=_positive,
    )
    warn: Duration = setting(
        Duration(4 * 3600.0), 'After how long the sender is told that it takes time. "0 s": never.', check=_not_negative
    )
    hold: bool = setting(
        False,
        "Whether mail for other servers waits in the queue, held, until `posthaus queue release` lets it go. For "
        "trying out: nothing leaves the house by itself.",
    )
    networks: tuple[str, ...] = setting(
        (),
        "Networks that may submit mail without log-in, such as a printer's. Only from addresses of domains of ours.",
        check=_networks,
    )
    networks_per_hour: int = setting(
        limit.SEND_PER_HOUR,
        "Recipients in other domains that each client in these networks may have in an hour; beyond, it is told to try "
        "later.",
        check=_not_negative,
    )
    networks_per_day: int = setting(
        limit.SEND_PER_DAY,
        "The same in a day. Beyond, it can send nothing, what it has in the queue is held, and postmaster is told, "
        "until `posthaus network release`.",
        check=_not_negative,
    )
    source: tuple[str, ...] = setting(
        (), "Addresses of ours from which mail is sent. Empty: the system picks.", check=_sources
    )
    resolvers: tuple[str, ...] = setting(
        (),
        "DNS resolvers: address, address:port, or tls://address#name for one that is asked over TLS and must prove its "
        "name. Empty: those of /etc/resolv.conf.",
        check=_resolvers,
    )
    resolvers_validate: bool = setting(
        False,
        "Whether the resolvers validate DNSSEC and the way to them is safe, so that DANE can rely on them. One on "
        "this host (127.0.0.1, ::1) or with tls:// is relied upon anyway.",
    )
    tls_reports: bool = setting(
        True, "Whether domains that ask for it in DNS are told once a day how TLS went with their hosts (TLSRPT)."
    )
    private_hosts: bool = setting(
        False,
        "Whether DNS may lead us inward: mail to hosts with loopback addresses, and requests over HTTPS (policies, "
        "reports) to private and loopback ones. For trying out, and for an office with a web host of its own.",
    )
    port: int = setting(25, "Port of other servers. Another one is for trying out.", check=_other_port)


@dataclass(frozen=True, slots=True)
class LogSetting:
    file: str = setting("", "Log file, relative to this file. Empty: standard error.")


@dataclass(frozen=True, slots=True)
class Settings:
    hostname: str = setting("", "Name of this host as other servers see it. Empty: the name of the machine.")
    server: ServerSetting = setting(ServerSetting(), "The processes.")
    listen: ListenSetting = setting(ListenSetting(), "Where we listen.")
    network: NetworkSetting = setting(NetworkSetting(), "Who may connect.")
    tls: TlsSetting = setting(TlsSetting(), "Certificates. SIGHUP reads them again.")
    store: StoreSetting = setting(StoreSetting(), "Where the mail is kept.")
    mail: MailSetting = setting(MailSetting(), "Messages and accounts.")
    send: SendSetting = setting(SendSetting(), "Sending to other servers.")
    log: LogSetting = setting(LogSetting(), "The log: one line per fact.")


def read_settings(folder: Path) -> Settings:
    """The settings of the house in this folder."""
    path = folder / FILE_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise SettingFault(f"{path}: there is no such file; `posthaus init` makes one") from None
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingFault(f"{path}: cannot be read: {fault}") from None
    return parse_house(text, path)


def parse_house(text: str, path: Path) -> Settings:
    """The same from the text; path is how errors call it."""
    return parse_settings(text, Settings, str(path))


def render_default() -> str:
    """The commented posthaus.toml in which nothing is set."""
    return render_house(Settings())


def render_house(settings: Settings) -> str:
    """The commented posthaus.toml that reads as these settings."""
    head = "# Settings of this house. `posthaus config` prints all of them with their defaults."
    return f"{head}\n\n{render_settings(settings)}"


def loopback(settings: Settings) -> Settings:
    """The same house, heard on this host only."""
    return dataclasses.replace(settings, listen=dataclasses.replace(settings.listen, addresses=("127.0.0.1", "::1")))
