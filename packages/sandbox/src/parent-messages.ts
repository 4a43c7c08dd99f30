import type { Sandbox } from "./start-sandbox.ts";

/** One folder in the answer to `truth`: UIDs and, at the same places, the SHA-256 of their bytes. */
export interface FolderTruth {
  readonly tenant: string;
  readonly address: string;
  readonly folder: string;
  readonly isMail: boolean;
  readonly uidValidity: number;
  readonly uids: readonly number[];
  readonly sha256: readonly string[];
}

/**
 * Requests of a parent process, for tests and the demo. Each may carry an `id`, which comes back with the answer:
 * `{type:"deliver", address, folder, raw, flags?}` (raw in base64) -> `{type:"delivered", uid}`,
 * `{type:"expunge", address, folder, uids}` -> `{type:"expunged"}`,
 * `{type:"truth", address?}` -> `{type:"truth", folders}`; anything that fails -> `{type:"error", message}`.
 */
export function answerParent(sandbox: Sandbox, message: unknown, reply: (answer: object) => void): void {
  if (!isRecord(message)) return;
  const id = message["id"] === undefined ? {} : { id: message["id"] };
  try {
    reply({ ...id, ...answer(sandbox, message) });
  } catch (error) {
    reply({ ...id, type: "error", message: error instanceof Error ? error.message : String(error) });
  }
}

function answer(sandbox: Sandbox, message: Readonly<Record<string, unknown>>): object {
  switch (message["type"]) {
    case "deliver": {
      const flags = message["flags"];
      const uid = sandbox.deliver(text(message, "address"), text(message, "folder"), Buffer.from(text(message, "raw"), "base64"), {
        flags: Array.isArray(flags) ? flags.map(String) : [],
      });
      return { type: "delivered", uid };
    }
    case "expunge": {
      const uids = message["uids"];
      sandbox.expunge(text(message, "address"), text(message, "folder"), Array.isArray(uids) ? uids.map(Number) : []);
      return { type: "expunged" };
    }
    case "truth":
      return { type: "truth", folders: truthByFolder(sandbox, typeof message["address"] === "string" ? message["address"] : undefined) };
    default:
      throw new TypeError("the sandbox knows deliver, expunge and truth");
  }
}

function truthByFolder(sandbox: Sandbox, onlyAddress?: string): FolderTruth[] {
  const folders: (FolderTruth & { uids: number[]; sha256: string[] })[] = [];
  for (const { tenant, address, folder, isMail, uidValidity, uid, sha256 } of sandbox.truth()) {
    if (onlyAddress !== undefined && address !== onlyAddress.toLowerCase()) continue;
    let last = folders.at(-1);
    if (last?.address !== address || last.folder !== folder) {
      last = { tenant, address, folder, isMail, uidValidity, uids: [], sha256: [] };
      folders.push(last);
    }
    last.uids.push(uid);
    last.sha256.push(sha256());
  }
  return folders;
}

function text(message: Readonly<Record<string, unknown>>, name: string): string {
  const value = message[name];
  if (typeof value !== "string") throw new TypeError(`${name} is missing`);
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
