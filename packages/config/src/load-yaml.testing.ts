import type { ConfigResult } from "./config.ts";
import type { FileContent } from "./files.ts";
import { loadConfig } from "./load-config.ts";

/** Looks like a client secret of Entra; must never be seen in any message. */
export const canary = "hQ8~cAnary.Value-7Zx_42abcdefghijklmnopq";
export const id = "00000000-0000-0000-0000-000000000001";

export interface Given {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string | FileContent>;
}

export function load(yaml: string, given: Given = {}): ConfigResult {
  const files: Record<string, string | FileContent> = { "./secret": `${canary}\n`, ...given.files, "./mailfleet.yaml": yaml };
  return loadConfig({
    file: "etc/mailfleet.yaml",
    cwd: "/srv",
    env: given.env ?? {},
    readFile(path) {
      const content = files[path.replace("/srv/etc/", "./")];
      if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
      return typeof content === "string" ? { bytes: Buffer.from(content), mode: 0o600 } : content;
    },
  });
}

export const tenant = `
tenants:
  contoso:
    tenantId: ${id}
    clientId: ${id}
    credential: { secretFile: ./secret }
`;

export const custom = `${tenant}    cloud: custom
    endpoints:
      authority: https://localhost:8443/
      scope: https://outlook.office365.com/.default
      imap: { host: localhost, port: 10993 }
`;
