import { cp, glob, mkdir, readdir, readFile, symlink } from "node:fs/promises";
import path from "node:path";
import { root } from "./fleet.ts";

/** Of the Dockerfile: those whose folder is that of the build, in the order in which one begins where the other ended. */
const stages = ["manifests", "built"];

/**
 * What the Dockerfile's build of the programs has before it: what is copied there, of what `.dockerignore` lets in, and the checkout's libraries.
 * @param folder is made
 */
export async function layOutImage(folder: string): Promise<void> {
  const recipe = await readFile(path.join(root, "Dockerfile"), "utf8");
  const isIgnored = ignoredBy(await readFile(path.join(root, ".dockerignore"), "utf8"));
  for (const line of stages.flatMap((stage) => linesOf(recipe, stage))) {
    const [, from] = /^COPY ([^-].*)$/.exec(line) ?? [];
    if (from === undefined) continue;
    const names = from.split(" ");
    const to = path.join(folder, names.pop() ?? "");
    for (const name of names) {
      const copy = from.endsWith("/") ? path.join(to, path.basename(name)) : to;
      await cp(path.join(root, name), copy, { recursive: true, filter: (file) => !isIgnored(path.relative(root, file)) });
    }
  }
  // As npm lays them out, and the workspace with them.
  const libraries = path.join(folder, "node_modules");
  await mkdir(path.join(libraries, "@mailfleet"), { recursive: true });
  for (const name of await readdir(path.join(root, "node_modules")))
    if (name !== "@mailfleet" && !name.startsWith(".")) await symlink(path.join(root, "node_modules", name), path.join(libraries, name));
  for await (const manifest of glob("{apps,packages}/*/package.json", { cwd: folder })) {
    const { name } = JSON.parse(await readFile(path.join(folder, manifest), "utf8")) as { name: string };
    await symlink(path.join(folder, path.dirname(manifest)), path.join(libraries, name));
  }
}

function linesOf(recipe: string, stage: string): readonly string[] {
  const parts = recipe.split(/^FROM /m);
  return (parts.find((part) => part.split("\n")[0]?.endsWith(` AS ${stage}`)) ?? "").split("\n");
}

/** The last pattern that fits decides; what lies in a folder is as the folder. */
function ignoredBy(text: string): (file: string) => boolean {
  const patterns = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return (file) => {
    let isIgnored = false;
    for (const pattern of patterns) {
      const files = pattern.replace(/^!/, "");
      if ([files, `${files}/**`].some((one) => path.matchesGlob(file, one))) isIgnored = files === pattern;
    }
    return isIgnored;
  };
}
