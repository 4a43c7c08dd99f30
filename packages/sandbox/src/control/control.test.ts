import { existsSync, readFileSync, statSync } from "node:fs";
import { request } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { SandboxOptionsError, startSandbox } from "../index.ts";
import { support, TestBench } from "../sandbox.fixture.ts";
import type { ControlFile } from "./control-file.ts";

let bench: TestBench;
let control: ControlFile;

beforeAll(async () => {
  bench = await TestBench.start();
  control = JSON.parse(readFileSync(bench.sandbox.controlFile, "utf8")) as ControlFile;
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(async () => {
  await bench.close();
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

function call(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { authorization: `Bearer ${control.token}`, ...headers };
    const sent = request(`${control.url}${path}`, { method, headers: all }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) as Answer["body"] }),
      );
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
  });
}

describe("who may steer a sandbox", () => {
  test("is who can read its file", async () => {
    expect(statSync(bench.sandbox.controlFile).mode & 0o777).toBe(0o600);
    expect(control).toEqual({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:/) as string,
      token: expect.any(String) as string,
      pid: process.pid,
    });
    expect((await call("GET", "/faults")).status).toBe(200);
  });

  test.each([
    ["without a token", { authorization: "" }, 401],
    ["with another token of that length", { authorization: `Bearer ${"x".repeat(43)}` }, 401],
    ["from a page", { origin: "https://evil.example" }, 403],
    ["from a page of this machine", { origin: "http://localhost:3000" }, 403],
    ["from a browser without an origin", { "sec-fetch-site": "cross-site" }, 403],
    ["under a name that was led here", { host: "evil.example" }, 403],
  ])("is nobody %s", async (_name, headers, status) => {
    expect((await call("POST", "/faults", { name: "token-stall" }, headers)).status).toBe(status);
    expect(bench.sandbox.faults.list()).toEqual([]);
  });
});

describe("faults", () => {
  test("are ordered, listed with their strikes, and taken back by number, by name and all", async () => {
    const made = await call("POST", "/faults", [
      { name: "token-error", params: { code: 700016 }, tenant: "contoso", for: "1h" },
      { name: "throttle", mailbox: support },
      { name: "throttle", tenant: "fabrikam" },
    ]);
    expect(made.status).toBe(201);
    const [first] = made.body["ids"] as number[];
    expect((await bench.askToken("contoso")).body).toMatchObject({ error_codes: [700016] });
    expect((await call("GET", "/faults")).body["faults"]).toMatchObject([
      { id: first, struck: 1, order: { name: "token-error", forMs: 3_600_000 }, until: expect.any(Number) as number },
      { order: { mailbox: support } },
      { order: { tenant: "fabrikam" } },
    ]);
    expect(await call("DELETE", `/faults/${String(first)}`)).toEqual({ status: 200, body: { removed: 1 } });
    expect((await call("DELETE", `/faults/${String(first)}`)).status).toBe(404);
    expect((await call("DELETE", "/faults?name=throttle")).body).toEqual({ removed: 2 });
    await call("POST", "/faults", { name: "token-stall" });
    expect((await call("DELETE", "/faults")).body).toEqual({ removed: 1 });
  });

  test("are refused with all problems of all orders, and none of them is taken", async () => {
    const { status, body } = await call("POST", "/faults", [
      { name: "token-stall" },
      { name: "token-5xx", params: { status: 200 }, times: 0 },
      { name: "throttle", tenant: "nobody", mailbox: "no@nobody.example" },
    ]);
    expect(status).toBe(400);
    expect(body["problems"]).toEqual([
      "order 2: times is a whole number from 1, not 0",
      "order 2: status of token-5xx is a number from 500 to 599, not 200",
      "order 3: the sandbox has no tenant nobody; it has: contoso, fabrikam",
      "order 3: the sandbox has no mailbox no@nobody.example",
    ]);
    expect(bench.sandbox.faults.list()).toEqual([]);
    expect((await call("POST", "/faults", "{")).body).toEqual({ problems: ["the body is no JSON"] });
    expect((await call("DELETE", "/faults?name=no-such")).status).toBe(400);
  });

  test("can be there from the start, and wrong ones start nothing", async () => {
    const options = { dataDir: `${bench.dataDir}/other`, tenants: [{ alias: "tiny", mailboxes: 1, messages: 1 }] };
    const sandbox = await startSandbox({ ...options, faultOrders: [{ name: "token-stall", tenant: "tiny" }] });
    expect(sandbox.faults.list()).toHaveLength(1);
    await sandbox.close();
    expect(existsSync(sandbox.controlFile)).toBe(false);
    const wrong = startSandbox({ ...options, faultOrders: [{ name: "token-stall", tenant: "contoso", times: 0 }] });
    await expect(wrong).rejects.toThrow(SandboxOptionsError);
    await expect(wrong).rejects.toThrow(/times[^]*no tenant contoso; it has: tiny/);
  });
});

describe("what else it does", () => {
  test("the catalogue and the counters can be read", async () => {
    expect((await call("GET", "/catalogue")).body["faults"]).toMatchObject({ "token-stall": { side: "token" } });
    await bench.askToken("contoso");
    const { body } = await call("GET", "/counters");
    expect((body["tokenRequests"] as Record<string, number>)["contoso"]).toBe(bench.sandbox.counters.tokenRequests.get("contoso"));
    expect(Object.keys(body)).toEqual(["tokenRequests", "credentialUses", "commands", "pop3Commands", "mailboxes", "tenants"]);
    expect((await call("GET", "/nothing")).status).toBe(404);
    expect((await call("PUT", "/faults")).status).toBe(404);
  });

  test("mail is delivered, flagged, expunged and renumbered", async () => {
    const place = { address: support, folder: "INBOX" };
    const { uid } = (await call("POST", "/mail", { ...place, type: "deliver", text: "Subject: hi\n\nhello\n" })).body as { uid: number };
    expect(bench.sandbox.bytes(support, "INBOX", uid).toString()).toBe("Subject: hi\r\n\r\nhello\r\n");
    expect((await call("POST", "/mail", { ...place, type: "flags", uid, flags: ["\\Seen"] })).body).toEqual({ type: "done" });
    expect((await call("POST", "/mail", { ...place, type: "expunge", uids: [uid] })).body).toEqual({ type: "expunged" });
    expect((await call("POST", "/mail", { ...place, type: "reset" })).body).toMatchObject({ uidValidity: expect.any(Number) as number });
    expect(await call("POST", "/mail", { ...place, folder: "Nowhere", type: "reset" })).toMatchObject({ status: 400 });
    expect(await call("POST", "/mail", [])).toMatchObject({ status: 400 });
  });

  test("secrets are added, rotated and ended", async () => {
    const { id, secret } = (await call("POST", "/secrets", { type: "add", tenant: "contoso", endsInSeconds: 3600 })).body as Record<
      string,
      string
    >;
    const code = async (): Promise<unknown> => (await bench.askToken("contoso", { client_secret: String(secret) })).body["error_codes"];
    expect(await code()).toBeUndefined();
    await call("POST", "/secrets", { type: "end", tenant: "contoso", id });
    expect(await code()).toEqual([7000222]);
    await call("POST", "/secrets", { type: "rotate", tenant: "contoso" });
    expect(await code()).toEqual([7000215]);
    expect((await bench.askToken("contoso")).status).toBe(200);
    expect(await call("POST", "/secrets", { type: "certificate", tenant: "contoso", pem: "x" })).toMatchObject({ status: 400 });
    expect(await call("POST", "/secrets", { type: "remove", tenant: "contoso", id: "secret-99" })).toMatchObject({
      status: 400,
      body: { problems: ["contoso has no credential secret-99"] },
    });
    expect((await call("POST", "/secrets", { type: "spend", tenant: "contoso" })).status).toBe(400);
  });
});
