import { readFile } from "node:fs/promises";
import { connect } from "node:tls";

const answerWithinMs = 3_000;

export interface LoginProbe {
  readonly host: string;
  readonly port: number;
  readonly caFile: string;
  readonly user: string;
  readonly token: string;
}

/** One XOAUTH2 login without any library. `ok`, or what went wrong. */
export async function tryLogin(probe: LoginProbe): Promise<string> {
  const ca = await readFile(probe.caFile);
  return new Promise((resolve) => {
    const socket = connect({ host: probe.host, servername: "localhost", port: probe.port, ca, timeout: answerWithinMs });
    let received = "";
    const finish = (result: string): void => {
      socket.destroy();
      resolve(result);
    };
    const initial = Buffer.from(`user=${probe.user}\u0001auth=Bearer ${probe.token}\u0001\u0001`).toString("base64");
    socket.setEncoding("utf8");
    socket.once("error", (error) => finish(error.message));
    socket.once("close", () => finish(received === "" ? "closed without a greeting" : `closed after ${JSON.stringify(received)}`));
    socket.once("timeout", () => finish(`no answer within ${answerWithinMs / 1000} s`));
    socket.on("data", (chunk: string) => {
      if (received === "") socket.write(`a AUTHENTICATE XOAUTH2 ${initial}\r\n`);
      received += chunk;
      if (/^a OK /m.test(received)) finish("ok");
      else if (/^\+ /m.test(received) || /^a /m.test(received))
        finish(`the probe's login was refused: ${received.trim().split("\n").at(-1) ?? ""}`);
    });
  });
}
