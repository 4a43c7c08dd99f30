import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox } from "@mailfleet/sandbox";
import { type CapturedRun, runCaptured } from "../../apps/cli/src/captured-run.fixture.ts";
import type { ConfigChange, DoctorRow } from "./doctor-rows.ts";
import { contosoMailbox } from "./pop3-doctor-rows.ts";

/** Runs the verb in this process, with a configuration that names the sandbox. */
export async function askDoctor(
  sandbox: Sandbox,
  dir: string,
  row: Pick<DoctorRow, "config" | "args">,
  isJson: boolean,
): Promise<CapturedRun> {
  const file = await writeDoctorConfig(sandbox, dir, row.config ?? {});
  const own = row.args ?? ["--mailbox", contosoMailbox];
  const args = ["doctor", ...own, "--config", file, "--progress", "none", "--color", "never", ...(isJson ? ["--json"] : [])];
  return runCaptured({ args, cwd: dir });
}

/** A configuration that names the sandbox. */
export async function writeDoctorConfig(sandbox: Sandbox, dir: string, change: ConfigChange): Promise<string> {
  const data = join(dir, "data");
  await mkdir(data, { recursive: true });
  const tenantText = async (alias: string, own: ConfigChange): Promise<string> => {
    const tenant = sandbox.tenants.find((one) => one.alias === alias);
    const secretFile = join(data, `secret-${alias}-${String(own.secretMode ?? 0)}`);
    await writeFile(secretFile, own.secret ?? sandbox.secretOf(alias), { mode: own.secretMode ?? 0o600 });
    let next = "";
    if (own.nextSecret !== undefined) {
      await writeFile(join(data, "next"), own.nextSecret, { mode: 0o600 });
      next = `    nextCredential: { secretFile: ${join(data, "next")} }\n`;
    }
    const imap = own.imap ?? sandbox.imap;
    const imapText = change.noImap ? "" : `imap: { host: ${imap.host}, port: ${String(imap.port)}, tls: true }, `;
    const pop3 = own.pop3 ?? sandbox.pop3;
    const ca = own.noCa ? "" : `, caFile: ${sandbox.caFile}`;
    return `  ${alias}:
    tenantId: ${own.tenantId ?? tenant?.tenantId ?? ""}
    clientId: ${own.clientId ?? tenant?.clientId ?? ""}
    credential: { secretFile: ${secretFile} }
${next}    cloud: custom
    endpoints: { authority: "${own.authority ?? sandbox.authority}", scope: "${own.scope ?? "https://outlook.office365.com/.default"}", ${imapText}pop3: { host: ${pop3.host}, port: ${String(pop3.port)}, tls: true }${ca} }
    protocol: ${change.noImap ? "pop3" : (own.protocol ?? "imap")}
    mailboxes: [${(own.mailboxes ?? tenant?.addresses ?? []).join(", ")}]
`;
  };
  const others = change.others ?? sandbox.tenants.map(({ alias }) => alias).filter((alias) => alias !== "contoso");
  const texts = await Promise.all([tenantText("contoso", change), ...others.map((alias) => tenantText(alias, {}))]);
  const file = join(data, "mailfleet.yaml");
  const redis = change.redisUrl === undefined ? "" : `redis: { url: ${change.redisUrl} }\n`;
  const name = change.name === undefined ? "" : `name: ${change.name}\n`;
  await writeFile(file, `${name}${redis}dataDir: ${data}\ntenants:\n${texts.join("")}`);
  return file;
}
