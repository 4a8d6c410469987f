"""IMAP as a listener runs it: which function does which command.

A new command has its row here, its value in proto/imap/command.py, and its function in a file of this folder.

Standards: RFC 9051 §6.
Faults:    none.
"""

from collections.abc import Awaitable, Callable

from posthaus.flow.site import Site
from posthaus.net.stream import Stream
from posthaus.proto.imap import command, command_acl, command_quota, event
from posthaus.proto.imap.quirk import Quirk
from posthaus.proto.imap.server import Engine
from posthaus.serve.imap import (
    access,
    acl,
    append,
    batches,
    context,
    copy,
    expunge,
    fetch,
    listing,
    mailbox,
    metadata,
    multisearch,
    notify,
    quota,
    search,
    select,
    sort,
    status,
    store,
)
from posthaus.serve.imap.session import Answer, ImapSession

ANSWERS: dict[type, Answer] = {
    command.Capability: access.capabilities,
    command.Noop: access.noop,
    command.Check: access.noop,
    command.Id: access.identify,
    command.StartTls: access.start_tls,
    command.Compress: access.compress,
    command.Unauthenticate: access.unauthenticate,
    command.Login: access.login,
    command.Authenticate: access.authenticate,
    event.SaslResponse: access.sasl_response,
    event.SaslCancelled: access.sasl_cancelled,
    command.Enable: access.enable,
    command.Namespace: access.namespace,
    command.Idle: access.idle,
    command.Notify: notify.notify,
    event.IdleEnd: access.idle_end,
    command.Logout: access.logout,
    command.Select: select.select,
    command.Create: mailbox.create,
    command.Delete: mailbox.delete,
    command.Rename: mailbox.rename,
    command.Subscribe: mailbox.subscribe,
    command.Unsubscribe: mailbox.unsubscribe,
    command.List: listing.list_,
    command.Lsub: listing.lsub,
    command.Status: status.status,
    command.GetMetadata: metadata.getmetadata,
    command.SetMetadata: metadata.setmetadata,
    command.Append: append.append,
    command.Replace: append.replace,
    event.LiteralHeader: append.literal,
    event.LiteralChunk: append.chunk,
    event.LiteralDropped: append.dropped,
    command_quota.GetQuota: quota.get_quota,
    command_quota.GetQuotaRoot: quota.get_quota_root,
    command_quota.SetQuota: quota.set_quota,
    command_acl.SetAcl: acl.setacl,
    command_acl.DeleteAcl: acl.deleteacl,
    command_acl.GetAcl: acl.getacl,
    command_acl.ListRights: acl.listrights,
    command_acl.MyRights: acl.myrights,
    command.Close: expunge.close,
    command.Unselect: expunge.unselect,
    command.Expunge: expunge.expunge,
    command.Search: search.search,
    command.Sort: sort.sort,
    command.MultiSearch: multisearch.esearch,
    command.CancelUpdate: context.cancel,
    command.Thread: sort.thread,
    command.UidBatches: batches.uid_batches,
    command.Fetch: fetch.fetch,
    command.Store: store.store,
    command.Copy: copy.copy,
    command.Move: copy.move,
}


class ImapService:
    """Runs one session per connection. start_tls: None where there is no certificate."""

    def __init__(self, site: Site, start_tls: Callable[[Stream], Awaitable[None]] | None) -> None:
        self._site = site
        self._start_tls = start_tls

    async def __call__(self, stream: Stream) -> None:
        engine = Engine(access.offer(stream, self._site, starttls=self._start_tls is not None), note=self._note)
        await ImapSession(stream, self._site, engine, ANSWERS, self._start_tls).run()

    def _note(self, quirk: Quirk) -> None:
        """A fault of a client was tolerated; counted, so that what nobody needs any more can go."""
        self._site.metric.count(f"imap.quirk.{quirk.name.lower()}")
