import { fork } from "node:child_process";
import { join } from "node:path";
import { workerNodeFlags } from "@mailfleet/runtime";

/** Who polls: imapflow as anybody would use it; mailfleet's full session, its look, and the look by connections that share nothing. */
export const idleContestants = { imapflow: "imapflow", session: "session", look: "look", coldLook: "cold look" } as const;
export type Contestant = (typeof idleContestants)[keyof typeof idleContestants];

export interface ClientOrder {
  readonly contestant: Contestant;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
  readonly addresses: readonly string[];
  readonly folders: readonly { readonly path: string }[];
  readonly polls: number;
  /** Polls before it counts. */
  readonly warmUp: number;
}

/** Of one poll, on average. */
export interface ClientAnswer {
  readonly cpuMs: number;
  readonly wallMs: number;
}

export async function runClient(order: ClientOrder): Promise<ClientAnswer> {
  const child = fork(join(import.meta.dirname, "client.ts"), {
    execArgv: [...workerNodeFlags],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  child.send(order);
  return await new Promise((resolve, reject) => {
    child.once("message", (answer) => resolve(answer as ClientAnswer));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`a contestant ended with exit code ${String(code)} (${order.contestant})`)));
  });
}
