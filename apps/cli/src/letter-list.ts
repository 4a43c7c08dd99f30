import { createWriteStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import path from "node:path";
import { type LetterCause, type LetterFacts, LetterGroups } from "@mailfleet/core";

/** What was listed, as it was then: later commands act on exactly these letters, whatever failed since. */
export interface LetterList {
  readonly schema: "mailfleet.letter-list/1";
  /** Epoch ms. */
  readonly at: number;
  readonly letters: number;
  readonly causes: readonly LetterCause[];
  /** Name of the file beside it that holds the letters, a line each. */
  readonly file: string;
}

/** A job of the queue, or a message that was set aside. */
export interface ListedLetter {
  readonly kind: "job" | "message";
  readonly id: string;
  /** Epoch ms; 0 where it is not known. */
  readonly failedAt: number;
  readonly cause: string;
}

/** Letters that are held in memory at a time. */
const pageSize = 500;
const headName = "list.json";

/** Lists kept in the data folder: the last one counts. */
export class LetterLists {
  readonly #dir: string;

  constructor(dataDir: string) {
    this.#dir = path.join(dataDir, "dead-letters");
  }

  /** Writes a new list, whole or not at all, in bounded memory. */
  async freeze(at: number, letters: AsyncIterable<LetterFacts & Pick<ListedLetter, "kind" | "id">>): Promise<LetterList> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const file = `list-${at}-${process.pid}.jsonl`;
    const stream = createWriteStream(path.join(this.#dir, file), { mode: 0o600 });
    const groups = new LetterGroups();
    let count = 0;
    for await (const letter of letters) {
      const cause = groups.add(letter);
      count++;
      if (!stream.write(`${JSON.stringify([letter.kind, letter.id, letter.failedAt ?? 0, cause])}\n`)) await once(stream, "drain");
    }
    stream.end();
    await once(stream, "finish");
    const list: LetterList = { schema: "mailfleet.letter-list/1", at, letters: count, causes: groups.list(), file };
    const draft = path.join(this.#dir, `${file}.head`);
    await writeFile(draft, JSON.stringify(list), { mode: 0o600 });
    await rename(draft, path.join(this.#dir, headName));
    for (const name of await readdir(this.#dir)) {
      // Lists of others that are being written are younger than this one's head.
      if (/^list-\d+-\d+\.jsonl$/.test(name) && Number(name.split("-")[1]) < at) await rm(path.join(this.#dir, name), { force: true });
    }
    return list;
  }

  async latest(): Promise<LetterList | undefined> {
    try {
      const list = JSON.parse(await readFile(path.join(this.#dir, headName), "utf8")) as LetterList;
      return list.schema === "mailfleet.letter-list/1" ? list : undefined;
    } catch {
      return undefined;
    }
  }

  /** @param causes full ids; undefined for all */
  async *read(list: LetterList, causes: ReadonlySet<string> | undefined): AsyncGenerator<readonly ListedLetter[], void, void> {
    const file = await open(path.join(this.#dir, path.basename(list.file)));
    let page: ListedLetter[] = [];
    for await (const line of file.readLines()) {
      const [kind, id, failedAt, cause] = JSON.parse(line) as [ListedLetter["kind"], string, number, string];
      if (causes !== undefined && !causes.has(cause)) continue;
      page.push({ kind, id, failedAt, cause });
      if (page.length < pageSize) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }
}
