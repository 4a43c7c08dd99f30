import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { repository } from "./documents.ts";
import type { CodeBlock } from "./markdown.ts";

/** What samples name without making it: it is the reader's. */
const readers = `declare const url: string;
declare const token: string;
declare const handler: (event: unknown) => Promise<void>;
declare const file: { write(piece: Uint8Array): Promise<void> };
`;

/** What the compiler says of samples in TypeScript (`ts`) and JavaScript (`js`); their imports are those of the checkout. @returns lines such as `README.md:83: 3: error TS2304: …` */
export async function typeProblems(blocks: readonly CodeBlock[]): Promise<string> {
  // Below the repository, so that modules are found as in a checkout; the folder is ignored by git.
  mkdirSync(path.join(repository, ".mailfleet"), { recursive: true });
  const dir = mkdtempSync(path.join(repository, ".mailfleet/samples-"));
  try {
    for (const [index, { info, text }] of blocks.entries()) writeFileSync(path.join(dir, `sample-${index}.${info}`), text);
    writeFileSync(path.join(dir, "readers.d.ts"), readers);
    // JavaScript is only to be sound as such.
    const compilerOptions = { allowJs: true, checkJs: false };
    writeFileSync(
      path.join(dir, "tsconfig.json"),
      JSON.stringify({ extends: "../../tsconfig.json", compilerOptions, include: ["*"], exclude: [] }),
    );
    const compiler = path.join(repository, "node_modules/.bin/tsc");
    const said = await new Promise<string>((resolve) => {
      execFile(compiler, ["--noEmit", "--pretty", "false", "-p", dir], { cwd: dir }, (_error, stdout, stderr) =>
        resolve(`${stdout}${stderr}`),
      );
    });
    return said.replace(
      /\S*sample-(\d+)\.[tj]s\((\d+),\d+\)/g,
      (_all, index: string, line: string) => `${blocks[Number(index)]?.place ?? ""}, line ${line}`,
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
