import { createInterface } from "node:readline/promises";
import { runCli } from "./run-cli.ts";

/** On stderr: stdout is for the answer of the command. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

const exitCode = await runCli({
  args: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  setVariable: (name, value) => {
    process.env[name] = value;
  },
  ...(process.stdin.isTTY && process.stderr.isTTY && { ask }),
});
// Undefined when the verb became another program in place, which sets its own.
if (exitCode !== undefined) {
  // What was said is out first; then nothing that a library still holds open keeps the process from its exit code.
  for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write("", resolve));
  process.exit(exitCode);
}
