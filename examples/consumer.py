"""Prints each new message, and refuses what does not fit the contract.

    npm start -- --keep-events                              (in another terminal)
    pip install bullmq jsonschema
    python3 examples/consumer.py .mailfleet/sandbox
    python3 examples/consumer.py --check < event.json      only looks whether an event fits, without Redis
"""

import asyncio
import hashlib
import json
import re
import signal
import sys
from pathlib import Path

import jsonschema

SCHEMA = Path(__file__).parent.parent / "packages/contract/schema/mailfleet.event-1.schema.json"
REF = re.compile(r"pack:([a-z0-9][a-z0-9-]*)/([0-9a-f]{32})/(\d{6})/([0-9a-f]{32})@(\d+)\+(\d+)")
validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))


def read_blob(blobs: Path, pointer: dict) -> bytes:
    """The bytes that an event points to, verified."""
    match = REF.fullmatch(pointer["ref"])
    if not match:
        raise ValueError("not a reference of a blob folder")
    tenant, box, month, pack, offset, length = match.groups()
    with open(blobs / tenant / box / month / f"{pack}.pack", "rb") as file:
        file.seek(int(offset))
        data = file.read(int(length))
    if hashlib.sha256(data).hexdigest() != pointer["sha256"]:
        raise ValueError("the stored bytes are not the ones that were put there")
    return data


def handle(event: dict, blobs: Path) -> None:
    # The validator's own words quote the mail, and what is raised here is kept and shown to operators.
    error = next(validator.iter_errors(event), None)
    if error is not None:
        raise ValueError(f"not as the contract wants it: {error.validator} at {error.json_path}")
    if event["type"] != "message.added":
        return
    message = event["message"]
    sender = message["from"][0]["address"] if message["from"] else "?"
    raw = read_blob(blobs, event["raw"])
    # A terminal obeys what a stranger wrote.
    line = f"{event['mailbox']}  {sender}  {message.get('subject', '(no subject)')}  {len(raw)} bytes"
    print("".join(c if c.isprintable() else " " for c in line), flush=True)


async def main(data: Path) -> None:
    from bullmq import Worker

    connection = json.loads((data / "redis/connection.json").read_text())

    async def process(job, _token):
        handle(job.data, data / "blobs")

    options = {"connection": {"host": "127.0.0.1", **connection}, "prefix": "{mailfleet}", "concurrency": 10}
    worker = Worker("messages", process, options)
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    await stopped.wait()
    await worker.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        validator.validate(json.load(sys.stdin))
        print("fits the contract")
    else:
        asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".mailfleet/sandbox")))
