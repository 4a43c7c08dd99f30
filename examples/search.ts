// Full-text search over all mail, in one SQLite file with FTS5. Index, and ask:
//   npm start -- --keep-events       (in another terminal)
//   npx node examples/search.ts index mail.db [data folder]
//   npx node examples/search.ts find mail.db "invoice NEAR overdue"
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { consume, localFleet, oneLine, textOf } from "@mailfleet/consumer";

const [verb, file = "mail.db", words] = process.argv.slice(2);
if (verb !== "index" && (verb !== "find" || words === undefined)) {
  console.error("Usage: npx node examples/search.ts index FILE [data folder] | find FILE WORDS");
  process.exit(2);
}
if (verb === "find" && !existsSync(file)) {
  console.error(`There is no ${file}: index mail first.`);
  process.exit(2);
}
const db = new DatabaseSync(file);
db.exec(`
  PRAGMA journal_mode = WAL;
  CREATE VIRTUAL TABLE IF NOT EXISTS mail USING fts5 (key UNINDEXED, mailbox UNINDEXED, at UNINDEXED, sender, subject, text, tokenize = "unicode61 remove_diacritics 2");
  CREATE TABLE IF NOT EXISTS place (key TEXT PRIMARY KEY, mail INTEGER);
`);
const find = db.prepare(`
  SELECT at, mailbox, sender, subject, snippet(mail, 5, '[', ']', ' … ', 12) AS part FROM mail WHERE mail MATCH ? ORDER BY rank LIMIT 20`);
const placeOf = db.prepare("SELECT mail FROM place WHERE key = ?");
const insert = db.prepare("INSERT INTO mail (key, mailbox, at, sender, subject, text) VALUES (?, ?, ?, ?, ?, ?)");
const remember = db.prepare("INSERT OR REPLACE INTO place VALUES (?, ?)");
const forget = db.prepare("DELETE FROM place WHERE key = ?");
const remove = db.prepare("DELETE FROM mail WHERE rowid = ?");
const rekey = db.prepare("UPDATE place SET key = ? WHERE key = ?");

function transaction(work: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    work();
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

function drop(key: string): void {
  const row = placeOf.get(key)?.["mail"];
  if (typeof row !== "number") return;
  remove.run(row);
  forget.run(key);
}

function asked(query: string): Record<string, string>[] {
  try {
    return find.all(query) as Record<string, string>[];
  } catch (error) {
    console.error(
      `FTS5 does not understand these words: ${(error as Error).message}. Quotes make them plain: '"${query.replaceAll('"', "")}"'`,
    );
    process.exit(2);
  }
}

if (verb === "find" && words !== undefined) {
  const found = asked(words);
  if (found.length === 0) console.error("Nothing was found.");
  for (const { at, mailbox, sender, subject, part } of found)
    console.log(`${at}  ${mailbox}  ${oneLine(sender)}  ${oneLine(subject)}\n    ${oneLine(part)}`);
} else {
  // The index follows the mailbox: what is deleted there is found no longer, what was renamed keeps its place.
  const types = ["message.added", "message.removed", "message.rekeyed"] as const;
  await consume({ ...localFleet(words), types, name: "search", concurrency: 1 }, async (event) => {
    const text = event.type === "message.added" ? ((await textOf(event.message)) ?? "") : "";
    transaction(() => {
      if (event.type === "message.rekeyed") return void rekey.run(event.key, event.previousKey);
      drop(event.key);
      if (event.type === "message.removed") return;
      const { from, subject = "" } = event.message;
      const sender = from.map(({ name, address }) => `${name} ${address}`).join(", ");
      const { lastInsertRowid } = insert.run(event.key, event.mailbox, event.internalDate ?? event.at, sender, subject, text);
      remember.run(event.key, lastInsertRowid);
    });
  });
  console.error(`Listening: mail is indexed in ${file}. Ctrl-C ends.`);
}
