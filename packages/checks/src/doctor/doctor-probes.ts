import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { lookAtBucket, readFreeSpace } from "@mailfleet/blobs";
import type { Config } from "@mailfleet/config";
import {
  type AccessToken,
  type BucketLook,
  type Clock,
  type ControlsLook,
  type ControlTry,
  type LoginTry,
  type MachineLook,
  type MailboxLook,
  type MailboxRef,
  type NetworkLook,
  type Observations,
  otherProtocol,
  roleNames,
  type ScopeLook,
  type TokenLook,
} from "@mailfleet/core";
import { type DoctorProbes, lookAtMailbox, tryLogin } from "@mailfleet/engine";
import { type HostAnswer, lookAtHost } from "@mailfleet/runtime";
import type { DoctorAccess } from "./doctor-access.ts";
import { chooseControls, type Patient } from "./doctor-subjects.ts";
import { type FleetSurvey, redisLookOf } from "./look-at-fleet.ts";

/** Each stage of a connection: name, TCP, TLS, the first answer. */
const stageMs = 10_000;
/** Login, folders, one header: Exchange takes seconds for a login, and a greeting may take 30 s (exchange-online 3.6). */
const mailboxMs = 60_000;
/** A login alone, for comparison. */
const controlMs = 45_000;

export interface ProbeDeps {
  readonly config: Config;
  readonly access: DoctorAccess;
  readonly survey: FleetSurvey;
  readonly clock: Clock;
  /** A mailbox that must be refused, as somebody named it. */
  readonly mustRefuse?: string;
  readonly node: string;
  /** Ends what speaks to a mail server. */
  readonly signal?: AbortSignal;
}

/** What is looked at once for all tenants of a run. */
export class Probes {
  readonly #deps: ProbeDeps;
  /** One for all tenants. */
  #bucket: Promise<BucketLook | undefined> | undefined;
  readonly #hosts = new Map<string, Promise<HostAnswer>>();
  readonly #tokens = new Map<string, Promise<TokenLook & { readonly token?: AccessToken }>>();

  constructor(deps: ProbeDeps) {
    this.#deps = deps;
  }

  for(patient: Patient): DoctorProbes {
    const { config, survey, mustRefuse } = this.#deps;
    return {
      machine: () => this.#machine(patient),
      redis: () => Promise.resolve(redisLookOf(survey, patient.tenant.alias, patient.mailbox)),
      network: () => this.#network(patient),
      token: async () => {
        const { token: _, ...look } = await this.#token(patient.tenant.alias);
        return look;
      },
      mailbox: (seen) => this.#mailbox(patient, seen),
      other: () => this.#other(patient),
      controls: () => this.#controls(chooseControls(config, survey.records, patient, mustRefuse)),
      scope: () => this.#scope(patient),
    };
  }

  async #machine(patient: Patient): Promise<MachineLook> {
    const { config, node } = this.#deps;
    const [disk, bucket, { clockAheadMs }] = await Promise.all([
      readFreeSpace(config.blobs.dir),
      (this.#bucket ??= this.#lookAtBucket()),
      this.#login(patient),
    ]);
    return { node, ...(disk && { disk }), ...(bucket && { bucket }), ...(clockAheadMs !== undefined && { clockAheadMs }) };
  }

  async #lookAtBucket(): Promise<BucketLook | undefined> {
    const { config, clock } = this.#deps;
    return config.blobs.s3 && lookAtBucket(config.blobs.s3, clock, { silenceMs: stageMs });
  }

  async #network(patient: Patient): Promise<NetworkLook> {
    const { endpoints, protocol } = patient.tenant;
    const mail = endpoints[patient.mailbox?.protocol ?? protocol];
    const [login, answer] = await Promise.all([
      this.#login(patient),
      mail === undefined ? undefined : this.#host(mail.host, mail.port, mail.tls, patient, false),
    ]);
    return { login: login.look, mail: (answer ?? login).look };
  }

  #login(patient: Patient): Promise<HostAnswer> {
    const url = new URL(patient.tenant.endpoints.authority);
    return this.#host(url.hostname, url.port === "" ? 443 : Number(url.port), true, patient, true);
  }

  /** One look at each host, however many tenants it serves. */
  #host(host: string, port: number, tls: boolean, { tenant }: Patient, isHttp: boolean): Promise<HostAnswer> {
    const { caFile } = tenant.endpoints;
    const key = JSON.stringify([host, port, caFile]);
    const known = this.#hosts.get(key);
    if (known) return known;
    const look = (async () => {
      const ca = caFile === undefined ? undefined : await readFile(caFile, "utf8").catch(() => undefined);
      return lookAtHost({ host, port, tls, isHttp, stageMs, clock: this.#deps.clock, ...(ca !== undefined && { ca }) });
    })();
    this.#hosts.set(key, look);
    return look;
  }

  #token(alias: string): Promise<TokenLook & { readonly token?: AccessToken }> {
    const known = this.#tokens.get(alias);
    if (known) return known;
    const look = this.#deps.access.probeToken(alias);
    this.#tokens.set(alias, look);
    return look;
  }

  async #mailbox({ tenant, mailbox }: Patient, seen: Observations): Promise<MailboxLook> {
    if (mailbox === undefined) return { kind: "not tried" };
    const cause = seen.redis?.kind === "ready" ? seen.redis.fleet.mailbox?.cause : undefined;
    const isHold = cause?.code === "SERVER_THROTTLED" || cause?.code === "CONNECTION_LIMIT";
    if (cause && isHold && cause.nextAt > this.#deps.clock.now()) return { kind: "held", cause };
    const { token } = await this.#token(tenant.alias);
    if (!token) return { kind: "refused", stage: "login", code: "UNCLASSIFIED", facts: { layer: "engine" } };
    const { access, clock } = this.#deps;
    return lookAtMailbox({ mail: access.mail, mailbox, token, clock, signal: this.#within(mailboxMs) });
  }

  async #other({ tenant, mailbox }: Patient): Promise<LoginTry> {
    const protocol = otherProtocol(mailbox?.protocol ?? tenant.protocol);
    const tried = mailbox && (await this.#try({ ...mailbox, protocol }));
    return tried ?? { protocol, refusal: { code: "UNCLASSIFIED" } };
  }

  async #controls({ neighbours, others }: ReturnType<typeof chooseControls>): Promise<ControlsLook> {
    const tries = async (list: readonly MailboxRef[]): Promise<ControlTry[]> =>
      (await Promise.all(list.map((mailbox) => this.#try(mailbox)))).filter((one) => one !== undefined);
    const [near, far] = await Promise.all([tries(neighbours), tries(others)]);
    return { neighbours: near, others: far };
  }

  /** Undefined where there is no token to try with, or it lacks the protocol's role: then it says nothing about the mail server. */
  async #try(mailbox: MailboxRef): Promise<ControlTry | undefined> {
    const look = await this.#token(mailbox.tenant);
    const roles = look.claims?.roles;
    if (!look.token || (roles !== undefined && !roles.includes(roleNames[mailbox.protocol]))) return undefined;
    const { mail } = this.#deps.access;
    const refusal = await tryLogin({ mail, mailbox, token: look.token, signal: this.#within(controlMs) });
    const { tenant, address, protocol } = mailbox;
    if (!refusal) return { tenant, address, protocol };
    const { code, facts } = refusal;
    return { tenant, address, protocol, refusal: { code, ...(facts.text !== undefined && { text: facts.text }) } };
  }

  #within(ms: number): AbortSignal {
    const { signal } = this.#deps;
    return signal ? AbortSignal.any([signal, AbortSignal.timeout(ms)]) : AbortSignal.timeout(ms);
  }

  async #scope({ tenant, mailbox }: Patient): Promise<ScopeLook> {
    const { mustRefuse } = this.#deps;
    const domain = mailbox?.address.split("@").at(-1) ?? "invalid";
    const address = mustRefuse ?? `mailfleet-doctor-${randomBytes(4).toString("hex")}@${domain}`;
    const tried = await this.#try({ tenant: tenant.alias, address, protocol: mailbox?.protocol ?? tenant.protocol });
    const code = tried?.refusal?.code;
    const isRefused = code === "MAILBOX_ACCESS_DENIED" || code === "TOKEN_REJECTED" || code === "COMMAND_REFUSED";
    const outcome = tried === undefined ? "unclear" : code === undefined ? "opened" : isRefused ? "refused" : "unclear";
    return { address, isInvented: mustRefuse === undefined, outcome };
  }
}
