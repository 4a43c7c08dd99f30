import { startSandbox } from "@mailfleet/sandbox";
import type { Delivery, SandboxAnswer, SandboxRequest } from "./sandbox-process.ts";

/**
 * A sandbox as a process of its own: started by the first message, then a message is delivered for each request, and its time is taken
 * where it happens. Ends with its parent.
 */
const answer = (message: SandboxAnswer): void => void process.send?.(message);

process.once("message", (options: SandboxRequest) => {
  if (options.type !== "start") throw new Error("a sandbox is started before anything is delivered to it");
  startSandbox(options.options).then(
    (sandbox) => {
      const { authority, imap, caFile, tenants } = sandbox;
      const known = tenants.map((tenant) => ({ ...tenant, secret: sandbox.secretOf(tenant.alias) }));
      answer({ type: "ready", authority, imapPort: imap.port, caFile, tenants: known });
      process.on("message", (request: SandboxRequest) => {
        if (request.type !== "deliver") return;
        const uid = sandbox.deliver(request.address, "INBOX", Buffer.from(request.text));
        answer({ type: "delivered", id: request.id, address: request.address, uid, at: Date.now() } satisfies Delivery & SandboxAnswer);
      });
    },
    (error: unknown) => answer({ type: "failed", why: error instanceof Error ? error.message : String(error) }),
  );
});
process.on("disconnect", () => process.exit());
