import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scriptProblems } from "./check-script.ts";
import { onboardScript } from "./onboard-script.ts";
import { type OnboardingPlan, planProblems } from "./onboarding-plan.ts";
import { testPlan } from "./plan.fixture.ts";
import { parseScript } from "./powershell-parser.ts";
import { rotateScript } from "./rotate-script.ts";
import { undoScript } from "./undo-script.ts";

const writers = [
  ["onboard", onboardScript],
  ["undo", undoScript],
  ["rotate", rotateScript],
] as const;
const secret = { kind: "secret", months: 6, file: "./contoso.secret" } as const;
const plans: readonly [string, OnboardingPlan][] = [
  ["a certificate that is given", testPlan({ credential: { kind: "certificate", base64: "MIIB" } })],
  ["a certificate that is asked for", testPlan()],
  ["a secret", testPlan({ credential: secret })],
  [
    "an app that exists, in another cloud, over POP3",
    testPlan({ appId: "22222222-2222-4222-8222-222222222222", cloud: "china", roles: ["pop3"] }),
  ],
  [
    "names with quotes of every kind",
    testPlan({ name: "Anna\u2019s 'mail' \u201cfleet\u201d $x `n", credential: { ...secret, file: "./o'b $(x).txt" } }),
  ],
  ["no mailbox", testPlan({ mailboxes: [], roles: ["imap", "pop3"] })],
];
const all = plans.flatMap(([what, plan]) => writers.map(([name, write]) => [name, what, write(plan)] as const));

/** In CI perhaps, here perhaps not: what is there is asked as well. */
const shells = (process.env["PATH"] ?? "")
  .split(path.delimiter)
  .map((dir) => path.join(dir, process.platform === "win32" ? "pwsh.exe" : "pwsh"))
  .filter(existsSync)
  .slice(0, 1);

describe("every script", () => {
  test.each(all)("%s with %s is in our grammar, and uses commands and parameters that we know", (_name, _what, script) => {
    expect(scriptProblems(script)).toEqual([]);
  });

  test("is what PowerShell's own parser takes, where there is one", () => {
    const dir = mkdtempSync(path.join(tmpdir(), "mailfleet-ps-"));
    const parse =
      "param($File) $e = $null; [void] [System.Management.Automation.Language.Parser]::ParseFile($File, [ref] $null, [ref] $e); $e | ForEach-Object { $_.ToString() }; exit $e.Count";
    try {
      writeFileSync(path.join(dir, "parse.ps1"), parse);
      for (const shell of shells) {
        for (const [index, [name, what, script]] of all.entries()) {
          const file = path.join(dir, `${index}.ps1`);
          writeFileSync(file, script);
          const { status, stdout } = spawnSync(shell, ["-NoProfile", "-File", path.join(dir, "parse.ps1"), file], { encoding: "utf8" });
          expect([name, what, status, stdout]).toEqual([name, what, 0, ""]);
        }
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test("names no module that is retired", () => {
    for (const [, , script] of all) expect(script).not.toMatch(/AzureAD(?!MyOrg)|Msol|MSOnline/i);
  });

  test("shows no secret: its value goes from the answer into the file and nowhere else", () => {
    for (const [, , script] of all) {
      const uses = script.split("\n").filter((line) => line.includes("SecretText"));
      for (const line of uses) expect(line.trim()).toBe("[System.IO.File]::WriteAllText($full, $made.SecretText)");
    }
  });

  test("changes nothing without asking ShouldProcess, so that -WhatIf is a dry run", () => {
    const changing = /^(?:New|Update|Remove|Add|Set)-(?:Mg|ServicePrincipal|MailboxPermission|CASMailbox)/;
    let seen = 0;
    for (const [name, , script] of all) {
      const lines = script.split("\n");
      for (const { name: command, line } of parseScript(script).commands) {
        if (!changing.test(command)) continue;
        seen++;
        const begin = lines.findLastIndex((text, index) => index < line && text.startsWith("function "));
        expect([name, command, lines.slice(begin, line).some((text) => text.includes("$Gate.ShouldProcess"))]).toEqual([
          name,
          command,
          true,
        ]);
      }
    }
    expect(seen).toBeGreaterThan(60);
  });
});

describe("hostile names", () => {
  const unit = fc.constantFrom(..."'\u2018\u2019\u201a\u201b\"\u201c`$;#{}()@|&<>=-\\ ab\u00e9\u4e2d".split(""));
  const text = fc.string({ unit, minLength: 1, maxLength: 24 });
  const plain = new Map(
    writers.map(([name, write]) => [name, parseScript(write(testPlan({ credential: secret, mailboxes: twoBoxes("a", "b") })))]),
  );

  test("never leave their string: same statements, same commands, and the names come out as they went in", () => {
    fc.assert(
      fc.property(text, text, text, text, (name, file, one, two) => {
        const plan = testPlan({ name, credential: { ...secret, file }, mailboxes: twoBoxes(one, two) });
        for (const [which, write] of writers) {
          const parsed = parseScript(write(plan));
          const expected = plain.get(which);
          expect(parsed.topStatements).toBe(expected?.topStatements);
          expect(parsed.commands).toEqual(expected?.commands);
          expect(parsed.strings).toContain(name);
          if (which !== "rotate") expect(parsed.strings).toEqual(expect.arrayContaining([one, two]));
        }
      }),
      { numRuns: 150 },
    );
  });

  test("each mailbox is one entry of one list, whatever it is called", () => {
    const names = ["o'brien@contoso.com", "x\u2019y@contoso.com", "a{b}@contoso.com"];
    const mailboxes = names.map((address) => ({ address, isImap: true, isPop3: false }));
    expect(planProblems(testPlan({ mailboxes }))).toEqual([]);
    const script = onboardScript(testPlan({ mailboxes }));
    expect(script.split("\n").filter((line) => line.startsWith("  @{ Address = "))).toHaveLength(3);
    expect(parseScript(script).strings).toEqual(expect.arrayContaining(names));
  });

  test("are refused where no name is like that, all at once", () => {
    const problems = planProblems(
      testPlan({
        alias: "a b",
        tenantId: "contoso.com",
        appId: "'; x",
        name: "a\u2028b",
        roles: [],
        credential: { kind: "secret", months: 36, file: "a\nb" },
        mailboxes: ["x\u2019; Remove-Mailbox y #@", "a@b@c", "a\u0000@b", "*@contoso.com"].map((address) => ({
          address,
          isImap: true,
          isPop3: false,
        })),
      }),
    );
    expect(problems).toHaveLength(11);
    expect(planProblems(testPlan({ credential: { kind: "certificate", base64: "'; x" } }))).toEqual(["the certificate is not in Base64"]);
  });
});

function twoBoxes(one: string, two: string): OnboardingPlan["mailboxes"] {
  return [one, two].map((address) => ({ address, isImap: true, isPop3: true }));
}

describe("encoding", () => {
  test("a script with letters beyond ASCII begins with a byte order mark, because Windows PowerShell would guess", () => {
    expect(onboardScript(testPlan({ name: "\u0412" })).startsWith("\ufeff")).toBe(true);
    expect(onboardScript(testPlan()).startsWith("# mailfleet")).toBe(true);
  });

  test("20,000 mailboxes are a script that is made and checked in seconds", () => {
    const mailboxes = Array.from({ length: 20_000 }, (_, i) => ({ address: `m${i}@contoso.com`, isImap: true, isPop3: false }));
    expect(scriptProblems(onboardScript(testPlan({ mailboxes })))).toEqual([]);
  });
});

describe("our grammar", () => {
  test.each([
    ["an open string", "$x = 'a"],
    ["an open block", "if ($true) { Get-Date"],
    ["two statements on a line", "Get-Date Get-Date)"],
    ["a string that is expanded", '$x = "a $(Get-Date)"'],
    ["a backtick", "Get-Date `\n"],
    ["a typographic dash", "Get-Module \u2013Name 'x'"],
    ["try without catch", "try { Get-Date }\nGet-Date"],
    ["a command that is not in the table", "Remove-Mailbox 'x'"],
    ["a parameter that is not in the table", "Get-Mailbox -Anr 'x'"],
    ["a variable that nobody sets", "Write-Host $nobody"],
    ["too many values for a function", "function Do-It {\n  param($A)\n  Write-Host $A\n}\nDo-It 'a' 'b'"],
    ["an assignment to a value", "'a' = 1"],
  ])("refuses %s", (_, script) => {
    expect(scriptProblems(script)).not.toEqual([]);
  });

  test("reads strings, here-strings and comments as PowerShell does", () => {
    const parsed = parseScript("# it's\n<# it's\n' #>\n$a = 'it''s' # x'\n$b = @'\nit's $x\n'@\n$c = \"say \"\"yes\"\"\"");
    expect(parsed.strings).toEqual(["it's", "it's $x", 'say "yes"']);
    expect(parsed.topStatements).toBe(3);
  });
});
