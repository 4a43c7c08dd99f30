import type { Log } from "@mailfleet/core";

/** What of BullMQ's queues and workers is listened to. */
interface Connected {
  on(event: "error", listener: (error: Error & { code?: string }) => void): unknown;
  getBackend(): unknown;
}

/** Says that the connection is lost, once for each outage and code, and that it is back; without a listener BullMQ would throw. */
export function logConnection(connected: Connected, log: Log, fields: object): void {
  let last = "";
  connected.on("error", (error) => {
    const code = error.code ?? error.name;
    if (code !== last) log.warn({ ...fields, code }, "connection to redis failed, trying again");
    last = code;
  });
  const { client } = connected.getBackend() as { client: Promise<{ on(event: "ready", listener: () => void): unknown }> };
  client.then(
    (redis) =>
      redis.on("ready", () => {
        if (last !== "") log.info(fields, "connection to redis is back");
        last = "";
      }),
    () => undefined,
  );
}
