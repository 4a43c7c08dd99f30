import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ActionRun, ActivityEntry, PageAnswer } from "@mailfleet/core/console";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startTestConsole, type TestConsole } from "./console.fixture.ts";

/** Logins of a sandbox on a busy machine. */
const patience = { timeout: 30_000, interval: 50 };
const over: readonly string[] = ["done", "failed", "undone"];

let dir: string;
let sandbox: Sandbox;
let it: TestConsole;
let headers: Record<string, string>;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "mailfleet-checks-"));
  sandbox = await startSandbox({
    dataDir: dir,
    tenants: [
      { alias: "contoso", mailboxes: 4, messages: 20 },
      { alias: "fabrikam", mailboxes: 1, messages: 5 },
    ],
    trickle: 0,
    faults: false,
  });
  it = await startTestConsole({ sandbox, sandboxDir: dir });
  headers = { "x-mailfleet-token": await it.token() };
});
afterEach(() => sandbox.faults.clear());
afterAll(async () => {
  await it.end();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

const addressesOf = (alias: string): readonly string[] => sandbox.tenants.find((tenant) => tenant.alias === alias)?.addresses ?? [];
const boxOf = (n: number): { readonly mailbox: string } => ({ mailbox: `contoso/${addressesOf("contoso")[n] ?? ""}` });
const start = (verb: "doctor" | "prove", target: object): Promise<Response> => it.post("/api/actions", { verb, target }, headers);
const find = async (id: string): Promise<ActionRun> => (await (await it.get(`/api/actions/${id}`)).json()) as ActionRun;
const begun = async (verb: "doctor" | "prove", target: object): Promise<ActionRun> => {
  const answer = await start(verb, target);
  const run = (await answer.json()) as ActionRun;
  if (!answer.ok) throw new Error(JSON.stringify(run));
  return run;
};
const ended = async ({ id }: ActionRun): Promise<ActionRun> => {
  await expect.poll(async () => over.includes((await find(id)).state), patience).toBe(true);
  return find(id);
};
const lastEntry = async (): Promise<ActivityEntry | undefined> => (await it.parts.activity.read({ who: "people", count: 1 })).entries[0];

describe("the doctor", () => {
  test("looks at a mailbox step by step, tells whoever asked what it found, is written down, and says no secret", async () => {
    const run = await ended(await begun("doctor", boxOf(0)));
    expect(run).toMatchObject({ state: "done", words: expect.stringContaining("checks passed") });
    expect(run.lines?.map(({ name }) => name)).toEqual([
      "looks at",
      "configuration",
      "this machine",
      "Redis",
      "network",
      "token",
      "permission",
      "Exchange",
      "mailbox",
      "scope",
    ]);
    const { result } = run;
    if (result?.kind !== "doctor") throw new Error("no result");
    expect(result.checked[0]?.diagnosis.steps.filter(({ state }) => state === "failed" || state === "not reached")).toEqual([]);
    expect(result.exit).toEqual({ code: 0, words: "In a terminal this ends with exit code 0: nothing was found wrong." });
    expect(run.command).toBe(`npx mailfleet doctor --mailbox ${addressesOf("contoso")[0] ?? ""} --tenant contoso`);
    expect(await lastEntry()).toMatchObject({ verb: "doctor", tenant: "contoso", mailbox: addressesOf("contoso")[0], outcome: "done" });
    expect(JSON.stringify([run, await lastEntry(), it.log.records])).not.toContain(sandbox.secretOf("contoso"));
  });

  test("of a tenant whose secret is refused names the step and the lines to paste, also where the refusal repeats the secret", async () => {
    sandbox.faults.add({ name: "token-echo", tenant: "fabrikam" });
    const run = await ended(await begun("doctor", { tenant: "fabrikam" }));
    if (run.result?.kind !== "doctor") throw new Error("no result");
    const { finding } = run.result.checked[0]?.diagnosis ?? {};
    expect([finding?.step, run.result.exit.code]).toEqual(["token", 1]);
    expect(run.result.checked[0]?.diagnosis.again).toContain("npx mailfleet doctor --tenant fabrikam");
    expect(JSON.stringify([run, it.log.records])).not.toContain(sandbox.secretOf("fabrikam"));
  });

  test("is at one mailbox once at a time, and three checks at most; who stops one is answered at once", async () => {
    sandbox.faults.add({ name: "silence", tenant: "contoso" });
    const runs = await Promise.all([0, 1, 2].map((n) => begun("doctor", boxOf(n))));
    for (const [target, what] of [
      [boxOf(0), "A check of this is running already."],
      [boxOf(3), "3 checks are running already."],
    ] as const) {
      const refused = await start("doctor", target);
      expect([refused.status, await refused.json()]).toMatchObject([429, { error: { code: "TOO_MANY", what } }]);
    }
    const [first] = runs;
    // Not before it speaks to the server that says nothing.
    await expect.poll(async () => (await find(first?.id ?? "")).lines?.some(({ name }) => name === "permission"), patience).toBe(true);
    for (const { id } of runs) expect((await it.post(`/api/actions/${id}/stop`, {}, headers)).status).toBe(200);
    for (const run of runs) {
      expect(await ended(run)).toMatchObject({ state: "undone", words: expect.stringContaining("stopped by anyone on this machine") });
    }
    expect((await lastEntry())?.outcome).toBe("undone");
    expect((await it.post(`/api/actions/${first?.id ?? ""}/stop`, {}, headers)).status).toBe(409);
    sandbox.faults.clear();
    await expect.poll(async () => (await start("doctor", boxOf(0))).status, patience).toBe(200);
  });
});

describe("a proof", () => {
  test("of a mailbox compares each folder with the server's list, and stands on its page from then on", async () => {
    const run = await ended(await begun("prove", boxOf(1)));
    if (run.result?.kind !== "proof") throw new Error(run.words);
    const [one] = run.result.proofs;
    expect(one).toMatchObject({ address: addressesOf("contoso")[1], gaps: [], proof: { verdict: "whole", gaps: 0 } });
    expect(one?.proof?.listed).toBeGreaterThan(0);
    expect(one?.proof?.file).toMatch(/^contoso-.*\.json$/);
    expect(run.result.exit.code).toBe(0);
    const page = (await (await it.get(`/api/page?path=/mailboxes/${boxOf(1).mailbox}`)).json()) as PageAnswer;
    expect(page.page).toMatchObject({ name: "mailbox", data: { proof: { verdict: "whole", listed: one?.proof?.listed } } });
  });

  test("of a tenant names each mailbox, and one that cannot be read is not proven", async () => {
    const refused = addressesOf("contoso")[2] ?? "";
    sandbox.setRefused(refused, true);
    const run = await ended(await begun("prove", { tenant: "contoso" }));
    sandbox.setRefused(refused, false);
    if (run.result?.kind !== "proof") throw new Error(run.words);
    expect(run.result.proofs.filter(({ proof }) => proof === undefined).map(({ address }) => address)).toEqual([refused]);
    expect([run.result.exit.code, run.words]).toEqual([1, "contoso: 3 of 4 mailboxes are proven whole."]);
  });
});

describe("nothing is checked and nothing is broken", () => {
  const doctor = { verb: "doctor", target: { tenant: "contoso" } };
  const fault = { name: "throttle", tenant: "contoso" };
  const changes = [
    ["/api/actions", doctor],
    ["/api/actions", { ...doctor, verb: "prove" }],
    ["/api/actions/x/stop", {}],
    ["/api/sandbox/faults", fault],
    ["/api/sandbox/faults/clear", {}],
  ] as const;

  test("by a viewer", async () => {
    const other = await startTestConsole({
      sandbox,
      sandboxDir: dir,
      console: "  auth: { proxy: { header: X-Forwarded-User, from: [127.0.0.1], operators: [anna] } }\n",
    });
    const you = { "x-forwarded-user": "vera" };
    const page = (await (await other.get("/api/page?path=/sandbox", you)).json()) as PageAnswer;
    expect([page.page.name, page.frame.you.role]).toEqual(["sandbox", "viewer"]);
    for (const [where, body] of changes) {
      const answer = await other.post(where, body, { ...you, "x-mailfleet-token": page.frame.token });
      expect([where, answer.status, await answer.json()]).toMatchObject([where, 403, { error: { code: "FORBIDDEN" } }]);
    }
    expect(sandbox.faults.list()).toEqual([]);
    await other.end();
  });

  test("where the console is read-only", async () => {
    const other = await startTestConsole({ sandbox, sandboxDir: dir, console: "  readOnly: true\n" });
    const token = { "x-mailfleet-token": await other.token() };
    for (const [where, body] of changes) {
      const answer = await other.post(where, body, token);
      expect([where, answer.status, await answer.json()]).toMatchObject([where, 403, { error: { code: "READ_ONLY" } }]);
    }
    expect(sandbox.faults.list()).toEqual([]);
    await other.end();
  });

  test("without a token of this console's own page", async () => {
    for (const [where, body] of changes) expect([where, (await it.post(where, body)).status]).toEqual([where, 403]);
  });

  test("where console.checks is off: the command is told", async () => {
    const other = await startTestConsole({ sandbox, console: "  checks: false\n" });
    const answer = await other.post("/api/actions", doctor, { "x-mailfleet-token": await other.token() });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { error: { what: expect.stringContaining("console.checks"), command: "npx mailfleet doctor --tenant contoso" } },
    ]);
    await other.end();
  });

  test("where a tenant is a real one, whatever folder is named: these addresses are not there", async () => {
    const other = await startTestConsole({ sandboxDir: dir });
    const token = { "x-mailfleet-token": await other.token() };
    expect((await other.get("/sandbox")).status).toBe(404);
    for (const where of ["/api/sandbox/faults", "/api/sandbox/faults/clear"]) {
      expect([where, (await other.post(where, fault, token)).status]).toEqual([where, 404]);
    }
    expect(sandbox.faults.list()).toEqual([]);
    await other.end();
  });
});

describe("the sandbox", () => {
  const page = async () => {
    const answer = (await (await it.get("/api/page?path=/sandbox")).json()) as PageAnswer;
    if (answer.page.name !== "sandbox") throw new Error(answer.page.name);
    return answer.page.data;
  };

  test("is broken and mended from its page, and both are written down", async () => {
    const { suggestions, groups } = await page();
    expect(groups.flatMap(({ faults }) => faults).length).toBeGreaterThan(50);
    for (const { order } of suggestions) {
      const answer = await it.post("/api/sandbox/faults", order, headers);
      expect([order.name, answer.status, await answer.json()]).toEqual([order.name, 200, { id: expect.any(Number) }]);
    }
    expect(await lastEntry()).toMatchObject({
      verb: "break",
      words: "reset, everywhere",
      command: "npx mailfleet sandbox fault add reset --for 2m",
    });
    const { active } = await page();
    // What happens once is over by then.
    expect(active.map(({ name }) => name).sort()).toEqual(["auth-not-connected", "reset", "throttle", "token-error"]);
    expect((await it.post("/api/sandbox/faults/clear", { id: active[0]?.id }, headers)).status).toBe(200);
    expect((await it.post("/api/sandbox/faults/clear", { id: active[0]?.id }, headers)).status).toBe(404);
    expect(await (await it.post("/api/sandbox/faults/clear", {}, headers)).json()).toEqual({ removed: 3 });
    expect(await lastEntry()).toMatchObject({ verb: "mend", count: 3 });
    expect((await page()).active).toEqual([]);
  });

  test("takes no order that cannot be, and says all that is wrong with it", async () => {
    for (const [body, words] of [
      [{ name: "no-such" }, "there is no fault no-such"],
      [{ name: "token-429", mailbox: "a@contoso.example" }, "knows no mailbox"],
      [{ name: "throttle", tenant: "litware" }, "litware"],
      [{ name: "throttle", minutes: -1 }, "minutes"],
      [{ name: 7 }, "not a name"],
      [[], "not an object"],
    ] as const) {
      const answer = await it.post("/api/sandbox/faults", body, headers);
      expect([body, answer.status, await answer.text()]).toEqual([body, 400, expect.stringContaining(words)]);
    }
    expect(sandbox.faults.list()).toEqual([]);
  });
});
