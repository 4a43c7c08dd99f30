import { stripControls } from "../strip-controls.ts";
import { formatUtc } from "../words/times.ts";
import { failed, look, passed, type StepVerdict } from "./finding.ts";
import { certificateFix } from "./fixes.ts";
import type { CertificateLook, HostLook, NetworkLook, Subject } from "./observations.ts";

/** Who issues the certificates of Microsoft's login and mail hosts. */
const microsoftIssuers = /Microsoft|DigiCert/i;

export function networkStep({ login, mail }: NetworkLook, subject: Subject, now: number): StepVerdict {
  for (const [host, what] of [
    [login, "login"],
    [mail, "mail"],
  ] as const) {
    if (host.failure) return failure(host, host.failure, what, now);
  }
  const text = `${at(login)} and ${at(mail)}, ${tlsWords(login, mail)}`;
  const stranger = subject.isCustom ? undefined : [login, mail].find(isForeign);
  if (stranger === undefined) return passed("network", text);
  return look(
    "network",
    text,
    `The certificate of ${stranger.host} is issued by ${issuerOf(stranger.certificate)}, not by Microsoft's issuers: something on the way opens this TLS connection and sees the token.`,
  );
}

function failure(host: HostLook, { at: stage, code }: { at: "dns" | "tcp" | "tls"; code: string }, what: string, now: number): StepVerdict {
  switch (stage) {
    case "dns":
      return failed("network", {
        code: "DNS",
        certainty: "certain",
        happened: `does not resolve ${host.host}, the ${what} host (${code}).`,
        cause: "The name service of this machine does not know the name, or cannot be asked.",
        conclusion: `${host.host} is not resolved`,
        fixes: [{ who: "On this machine:", commands: [`getent hosts ${host.host}`] }],
        also: ["endpoints names a host that does not exist."],
      });
    case "tcp":
      return tcpFailure(host, code, what);
    case "tls":
      return tlsFailure(host, code, what, now);
  }
}

function tcpFailure(host: HostLook, code: string, what: string): StepVerdict {
  const isLate = code === "TIMEOUT" || code === "ETIMEDOUT";
  return failed("network", {
    code: isLate ? "CONNECT_TIMEOUT" : "CONNECT_REFUSED",
    certainty: "most likely",
    happened: `does not reach ${at(host)}, the ${what} host (${code}).`,
    cause: isLate
      ? `A firewall drops what goes to port ${String(host.port)}.`
      : `A firewall refuses port ${String(host.port)}, or nothing listens there.`,
    conclusion: `${at(host)} is not reached`,
    fixes: [
      { who: "To try it without mailfleet:", commands: [`openssl s_client -connect ${at(host)} -servername ${host.host} </dev/null`] },
    ],
    also: ["an IPv6 route that leads nowhere; endpoints with a wrong host or port; trouble at Microsoft."],
  });
}

function tlsFailure(host: HostLook, code: string, what: string, now: number): StepVerdict {
  const { certificate } = host;
  if (code === "TIMEOUT") {
    return failed("network", {
      code: "CONNECT_TIMEOUT",
      certainty: "possible",
      happened: `gets no answer from ${at(host)}, the ${what} host: it takes the connection and does not speak TLS.`,
      cause: "A firewall or proxy takes the connection in the server's place and lets nothing through.",
      conclusion: `${at(host)} does not answer`,
      fixes: [certificateFix(host.host, host.port)],
      also: ["endpoints with the port of another service; an overloaded server."],
    });
  }
  const fixes = [certificateFix(host.host, host.port)];
  const base = { code: "TLS_HANDSHAKE", conclusion: `no trusted TLS connection to ${host.host}` } as const;
  const said = `has no trusted TLS connection to ${at(host)}, the ${what} host (${code}).`;
  if (!certificate) {
    return failed("network", {
      ...base,
      certainty: "possible",
      happened: said,
      cause: "What answers there does not speak TLS 1.2 or newer: another service, or a device on the way.",
      also: ["endpoints with a wrong port, or with tls where the server has none."],
      fixes,
    });
  }
  if (certificate.validTo < now || certificate.validFrom > now) {
    const which = certificate.validTo < now ? `ended ${formatUtc(certificate.validTo)}` : `begins ${formatUtc(certificate.validFrom)}`;
    return failed("network", {
      ...base,
      certainty: "certain",
      happened: said,
      cause: `Its certificate ${which}, by the clock of this machine.`,
      fixes,
    });
  }
  const isOtherName = code === "ERR_TLS_CERT_ALTNAME_INVALID" || code === "HOSTNAME_MISMATCH";
  if (isOtherName) {
    return failed("network", {
      ...base,
      certainty: "certain",
      happened: said,
      cause: `The certificate is for ${namesOf(certificate)}, not for ${host.host}: another server answers, or endpoints names the wrong host for this cloud.`,
      fixes,
    });
  }
  return failed("network", {
    ...base,
    certainty: "most likely",
    happened: said,
    cause: `TLS is intercepted: the certificate for ${namesOf(certificate)} is issued by ${issuerOf(certificate)}, which this machine does not trust.`,
    also: ["a login or mail service of your own, whose authority is missing in endpoints.caFile."],
    fixes: [
      ...fixes,
      {
        who: "If that issuer is your company's, let these hosts through, or trust it:",
        commands: ["NODE_EXTRA_CA_CERTS=/path/to/ca.pem npx mailfleet doctor"],
      },
    ],
  });
}

function isForeign({ certificate }: HostLook): boolean {
  return certificate !== undefined && !microsoftIssuers.test(certificate.issuer);
}

function at({ host, port }: HostLook): string {
  return `${host}:${String(port)}`;
}

function tlsWords(login: HostLook, mail: HostLook): string {
  const versions = [...new Set([login, mail].map((host) => (host.tls ? tlsName(host.tlsVersion) : "no TLS (loopback)")))];
  return versions.join(" and ");
}

/** `TLSv1.3` of Node as people write it. */
function tlsName(version: string | undefined): string {
  return version?.replace(/^TLSv/, "TLS ") ?? "TLS";
}

function issuerOf(certificate: CertificateLook | undefined): string {
  return stripControls(certificate?.issuer ?? "").slice(0, 80) || "nobody it names";
}

function namesOf({ names }: CertificateLook): string {
  return stripControls(names.slice(0, 3).join(", ")).slice(0, 120) || "no name";
}
