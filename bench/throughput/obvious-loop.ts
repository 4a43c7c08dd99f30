import { readFileSync } from "node:fs";
import { ImapFlow } from "imapflow";
import { simpleParser } from "mailparser";

/**
 * What one would write first: one process, one mailbox after the other, imapflow and mailparser's simpleParser with their defaults,
 * nothing stored, nothing queued. Arguments: host, port, CA file, token, addresses.
 */
const [host = "", port = "", caFile = "", token = "", ...addresses] = process.argv.slice(2);
let messages = 0;
let bytes = 0;
for (const user of addresses) {
  const client = new ImapFlow({
    host,
    port: Number(port),
    secure: true,
    tls: { ca: readFileSync(caFile, "utf8") },
    auth: { user, accessToken: token },
    logger: false,
  });
  await client.connect();
  await client.mailboxOpen("INBOX");
  for await (const message of client.fetch("1:*", { source: true })) {
    const source = message.source ?? Buffer.alloc(0);
    await simpleParser(source);
    messages++;
    bytes += source.length;
  }
  await client.logout();
}
process.stdout.write(`${JSON.stringify({ messages, bytes })}\n`);
