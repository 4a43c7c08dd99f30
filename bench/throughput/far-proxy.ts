import { connect, createServer, type Socket } from "node:net";

/**
 * A TCP port of this machine as if it were elsewhere: everything arrives half a round trip later, in both directions, as much of it at a
 * time as the other side takes. Arguments: target port, round trip in ms. Prints its own port, and ends with its parent.
 */
const [targetPort = "", rttMs = ""] = process.argv.slice(2);
const oneWayMs = Number(rttMs) / 2;
/** What may be under way in one direction: more than a fast line holds in such a time. */
const mostUnderWay = 4 * 1024 * 1024;

const server = createServer({ noDelay: true }, (client) => {
  // A connection takes a round trip to be made.
  client.pause();
  setTimeout(() => {
    const upstream = connect({ port: Number(targetPort), host: "127.0.0.1", noDelay: true });
    carry(client, upstream);
    carry(upstream, client);
    client.resume();
  }, Number(rttMs));
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" && address ? address.port : 0}\n`);
});
process.on("disconnect", () => process.exit());

function carry(from: Socket, to: Socket): void {
  let underWay = 0;
  from.on("data", (chunk: Buffer) => {
    underWay += chunk.length;
    if (underWay > mostUnderWay) from.pause();
    setTimeout(() => {
      underWay -= chunk.length;
      if (from.isPaused()) from.resume();
      if (!to.destroyed) to.write(chunk);
    }, oneWayMs);
  });
  from.on("error", () => from.destroy());
  from.on("close", () => setTimeout(() => to.destroy(), oneWayMs));
}
