import type { Environment } from "@mailfleet/config";

/** What any program needs of its surroundings. */
const basics = [
  "PATH",
  "HOME",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TZ",
  "TMPDIR",
  "TEMP",
  "SystemRoot",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];

/** An environment that remembers which variables were asked for. */
export function recordEnvironment(env: Environment): { readonly env: Environment; used(): readonly string[] } {
  const used = new Set<string>();
  const recording = new Proxy(env, {
    get(target, name) {
      if (typeof name === "string") used.add(name);
      return Reflect.get(target, name) as unknown;
    },
  });
  return { env: recording, used: () => [...used] };
}

/**
 * A child's environment: basics, and the variables that its configuration names. Nothing else of ours: environments are read by
 * others, and secrets of other programs stand in them (T03).
 */
export function childEnvironment(
  env: Environment,
  names: readonly string[],
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of [...basics, ...names]) {
    const value = env[name];
    if (value !== undefined) out[name] = value;
  }
  return { ...out, ...more };
}
