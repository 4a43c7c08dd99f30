// A helpdesk's threads in SQLite: one ticket for each conversation, found by Message-ID, In-Reply-To and References.
//   npm start -- --keep-events       (in another terminal)
//   npx node examples/tickets.ts tickets.db [data folder]
// The event's id is written in the same transaction as the ticket: a message is filed once, whatever crashes in between.
import { DatabaseSync } from "node:sqlite";
import { consume, eventId, localFleet, type MessageAdded, textOf } from "@mailfleet/consumer";

const [file = "tickets.db", dataDir] = process.argv.slice(2);
const db = new DatabaseSync(file);
db.exec(`
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS ticket (id INTEGER PRIMARY KEY, mailbox TEXT, subject TEXT, requester TEXT, updated TEXT);
  CREATE TABLE IF NOT EXISTS entry (event TEXT PRIMARY KEY, ticket INTEGER, message_id TEXT, sender TEXT, text TEXT, at TEXT);
  CREATE INDEX IF NOT EXISTS by_message_id ON entry (message_id);
`);
const isKnown = db.prepare("SELECT 1 FROM entry WHERE event = ?");
const ticketOf = db.prepare(`
  SELECT ticket FROM entry JOIN ticket ON ticket.id = entry.ticket
  WHERE mailbox = ? AND message_id IN (SELECT value FROM json_each(?)) LIMIT 1`);
const open = db.prepare("INSERT INTO ticket (mailbox, subject, requester) VALUES (?, ?, ?)");
const touch = db.prepare("UPDATE ticket SET updated = max(coalesce(updated, ''), ?) WHERE id = ?");
const add = db.prepare("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)");

function fileMessage(event: MessageAdded, text: string): void {
  const { messageId, inReplyTo, references, subject = "", from } = event.message;
  const sender = from[0]?.address ?? "";
  db.exec("BEGIN IMMEDIATE");
  try {
    if (!isKnown.get(eventId(event))) {
      const related = JSON.stringify([...references, inReplyTo].filter((id) => id !== undefined));
      const found = ticketOf.get(event.mailbox, related)?.["ticket"];
      const ticket = typeof found === "number" ? found : Number(open.run(event.mailbox, subject, sender).lastInsertRowid);
      const at = event.internalDate ?? event.at;
      add.run(eventId(event), ticket, messageId ?? null, sender, text, at);
      touch.run(at, ticket);
    }
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

// One at a time: an answer must not be filed before the message that it answers.
const options = { ...localFleet(dataDir), types: ["message.added"], folders: ["inbox"], name: "tickets", concurrency: 1 } as const;
await consume(options, async (event) => fileMessage(event, (await textOf(event.message)) ?? ""));
console.error(`Listening: mail of inboxes is filed in ${file}. Ctrl-C ends.`);
