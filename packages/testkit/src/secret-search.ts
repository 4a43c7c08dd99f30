import { appendFileSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import path from "node:path";

/** Stands in every client secret that a sandbox makes, so that it is found whoever made it. */
export const secretMark = "~sandbox~";

interface Needle {
  readonly what: string;
  readonly bytes: Buffer;
}

/** What a text looks like in the middle of a longer base64 text, at each of the three places it can begin at. */
function insideBase64(text: string): string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]).toString("base64");
    // The first and last letters also hold bits of the neighbours.
    const first = Math.ceil((offset * 8) / 6);
    return encoded.slice(first, Math.floor(((offset + text.length) * 8) / 6));
  });
}

const needles: readonly Needle[] = [
  { what: "a client secret", bytes: Buffer.from(secretMark) },
  { what: "a client secret, URL-encoded", bytes: Buffer.from(secretMark.replaceAll("~", "%7E")) },
  { what: "a client secret, in hex", bytes: Buffer.from(Buffer.from(secretMark).toString("hex")) },
  ...insideBase64(secretMark).map((text) => ({ what: "a client secret, in base64", bytes: Buffer.from(text) })),
  { what: "a bearer token", bytes: Buffer.from("Bearer eyJ") },
  ...insideBase64("auth=Bearer eyJ").map((text) => ({ what: "a SASL answer with its token", bytes: Buffer.from(text) })),
];

/** A JSON Web Token: two parts that begin as JSON objects do. */
const jwt = /eyJ[\w-]{10,}\.eyJ[\w-]{10,}/;

/** Long enough for any needle and for the beginning of a token, which may lie across two pieces. */
const overlapBytes = 4 * 1024;
const pieceBytes = 4 * 1024 * 1024;

/** Which kinds of secrets and tokens stand in there; never what they are. */
export function findSecrets(bytes: Buffer): readonly string[] {
  const found = needles.filter((needle) => bytes.includes(needle.bytes)).map(({ what }) => what);
  if (bytes.includes("eyJ") && jwt.test(bytes.toString("latin1"))) found.push("a token");
  return [...new Set(found)];
}

/** Searches a text that one of our programs wrote. @throws Error when it holds a secret or a token */
export function searchText(where: string, text: string): void {
  note(where, findSecrets(Buffer.from(text)));
}

/** Searches every file of a folder, whole. @param except files that are there to hold a secret @throws Error as `searchText` */
export async function searchFolder(where: string, dir: string, except: (name: string) => boolean = () => false): Promise<void> {
  const found = new Set<string>();
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || except(path.relative(dir, file))) continue;
    for (const what of await searchFile(file)) found.add(`${what} (${path.relative(dir, file)})`);
  }
  note(where, [...found]);
}

async function searchFile(file: string): Promise<readonly string[]> {
  const found = new Set<string>();
  const handle = await open(file).catch(() => undefined);
  // Gone between the listing and now: a temporary file of Redis.
  if (!handle) return [];
  try {
    const piece = Buffer.alloc(pieceBytes + overlapBytes);
    let kept = 0;
    for (;;) {
      const { bytesRead } = await handle.read(piece, kept, pieceBytes);
      if (bytesRead === 0) return [...found];
      for (const what of findSecrets(piece.subarray(0, kept + bytesRead))) found.add(what);
      const end = kept + bytesRead;
      kept = Math.min(overlapBytes, end);
      piece.copyWithin(0, end - kept, end);
    }
  } finally {
    await handle.close();
  }
}

/** In a run of the whole suite each search is written down, and judged at its end; else it fails where it is. */
function note(where: string, found: readonly string[]): void {
  const file = process.env["MAILFLEET_SECRET_SEARCHES"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ where, found })}\n`);
  if (found.length > 0) throw new Error(`${where} holds ${found.join(", ")}: nothing that mailfleet writes may`);
}
