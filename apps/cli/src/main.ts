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
if (exitCode !== undefined) process.exitCode = exitCode;
