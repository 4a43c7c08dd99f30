import { join } from "node:path";
import type { SandboxOptions, SandboxTenant } from "@mailfleet/sandbox";
import { type Watched, watch } from "../throughput/processes.ts";

/** A message that reached a mailbox of the sandbox. */
export interface Delivery {
  readonly address: string;
  readonly uid: number;
  /** Epoch ms. */
  readonly at: number;
}

export interface ServedTenant extends SandboxTenant {
  readonly secret: string;
}

export type SandboxRequest =
  | { readonly type: "start"; readonly options: SandboxOptions }
  | { readonly type: "deliver"; readonly id: number; readonly address: string; readonly text: string };

export type SandboxAnswer =
  | {
      readonly type: "ready";
      readonly authority: string;
      readonly imapPort: number;
      readonly caFile: string;
      readonly tenants: readonly ServedTenant[];
    }
  | ({ readonly type: "delivered"; readonly id: number } & Delivery)
  | { readonly type: "failed"; readonly why: string };

/** A sandbox that has a processor core for itself, as far as there is one. */
export interface SandboxProcess {
  readonly authority: string;
  readonly imapPort: number;
  readonly caFile: string;
  readonly tenants: readonly ServedTenant[];
  readonly watched: Watched;
  deliver(address: string, text: string): Promise<Delivery>;
  stop(): Promise<void>;
}

const sampleMs = 500;

export async function startSandboxProcess(options: SandboxOptions): Promise<SandboxProcess> {
  const file = join(import.meta.dirname, "sandbox-child.ts");
  const watched = watch(process.execPath, [file], { PATH: process.env["PATH"] }, sampleMs);
  const child = watched.process;
  const waiting = new Map<number, (delivery: Delivery) => void>();
  const ready = new Promise<Extract<SandboxAnswer, { type: "ready" }>>((resolve, reject) => {
    child.once("exit", () => reject(new Error(`the sandbox ended\n${watched.output().slice(-2_000)}`)));
    child.on("message", (message: SandboxAnswer) => {
      if (message.type === "ready") resolve(message);
      else if (message.type === "failed") reject(new Error(`the sandbox did not start: ${message.why}`));
      else {
        waiting.get(message.id)?.(message);
        waiting.delete(message.id);
      }
    });
  });
  const send = (request: SandboxRequest): void => void child.send(request);
  send({ type: "start", options: { trickle: 0, faults: false, ...options } });
  const { authority, imapPort, caFile, tenants } = await ready;
  let serial = 0;
  return {
    authority,
    imapPort,
    caFile,
    tenants,
    watched,
    deliver: (address, text) =>
      new Promise((resolve) => {
        const id = ++serial;
        waiting.set(id, resolve);
        send({ type: "deliver", id, address, text });
      }),
    // By its channel's end, which it waits for; a signal would find it in the midst of writing.
    stop: async () => {
      if (child.connected) child.disconnect();
      await watched.ended;
    },
  };
}
