import type { SecureContext, TLSSocket } from "node:tls";

/** What connections to the same server share. Whoever wires the process owns it; without one, each connection stands alone. */
export interface TlsMemory {
  begin(peer: { readonly host: string; readonly port: number; readonly ca?: string }): TlsBeginning;
}

/** One connection that is about to be made. */
export interface TlsBeginning {
  /** For `tls.connect`, beside host and port. A session is one whose certificate was verified for this very peer. */
  readonly options: { readonly secureContext: SecureContext; readonly session?: Buffer };
  /** The connection stands. */
  keep(socket: TLSSocket): void;
  /** It failed before anything was heard on it. */
  forget(): void;
}
