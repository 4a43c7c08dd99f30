import { hash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import path from "node:path";
import { checkProof, encodeKeyPart, type MailboxRef, type Proof, sealProof, type Sha256 } from "@mailfleet/core";

export const sha256Hex: Sha256 = (text) => hash("sha256", text, "hex");

/** Names longer than this are hashed: file systems end at 255 bytes. */
const longestName = 150;

/** The proofs of one fleet: each as a file of its own, and the latest of each mailbox, which the next one builds on. */
export interface ProofFiles {
  /** Writes both, and gives the path of the first. */
  write(mailbox: MailboxRef, proof: Proof): Promise<string>;
  /** Undefined when there is none, or it was changed since. */
  latest(mailbox: MailboxRef): Promise<Proof | undefined>;
}

export function openProofFiles(dataDir: string): ProofFiles {
  const dir = path.join(dataDir, "proofs");
  return {
    async write(mailbox, proof) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const text = sealProof(proof, sha256Hex);
      const stamp = proof.startedAt.replaceAll(/[-:.]/g, "");
      const file = path.join(dir, `${nameOf(mailbox)}-${stamp}.json`);
      await writeWhole(file, text);
      await writeWhole(path.join(dir, `${nameOf(mailbox)}-latest.json`), text);
      return file;
    },
    async latest(mailbox) {
      const text = await readFile(path.join(dir, `${nameOf(mailbox)}-latest.json`), "utf8").catch(() => undefined);
      const check = text === undefined ? undefined : checkProof(text, sha256Hex);
      if (!check?.ok || check.proof.mailbox.address !== mailbox.address || check.proof.mailbox.tenant !== mailbox.tenant) return undefined;
      return check.proof;
    },
  };
}

/** Which files of the folder are proofs of the mailbox, drafts of dead processes included. */
export function proofNames(mailbox: Pick<MailboxRef, "tenant" | "address">): (name: string) => boolean {
  const stem = `${nameOf(mailbox)}-`;
  return (name) => name.startsWith(stem) && /^(?:latest|\d{8}T\d+Z)\.json(?:\.\d+\.tmp)?$/.test(name.slice(stem.length));
}

function nameOf({ tenant, address }: Pick<MailboxRef, "tenant" | "address">): string {
  const name = `${encodeKeyPart(tenant)}-${encodeKeyPart(address)}`;
  return name.length <= longestName ? name : `${encodeKeyPart(tenant).slice(0, 64)}-${sha256Hex(address)}`;
}

/** Under its name only once it is whole. */
async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  const handle = await open(draft, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}
