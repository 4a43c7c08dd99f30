import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { limits } from "@mailfleet/core";

/** Whom a connection is made to. All of it counts: a session is offered only where its certificate would have been asked for the same way. */
export interface TlsPeer {
  /** Also the name that the certificate must have. */
  readonly host: string;
  readonly port: number;
  /** PEM; replaces the system's trust store. */
  readonly ca?: string;
}

/** One connection that is about to be made. */
export interface TlsBeginning {
  /** For `tls.connect`, beside host and port. */
  readonly options: { readonly secureContext: SecureContext; readonly session?: Buffer };
  /** The connection stands and its certificate is trusted: what the server left of it may begin the next one. */
  keep(socket: TLSSocket): void;
  /** The connection failed: the next one begins without what this one began with. */
  forget(): void;
}

export interface TlsMemory {
  begin(peer: TlsPeer): TlsBeginning;
}

export interface TlsMemoryLimits {
  /**
   * A resumed connection shows no certificate. So however often it was renewed, a session is offered for so long after the certificate
   * was looked at, and not beyond the certificate's own end: what was revoked or replaced is noticed after this at the latest.
   */
  readonly resumeMs: number;
  /** A server's next ticket is taken once the last one is so old: servers give tickets for minutes, and reading one costs 20 microseconds. */
  readonly renewMs: number;
  /** Trust stores and peers that are remembered. A session is 2 to 4 kB, a store of one's own as large as its PEM. */
  readonly peers: number;
}

const defaultLimits: TlsMemoryLimits = {
  resumeMs: limits.tlsResumeMs,
  renewMs: limits.tlsRenewMs,
  peers: limits.tlsPeers,
};

interface Kept {
  readonly session: Buffer;
  /** Monotonic ms. */
  readonly takenAt: number;
  readonly verifiedUntil: number;
}

/**
 * What TLS connections to the same server share: one context for each trust store, which costs a quarter of a millisecond to build, and the
 * newest session of TLS 1.2 or 1.3, which saves the certificate's way over the wire and its verification. In this process' memory only.
 *
 * @param clock `now` is compared with the end of certificates, `monotonic` measures ages
 */
export function createTlsMemory(
  clock: { readonly now: () => number; readonly monotonic: () => number },
  own: TlsMemoryLimits = defaultLimits,
): TlsMemory {
  const contexts = new Map<string | undefined, SecureContext>();
  const sessions = new Map<string, Kept>();

  const contextOf = (ca: string | undefined): SecureContext =>
    contexts.get(ca) ?? put(contexts, ca, createSecureContext({ minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) }));

  function put<K, V>(map: Map<K, V>, key: K, value: V): V {
    map.delete(key);
    map.set(key, value);
    for (const oldest of map.keys()) {
      if (map.size <= own.peers) break;
      map.delete(oldest);
    }
    return value;
  }

  return {
    begin({ host, port, ca }) {
      const key = `${port} ${host} ${ca ?? ""}`;
      const secureContext = contextOf(ca);
      const found = sessions.get(key);
      const kept = found !== undefined && clock.monotonic() < found.verifiedUntil ? found : undefined;
      if (kept === undefined) sessions.delete(key);
      return {
        options: { secureContext, ...(kept && { session: kept.session }) },
        keep(socket) {
          if (!socket.authorized) return;
          const at = clock.monotonic();
          const isResumed = kept !== undefined && socket.isSessionReused();
          if (isResumed && at - kept.takenAt < own.renewMs) return;
          const session = socket.getSession();
          if (session === undefined) return;
          const verifiedUntil = isResumed ? kept.verifiedUntil : at + Math.min(own.resumeMs, endOf(socket) - clock.now());
          put(sessions, key, { session, takenAt: at, verifiedUntil });
        },
        forget: () => void sessions.delete(key),
      };
    },
  };
}

/** Epoch ms at which the server's certificate ends; the past for one that has no readable end. */
function endOf(socket: TLSSocket): number {
  const end = Date.parse(socket.getPeerCertificate().valid_to);
  return Number.isNaN(end) ? 0 : end;
}
