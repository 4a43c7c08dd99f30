import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** In a process of its own, because a test's has loaded much: what the console is made of, a server that answers, and the names of all CommonJS modules. */
const program = `
import { createRequire } from "node:module";
await import("${new URL("wire.ts", import.meta.url).href}");
await import("${new URL("run-console.ts", import.meta.url).href}");
const { createConsoleServer } = await import("${new URL("http/console-server.ts", import.meta.url).href}");
const nothing = () => undefined;
const clock = { now: () => 0, monotonic: () => 0 };
const access = { whoAsks: nothing };
const options = { access, clock, names: new Set(["localhost:80"]), importMapHash: undefined, proxies: [], checkTransport: nothing, onRefused: nothing };
const server = createConsoleServer(options);
server.reads("/there", "anyone", async () => ({ is: "there" }));
const { statusCode } = await server.app.inject({ url: "/there", headers: { host: "localhost" } });
console.log(JSON.stringify({ statusCode, files: Object.keys(createRequire(import.meta.url).cache) }));
process.exit(0);
`;

test("a console that nobody asks for more has none of the libraries that it may need later", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { cwd: import.meta.dirname });
  const { statusCode, files } = JSON.parse(stdout) as { statusCode: number; files: string[] };
  expect(statusCode).toBe(200);
  const loaded = new Set(files.flatMap((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
  expect(loaded).toContain("fastify");
  const later = [
    "undici",
    "ajv",
    "@fastify/fast-json-stringify-compiler",
    "prom-client",
    "piscina",
    "@azure/msal-node",
    "imapflow",
    "mailparser",
    "@bull-board/api",
  ];
  expect(later.filter((name) => loaded.has(name))).toEqual([]);
});
