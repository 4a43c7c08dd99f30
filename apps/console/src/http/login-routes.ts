import type { Clock, Log } from "@mailfleet/core";
import type { Access } from "./access.ts";
import { sourceOf } from "./address-list.ts";
import type { ConsoleServer } from "./console-server.ts";
import { Refusal } from "./refusal.ts";

/** Signing in and out. @param onSignedIn for the record */
export function addLoginRoutes(
  server: ConsoleServer,
  access: Access,
  { clock, log, onSignedIn }: { readonly clock: Clock; readonly log: Log; readonly onSignedIn: (name: string) => void },
): void {
  server.changes("/api/login", "anyone", async (request, reply) => {
    const body = request.body as { readonly name?: unknown; readonly password?: unknown } | null;
    if (typeof body?.name !== "string" || typeof body.password !== "string")
      throw new Refusal("BAD_REQUEST", "A name and a password are needed.");
    const now = clock.monotonic();
    const source = sourceOf(request.ip);
    const waitMs = server.logins.waitMs(source, now);
    if (waitMs > 0) throw new Refusal("TOO_MANY", "Too many wrong passwords.", { retryMs: waitMs, todo: "Wait some minutes." });
    const signedIn = access.signIn(request, body.name, body.password);
    if (signedIn === undefined) {
      server.logins.count(source, now);
      log.warn({ ip: request.ip }, "a sign-in was refused");
      throw new Refusal("WRONG_PASSWORD", "That is not the password.");
    }
    server.logins.forget(source);
    onSignedIn(signedIn.person.name);
    void reply.header("set-cookie", signedIn.cookie);
    return signedIn.person;
  });
  server.changes("/api/logout", "anyone", async (request, reply) => {
    void reply.header("set-cookie", access.signOut(request));
    return { ok: true };
  });
}
