import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Server } from "node:https";
import { type Log, syncError } from "@mailfleet/core";

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** Files are small: they are read rather than watched, because links that are swapped (as Kubernetes does) are seen so as well. */
const lookMs = 30_000;

/** @throws SyncError CONFIG_INVALID where the two are not there, or do not belong together */
export async function readTlsPair({ certFile, keyFile }: TlsFiles): Promise<TlsPair> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile, "utf8"), readFile(keyFile, "utf8")]);
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch {
    // Node's words may hold parts of the file.
  }
  throw syncError("CONFIG_INVALID", "console.tls: certFile and keyFile are not a certificate and its key, or cannot be read.", {
    layer: "engine",
  });
}

/** Gives a server the pair that lies in the files now; a pair that is broken, or half written, is told once and the old one stays. */
export class TlsReload {
  readonly #files: TlsFiles;
  readonly #log: Log;
  #pair: TlsPair;
  #isTold = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(files: TlsFiles, pair: TlsPair, log: Log) {
    this.#files = files;
    this.#pair = pair;
    this.#log = log;
  }

  watch(server: Pick<Server, "setSecureContext">): void {
    this.#timer = setInterval(() => void this.look(server), lookMs);
    this.#timer.unref();
  }

  /** New connections get the new pair; those that are open go on. */
  async look(server: Pick<Server, "setSecureContext">): Promise<void> {
    try {
      const pair = await readTlsPair(this.#files);
      this.#isTold = false;
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return;
      server.setSecureContext({ ...pair, minVersion: "TLSv1.2" });
      this.#pair = pair;
      this.#log.info({ ends: new X509Certificate(pair.cert).validTo }, "the console's certificate was changed");
    } catch {
      if (!this.#isTold) this.#log.warn({}, "the console's new certificate and key do not fit together, the old ones stay");
      this.#isTold = true;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
