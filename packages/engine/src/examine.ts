import {
  type ConfigurationLook,
  type ControlsLook,
  type LoginTry,
  type MachineLook,
  type MailboxLook,
  type NetworkLook,
  nextLook,
  type Observations,
  type RedisLook,
  type ScopeLook,
  type Subject,
  type TimeStyle,
  type TokenLook,
} from "@mailfleet/core";

/** How the doctor looks. Each ends within a limit of its own, changes nothing, and tells a failure in its answer; it does not reject. */
export interface DoctorProbes {
  machine(): Promise<MachineLook>;
  redis(): Promise<RedisLook>;
  network(): Promise<NetworkLook>;
  /** A real request, past the fleet's cache. */
  token(): Promise<TokenLook>;
  mailbox(seen: Observations): Promise<MailboxLook>;
  /** Logs in to the same mailbox over the other mail protocol, once. */
  other(seen: Observations): Promise<LoginTry>;
  controls(seen: Observations): Promise<ControlsLook>;
  scope(seen: Observations): Promise<ScopeLook>;
}

export interface Examination {
  readonly subject: Subject;
  readonly configuration: ConfigurationLook;
  readonly probes: DoctorProbes;
  /** Asked before each look: judging needs the time. */
  readonly style: () => TimeStyle;
  /** After each look, with all that was seen so far. */
  readonly onSeen?: (seen: Observations) => void;
  /** Asked before each look. */
  readonly signal?: AbortSignal;
}

/**
 * Looks step by step, and stops where the answer is known: what lies behind a wrong step would only confuse.
 * @throws the reason of `signal`
 */
export async function examine({ subject, configuration, probes, style, onSeen, signal }: Examination): Promise<Observations> {
  let seen: Observations = { subject, configuration };
  for (;;) {
    signal?.throwIfAborted();
    onSeen?.(seen);
    const look = nextLook(seen, style());
    switch (look) {
      case undefined:
        return seen;
      case "machine":
        seen = { ...seen, machine: await probes.machine() };
        break;
      case "redis":
        seen = { ...seen, redis: await probes.redis() };
        break;
      case "network":
        seen = { ...seen, network: await probes.network() };
        break;
      case "token":
        seen = { ...seen, token: await probes.token() };
        break;
      case "mailbox":
        seen = { ...seen, mailbox: await probes.mailbox(seen) };
        break;
      case "other":
        seen = { ...seen, other: await probes.other(seen) };
        break;
      case "controls":
        seen = { ...seen, controls: await probes.controls(seen) };
        break;
      case "scope":
        seen = { ...seen, scope: await probes.scope(seen) };
        break;
    }
  }
}
