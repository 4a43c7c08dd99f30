import path from "node:path";

/**
 * Libraries that built files read as the sources do. From there Node finds those of the outermost folder alone: it is an error where npm gave
 * a source another version, in a folder of its own.
 * @param {string[]} names as they are imported
 * @param {string} folder `node_modules` of the checkout, absolute
 * @returns a plugin for rolldown
 */
export function leftOut(names, folder) {
  return {
    name: "left-out",
    async resolveId(name, importer) {
      if (!names.includes(name)) return undefined;
      const found = await this.resolve(name, importer, { skipSelf: true });
      if (found === null || !found.id.startsWith(path.join(folder, packageOf(name)) + path.sep))
        this.error(`${importer} reads ${name} from ${found?.id ?? "nowhere"}, and what is built would read another: it cannot be left out`);
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
