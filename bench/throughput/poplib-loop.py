"""
Python's poplib as one would use it to read mailboxes: each message of one mailbox after the other is fetched and held as poplib gives
it (a list of lines), nothing joined, parsed, stored or queued.
Arguments: host, port, CA file, file with the token, addresses. Prints messages and bytes as JSON.
"""

import base64
import json
import poplib
import ssl
import sys

# The default of 2,048 bytes a line refuses real mail.
poplib._MAXLINE = 16_000_000

host, port, ca_file, token_file, *addresses = sys.argv[1:]
with open(token_file, encoding="ascii") as file:
    token = file.read()
context = ssl.create_default_context(cafile=ca_file)
messages = 0
octets = 0
for user in addresses:
    client = poplib.POP3_SSL(host, int(port), context=context)
    # poplib has no AUTH; these are its own steps for one command and one line of an answer.
    client._shortcmd("AUTH XOAUTH2")
    client._shortcmd(base64.b64encode(f"user={user}\x01auth=Bearer {token}\x01\x01".encode()).decode())
    held = []
    for number in range(1, client.stat()[0] + 1):
        _, lines, size = client.retr(number)
        held.append(lines)
        messages += 1
        octets += size
    client.quit()
print(json.dumps({"messages": messages, "bytes": octets}))
