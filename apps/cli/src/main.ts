import { runCli } from "./run-cli.ts";

const exitCode = await runCli({
  args: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  setVariable: (name, value) => {
    process.env[name] = value;
  },
});
// Undefined when the verb became another program in place, which sets its own.
if (exitCode !== undefined) {
  // What was said is out first; then nothing that a library still holds open keeps the process from its exit code.
  for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write("", resolve));
  process.exit(exitCode);
}
