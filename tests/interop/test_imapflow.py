"""imapflow, the library of many programs in JavaScript; where node finds it (NODE_PATH or a global installation)."""

import json
import subprocess

import pytest
from tests.interop.clients import Office, Person, message, need, run

SCRIPT = """
const { ImapFlow } = require('imapflow');
const [port, user, pass] = process.argv.slice(1);
(async () => {
  const options = { host: 'localhost', port: Number(port), secure: true, auth: { user, pass }, logger: false,
    tls: { rejectUnauthorized: false }, qresync: true };
  const client = new ImapFlow(options), other = new ImapFlow({ ...options, qresync: false });
  await client.connect(); await other.connect();
  const said = {};
  const box = await client.mailboxOpen('INBOX');
  const before = { uidValidity: box.uidValidity, modseq: box.highestModseq };
  const gone = new Promise((resolve) => client.on('expunge', resolve));
  const flagged = new Promise((resolve) => client.on('flags', resolve));
  const idle = client.idle();
  await other.mailboxOpen('INBOX');
  await other.messageFlagsAdd('3', ['\\\\Flagged'], { uid: true });
  await other.messageDelete('2', { uid: true });
  said.gone = (await gone).uid;
  said.flagged = (await flagged).uid;
  await client.noop(); await idle;
  said.found = await client.search({ flagged: true }, { uid: true });
  said.subjects = [];
  for await (const one of client.fetch('1:*', { envelope: true })) said.subjects.push(one.envelope.subject);
  said.changed = [];
  for await (const one of client.fetch('1:*', { uid: true, flags: true }, { changedSince: before.modseq }))
    said.changed.push(one.uid);
  await client.logout(); await other.logout();
  console.log(JSON.stringify(said));
})().catch((e) => { console.error(e); process.exit(1); });
"""


@pytest.fixture(scope="module")
def node() -> str:
    program = need("node")
    asked = subprocess.run([program, "-e", "require('imapflow')"], capture_output=True, check=False)
    if asked.returncode:
        pytest.skip("node has no imapflow: npm install --global imapflow, or NODE_PATH")
    return program


def test_qresync_and_idle(office: Office, person: Person, node: str) -> None:
    office.append(person, *[message(f"m{n}") for n in range(4)])
    said = json.loads(run(node, "-e", SCRIPT, str(office.port(993)), person.address, person.password).said)
    assert said == {"gone": 2, "flagged": 3, "found": [3], "subjects": ["m0", "m2", "m3"], "changed": [3]}
