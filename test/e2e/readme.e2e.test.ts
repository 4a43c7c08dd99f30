import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
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
  // As in a checkout: its packages, and further below the data folder of `npm start`.
  await writeFile(join(dir, "package.json"), JSON.stringify({ type: "module" }));
  await symlink(join(root, "node_modules"), join(dir, "node_modules"));

  // A world of one message is there at once.
  await mkdir(join(dir, "mail"));
  await writeFile(join(dir, "mail/first.eml"), "From: a@mail.example\r\nSubject: was there before\r\n\r\nx\r\n");
  const data = join(dir, "data");
  const args = ["up", "--keep-events", "--corpus", join(dir, "mail"), "--data", data, "--progress", "plain"];
  const up = startProgram([join(root, "apps/cli/src/main.ts"), ...args]);
  const consumer = { said: "" };
  let child: ReturnType<typeof spawn> | undefined;
  try {
    await until(
      () => Promise.resolve(up.output()),
      (text) => /done +first sync/.test(text),
      90_000,
    );
    const [world = ""] = (await readdir(data)).filter((name) => name.startsWith("sandbox-"));
    await mkdir(join(dir, ".mailfleet"));
    await symlink(join(data, world), join(dir, ".mailfleet/sandbox"));
    child = spawn(process.execPath, ["consume.ts"], { cwd: dir, env: { PATH: process.env["PATH"] } });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (consumer.said += chunk.toString()));
    const control = JSON.parse(await readFile(join(data, world, "sandbox/control.json"), "utf8")) as {
      url: string;
      token: string;
    };
    const mail = {
      type: "deliver",
      address: "box01@corpus.example",
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
      (text) => text.includes("box01@corpus.example live@mail.example came while you looked"),
      120_000,
      up.output,
    );
  } finally {
    child?.kill("SIGTERM");
    await up.stop();
    await rm(dir, { recursive: true, force: true });
  }
});
