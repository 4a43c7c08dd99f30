import { isSyncError, limits, type MailboxRef, mailboxId, type PushClaim, pushWait, syncError } from "@mailfleet/core";
import { pushMailbox, type HoldEnd, type PushCounts, type PushPorts } from "./push-mailbox.ts";
import { planRound } from "./push-plan.ts";

export interface PushSettings {
  /** What is to be pushed, as this worker's configuration has it. */
  readonly isChosen: (mailbox: MailboxRef) => boolean;
  /** IDLE connections that this worker holds at most. */
  readonly budget: number;
}

/** Push as this worker sees it. */
export interface PushState extends Readonly<PushCounts> {
  /** Mailboxes of the fleet that are to be pushed. */
  readonly chosen: number;
  /** Of those, the ones that this worker holds. */
  readonly held: number;
  /** Of those, the ones whose server would tell us now. */
  readonly connected: number;
}

export interface RunningPush {
  readonly state: () => PushState;
  /** Closes all connections at once and gives all mailboxes back; may wait for Redis for ever. */
  stop(): Promise<void>;
}

interface Holding {
  readonly claim: PushClaim;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
  isConnected: boolean;
}

/** How long a worker that lost its place, or never got one, waits before it asks for another. */
const rejoinMs = 5_000;
/** Renewal is looked at this often, so that a process that slept through its place's time closes its connections soon after it wakes. */
const watchMs = 1_000;

/** Holds IDLE sessions for this worker's share of the chosen mailboxes, beside its sync jobs, until stopped. */
export function startPush(ports: PushPorts, settings: PushSettings): RunningPush {
  const counts: PushCounts = { connects: 0, pokes: 0, failures: 0 };
  const stopping = new AbortController();
  const desk: Desk = { ports, settings, counts, holdings: new Map(), chosen: 0, isUntidy: false };
  const running = keepPlace(desk, stopping.signal);
  return {
    state: () => ({
      ...counts,
      chosen: desk.chosen,
      held: desk.holdings.size,
      connected: [...desk.holdings.values()].filter((one) => one.isConnected).length,
    }),
    async stop() {
      stopping.abort(syncError("INTERRUPTED", "The worker stops. Push goes on with the next one.", { layer: "engine" }));
      await running;
    },
  };
}

interface Desk {
  readonly ports: PushPorts;
  readonly settings: PushSettings;
  readonly counts: PushCounts;
  readonly holdings: Map<string, Holding>;
  chosen: number;
  /** A call failed half-way: Redis may think that this place holds more than it does. */
  isUntidy: boolean;
}

/** One place after the other: a place that was lost takes everything with it. */
async function keepPlace(desk: Desk, stop: AbortSignal): Promise<void> {
  const { ports, settings } = desk;
  let lastCode = "";
  while (!stop.aborted) {
    try {
      const askedAt = ports.clock.monotonic();
      const place = await ports.leases.join(settings.budget);
      lastCode = "";
      if (!isAborted(stop)) await workPlace(desk, place, askedAt, stop);
      else await ports.leases.leave(place, []);
    } catch (error) {
      const code = isSyncError(error) ? error.failure.code : "UNCLASSIFIED";
      if (code !== lastCode) ports.log.warn({ code, err: error }, "push stands still, mailboxes are polled meanwhile");
      lastCode = code;
    }
    await ports.clock.sleep(rejoinMs * (0.5 + ports.chance.random()), stop).catch(() => undefined);
  }
}

async function workPlace(desk: Desk, place: string, joinedAt: number, stop: AbortSignal): Promise<void> {
  const { ports, holdings } = desk;
  const over = new AbortController();
  const ends = AbortSignal.any([over.signal, stop]);
  const held = new Set<string>();
  const onEnd = (): void => {
    for (const [id, { controller }] of holdings) {
      held.add(id);
      controller.abort(ends.reason);
    }
  };
  ends.addEventListener("abort", onEnd, { once: true });
  void watchPlace(desk, place, joinedAt, over, ends);
  await rounds(desk, place, ends);
  // What was claimed while the place ended.
  onEnd();
  await Promise.all([...holdings.values()].map((one) => one.ended));
  if (stop.aborted) await ports.leases.leave(place, [...held]);
  else ports.log.warn({ held: held.size }, "push lost its place, all its connections are closed; it asks for another");
}

/** Renews; ends the place when it was refused, or by the monotonic clock when no renewal succeeded in time (F02, F03). */
async function watchPlace(desk: Desk, place: string, joinedAt: number, over: AbortController, ends: AbortSignal): Promise<void> {
  const { ports, holdings } = desk;
  let renewedAt = joinedAt;
  let isAsking = false;
  const lose = (why: string): void =>
    over.abort(
      syncError("LEASE_LOST", `The place in the fleet's push is lost: ${why}. Other workers go on.`, { layer: "engine", text: why }),
    );
  const renew = async (): Promise<void> => {
    const askedAt = ports.clock.monotonic();
    const ids = [...holdings.keys()];
    const answer = await ports.leases.renew(place, ids);
    if (answer === undefined) return lose("it ran out");
    renewedAt = askedAt;
    const reason = syncError("LEASE_LOST", "Push for the mailbox is another worker's, or not wanted any more.", { layer: "engine" });
    for (const id of answer.lost) holdings.get(id)?.controller.abort(reason);
    for (const [id, cause] of answer.causes) {
      const waitMs = pushWait(cause, ports.clock.now(), true);
      if (waitMs !== undefined && !answer.lost.includes(id)) await giveUp(desk, place, id, waitMs);
    }
  };
  while (!ends.aborted) {
    const age = ports.clock.monotonic() - renewedAt;
    if (age >= limits.leaseSelfStopMs) return lose("it could not be renewed in time");
    if (age >= limits.leaseRenewMs && !isAsking) {
      isAsking = true;
      // Redis is away: the self-stop above ends the place if that lasts.
      void renew()
        .catch(() => undefined)
        .finally(() => (isAsking = false));
    }
    await ports.clock.sleep(watchMs, ends).catch(() => undefined);
  }
}

async function rounds(desk: Desk, place: string, ends: AbortSignal): Promise<void> {
  const { ports, settings, holdings } = desk;
  let lastCode = "";
  while (!ends.aborted) {
    try {
      if (desk.isUntidy) await ports.leases.tidy(place, [...holdings.keys()]);
      desk.isUntidy = false;
      await ports.leases.choose(settings.isChosen);
      const facts = await ports.leases.look();
      desk.chosen = facts.chosen;
      const unconnected = [...holdings].filter(([, one]) => !one.isConnected).map(([id]) => id);
      const plan = planRound({ ...facts, budget: settings.budget, held: holdings.size, unconnected: unconnected.length });
      const claims = plan.claim > 0 ? await ports.leases.claim(place, plan.claim) : [];
      if (isAborted(ends)) return;
      for (const claim of claims) hold(desk, place, claim);
      // Without a session first, then those held for the shortest time.
      const surplus = [...unconnected, ...[...holdings.keys()].reverse().filter((id) => !unconnected.includes(id))].slice(0, plan.release);
      for (const id of surplus) await giveUp(desk, place, id, 0);
      lastCode = "";
    } catch (error) {
      const code = isSyncError(error) ? error.failure.code : "UNCLASSIFIED";
      if (code !== lastCode) ports.log.warn({ code, err: error }, "a round of push failed, the next one tries again");
      lastCode = code;
      desk.isUntidy = true;
    }
    // Not all workers at once: two that look at the same moment want the same mailboxes.
    await ports.clock.sleep(limits.pushRoundMs * (0.75 + ports.chance.random() / 2), ends).catch(() => undefined);
  }
}

function hold(desk: Desk, place: string, claim: PushClaim): void {
  const { ports, counts, holdings } = desk;
  const id = mailboxId(claim.mailbox);
  // A claim that was sent again answers with what is held already.
  if (holdings.has(id)) return;
  const controller = new AbortController();
  const holding: Holding = {
    claim,
    controller,
    isConnected: false,
    ended: pushMailbox({
      ports,
      place,
      claim,
      counts,
      signal: controller.signal,
      onConnected: (isConnected) => (holding.isConnected = isConnected),
    }).then((end) => finish(desk, place, id, end)),
  };
  holdings.set(id, holding);
}

async function finish(desk: Desk, place: string, id: string, end: HoldEnd): Promise<void> {
  if (end.kind === "give-back") await giveBack(desk, place, id, end.afterMs, end.tries);
  desk.holdings.delete(id);
}

/** Closes the connection first: whoever takes the mailbox next may connect at once. */
async function giveUp(desk: Desk, place: string, id: string, afterMs: number): Promise<void> {
  const holding = desk.holdings.get(id);
  if (!holding) return;
  holding.controller.abort(syncError("INTERRUPTED", "Push for the mailbox goes on elsewhere.", { layer: "engine" }));
  await holding.ended;
  await giveBack(desk, place, id, afterMs, 0);
}

async function giveBack(desk: Desk, place: string, id: string, afterMs: number, tries: number): Promise<void> {
  await desk.ports.leases.giveBack(place, id, afterMs, tries).catch(() => (desk.isUntidy = true));
}

/** As a call, because a loop's condition narrows the property. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
