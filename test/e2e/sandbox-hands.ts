import type { FaultOrder } from "@mailfleet/sandbox/faults";

/** A message as the sandbox has it now. */
export interface TrueMessage {
  readonly tenant: string;
  readonly address: string;
  readonly folder: string;
  readonly isMail: boolean;
  readonly uid: number;
  /** Hex, of the bytes that IMAP brings. */
  readonly sha256: string;
}

/** One that stays until it is taken back. */
export type FaultToOrder = Pick<FaultOrder, "name" | "tenant" | "mailbox" | "params">;

/** What a test does to a sandbox that runs somewhere, by its control API: the same for one in this process and for one in a container. */
export interface SandboxHands {
  readonly tenants: readonly { readonly alias: string; readonly addresses: readonly string[] }[];
  truth(): Promise<readonly TrueMessage[]>;
  /** @returns the UID */
  deliver(address: string, folder: string, raw: Uint8Array): Promise<number>;
  /** A message in INBOX under a UID that was dealt and never listed. @returns the UID */
  plant(address: string): Promise<number>;
  /** @returns its number */
  addFault(order: FaultToOrder): Promise<number>;
  clearFaults(): Promise<void>;
  faults(): Promise<readonly FaultOrder[]>;
  /** The mailbox lets mailfleet in and then refuses every command; or does so no longer. */
  setRefused(address: string, isRefused: boolean): Promise<void>;
}

export interface ControlPlace {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly token: string;
}

/** Of `truth`, by folder. */
interface FolderAnswer extends Omit<TrueMessage, "uid" | "sha256"> {
  readonly uids: readonly number[];
  readonly sha256: readonly string[];
}

export async function takeHands({ url, token }: ControlPlace): Promise<SandboxHands> {
  async function ask(method: string, route: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${url}${route}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the sandbox answers ${answer.status} to ${method} ${route}: ${text}`);
    return JSON.parse(text) as unknown;
  }
  const mail = (request: object): Promise<unknown> => ask("POST", "/mail", request);
  const truth = async (): Promise<readonly TrueMessage[]> => {
    const { folders } = (await mail({ type: "truth" })) as { readonly folders: readonly FolderAnswer[] };
    return folders.flatMap(({ uids, sha256, tenant, address, folder, isMail }) =>
      uids.map((uid, n) => ({ tenant, address, folder, isMail, uid, sha256: sha256[n] ?? "" })),
    );
  };
  const addFault = async (order: FaultToOrder): Promise<number> => {
    const { ids } = (await ask("POST", "/faults", order)) as { readonly ids: readonly number[] };
    return ids[0] ?? 0;
  };
  const refusals = new Map<string, number>();
  return {
    tenants: tenantsOf(await truth()),
    truth,
    addFault,
    async deliver(address, folder, raw) {
      const { uid } = (await mail({ type: "deliver", address, folder, raw: Buffer.from(raw).toString("base64") })) as { uid: number };
      return uid;
    },
    async plant(address) {
      const uids = new Set((await truth()).flatMap((one) => (one.address === address && one.folder === "INBOX" ? [one.uid] : [])));
      let uid = Math.max(...uids) - 1;
      while (uids.has(uid)) uid--;
      await mail({ type: "plant", address, folder: "INBOX", uid, text: "Subject: planted\n\nplanted\n" });
      return uid;
    },
    async clearFaults() {
      await ask("DELETE", "/faults");
      refusals.clear();
    },
    async faults() {
      const { faults } = (await ask("GET", "/faults")) as { readonly faults: readonly { readonly order: FaultOrder }[] };
      return faults.map(({ order }) => order);
    },
    async setRefused(address, isRefused) {
      const id = refusals.get(address);
      if (isRefused === (id !== undefined)) return;
      if (id === undefined) refusals.set(address, await addFault({ name: "auth-not-connected", mailbox: address }));
      else {
        await ask("DELETE", `/faults/${id}`);
        refusals.delete(address);
      }
    },
  };
}

function tenantsOf(truth: readonly TrueMessage[]): SandboxHands["tenants"] {
  const addresses = new Map<string, Set<string>>();
  for (const { tenant, address } of truth) addresses.set(tenant, (addresses.get(tenant) ?? new Set()).add(address));
  return [...addresses].map(([alias, found]) => ({ alias, addresses: [...found] }));
}
