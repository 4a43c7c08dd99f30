import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { codeBlocks } from "../docs/markdown.ts";
import { root, startProgram, until } from "./fleet.ts";

test("a newcomer writes the processor of the README, and sees mail in it that comes while it runs", async () => {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-readme-"));
  const readme = codeBlocks("README.md", await readFile(join(root, "README.md"), "utf8"));
  const [processor] = readme.filter(({ info, text }) => info === "ts" && text.includes("consume("));
  expect(processor?.text.trimEnd().split("\n").length).toBeLessThan(20);
  await writeFile(join(dir, "consume.ts"), processor?.text ?? "");
  // As in a checkout: its packages, and the data folder of `npm start`.
  await writeFile(join(dir, "package.json"), JSON.stringify({ type: "module" }));
  await symlink(join(root, "node_modules"), join(dir, "node_modules"));

  const up = startProgram([
    join(root, "apps/cli/src/main.ts"),
    "up",
    "--keep-events",
    "--data",
    join(dir, ".mailfleet"),
    "--progress",
    "plain",
  ]);
  const consumer = { said: "" };
  let child: ReturnType<typeof spawn> | undefined;
  try {
    await until(
      () => Promise.resolve(up.output()),
      (text) => /sync +[1-9]\d? %|done +first sync/.test(text),
      90_000,
    );
    child = spawn(process.execPath, ["consume.ts"], { cwd: dir, env: { PATH: process.env["PATH"] } });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (consumer.said += chunk.toString()));
    const control = JSON.parse(await readFile(join(dir, ".mailfleet/sandbox/sandbox/control.json"), "utf8")) as {
      url: string;
      token: string;
    };
    const mail = {
      type: "deliver",
      address: "support@contoso.example",
      folder: "INBOX",
      text: "From: live@mail.example\r\nSubject: came while you looked\r\n\r\nx\r\n",
    };
    const sent = await fetch(`${control.url}/mail`, {
      method: "POST",
      headers: { authorization: `Bearer ${control.token}`, "content-type": "application/json" },
      body: JSON.stringify(mail),
    });
    expect(sent.status, await sent.text()).toBeLessThan(300);
    await until(
      () => Promise.resolve(consumer.said),
      (text) => text.includes("support@contoso.example live@mail.example came while you looked"),
      120_000,
      up.output,
    );
  } finally {
    child?.kill("SIGTERM");
    await up.stop();
    await rm(dir, { recursive: true, force: true });
  }
});
