import { file, filled, map, pattern, textList, variable, yesNo } from "./schema-parts.ts";

const httpsAddress = (description: string) => filled("expected an https:// address", description);

const proxyLogin = map(
  {
    header: pattern(/^[A-Za-z0-9-]{1,64}$/, "expected the name of a header, such as X-Forwarded-User", "Header with the person's name."),
    from: textList("expected IP addresses", "Addresses of the proxy; the header of anybody else is not believed."),
    operators: textList("expected names", "Who may act; everybody else only looks."),
  },
  "A proxy in front signs people in.",
  { required: ["header", "from"] },
);

const oidcLogin = map(
  {
    issuer: httpsAddress("The login service, as it names itself: its /.well-known/openid-configuration is read."),
    clientId: filled("expected the id of the console's registration", "As the login service knows the console."),
    clientSecretFile: file("the client secret; absent: none is sent, PKCE alone protects the code"),
    clientSecretEnv: variable("the client secret"),
    redirectUri: httpsAddress("Where browsers come back to: the console's public address with the path /login/oidc/callback."),
    scopes: textList("expected scopes", "Asked for beside openid. Default [profile]."),
    rolesClaim: filled("expected the name of a claim", "Claim of the ID token with roles or groups; a.b looks inside of a. Default roles."),
    operators: textList("expected values of rolesClaim", "Who has one of these may act."),
    viewers: textList("expected values of rolesClaim", "Who has one of these may look. Nobody else is let in."),
  },
  "People sign in at an OpenID Connect service, by authorization code with PKCE.",
  { required: ["issuer", "clientId", "redirectUri"] },
);

/** `console` in `mailfleet.yaml`. */
export const consoleFile = map(
  {
    listen: filled("expected an address and a port, such as 127.0.0.1:8025", "Default 127.0.0.1:8025."),
    readOnly: yesNo("No actions, only views. Default false."),
    checks: yesNo("Doctor and proofs run in the console with the tenants' credentials. Default: on loopback only."),
    auth: map(
      {
        passwordFile: file("the password of operators"),
        passwordEnv: variable("the password of operators"),
        viewerPasswordFile: file("the password of viewers"),
        viewerPasswordEnv: variable("the password of viewers"),
        oidc: oidcLogin.optional(),
        proxy: proxyLogin.optional(),
      },
      "Needed for any address but loopback: a password, OpenID Connect, or a proxy.",
    ).optional(),
    tls: map(
      {
        certFile: file("the certificate and its chain, PEM"),
        keyFile: file("the private key, PEM without passphrase"),
      },
      "TLS of the console's own. The files are read again when they change.",
      { required: ["certFile", "keyFile"] },
    ).optional(),
    trustedProxies: textList(
      "expected IP addresses or networks",
      "Proxies in front that speak TLS. Without tls, nobody else is answered off this machine; their X-Forwarded headers are believed.",
    ),
    hosts: textList("expected host names, such as mailfleet.corp.example", "Further names under which browsers reach it."),
  },
  "The browser console.",
);
