import type { FailureCode } from "../failure-code.ts";

/** What an entry is told of the cause and of whom it hits. */
export interface Telling {
  /** The subject: an address, `3 mailboxes of contoso`, or a tenant where the tenant is hit as a whole. */
  readonly who: string;
  /** Like `who`, never the tenant. */
  readonly mailboxes: string;
  readonly tenant: string;
  /** `is` or `are`, fitting `mailboxes`. */
  readonly are: string;
  /** Of `mailboxes`: `s` after one, nothing after many. */
  readonly s: string;
  readonly es: string;
  readonly since: string;
  readonly until: string;
  /** `, try 2` from the second try on. */
  readonly again: string;
  readonly tries: number;
  readonly isParked: boolean;
  readonly quote: string;
}

export interface Entry {
  readonly label: string;
  readonly line: string;
  readonly happened: string;
  readonly next?: string;
  readonly youCan?: string;
}

const ask = "Run the doctor: it checks each step and names the one that is wrong.";

/** The words for every failure code: one catalogue for terminal, console, alerts and docs/errors.md. */
export const causeCatalogue: Record<FailureCode, (t: Telling) => Entry> = {
  CONFIG_INVALID: (t) => ({
    label: "the configuration does not fit it",
    line: `${t.who} cannot be read: the configuration does not fit it`,
    happened: `The configuration of ${t.tenant} cannot be used for ${t.mailboxes}.${t.quote}`,
    youCan: "Mend the configuration and start again.",
  }),
  ENTRA_CREDENTIAL_INVALID: (t) => ({
    label: "client secret refused",
    line: `${t.tenant}: Microsoft refuses its client secret`,
    happened: `Microsoft refuses the client secret of ${t.tenant}. It may be the secret's ID instead of its Value.`,
    youCan: "Paste the Value into the secret file; a certificate must be uploaded to the app registration, compare its thumbprint.",
  }),
  ENTRA_CREDENTIAL_EXPIRED: (t) => ({
    label: `client secret expired ${t.since}`,
    line: `${t.tenant}: its client secret expired ${t.since}`,
    happened: `The client secret of ${t.tenant} expired ${t.since}.`,
    youCan: "Add a new secret to the app registration and put its Value into the secret file.",
  }),
  ENTRA_APP_UNKNOWN: (t) => ({
    label: "app not known to the directory",
    line: `${t.tenant}: its directory does not know the app`,
    happened: `The directory of ${t.tenant} does not know the app.`,
    youCan: "Compare clientId and tenantId with the app registration, and give the app consent in this directory.",
  }),
  ENTRA_TENANT_UNKNOWN: (t) => ({
    label: "directory not known",
    line: `${t.tenant}: Microsoft does not know its directory`,
    happened: `Microsoft does not know the directory of ${t.tenant}.`,
    youCan: "Compare tenantId with the Directory (tenant) ID in the Entra admin center, and cloud with where the directory is.",
  }),
  ENTRA_PRINCIPAL_MISSING: (t) => ({
    label: "app has no service principal",
    line: `${t.tenant}: the app has no service principal in its directory`,
    happened: `The app of ${t.tenant} has no service principal (Enterprise application) in its directory, so no token can name it.`,
    youCan: "Create the Enterprise application there by giving admin consent, then register its object id in Exchange.",
  }),
  ENTRA_CLOCK_WRONG: (t) => ({
    label: "clock of this machine is off",
    line: `${t.tenant}: Microsoft refuses the signed assertion, the clock of this machine is off`,
    happened: `Microsoft refuses the signed assertion of ${t.tenant}: it is outside its time window, so the clock of this machine is off.`,
    youCan: "Set the clock (NTP) of the machine that mailfleet runs on.",
  }),
  ENTRA_SCOPE_INVALID: (t) => ({
    label: "scope refused",
    line: `${t.tenant}: Microsoft refuses the scope it asks for`,
    happened: `Microsoft gives ${t.tenant} no token for the scope that is configured.`,
    youCan: "Set cloud to the one the directory is in, or mend endpoints.scope.",
  }),
  ENTRA_CONSENT_MISSING: (t) => ({
    label: "permission missing",
    line: `${t.tenant}: its app may not read mail, the permission is missing`,
    happened: `The app of ${t.tenant} may not read mail: its token lacks IMAP.AccessAsApp, or POP.AccessAsApp where it is read over POP3.`,
    youCan: "Grant the application permission of Office 365 Exchange Online, with admin consent.",
  }),
  ENTRA_ACCESS_BLOCKED: (t) => ({
    label: "blocked by a policy of the directory",
    line: `${t.tenant}: a policy of its directory blocks the app`,
    happened: `A policy of ${t.tenant}'s directory blocks the app.${t.quote}`,
    youCan: "Ask the directory's administrator to allow the app from this machine's address (Conditional Access for workload identities).",
  }),
  ENTRA_TOKEN_MISMATCH: (t) => ({
    label: "token of somebody else",
    line: `${t.tenant}: the token it got is not its own, so it is not used`,
    happened: `The token that came for ${t.tenant} belongs to another directory, app or service. It was not used.`,
    youCan: "Compare tenantId, clientId and cloud with the app registration.",
  }),
  ENTRA_THROTTLED: (t) => ({
    label: `token service asks to wait until ${t.until}`,
    line: `${t.tenant}: the token service asks to wait until ${t.until}, then it goes on by itself`,
    happened: `Microsoft's token service asks ${t.tenant} to wait until ${t.until}.`,
  }),
  ENTRA_UNAVAILABLE: (t) => ({
    label: `token service does not answer${t.again}`,
    line: `${t.tenant}: the token service does not answer${t.again}; goes on by itself`,
    happened: `Microsoft's token service gives ${t.tenant} no token.${t.quote}`,
    youCan: "Look at Microsoft's service health, and at the network of this machine.",
  }),
  EXCHANGE_PRINCIPAL_UNKNOWN: (t) => ({
    label: "Exchange does not know the app",
    line: `${t.tenant}: Exchange does not know the app, every mailbox refuses it`,
    happened: `Exchange does not know the app of ${t.tenant}: all mailboxes tried refuse it, though the token is good.${t.quote}`,
    youCan: "Register the Enterprise application's object id in Exchange; the doctor prints the PowerShell lines with the ids filled in.",
  }),
  LOGIN_METHOD_REFUSED: (t) => ({
    label: "Exchange refuses this way to log in",
    line: `${t.tenant}: Exchange refuses the way mailfleet logs in`,
    happened: `Exchange refuses the way mailfleet logs in to ${t.tenant}.${t.quote} It says so to clients that send a password.`,
    youCan: "Check that endpoints lead to Exchange Online and not to a proxy that changes the login.",
  }),
  SERVICE_INCIDENT: (t) => ({
    label: `Microsoft refuses many tenants${t.again}`,
    line: `${t.mailboxes} ${t.are} refused with many others since ${t.since}: looks like a Microsoft incident; goes on by itself`,
    happened: `Exchange refuses many tenants at once since ${t.since}; nothing changed here. Looks like a Microsoft incident.${t.quote}`,
    next: "Tries again every 15 min at most. No mailbox is marked broken.",
    youCan: "Look at Microsoft's service health.",
  }),
  CONNECTION_LIMIT: (t) => ({
    label: `too many connections${t.again}`,
    line: `${t.mailboxes}: the server says there are too many connections${t.again}; goes on by itself`,
    happened: `The mail server takes no further connection to ${t.mailboxes}.${t.quote}`,
    youCan: "If it lasts: close other programs that read the mailbox.",
  }),
  TOKEN_REJECTED: (t) => ({
    label: "Exchange refuses the login",
    line: `${t.mailboxes} refuse${t.s} the login, though Microsoft issued a token${t.again}; tried again at ${t.until}`,
    happened: `Exchange refuses the login to ${t.mailboxes}, though Microsoft issued a token.${t.quote} ${
      t.s === ""
        ? "If no mailbox of the tenant opens, Exchange does not know the app or was given the wrong object id."
        : "If others of the tenant open, it is this mailbox: no FullAccess, not its primary address, IMAP or POP3 switched off (ImapEnabled, PopEnabled), or too many sessions."
    }`,
    youCan: `${ask} Grant FullAccess, compare the address, switch on the protocol that it is read by (ImapEnabled or PopEnabled), close other programs that read the mailbox.`,
  }),
  // Exchange says the same in an outage and with too many sessions, so the first refusals are not yet a missing grant.
  MAILBOX_ACCESS_DENIED: (t) => ({
    label: t.isParked ? "no access was granted" : `access refused${t.again}`,
    line: t.isParked
      ? `${t.mailboxes} refuse${t.s} mailfleet: no access was granted to ${t.s === "" ? "them" : "it"}`
      : `${t.mailboxes} refuse${t.s} mailfleet${t.again}; tried again at ${t.until}`,
    happened: `${t.mailboxes} let mailfleet in and then refused every command. Usually access was not granted to ${t.s === "" ? "them" : "it"}.`,
    youCan: "Grant FullAccess; check that IMAP (or POP3, where it is read over that) is on and the address is the primary one.",
  }),
  CONNECT_TIMEOUT: (t) => ({
    label: `mail server does not answer${t.again}`,
    line: `${t.mailboxes}: the mail server does not answer${t.again}; goes on by itself`,
    happened: `The mail server of ${t.mailboxes} does not answer.`,
    youCan: "If it lasts: check that this machine may reach the mail server's port.",
  }),
  CONNECT_REFUSED: (t) => ({
    label: `mail server cannot be reached${t.again}`,
    line: `${t.mailboxes}: the mail server cannot be reached${t.again}; goes on by itself`,
    happened: `The mail server of ${t.mailboxes} cannot be reached.${t.quote}`,
    youCan: "If it lasts: check that this machine may reach the mail server's port.",
  }),
  DNS: (t) => ({
    label: `mail server's name is not found${t.again}`,
    line: `${t.mailboxes}: the mail server's name is not found${t.again}; goes on by itself`,
    happened: `The name of the mail server of ${t.mailboxes} is not found.`,
    youCan: "If it lasts: check this machine's name service.",
  }),
  TLS_HANDSHAKE: (t) => ({
    label: `no trusted connection${t.again}`,
    line: `${t.mailboxes}: no connection that can be trusted${t.again}; no token was sent`,
    happened: `The mail server of ${t.mailboxes} offers no connection that can be trusted.${t.quote} No token was sent.`,
    youCan: "Check for a proxy that opens TLS, this machine's clock, and caFile.",
  }),
  SERVER_THROTTLED: (t) => ({
    label: `throttled by the server until ${t.until}`,
    line: `${t.mailboxes} ${t.are} throttled by the server until ${t.until}, then go${t.es} on by ${t.s === "" ? "themselves" : "itself"}`,
    happened: `Exchange asked to leave ${t.mailboxes} alone until ${t.until}.`,
    next: `Goes on at ${t.until}, all workers know.`,
  }),
  SERVER_UNAVAILABLE: (t) => ({
    label: `server unavailable${t.again}`,
    line: `${t.mailboxes}: the server says it is not available${t.again}; goes on by itself`,
    happened: `Exchange says it is not available for ${t.mailboxes}, first ${t.since}.`,
    youCan: "Look at Microsoft's service health.",
  }),
  SESSION_EXPIRED: (t) => ({
    label: `session ended by the server${t.again}`,
    line: `${t.mailboxes}: the server ended the session with its token${t.again}; goes on by itself`,
    happened: `The server ended the session of ${t.mailboxes} because its token ran out.`,
  }),
  SESSION_CLOSED: (t) => ({
    label: `connection lost${t.again}`,
    line: `${t.mailboxes}: connection lost${t.again}; goes on by itself`,
    happened: `The connection to ${t.mailboxes} was lost.`,
  }),
  PROTOCOL_VIOLATION: (t) => ({
    label: "the server's answers make no sense",
    line: `${t.mailboxes}: the server's answers make no sense${t.again}`,
    happened: `The server's answers for ${t.mailboxes} make no sense.${t.quote}`,
    youCan: "If it lasts: report it with the log.",
  }),
  COMMAND_REFUSED: (t) => ({
    label: `the server refuses a command${t.again}`,
    line: `${t.mailboxes}: the server refuses a command${t.again}`,
    happened: `The server refuses a command for ${t.mailboxes}.${t.quote}`,
    youCan: ask,
  }),
  FOLDER_UNSELECTABLE: (t) => ({
    label: `a folder cannot be opened${t.again}`,
    line: `${t.mailboxes}: a folder cannot be opened${t.again}; the others go on`,
    happened: `The server lists a folder of ${t.mailboxes} and does not open it.${t.quote}`,
    youCan: "If it is the inbox: rename the folder called Inbox that somebody made beside it.",
  }),
  FOLDER_GONE: (t) => ({
    label: "a folder is gone",
    line: `${t.mailboxes}: a folder is gone; the next look takes the folders as they are`,
    happened: `A folder of ${t.mailboxes} was there when the folders were listed and is gone.`,
  }),
  MESSAGE_TOO_LARGE: (t) => ({
    label: "a message is larger than allowed",
    line: `${t.mailboxes}: a message is larger than allowed and is set aside`,
    happened: `A message of ${t.mailboxes} is larger than allowed. It is set aside with its head; the rest goes on.`,
  }),
  LEASE_LOST: (t) => ({
    label: "taken over by another worker",
    line: `${t.mailboxes} ${t.are} taken over by another worker`,
    happened: `The worker lost its right to ${t.mailboxes}; another one goes on.`,
  }),
  CHECKPOINT_STALE: (t) => ({
    label: "read again, another worker was faster",
    line: `${t.mailboxes}: another worker was faster; read again`,
    happened: `What is stored of ${t.mailboxes} moved meanwhile. Nothing was handed off twice.`,
  }),
  CHECKPOINT_CORRUPT: (t) => ({
    label: "what is stored of a folder cannot be read",
    line: `${t.mailboxes}: what is stored of a folder cannot be read`,
    happened: `What is stored of a folder of ${t.mailboxes} cannot be read, so it is not touched.${t.quote}`,
    youCan: "Check that all workers run the same version; then look at Redis' disk.",
  }),
  CHECKPOINT_NEWER: (t) => ({
    label: "belongs to a newer version of mailfleet",
    line: `${t.mailboxes}: a newer version of mailfleet works on ${t.s === "" ? "them" : "it"}; a worker of this older one leaves ${t.s === "" ? "them" : "it"} alone`,
    happened: `A newer version of mailfleet has worked on ${t.mailboxes}. A worker of an older one met what it stored, and left it untouched.`,
    youCan: "Stop the workers of the older version, or update them.",
  }),
  REDIS_UNAVAILABLE: (t) => ({
    label: `Redis does not answer${t.again}`,
    line: `Redis does not answer${t.again}; everything waits and goes on by itself`,
    happened: `Redis does not answer.${t.quote} No new work is taken.`,
    youCan: "Look at Redis: is it running, is its memory or disk full?",
  }),
  BLOB_UNAVAILABLE: (t) => ({
    label: `blob store does not answer${t.again}`,
    line: `${t.mailboxes}: the blob store does not take mail${t.again}; goes on by itself`,
    happened: `The blob store does not take the mail of ${t.mailboxes}.${t.quote}`,
    youCan: "Look at the blob store's folder and disk, or at its bucket; mailfleet doctor names what is wrong with it.",
  }),
  BLOB_STORE_FULL: (t) => ({
    label: "the disk of the blob store is full",
    line: `${t.mailboxes}: the disk of the blob store is full`,
    happened: "The disk of the blob store is full. No mail is handed off until there is room.",
    youCan: "Make room; mailfleet notices by itself.",
  }),
  JOB_PAYLOAD_INVALID: (t) => ({
    label: "a job cannot be read",
    line: `${t.mailboxes}: a job cannot be read`,
    happened: `A job for ${t.mailboxes} cannot be read.${t.quote}`,
    youCan: "Check that producer and workers run the same version, and that nothing else writes to their queues.",
  }),
  INTERRUPTED: (t) => ({
    label: "interrupted, goes on at once",
    line: `${t.mailboxes}: interrupted by a stop; goes on at once`,
    happened: `Work on ${t.mailboxes} was interrupted because a worker stopped.`,
  }),
  INVARIANT: (t) => ({
    label: "mailfleet contradicts itself",
    line: `${t.mailboxes}: mailfleet contradicts itself and stops here`,
    happened: `mailfleet found a contradiction in its own work on ${t.mailboxes} and stopped there.${t.quote}`,
    youCan: "Report it with the log. Other mailboxes go on.",
  }),
  UNCLASSIFIED: (t) => ({
    label: `a trouble that mailfleet does not know${t.again}`,
    line: `${t.mailboxes}: a trouble that mailfleet does not know${t.again}`,
    happened: `Something happened to ${t.mailboxes} that mailfleet does not know.${t.quote}`,
    youCan: "If it lasts: report it with the log.",
  }),
};
