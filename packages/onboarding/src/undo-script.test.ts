import { describe, expect, test } from "vitest";
import { onboardScript } from "./onboard-script.ts";
import { testPlan } from "./plan.fixture.ts";
import { parseScript } from "./powershell-parser.ts";
import { functionText } from "./script-parts.fixture.ts";
import { undoScript } from "./undo-script.ts";

const script = undoScript(testPlan());

describe("undo of certificates", () => {
  const text = functionText(script, "Undo-Certificates");

  test("is one update made from a fresh read, so that none comes back by an older list", () => {
    const updates = parseScript(script).commands.filter(({ name }) => name === "Update-MgApplication");
    expect(updates).toHaveLength(1);
    const at = text.indexOf("Update-MgApplication");
    expect(at).toBeGreaterThan(text.indexOf("$fresh = Get-MgApplication -ApplicationId $App.Id"));
    expect(text.slice(0, at)).toContain("$present = @($fresh.KeyCredentials | Where-Object { $_ })");
    expect(text.slice(text.lastIndexOf("\n", at), at)).not.toContain("foreach");
    expect(functionText(script, "Undo-Entra")).not.toContain("KeyCredentials");
  });

  test("keeps every entry that is not ours by its thumbprint, also one that has no identifier", () => {
    expect(text).toContain("$rest = @($present | Where-Object { $ours -notcontains (Get-Thumbprint $_) })");
    expect(script).not.toMatch(/\$null -ne \$_\.CustomKeyIdentifier -and/);
    const thumbprint = functionText(script, "Get-Thumbprint");
    expect(thumbprint.indexOf("$null -ne $Entry.Key)")).toBeLessThan(thumbprint.indexOf("$null -ne $Entry.CustomKeyIdentifier)"));
    expect(thumbprint).toContain("else { return '' }");
  });
});

describe("undo of grants", () => {
  test("goes through the addresses of the report, and through its own list only when the report is lost", () => {
    expect(functionText(script, "Undo-Exchange")).toContain("foreach ($address in $addresses)");
    expect(functionText(script, "Undo-Exchange")).not.toContain("$Mailboxes");
    const addresses = functionText(script, "Get-Addresses");
    expect(addresses).toContain("$Open.Values | Where-Object { $_.address -ne '' }");
    expect(addresses).toMatch(/if \(\$WithoutReport\) \{[^\n]*\$Mailboxes/);
  });

  test("counts a grant that was not listed yet as one that was made, by the words that onboarding writes", () => {
    const [, pattern = ""] = /\$row\.step -eq 'grant' -and \$row\.message -like '([^']+)\*'/.exec(script) ?? [];
    const [, written = ""] = /'grant' 'look' '([^']+)'/.exec(functionText(onboardScript(testPlan()), "Grant-Mailbox")) ?? [];
    expect(pattern).not.toBe("");
    expect(written.startsWith(pattern)).toBe(true);
    expect(functionText(script, "Undo-Grant")).toContain("if (-not $isUnlisted -and -not (Test-Grant $Address $Ids))");
  });

  test("a grant is in the report even when the look at it fails", () => {
    const text = functionText(onboardScript(testPlan()), "Grant-Mailbox");
    expect(text).toMatch(/try \{ \$isListed = Test-Grant \$Address \$Ids \}\n *catch/);
  });

  test("keeps the registration while a grant is left", () => {
    const text = functionText(script, "Undo-Exchange");
    expect(text.indexOf("$granted.Count -gt 0")).toBeGreaterThan(0);
    expect(text.indexOf("$granted.Count -gt 0")).toBeLessThan(text.indexOf("Remove-ServicePrincipal"));
  });
});

describe("undo of secrets", () => {
  test("takes one that stayed in Entra without a file, by the words that onboarding writes", () => {
    const [, pattern = ""] = /\$row\.step -eq 'secret' -and \$row\.message -like '([^']+)\*'/.exec(script) ?? [];
    const text = functionText(onboardScript(testPlan({ credential: { kind: "secret", months: 6, file: "./s" } })), "Add-Secret");
    const [, written = ""] = /'secret' 'look' \('([^']+)'/.exec(text) ?? [];
    expect(pattern).toBe("key ");
    expect(written.startsWith(`${pattern}{0} `)).toBe(true);
  });
});

describe("what is gone already", () => {
  test("a registration that onboarding itself replaced is not open any more", () => {
    const onboard = functionText(onboardScript(testPlan()), "Register-Principal");
    expect(onboard).toContain("'done' ('removed {0}: ");
    expect(onboard).toContain("'done' ('Exchange was told {0}'");
    expect(functionText(script, "Read-Open")).toContain("-replace '^removed ([^:]+):.*$', 'Exchange was told $1'");
  });

  test("a consent that somebody took back is looked for before it is removed, and stops nothing", () => {
    const text = functionText(script, "Undo-Consent");
    expect(text.indexOf("if ($granted.Count -eq 0)")).toBeGreaterThan(0);
    expect(text.indexOf("if ($granted.Count -eq 0)")).toBeLessThan(text.indexOf("Remove-MgServicePrincipalAppRoleAssignment"));
  });
});

describe("the end of undo", () => {
  test("names what is left, exits 1 for it, and says that everything is taken back only after that", () => {
    const end = script.slice(script.lastIndexOf("$left = @(Get-Left)"));
    expect(end.match(/exit \d|Everything is taken back|not taken back: /g)).toEqual([
      "not taken back: ",
      "exit 1",
      "Everything is taken back",
      "exit 0",
    ]);
    expect(script.match(/Everything is taken back/g)).toHaveLength(1);
    expect(end).toContain("if ($Failed -gt 0 -or $left.Count -gt 0) {");
    for (const step of ["grant", "imap", "pop", "register", "consent", "secret", "certificate", "app"])
      expect(functionText(script, "Get-Left")).toContain(`'${step}'`);
  });
});
