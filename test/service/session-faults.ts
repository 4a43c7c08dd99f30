import type { MailSession } from "@mailfleet/core";

/** What may be done to a session between the engine and the real one: the faults of a server, at the port. */
export type Fault = (session: MailSession) => MailSession;

/** Wraps one method of the session; the others stay. */
export const withMethod =
  <K extends keyof MailSession>(name: K, method: (session: MailSession) => MailSession[K]): Fault =>
  (session) =>
    new Proxy(session, {
      get(target, property) {
        if (property === name) return method(target);
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
/** A server that lists these UIDs of the folder and does not deliver them. */
export const withholding = (folder: string, uids: ReadonlySet<number>): Fault => {
  let open = "";
  const fetch = withMethod(
    "fetch",
    (session) => (wanted) => (open === folder ? filterFetched(session, wanted, uids) : session.fetch(wanted)),
  );
  const noteOpen = withMethod("open", (session) => (path) => {
    open = path;
    return session.open(path);
  });
  return (session) => fetch(noteOpen(session));
};
async function* filterFetched(session: MailSession, wanted: readonly number[], withheld: ReadonlySet<number>) {
  for await (const messages of session.fetch(wanted)) {
    const given = messages.filter(({ uid }) => !withheld.has(uid));
    if (given.length > 0) yield given;
  }
}
