import { readFile } from "node:fs/promises";
import { request } from "node:https";
import type { Sandbox } from "@mailfleet/sandbox";

/** An app-only token of a sandbox's tenant, good for both protocols. */
export async function sandboxToken(sandbox: Sandbox, alias: string): Promise<string> {
  const tenant = sandbox.tenants.find((one) => one.alias === alias);
  const ca = await readFile(sandbox.caFile);
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: tenant?.clientId ?? "",
    client_secret: sandbox.secretOf(alias),
    scope: "https://outlook.office365.com/.default",
  });
  const text = await new Promise<string>((resolve, reject) => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const sent = request(`${sandbox.authority}/${tenant?.tenantId ?? ""}/oauth2/v2.0/token`, { method: "POST", ca, headers }, (answer) => {
      let body = "";
      answer.on("data", (chunk: Buffer) => (body += chunk.toString()));
      answer.on("end", () => resolve(body));
    });
    sent.on("error", reject);
    sent.end(form.toString());
  });
  return (JSON.parse(text) as { access_token: string }).access_token;
}
