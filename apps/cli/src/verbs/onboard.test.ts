import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { scriptProblems } from "@mailfleet/onboarding";
import { testAuthority } from "@mailfleet/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CapturedRun, runCaptured } from "../captured-run.fixture.ts";

const id = "11111111-1111-4111-8111-111111111111";
let cwd = "";
beforeAll(async () => {
  cwd = mkdtempSync(path.join(tmpdir(), "mailfleet-onboard-"));
  writeFileSync(path.join(cwd, "boxes.csv"), "address,protocol\nsupport@contoso.com,\nO'Brien@contoso.com,pop3\n");
  writeFileSync(path.join(cwd, "bad.csv"), "address\nsales @contoso.com\nx\u2019; Remove-Mailbox y #@\n");
  const caPem = readFileSync((await testAuthority(cwd)).caFile, "utf8");
  writeFileSync(path.join(cwd, "mailfleet.cert.pem"), caPem);
  writeFileSync(path.join(cwd, "key.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  writeFileSync(path.join(cwd, "both.pem"), `${caPem}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`);
});
afterAll(() => rmSync(cwd, { recursive: true }));

const run = (...args: string[]): Promise<CapturedRun> => runCaptured({ args: ["onboard", "--tenant", "contoso", ...args], cwd });

const newTenant = ["--tenant-id", id, "--csv", "boxes.csv"];

describe("onboard", () => {
  test("writes one script for a tenant that is not configured yet, and says what to do with it", async () => {
    const { code, out, err } = await run(...newTenant, "--certificate", "mailfleet.cert.pem", "--out", "onboard.ps1");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("onboard.ps1: lets the app mailfleet of tenant contoso into 2 mailboxes.\n");
    expect(out).toContain("FullAccess lets the app change and delete mail too");
    const script = readFileSync(path.join(cwd, "onboard.ps1"), "utf8");
    expect(script).toContain(
      "  @{ Address = 'support@contoso.com'; Imap = $true; Pop = $false }\n  @{ Address = 'o''brien@contoso.com'; Imap = $false; Pop = $true }\n",
    );
    expect(script).toContain("IMAP.AccessAsApp");
    expect(script).toContain("POP.AccessAsApp");
    expect(script).toMatch(/\$CertificateText = '[A-Za-z0-9+/]{200,}=*'/);
  });

  test("prints the command for the file where it was written, wherever that is", async () => {
    const absolute = path.join(cwd, "of contoso.ps1");
    for (const [file, command] of [
      ["onboard.ps1", "pwsh ./onboard.ps1"],
      ["./onboard.ps1", "pwsh ./onboard.ps1"],
      [absolute, `pwsh '${absolute}'`],
    ] as const) {
      expect((await run(...newTenant, "--credential", "secret", "--out", file)).out).toContain(`    ${command} -WhatIf\n    ${command}\n`);
    }
  });

  test("gives the script itself to a pipe, the same each time", async () => {
    const first = await run(...newTenant, "--credential", "secret", "--protocol", "both");
    expect(first.out).toContain("$SecretFile = 'contoso.secret'\n$SecretMonths = 6");
    expect(await run(...newTenant, "--credential", "secret", "--protocol", "both")).toEqual(first);
  });

  test("takes tenant, cloud, app and mailboxes from the configuration", async () => {
    const yaml = `tenants: { contoso: { tenantId: ${id}, clientId: 22222222-2222-4222-8222-222222222222, cloud: usgov,
      credential: { secretFile: ./secret }, mailboxes: [a@contoso.com] } }`;
    writeFileSync(path.join(cwd, "mailfleet.yaml"), yaml);
    writeFileSync(path.join(cwd, "secret"), "s3cret-value", { mode: 0o600 });
    const { out } = await run();
    rmSync(path.join(cwd, "mailfleet.yaml"));
    for (const part of ["$KnownAppId = '22222222-", "'O365USGovGCCHigh'", "'USGov'", "'a@contoso.com'", "$SecretFile = 'contoso.secret'"])
      expect(out).toContain(part);
    expect(out).not.toContain("s3cret-value");
  });

  test("rotates and takes back by scripts of their own", async () => {
    const rotate = await run(...newTenant, "--rotate", "--credential", "secret", "--out", "rotate.ps1");
    expect(rotate.out).toContain("nextCredential: { secretFile: contoso.next.secret }");
    expect(readFileSync(path.join(cwd, "rotate.ps1"), "utf8")).not.toContain("support@contoso.com");
    expect((await run(...newTenant, "--undo")).out).toContain("Remove-MailboxPermission");
    expect((await run(...newTenant, "--undo", "--rotate")).code).toBe(2);
  });

  test("says in JSON what it wrote", async () => {
    const { out } = await run(...newTenant, "--out", "onboard.ps1", "--json");
    expect(JSON.parse(out)).toEqual({
      schema: "mailfleet.onboard/1",
      kind: "onboard",
      tenant: "contoso",
      tenantId: id,
      app: "mailfleet",
      mailboxes: 2,
      file: "onboard.ps1",
    });
  });

  test.each([
    ["no configuration and no directory id", ["--csv", "boxes.csv"], "--tenant-id"],
    ["a directory id that is none", ["--tenant-id", "contoso.com"], "is no directory id"],
    [
      "bad rows, all of them",
      ["--tenant-id", id, "--csv", "bad.csv"],
      '2 rows that cannot be used: line 2, "sales @contoso.com": a space in the address; line 3',
    ],
    ["a key beside the certificate", [...newTenant, "--certificate", "both.pem"], "holds a private key"],
    ["a key in the certificate's place", [...newTenant, "--certificate", "key.pem"], "Name the certificate's file, not the key's"],
    ["a certificate that is none", [...newTenant, "--certificate", "boxes.csv"], "is no certificate"],
    ["a name with control characters", [...newTenant, "--name", "a\u202eb"], "control characters"],
    ["a secret for three years", [...newTenant, "--months", "36"], "from 1 to 24"],
    ["a cloud that is not there", [...newTenant, "--cloud", "mars"], "mars"],
  ])("%s is exit 2, and nothing is written", async (_, args, what) => {
    const { code, out, err } = await run(...args, "--out", "never.ps1");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(what);
    expect(() => readFileSync(path.join(cwd, "never.ps1"))).toThrow("ENOENT");
  });
});

describe("docs/onboarding.md", () => {
  const text = readFileSync(new URL("../../../../docs/onboarding.md", import.meta.url), "utf8");
  const blocks = (language: string): string[][] =>
    [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)\\n *\`\`\`$`, "gm"))].map(([, , body = ""]) =>
      body.split("\n").map((line) => line.trim()),
    );

  test("shows PowerShell that the scripts have, line after line, or that our grammar knows", async () => {
    const scripts = await Promise.all([[], ["--undo"], ["--rotate"]].map((more) => run(...newTenant, ...more)));
    const emitted = scripts.map(({ out }) =>
      out
        .split("\n")
        .map((line) => line.trim())
        .join("\n"),
    );
    const shown = blocks("powershell");
    expect(shown.length).toBeGreaterThan(3);
    for (const lines of shown) {
      if (lines[0] === "# by hand") expect(scriptProblems(lines.join("\n"))).toEqual([]);
      else
        expect(
          emitted.some((script) => script.includes(lines.join("\n"))),
          lines.join("\n"),
        ).toBe(true);
    }
  });

  test("shows commands and answers as they are", async () => {
    const commands = blocks("sh")
      .flat()
      .filter((line) => line.startsWith("npx mailfleet onboard"));
    expect(commands).toHaveLength(1);
    const args = (commands[0] ?? "").split(" ").slice(5);
    const { code, out } = await run(...args);
    expect(code).toBe(0);
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => line.trim()),
    ).toEqual(blocks("text")[0]);
  });
});
