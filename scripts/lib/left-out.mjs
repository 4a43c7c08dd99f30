import { existsSync, realpathSync } from "node:fs";
import path from "node:path";

/**
 * Libraries that built files read as the sources do. It is an error where what is built would read another version: npm gave a source one of
 * its own, in a folder that Node does not look into from there.
 * @param {string[]} names as they are imported
 * @param {string} out the folder of the built files, absolute
 * @returns a plugin for rolldown
 */
export function leftOut(names, out) {
  return {
    name: "left-out",
    async resolveId(name, importer) {
      if (!names.includes(name)) return undefined;
      const found = await this.resolve(name, importer, { skipSelf: true });
      const own = folderOf(packageOf(name), out);
      if (own === undefined || !found?.id.startsWith(own + path.sep))
        this.error(`${importer} reads ${name} from ${found?.id ?? "nowhere"}, and what is built would from ${own ?? "nowhere"}`);
      return { id: name, external: true };
    },
  };
}

/** `@scope/name/file` is of `@scope/name`. */
function packageOf(name) {
  return name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Where Node finds a package from a folder. */
function folderOf(name, from) {
  for (let dir = from; dir !== path.dirname(dir); dir = path.dirname(dir)) {
    const candidate = path.join(dir, "node_modules", name);
    if (existsSync(candidate)) return realpathSync(candidate);
  }
  return undefined;
}
