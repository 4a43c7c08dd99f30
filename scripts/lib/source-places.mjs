import path from "node:path";
import { parseSync, Visitor } from "rolldown/utils";

const asks = /import\.meta|__dirname|__filename/;
const commonJsNames = new Set(["__dirname", "__filename"]);

/**
 * For a build whose sources stay where they are: a module that asks where it lies is told where its source lies, so that package.json, pages and
 * libraries' own files are found as before. `new URL("./task.ts", import.meta.url)` of an entry becomes the address of what was built of it.
 * @param {{ out: string, entries: Map<string, string> }} build the folder that all built files lie in, absolute; source, absolute -> its file there
 * @returns a plugin for rolldown
 */
export function sourcePlaces(build) {
  return {
    name: "source-places",
    transform: { filter: { code: asks }, handler: (code, id) => (path.isAbsolute(id) ? withPlaces(code, id, build) : undefined) },
  };
}

/** @returns {string | undefined} undefined for nothing to change @throws Error for `import.meta` in another use than `url`, `dirname` and `filename` */
export function withPlaces(code, file, { out, entries }) {
  const source = path.relative(out, file).replaceAll(path.sep, "/");
  const join = (to) => `process.getBuiltinModule("node:path").join(import.meta.dirname, ${JSON.stringify(to)})`;
  const places = {
    url: `new URL(${JSON.stringify(source)}, import.meta.url).href`,
    dirname: join(path.posix.dirname(source)),
    filename: join(source),
  };
  const edits = [];
  const put = ({ start, end }, text) => edits.push({ start, end, text });
  /** By their start: done already, or only called so. */
  const settled = new Set();
  const visitor = new Visitor({
    NewExpression({ callee, arguments: [address, base] }) {
      if (callee.name !== "URL" || typeof address?.value !== "string" || !isMeta(base?.object) || base.property.name !== "url") return;
      const built = entries.get(path.resolve(path.dirname(file), address.value));
      if (built === undefined) return;
      put(address, JSON.stringify(`./${built}`));
      settled.add(base.object.start);
    },
    MemberExpression({ start, end, object, property, computed }) {
      if (!computed) settled.add(property.start);
      if (!isMeta(object) || settled.has(object.start) || computed || !(property.name in places)) return;
      settled.add(object.start);
      put({ start, end }, places[property.name]);
    },
    MetaProperty(node) {
      if (isMeta(node) && !settled.has(node.start)) throw new Error(`${file}: this use of import.meta is not known to the build`);
    },
    Property({ key, computed, shorthand }) {
      if (!computed && !shorthand) settled.add(key.start);
    },
    Identifier(node) {
      if (commonJsNames.has(node.name) && !settled.has(node.start)) put(node, places[node.name.slice(2)]);
    },
  });
  visitor.visit(parse(code, file));
  if (edits.length === 0) return undefined;
  let text = code;
  // From the end, so that the places of those before stay right.
  for (const edit of edits.sort((a, b) => b.start - a.start)) text = text.slice(0, edit.start) + edit.text + text.slice(edit.end);
  return text;
}

/** Of `__dirname` and `__filename`, those that are left in a built file, which would have neither. */
export function commonJsNamesIn(code, file) {
  const found = new Set();
  const members = new Set();
  const visitor = new Visitor({
    MemberExpression({ property, computed }) {
      if (!computed) members.add(property.start);
    },
    Property({ key, computed }) {
      if (!computed) members.add(key.start);
    },
    Identifier({ name, start }) {
      if (commonJsNames.has(name) && !members.has(start)) found.add(name);
    },
  });
  visitor.visit(parse(code, file));
  return [...found];
}

function isMeta(node) {
  return node?.type === "MetaProperty" && node.meta.name === "import";
}

function parse(code, file) {
  const { program, errors } = parseSync(file, code, { sourceType: "unambiguous" });
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join("; ")}`);
  return program;
}
