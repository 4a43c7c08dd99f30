import { ConfidentialClientApplication } from "@azure/msal-node";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { plantedTroubles, startSandbox } from "./index.ts";
import { TestBench, support, xoauth2 } from "./sandbox.fixture.ts";

let bench: TestBench;

beforeEach(async () => {
  bench = await TestBench.start();
});

afterEach(async () => {
  await bench.close();
});

describe("the token endpoint", () => {
  test("gives an app-only token with the claims of one", async () => {
    const { status, body } = await bench.askToken("contoso");
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: "Bearer", expires_in: 3598, ext_expires_in: 3598 });
    const claims = JSON.parse(Buffer.from(String(body["access_token"]).split(".")[1] ?? "", "base64url").toString()) as Record<
      string,
      unknown
    >;
    const { tenantId, clientId } = bench.tenant("contoso");
    expect(claims).toMatchObject({
      aud: "https://outlook.office365.com",
      tid: tenantId,
      appid: clientId,
      idtyp: "app",
      iss: `https://sts.windows.net/${tenantId}/`,
      roles: ["IMAP.AccessAsApp", "POP.AccessAsApp"],
    });
    expect(claims["oid"]).toBe(claims["sub"]);
    expect(bench.sandbox.counters.tokenRequests.get("contoso")).toBe(1);
  });

  test("refuses in Entra's shape", async () => {
    const { status, body } = await bench.askToken("contoso", { client_secret: "wrong" });
    expect(status).toBe(401);
    expect(body).toMatchObject({ error: "invalid_client", error_codes: [7000215] });
    expect(body["error_description"]).toMatch(
      /^AADSTS7000215: Invalid client secret provided\..*Trace ID: .*Correlation ID: .*Timestamp: /s,
    );
    expect(Object.keys(body)).toEqual([
      "error",
      "error_description",
      "error_codes",
      "timestamp",
      "trace_id",
      "correlation_id",
      "error_uri",
    ]);
  });

  test("serves MSAL as a custom authority", async () => {
    const { tenantId, clientId } = bench.tenant("fabrikam");
    const send = async (url: string, options?: { body?: string }) => {
      const { status, body } = await bench.call(
        url,
        options?.body === undefined ? undefined : Object.fromEntries(new URLSearchParams(options.body)),
      );
      return { status, body: body as never, headers: {} };
    };
    const msal = new ConfidentialClientApplication({
      auth: {
        clientId,
        clientSecret: bench.sandbox.secretOf("fabrikam"),
        authority: `${bench.sandbox.authority}/${tenantId}`,
        knownAuthorities: [new URL(bench.sandbox.authority).host],
      },
      system: { networkClient: { sendGetRequestAsync: send, sendPostRequestAsync: send } },
    });
    const result = await msal.acquireTokenByClientCredential({ scopes: ["https://outlook.office365.com/.default"] });
    expect(result?.accessToken).toMatch(/^ey/);
  });

  test("shows the key that the token was signed with, a new one each start", async () => {
    const path = `/${bench.tenant("contoso").tenantId}/discovery/v2.0/keys`;
    const kidOf = async (): Promise<string> =>
      (JSON.parse(JSON.stringify((await bench.call(bench.sandbox.authority + path)).body)) as { keys: { kid: string }[] }).keys[0]?.kid ??
      "";
    const first = await kidOf();
    const old = await bench.token("contoso");
    expect(JSON.parse(Buffer.from(old.split(".")[0] ?? "", "base64url").toString())).toMatchObject({ alg: "RS256", kid: first });
    await bench.restart();
    expect(await kidOf()).not.toBe(first);
    await expect(bench.client(support, old).connect()).rejects.toMatchObject({ authenticationFailed: true });
  });

  test("takes the next secret only, once it was rotated", async () => {
    const old = bench.sandbox.secretOf("contoso");
    bench.sandbox.rotateSecret("contoso", "next");
    expect((await bench.askToken("contoso", { client_secret: old })).status).toBe(401);
    expect((await bench.askToken("contoso")).status).toBe(200);
    await bench.restart();
    expect(bench.sandbox.secretOf("contoso")).toBe("next");
  });
});

describe("a real IMAP client", () => {
  test("finds the folders, counts and the very bytes", async () => {
    const imap = bench.client(support, await bench.token("contoso"));
    await imap.connect();
    const paths = (await imap.list()).map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["INBOX", "Sent Items", "Deleted Items", "Calendar", "Contacts", "Tasks"]));
    expect(paths.some((path) => /[^\x20-\x7e]/.test(path))).toBe(true);
    const expected = [...bench.sandbox.truth()].filter(({ address }) => address === support);
    const seen: string[] = [];
    for (const path of paths) {
      const status = await imap.status(path, { messages: true, uidNext: true, uidValidity: true });
      if (!status || !status.messages) continue;
      const box = await imap.mailboxOpen(path, { readOnly: true });
      expect(box.uidValidity).toBe(status.uidValidity);
      for await (const message of imap.fetch(
        "1:*",
        { uid: true, source: true, size: true, internalDate: true, flags: true },
        { uid: true },
      )) {
        const hash = createHash("sha256")
          .update(message.source as Buffer)
          .digest("hex");
        seen.push(`${path} ${String(box.uidValidity)} ${String(message.uid)} ${hash}`);
      }
    }
    expect(seen.sort()).toEqual(
      expected.map((entry) => `${entry.folder} ${String(entry.uidValidity)} ${String(entry.uid)} ${entry.sha256()}`).sort(),
    );
  });

  test("hears within IDLE of what was delivered, and finds it by search", async () => {
    const imap = bench.client(support, await bench.token("contoso"));
    await imap.connect();
    // The library goes on changing the object that it gave.
    const box = { ...(await imap.mailboxOpen("INBOX")) };
    const told = new Promise<number>((resolve) => imap.once("exists", (event: { count: number }) => resolve(event.count)));
    const idling = imap.idle();
    const uid = bench.sandbox.deliver(support, "inbox", Buffer.from("Message-ID: <live@x>\r\nSubject: live\r\n\r\nx\r\n"));
    expect(await told).toBe(box.exists + 1);
    expect(await imap.search({ header: { "message-id": "<live@x>" } }, { uid: true })).toEqual([uid]);
    await idling;
  });

  test("stores flags, appends and expunges, and all of it is there after a restart", async () => {
    const imap = bench.client(support, await bench.token("contoso"));
    await imap.connect();
    // The library goes on changing the object that it gave.
    const box = { ...(await imap.mailboxOpen("INBOX")) };
    const appended = await imap.append("INBOX", "Subject: appended\r\n\r\nbody\r\n", ["\\Flagged"], new Date(Date.UTC(2026, 1, 1)));
    const uid = appended && appended.uid;
    expect(uid).toBe(box.uidNext);
    await imap.messageFlagsAdd({ uid: String(uid) }, ["\\Seen"], { uid: true });
    const first = (await imap.search({ all: true }, { uid: true })) as number[];
    await imap.messageDelete(String(first[0]), { uid: true });
    await imap.logout();
    await bench.restart();
    const again = bench.client(support, await bench.token("contoso"));
    await again.connect();
    const reopened = await again.mailboxOpen("INBOX");
    expect(reopened.exists).toBe(box.exists);
    expect(reopened.uidValidity).toBe(box.uidValidity);
    expect(reopened.uidNext).toBe(box.uidNext + 1);
    const message = await again.fetchOne(String(uid), { flags: true, source: true, internalDate: true }, { uid: true });
    expect(message && [...(message.flags ?? [])].sort()).toEqual(["\\Flagged", "\\Seen"]);
    expect(message && message.source?.toString()).toBe("Subject: appended\r\n\r\nbody\r\n");
    expect(message && message.internalDate).toEqual(new Date(Date.UTC(2026, 1, 1)));
  });

  test("is refused with another tenant's token, a token for Graph and nonsense", async () => {
    for (const accessToken of [
      await bench.token("fabrikam"),
      await bench.token("contoso", { scope: "https://graph.microsoft.com/.default" }),
      "nonsense",
    ]) {
      await expect(bench.client(support, accessToken).connect()).rejects.toMatchObject({ authenticationFailed: true });
    }
  });
});

describe("a sandbox", () => {
  test("serves the same after a restart, under the same authority", async () => {
    const truth = () =>
      [...bench.sandbox.truth()].map(
        (entry) =>
          `${entry.address} ${entry.folder} ${String(entry.uidValidity)} ${String(entry.uid)} ${entry.uid % 7 === 0 ? entry.sha256() : ""}`,
      );
    const before = truth();
    const ca = readFileSync(bench.sandbox.caFile, "utf8");
    const ids = bench.sandbox.tenants.map(({ tenantId, clientId }) => [tenantId, clientId]);
    await bench.restart();
    expect(truth()).toEqual(before);
    expect(readFileSync(bench.sandbox.caFile, "utf8")).toBe(ca);
    expect(bench.sandbox.tenants.map(({ tenantId, clientId }) => [tenantId, clientId])).toEqual(ids);
  });

  test("plants its two troubles in the default world only", async () => {
    const refusal = async (address: string, alias: string): Promise<string | undefined> => {
      const raw = bench.raw();
      await raw.line();
      const login = await raw.ask(`a AUTHENTICATE XOAUTH2 ${xoauth2(address, await bench.token(alias))}`);
      return login.at(-1)?.startsWith("a OK") ? (await raw.ask("b NAMESPACE")).at(-1) : login.at(-1);
    };
    expect(await refusal(plantedTroubles.refused, "contoso")).toBe("b OK NAMESPACE completed.");
    await bench.restart({});
    expect(await refusal(plantedTroubles.refused, "contoso")).toBe("b BAD User is authenticated but not connected.");
    expect(await refusal(plantedTroubles.throttled, "fabrikam")).toMatch(
      /^a NO Request is throttled\. Suggested Backoff Time: 1[12][0-9]{3} milliseconds$/,
    );
    await bench.restart({ faults: false });
    expect(await refusal(plantedTroubles.throttled, "fabrikam")).toBe("b OK NAMESPACE completed.");
  });

  test("keeps its secrets to the owner and writes a configuration that names them", () => {
    const mode = (name: string): number => statSync(name).mode & 0o777;
    expect(mode(bench.dataDir)).toBe(0o700);
    expect(mode(join(bench.dataDir, "secret-contoso"))).toBe(0o600);
    expect(mode(join(bench.dataDir, "ca-key.pem"))).toBe(0o600);
    const config = readFileSync(bench.sandbox.configFile, "utf8");
    expect(config).toContain(JSON.stringify(join(bench.dataDir, "secret-contoso")));
    expect(config).not.toContain(bench.sandbox.secretOf("contoso"));
    for (const protocol of ["imap", "pop3"] as const)
      expect(config).toContain(`${protocol}: { host: "localhost", port: ${String(bench.sandbox[protocol].port)}, tls: true }`);
    expect(readFileSync(join(bench.dataDir, "boxes-contoso.csv"), "utf8").split("\n").slice(0, 2)).toEqual(["address", support]);
  });

  test("a tenant that is to be read over POP3 is so in the configuration, beside one that is not", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "sandbox-protocols-"));
    const tenants = [
      { alias: "spool", mailboxes: 2, messages: 0, protocol: "pop3" as const },
      { alias: "plain", mailboxes: 1, messages: 0 },
    ];
    const sandbox = await startSandbox({ dataDir, tenants });
    await sandbox.close();
    expect(readFileSync(join(dataDir, "boxes-spool.csv"), "utf8")).toMatch(/^address\n(\S+@spool\.example\n){2}$/);
    expect(readFileSync(join(dataDir, "boxes-plain.csv"), "utf8")).toMatch(/^address\n\S+@plain\.example\n$/);
    expect(readFileSync(sandbox.configFile, "utf8").match(/^ {4}protocol: \w+$/gm)).toEqual(["    protocol: pop3", "    protocol: imap"]);
    rmSync(dataDir, { recursive: true, force: true });
  });

  test("refuses to start where it must not, and says why", async () => {
    await expect(startSandbox({ dataDir: bench.dataDir, host: "0.0.0.0" })).rejects.toThrow("loopback only");
    await expect(startSandbox({ dataDir: bench.dataDir, imapPort: bench.sandbox.imap.port })).rejects.toThrow(
      `the IMAP port ${String(bench.sandbox.imap.port)} on 127.0.0.1 is in use`,
    );
    await expect(startSandbox({ dataDir: bench.dataDir, pop3Port: bench.sandbox.pop3.port })).rejects.toThrow(
      `the POP3 port ${String(bench.sandbox.pop3.port)} on 127.0.0.1 is in use`,
    );
    await expect(startSandbox({ dataDir: bench.dataDir, corpusInboxOnly: true })).rejects.toThrow("wants a corpus");
    await expect(startSandbox({ dataDir: bench.dataDir, corpus: join(bench.dataDir, "none") })).rejects.toThrow(
      `${join(bench.dataDir, "none")} cannot be read`,
    );
    await expect(startSandbox({ dataDir: bench.dataDir, tenants: [{ alias: "A B", mailboxes: 1 }] })).rejects.toThrow("alias");
  });

  test("starts with ten thousand mailboxes in a few seconds", async () => {
    const from = performance.now();
    await bench.restart({ tenants: [{ alias: "contoso", mailboxes: 10_000, messages: 1_000_000 }] });
    expect(performance.now() - from).toBeLessThan(30_000);
    const last = bench.sandbox.tenants[0]?.addresses.at(-1) ?? "";
    const raw = await bench.loggedIn(last);
    expect((await raw.ask("a SELECT INBOX")).at(-1)).toBe("a OK [READ-WRITE] SELECT completed.");
  });
});
