const id = "\0plain-http";

/**
 * As a module, `node:http` has what it takes from Node's copy of undici among its exports, and all of them are evaluated by whoever imports one: 15 ms
 * of a start, for a client that nobody asks. What is built asks for it as CommonJS does.
 * @returns a plugin for rolldown
 */
export function plainHttp() {
  return {
    name: "plain-http",
    resolveId: (name) => (name === "http" || name === "node:http" ? id : undefined),
    load: (one) => (one === id ? 'module.exports = process.getBuiltinModule("node:http");' : undefined),
  };
}
