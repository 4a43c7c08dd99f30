import type { LookupFunction } from "node:net";
import {
  createScrubber,
  type AccessToken,
  type Clock,
  type Log,
  type MailboxRef,
  type MailSession,
  type MailSource,
} from "@mailfleet/core";
import { defaultImapLimits, needTls, type ImapEndpoint, type ImapLimits } from "./flow-options.ts";
import { ImapConnection } from "./imap-connection.ts";
import { textOf } from "./imapflow-internals.ts";
import { ImapSession } from "./imap-session.ts";
import { createOfferMemory } from "./look/offer-memory.ts";
import { quickLook } from "./look/quick-look.ts";
import type { TlsMemory } from "./tls-memory.ts";

export interface ImapSourceOptions {
  /** By tenant alias. @throws SyncError for an unknown one */
  readonly endpoint: (tenant: string) => ImapEndpoint;
  readonly log: Log;
  /** Sees every text of a server before it leaves this package; the session's own token is masked besides. */
  readonly scrub: (text: string) => string;
  readonly clock: Pick<Clock, "monotonic">;
  readonly limits?: Partial<ImapLimits>;
  /** Asks for the addresses of the host, in place of `dns.lookup`, which holds threads that all of the process needs (F23). */
  readonly lookUp: LookupFunction;
  /** What ID tells the server, such as name and version. */
  readonly clientInfo?: Readonly<Record<string, string>>;
  /** Lets connections to the same server share what TLS may share; without it each begins anew, as whoever examines a server wants it. */
  readonly tlsMemory?: TlsMemory;
}

/** Reads mailboxes over IMAP with an app-only token (XOAUTH2), as Exchange Online speaks it, by imapflow. */
export function createImapSource(options: ImapSourceOptions): MailSource {
  const own: ImapLimits = { ...defaultImapLimits, ...options.limits };
  const offers = createOfferMemory(options.clock);
  /** Made on the first failure: its patterns cost more than a login. */
  const scrubbing = (secret: string): ((text: string) => string) => {
    let scrubToken: ((text: string) => string) | undefined;
    return (text) => options.scrub((scrubToken ??= createScrubber([secret]))(text));
  };
  return {
    async open(mailbox: MailboxRef, token: AccessToken, signal: AbortSignal): Promise<MailSession> {
      const connection = await ImapConnection.open({
        endpoint: options.endpoint(mailbox.tenant),
        user: mailbox.address,
        token: token.value.reveal(),
        clientInfo: options.clientInfo ?? { name: "mailfleet" },
        limits: own,
        clock: options.clock,
        lookUp: options.lookUp,
        tlsMemory: options.tlsMemory,
        scrub: scrubbing(token.value.reveal()),
        signal,
      });
      const delimiter = connection.isProven ? connection.delimiter : await proveByList(connection);
      return new ImapSession({ connection, log: options.log, limits: own, delimiter });
    },
    async look(mailbox, token, signal, request) {
      const endpoint = options.endpoint(mailbox.tenant);
      needTls(endpoint);
      const secret = token.value.reveal();
      const { lookUp, tlsMemory } = options;
      const scrub = scrubbing(secret);
      return await quickLook({
        endpoint,
        lookUp,
        tlsMemory,
        scrub,
        signal,
        user: mailbox.address,
        token: secret,
        limits: own,
        offers,
        request,
      });
    },
  };
}

/** Where NAMESPACE is not known or was refused: LIST "" "" names the delimiter, and its OK is the proof of access. */
async function proveByList(connection: ImapConnection): Promise<string | undefined> {
  let delimiter: string | undefined;
  try {
    await connection.run("LIST", ["", ""], {
      phase: "first-command",
      untagged: {
        LIST: (answer) => {
          delimiter = textOf(answer.attributes?.[1]);
        },
      },
    });
  } catch (error) {
    connection.close();
    throw error;
  }
  return delimiter;
}
