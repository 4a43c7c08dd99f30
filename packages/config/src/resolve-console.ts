import { createPrivateKey, X509Certificate } from "node:crypto";
import { BlockList, isIP } from "node:net";
import type { ConsoleAuth, ConsoleConfig } from "./config.ts";
import { readNamedText, readSecret, warnIfPublic } from "./files.ts";
import { isLoopback, parseListen } from "./hosts.ts";
import type { Reading } from "./reading.ts";
import type { FileConfig } from "./schema.ts";
import { describeValue } from "./show.ts";

type ConsoleFile = NonNullable<FileConfig["console"]>;
type AuthFile = NonNullable<ConsoleFile["auth"]>;
type OidcFile = NonNullable<AuthFile["oidc"]>;

const place = ["console"];
const authPlace = [...place, "auth"];
/** Where a login service sends a browser back to; the console serves exactly this path. */
export const oidcCallbackPath = "/login/oidc/callback";

/** The console's block, complete. What others can reach needs a login and TLS, its own or that of a proxy that is named. */
export function resolveConsole(reading: Reading, given: ConsoleFile | undefined): ConsoleConfig {
  const text = given?.listen ?? "127.0.0.1:8025";
  const listen = parseListen(text);
  const auth = resolveAuth(reading, given?.auth);
  const tls = resolveTls(reading, given?.tls);
  const trustedProxies = resolveProxies(reading, given?.trustedProxies);
  if (listen === undefined)
    reading.report([...place, "listen"], describeValue(text), "expected an address and a port, such as 127.0.0.1:8025");
  else if (!isLoopback(listen.host)) {
    if (auth === undefined && !reading.hasProblem(authPlace))
      reading.report(
        [...place, "listen"],
        `${describeValue(text)}, which others can reach, and there is no login`,
        "expected console.auth with passwordFile, passwordEnv, oidc or proxy",
      );
    // A proxy that signs people in is named already.
    const isInTheClear = given?.tls === undefined && given?.trustedProxies === undefined && given?.auth?.proxy === undefined;
    if (isInTheClear)
      reading.report(
        [...place, "listen"],
        `${describeValue(text)}, which others can reach in the clear`,
        "expected console.tls with certFile and keyFile, or console.trustedProxies with the addresses of proxies that speak TLS",
      );
  }
  const hosts = resolveHosts(reading, given?.hosts ?? []);
  return {
    listen: listen ?? { host: "127.0.0.1", port: 8025 },
    readOnly: given?.readOnly ?? false,
    // What others can reach logs in to mailboxes only where somebody said so.
    checks: given?.checks ?? (listen !== undefined && isLoopback(listen.host)),
    // The address that a login service sends browsers to is a name of the console's own.
    hosts: auth?.kind === "oidc" ? [...new Set([...hosts, new URL(auth.redirectUri).hostname])] : hosts,
    trustedProxies,
    ...(tls && { tls }),
    ...(auth && { auth }),
  };
}

/** As browsers send them in Host, without the port: with one, or as an address of a page, a name would never be met. */
function resolveHosts(reading: Reading, given: readonly string[]): readonly string[] {
  const names = given.map((name) => (isIP(name) === 6 ? `[${name.toLowerCase()}]` : name.toLowerCase()));
  const bad = names.find((name) => !/^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/.test(name));
  if (bad !== undefined)
    reading.report(
      [...place, "hosts"],
      `has ${describeValue(bad).replace(/^is /, "")}`,
      "expected names alone, such as mailfleet.corp.example: no scheme, port or *",
    );
  return names;
}

function resolveAuth(reading: Reading, given: AuthFile | undefined): ConsoleAuth | undefined {
  const password = readSecret(
    reading,
    authPlace,
    { file: given?.passwordFile, env: given?.passwordEnv },
    { file: "passwordFile", env: "passwordEnv" },
  );
  const viewerPassword = readSecret(
    reading,
    authPlace,
    { file: given?.viewerPasswordFile, env: given?.viewerPasswordEnv },
    { file: "viewerPasswordFile", env: "viewerPasswordEnv" },
  );
  const ways = [
    password !== undefined || viewerPassword !== undefined ? "a password" : [],
    given?.oidc === undefined ? [] : "oidc",
    given?.proxy === undefined ? [] : "proxy",
  ].flat();
  if (ways.length > 1)
    reading.report(
      authPlace,
      `has ${ways.join(" and ")}`,
      "expected one of them: people sign in in one way, so that it is known who they are",
    );
  if (given?.proxy !== undefined) return resolveProxyLogin(reading, given.proxy);
  if (given?.oidc !== undefined) return resolveOidc(reading, given.oidc);
  if (password === undefined) {
    if (viewerPassword !== undefined)
      reading.report(authPlace, "has a password of viewers alone", "expected passwordFile or passwordEnv as well");
    return undefined;
  }
  return { kind: "password", password: password.secret, ...(viewerPassword && { viewerPassword: viewerPassword.secret }) };
}

function resolveProxyLogin(reading: Reading, { header = "", from = [], operators = [] }: NonNullable<AuthFile["proxy"]>): ConsoleAuth {
  const bad = from.filter((address) => isIP(address) === 0);
  if (bad.length > 0 || from.length === 0)
    reading.report(
      [...authPlace, "proxy", "from"],
      bad.length === 0 ? "is empty" : describeValue(bad[0]),
      "expected IP addresses of the proxy",
    );
  return { kind: "proxy", header, from, operators };
}

function resolveOidc(reading: Reading, given: OidcFile): ConsoleAuth | undefined {
  const at = [...authPlace, "oidc"];
  const secret = readSecret(
    reading,
    at,
    { file: given.clientSecretFile, env: given.clientSecretEnv },
    { file: "clientSecretFile", env: "clientSecretEnv" },
  );
  const issuer = checkedUrl(reading, [...at, "issuer"], given.issuer);
  const redirectUri = checkedUrl(reading, [...at, "redirectUri"], given.redirectUri);
  if (redirectUri !== undefined && redirectUri.pathname !== oidcCallbackPath)
    reading.report([...at, "redirectUri"], `has the path ${describeValue(redirectUri.pathname).slice(3)}`, `expected ${oidcCallbackPath}`);
  if (issuer !== undefined && isAnybodys(issuer))
    reading.report(
      [...at, "issuer"],
      "is Entra ID's for all directories: whoever runs one of them could give its roles to people of theirs",
      "expected your directory's, https://login.microsoftonline.com/TENANT-ID/v2.0",
    );
  const { clientId = "", rolesClaim = "roles", operators = [], viewers = [], scopes = ["profile"] } = given;
  if (operators.length + viewers.length === 0)
    reading.report(at, "lets nobody in", "expected values of rolesClaim in operators or viewers");
  if (issuer === undefined || redirectUri === undefined) return undefined;
  return {
    kind: "oidc",
    issuer: issuer.href,
    clientId,
    ...(secret && { clientSecret: secret.secret }),
    redirectUri: redirectUri.href,
    scopes: [...new Set(["openid", ...scopes])],
    rolesClaim,
    operators,
    viewers,
  };
}

/** Entra ID's addresses for all directories: whoever runs another one gives the roles of the console's registration to people of theirs. */
function isAnybodys({ hostname, pathname }: URL): boolean {
  return (
    /^login\.(microsoftonline\.|partner\.microsoftonline\.|microsoft\.)/.test(hostname) &&
    /^\/(common|organizations|consumers)(\/|$)/i.test(pathname)
  );
}

/** https, or http on this machine. */
function checkedUrl(reading: Reading, path: readonly string[], text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (isPlain && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname)))) return url;
  const why = isPlain && url.protocol === "http:" ? "is not encrypted and not on this machine" : describeValue(text);
  reading.report([...path], why, "expected an https:// address without user, query and fragment");
  return undefined;
}

function resolveTls(reading: Reading, given: ConsoleFile["tls"]): ConsoleConfig["tls"] {
  if (given?.certFile === undefined || given.keyFile === undefined) return undefined;
  const at = [...place, "tls"];
  const cert = readNamedText(reading, [...at, "certFile"], given.certFile);
  const key = readNamedText(reading, [...at, "keyFile"], given.keyFile);
  if (cert === undefined || key === undefined) return undefined;
  reading.hide(key.text);
  warnIfPublic(reading, [...at, "keyFile"], key);
  const certificate = parsed(() => new X509Certificate(cert.text));
  const privateKey = parsed(() => createPrivateKey(key.text));
  if (certificate === undefined)
    reading.report([...at, "certFile"], "holds no certificate", "expected PEM, the server's own certificate first");
  if (privateKey === undefined) reading.report([...at, "keyFile"], "holds no private key", "expected PEM without passphrase");
  if (certificate === undefined || privateKey === undefined) return undefined;
  if (!certificate.checkPrivateKey(privateKey))
    reading.report([...at, "keyFile"], "is not the key of certFile's first certificate", "expected the two that were made together");
  return { certFile: cert.file, keyFile: key.file };
}

function parsed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function resolveProxies(reading: Reading, given: readonly string[] | undefined): readonly string[] {
  if (given === undefined) return [];
  const bad = given.find((text) => !isNetwork(text));
  if (bad !== undefined || given.length === 0)
    reading.report(
      [...place, "trustedProxies"],
      bad === undefined ? "is empty" : describeValue(bad),
      "expected IP addresses or networks, such as 10.0.0.2 or 10.0.0.0/8",
    );
  return given;
}

function isNetwork(text: string): boolean {
  const [address = "", bits] = text.split("/");
  const family = isIP(address);
  if (family === 0 || bits === undefined) return family !== 0;
  return (
    /^\d{1,3}$/.test(bits) &&
    parsed(() => new BlockList().addSubnet(address, Number(bits), family === 6 ? "ipv6" : "ipv4") ?? true) === true
  );
}
