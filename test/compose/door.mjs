// Lets a test in where docker-compose.yml publishes nothing: port 6379 is Redis' socket, port 8026 the sandbox's control API, which answers
// nobody but its own loopback. Runs in the sandbox's network.
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";

function open(port, placeOf) {
  createServer((guest) => {
    guest.on("error", () => guest.destroy());
    let host;
    try {
      host = connect(placeOf());
    } catch {
      guest.destroy();
      return;
    }
    for (const [one, other] of [
      [guest, host],
      [host, guest],
    ]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
      one.pipe(other);
    }
  }).listen(port, "0.0.0.0");
}

open(6379, () => ({ path: "/run/redis/redis.sock" }));
// Its port is another one after each start.
open(8026, () => ({ host: "127.0.0.1", port: Number(new URL(JSON.parse(readFileSync("/etc/mailfleet/control.json", "utf8")).url).port) }));
process.on("SIGTERM", () => process.exit(0));
