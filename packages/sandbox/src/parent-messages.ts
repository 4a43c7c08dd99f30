import type { FetchFault } from "./mail/message-faults.ts";
import type { Sandbox } from "./start-sandbox.ts";

/** One folder in the answer to `truth`: UIDs and, at the same places, the SHA-256 of their bytes as the protocol brings them. */
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
 * `{type:"deliver", address, folder, raw, flags?}` (raw in base64, or `text` in its place, whose line ends become CRLF) -> `{type:"delivered", uid}`,
 * `{type:"expunge", address, folder, uids}` -> `{type:"expunged"}`,
 * `{type:"flags", address, folder, uid, flags}`, `{type:"create"|"delete", address, folder}`, `{type:"rename", address, folder, to}`,
 * `{type:"restore", address, folder, uids}`, `{type:"plant", address, folder, uid, raw, flags?}`,
 * `{type:"fault", address, folder, uid, fault?}` -> `{type:"done"}`,
 * `{type:"move", address, folder, to, uids}` -> `{type:"moved", uids}` as pairs of old and new UID,
 * `{type:"reset", address, folder}` -> `{type:"reset", uidValidity}`,
 * `{type:"truth", address?, protocol?}` (with protocol "pop3" INBOX alone) -> `{type:"truth", folders}`; anything that fails -> `{type:"error", message}`.
 */
export function answerParent(sandbox: Sandbox, message: unknown, reply: (answer: object) => void): void {
  if (!isRecord(message)) return;
  const id = message["id"] === undefined ? {} : { id: message["id"] };
  try {
    reply({ ...id, ...answerRequest(sandbox, message) });
  } catch (error) {
    reply({ ...id, type: "error", message: error instanceof Error ? error.message : String(error) });
  }
}

/** The same without the envelope. @throws RangeError, TypeError */
export function answerRequest(sandbox: Sandbox, message: Readonly<Record<string, unknown>>): object {
  const done = { type: "done" };
  const place = (): [address: string, folder: string] => [text(message, "address"), text(message, "folder")];
  const raw = (): Buffer =>
    typeof message["text"] === "string"
      ? Buffer.from(message["text"].replaceAll(/\r?\n/g, "\r\n"))
      : Buffer.from(text(message, "raw"), "base64");
  switch (message["type"]) {
    case "deliver":
      return { type: "delivered", uid: sandbox.deliver(...place(), raw(), { flags: texts(message, "flags") }) };
    case "expunge":
      sandbox.expunge(...place(), numbers(message, "uids"));
      return { type: "expunged" };
    case "flags":
      sandbox.setFlags(...place(), Number(message["uid"]), texts(message, "flags"));
      return done;
    case "move":
      return { type: "moved", uids: [...sandbox.move(...place(), text(message, "to"), numbers(message, "uids"))] };
    case "create":
      sandbox.createFolder(...place());
      return done;
    case "delete":
      sandbox.deleteFolder(...place());
      return done;
    case "rename":
      sandbox.renameFolder(...place(), text(message, "to"));
      return done;
    case "reset":
      return { type: "reset", uidValidity: sandbox.resetUidValidity(...place()) };
    case "restore":
      sandbox.restore(...place(), numbers(message, "uids"));
      return done;
    case "plant":
      sandbox.plant(...place(), Number(message["uid"]), raw(), { flags: texts(message, "flags") });
      return done;
    case "fault":
      sandbox.setFetchFault(...place(), Number(message["uid"]), faultOf(message["fault"]));
      return done;
    case "truth":
      return { type: "truth", folders: truthByFolder(sandbox, message["address"], message["protocol"] === "pop3") };
    default:
      throw new TypeError("the sandbox knows no such request");
  }
}

function faultOf(value: unknown): FetchFault | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === "placeholder" || value === "no-data" || value === "partial-no") return value;
  if (isRecord(value) && Number.isSafeInteger(value["paddedTo"])) {
    const announced = value["announced"] === undefined ? {} : { announced: Number(value["announced"]) };
    return { paddedTo: Number(value["paddedTo"]), ...announced };
  }
  throw new TypeError("a fault is placeholder, no-data, partial-no or { paddedTo, announced? }");
}

function truthByFolder(sandbox: Sandbox, onlyAddress: unknown, isPop3: boolean): FolderTruth[] {
  const wanted = typeof onlyAddress === "string" ? onlyAddress.toLowerCase() : undefined;
  const folders: (FolderTruth & { uids: number[]; sha256: string[] })[] = [];
  for (const { tenant, address, folder, isMail, uidValidity, uid, role, sha256, pop3Sha256 } of sandbox.truth()) {
    if ((wanted !== undefined && address !== wanted) || (isPop3 && role !== "inbox")) continue;
    let last = folders.at(-1);
    if (last?.address !== address || last.folder !== folder) {
      last = { tenant, address, folder, isMail, uidValidity, uids: [], sha256: [] };
      folders.push(last);
    }
    last.uids.push(uid);
    last.sha256.push(isPop3 ? pop3Sha256() : sha256());
  }
  return folders;
}

function text(message: Readonly<Record<string, unknown>>, name: string): string {
  const value = message[name];
  if (typeof value !== "string") throw new TypeError(`${name} is missing`);
  return value;
}

function texts(message: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = message[name];
  return Array.isArray(value) ? value.map(String) : [];
}

function numbers(message: Readonly<Record<string, unknown>>, name: string): readonly number[] {
  return texts(message, name).map(Number);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
