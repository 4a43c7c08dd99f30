import { describe, expect, test } from "vitest";
import { onboardScript } from "./onboard-script.ts";
import { testPlan } from "./plan.fixture.ts";
import { parseScript } from "./powershell-parser.ts";
import { rotateScript } from "./rotate-script.ts";
import { functionText } from "./script-parts.fixture.ts";
import { undoScript } from "./undo-script.ts";

const withSecret = testPlan({ credential: { kind: "secret", months: 6, file: "./contoso.secret" } });
const all = [onboardScript, undoScript, rotateScript].flatMap((write) => [write(testPlan()), write(withSecret)]);

describe("who has a grant", () => {
  test("is asked by ids and SIDs: a person who is called like the app has none of them", () => {
    for (const script of all) {
      const ids = functionText(script, "Get-PrincipalIds");
      expect(ids).toContain("@($Principal.ObjectId, $Principal.AppId, $Principal.Identity, $Principal.Sid)");
      expect(ids).toContain("Where-Object { $_ -ne $Principal.DisplayName }");
      const grant = functionText(script, "Test-Grant");
      expect(grant).toContain("$Ids -contains ('{0}' -f $_.User) -or $Ids -contains ('{0}' -f $_.UserSid)");
    }
  });
});

describe("a secret whose file cannot be written", () => {
  const text = functionText(onboardScript(withSecret), "Add-Secret");
  const handler = text.slice(text.lastIndexOf("\n  catch {"));

  test("is removed from Entra again, and the run fails", () => {
    expect(handler.match(/Delete\(\$full\)|\{ throw \}|Remove-MgApplicationPassword|throw \(/g)).toEqual([
      "Delete($full)",
      "{ throw }",
      "Remove-MgApplicationPassword",
      "throw (",
    ]);
  });

  test("is in the report by its key id, removed or not, and without its value", () => {
    expect([...handler.matchAll(/Write-Outcome '' 'secret' '(\w+)' \('key \{0\}/g)].map(([, outcome]) => outcome)).toEqual([
      "failed",
      "look",
    ]);
    expect(handler).not.toContain("SecretText");
    expect(handler.indexOf("Write-Host")).toBeLessThan(handler.indexOf("Write-Outcome"));
  });

  test("is one whose line in the report cannot be written as well", () => {
    const tried = text.slice(text.indexOf("  try {"), text.length - handler.length);
    expect(tried).toContain("Write-Outcome '' 'secret' 'done'");
  });
});

describe("a file whose rights cannot be restricted", () => {
  test("goes again, or the next run would take it for a secret that is there", () => {
    expect(functionText(onboardScript(withSecret), "New-PrivateFile")).toMatch(/catch \{[^}]*Delete\(\$full\)\n *throw\n/);
  });
});

describe("sessions and shells", () => {
  test("only the session with Exchange that the script made is ended", () => {
    for (const script of all) {
      for (const { name, parameters } of parseScript(script).commands)
        if (name === "Disconnect-ExchangeOnline") expect(parameters).toContain("ConnectionId");
      const text = functionText(script, "Connect-Exchange");
      expect(text.indexOf("$before = ")).toBeLessThan(text.indexOf("Connect-ExchangeOnline "));
      expect(text).toContain("$before -notcontains $_.ConnectionId");
    }
  });

  test("the versions of PowerShell that are refused are those that the message leaves out", () => {
    for (const script of all) {
      const text = functionText(script, "Assert-Shell");
      expect(text).toContain("$have -lt [version] '5.1' -or ($have -ge [version] '6.0' -and $have -lt [version] '7.4')");
      expect(text).toContain("Windows PowerShell 5.1, or PowerShell 7.4 or newer, is needed.");
    }
  });

  test("ids on the command line are refused where they would not be used, before anything else", () => {
    const script = onboardScript(testPlan());
    const text = functionText(script, "Assert-Ids");
    expect(text).toContain("if ($Part -ne 'Exchange') { throw '-AppId and -ObjectId are for -Part Exchange alone");
    expect(text).toContain("if ($AppId -eq '' -or $ObjectId -eq '') { throw 'Give both");
    expect(script).toContain("  Assert-Shell\n  Assert-Ids\n  if ($Part -eq 'All') {");
  });
});

describe("rotation", () => {
  test("removes older certificates by a list that is read after the question", () => {
    const text = functionText(rotateScript(testPlan()), "Remove-Old");
    expect(text.indexOf("$fresh = Get-MgApplication")).toBeGreaterThan(text.indexOf("Confirm-Step"));
    expect(text.indexOf("$fresh = Get-MgApplication")).toBeLessThan(text.indexOf("Update-MgApplication"));
  });
});
