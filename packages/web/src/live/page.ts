import type { ActionRun, FleetPatch, Frame, PageAnswer, PageData, StreamEvent, Zone } from "@mailfleet/core/console";
import { render, type TemplateResult } from "lit-html";
import { type Contact, type Liveness, livenessOf } from "../model/liveness.ts";
import { isNext, patchFrame } from "../model/apply-patch.ts";
import { type Preferences, readPreferences } from "../preferences.ts";
import { getJson } from "./api.ts";
import { showHeader } from "./header.ts";

export type DataOf<Name extends PageData["name"]> = Extract<PageData, { name: Name }>["data"];

/** What a view may ask for besides its data. */
export interface ViewContext {
  readonly frame: Frame;
  /** Epoch ms by the server's clock; stands still while the page is paused or out of touch. */
  readonly now: number;
  readonly zone: Zone;
  readonly liveness: Liveness;
  /** Buttons are there: the person may act. Disabled while the page is not live. */
  readonly mayAct: boolean;
  readonly preferences: Preferences;
}

export interface PageOptions<Name extends PageData["name"]> {
  readonly name: Name;
  readonly view: (data: DataOf<Name>, context: ViewContext) => TemplateResult;
  /** The data after a patch; `reload` asks for the page's data anew, soon. */
  readonly patch?: (data: DataOf<Name>, patch: FleetPatch, page: Page<Name>) => { readonly data: DataOf<Name>; readonly reload: boolean };
  /** What becomes of newly loaded data; without it they replace the old ones. */
  readonly merge?: (old: DataOf<Name>, loaded: DataOf<Name>) => DataOf<Name>;
}

/** What the parts that serve every page need of it. */
export type PageHandle = Pick<Page, "frame" | "preferences" | "isPaused" | "now" | "context" | "draw" | "reload" | "onRun" | "togglePause">;

/** Data that only loading brings are loaded at most this often by themselves. */
const reloadEveryMs = 5_000;
/** A load that takes longer than this shows a bar. */
const barAfterMs = 300;

/** One page in one tab: its data, its clock, its news, and what is drawn. */
export class Page<Name extends PageData["name"] = PageData["name"]> {
  frame: Frame;
  data: DataOf<Name>;
  readonly preferences = readPreferences(document.cookie);
  readonly #options: PageOptions<Name>;
  readonly #main = document.querySelector<HTMLElement>("#main") as HTMLElement;
  readonly #runListeners = new Set<(run: ActionRun) => void>();
  #contact: Contact;
  /** Server's clock minus this browser's. */
  #offset: number;
  #pausedAt: number | undefined;
  #isDrawn = false;
  #isAsked = false;
  #loadedAt = performance.now();
  #reloadTimer: ReturnType<typeof setTimeout> | undefined;
  #loading: AbortController | undefined;
  /** What the last load failed with, in words; the rest of the page stays. */
  failure: string | undefined;

  constructor(answer: PageAnswer, options: PageOptions<Name>) {
    this.#options = options;
    this.frame = answer.frame;
    this.data = answer.page.data as DataOf<Name>;
    this.#offset = answer.frame.at - Date.now();
    this.#contact = contactOf(answer.frame, answer.frame.at);
  }

  start(): void {
    this.#main.replaceChildren();
    this.draw();
    const timer = setInterval(() => this.draw(), 1_000);
    const left = new AbortController();
    void this.#listen(left.signal);
    globalThis.addEventListener("pagehide", () => {
      clearInterval(timer);
      left.abort();
    });
    // A page out of the back-forward cache has no stream any more; its data are of then.
    globalThis.addEventListener("pageshow", ({ persisted }) => {
      if (persisted) location.reload();
    });
  }

  /** What the first picture does not need comes after it. */
  async #listen(signal: AbortSignal): Promise<void> {
    const { openFeed } = await import("./feed.ts");
    openFeed({ onEvent: (event) => this.#hear(event), onPoll: () => void this.reload() }, signal);
  }

  /** Now, by the server's clock. */
  now(): number {
    return Date.now() + this.#offset;
  }

  get isPaused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** `p`: news wait until it goes on. */
  togglePause(): void {
    this.#pausedAt = this.#pausedAt === undefined ? this.now() : undefined;
    if (this.#pausedAt === undefined) void this.reload();
    this.draw();
  }

  context(): ViewContext {
    const liveness = livenessOf(this.#contact, this.now());
    return {
      frame: this.frame,
      now: this.#pausedAt ?? (liveness.isLive ? this.now() : liveness.since),
      zone: this.preferences.zone,
      liveness,
      mayAct: this.frame.you.role === "operator" && this.frame.you.readOnly === undefined,
      preferences: this.preferences,
    };
  }

  /** Draws with the next frame of the screen, once however often it is called. */
  draw(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    const now = (): void => {
      this.#isAsked = false;
      const context = this.context();
      document.body.toggleAttribute("data-stale", !context.liveness.isLive);
      render(this.#options.view(this.data, context), this.#main);
      showHeader(context, this.isPaused, this.now());
    };
    // The first time at once: the server's heading is replaced without a blink.
    if (this.#isDrawn) requestAnimationFrame(now);
    else now();
    this.#isDrawn = true;
  }

  change(data: DataOf<Name>): void {
    this.data = data;
    this.draw();
  }

  onRun(listener: (run: ActionRun) => void): () => void {
    this.#runListeners.add(listener);
    return () => this.#runListeners.delete(listener);
  }

  /** Soon, and not more often than every few seconds. */
  reloadSoon(): void {
    if (this.#reloadTimer !== undefined) return;
    const wait = Math.max(0, this.#loadedAt + reloadEveryMs - performance.now());
    this.#reloadTimer = setTimeout(() => {
      this.#reloadTimer = undefined;
      if (document.visibilityState === "visible") void this.reload();
      else document.addEventListener("visibilitychange", () => this.reloadSoon(), { once: true });
    }, wait);
  }

  /** Loads what this address shows. Old data stay until the new ones are there. */
  async reload(): Promise<void> {
    clearTimeout(this.#reloadTimer);
    this.#reloadTimer = undefined;
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    const bar = setTimeout(() => showBar(true), barAfterMs);
    try {
      const answer = await getJson<PageAnswer>(`/api/page?path=${encodeURIComponent(location.pathname + location.search)}`, loading.signal);
      this.#take(answer);
      this.failure = undefined;
    } catch (error) {
      if (loading.signal.aborted) return;
      this.failure = error instanceof Error ? error.message : String(error);
    } finally {
      clearTimeout(bar);
      if (this.#loading === loading) {
        showBar(false);
        this.#loadedAt = performance.now();
      }
    }
    this.draw();
  }

  #take({ frame, page }: PageAnswer): void {
    // Another version of the console has other scripts.
    if (frame.version !== this.frame.version) return location.reload();
    this.frame = frame;
    this.#offset = frame.at - Date.now();
    this.#contact = contactOf(frame, frame.at);
    if (page.name !== this.#options.name) return location.reload();
    const loaded = page.data as DataOf<Name>;
    this.data = this.#options.merge?.(this.data, loaded) ?? loaded;
  }

  #hear(event: StreamEvent): void {
    switch (event.event) {
      case "hello":
      case "beat": {
        const { at, factsAt, trouble, process, revision } = event.data;
        this.#offset = at - Date.now();
        this.#contact = { heardAt: at, factsAt, ...(trouble !== undefined && { trouble }) };
        if (process !== this.frame.process || revision < this.frame.revision || event.event === "hello") this.#catchUp(process, revision);
        break;
      }
      case "patch":
        this.#contact = { ...this.#contact, heardAt: event.data.at };
        if (!this.isPaused) this.#patch(event.data);
        break;
      case "run":
        for (const listener of this.#runListeners) listener(event.data);
        break;
      case "bye":
        break;
    }
    if (event.event !== "beat") this.draw();
  }

  #catchUp(process: string, revision: number): void {
    if (this.isPaused) return;
    if (process !== this.frame.process || revision !== this.frame.revision) void this.reload();
  }

  #patch(patch: FleetPatch): void {
    if (patch.revision <= this.frame.revision) return;
    if (!isNext(this.frame, patch)) {
      this.reloadSoon();
      return;
    }
    this.frame = patchFrame(this.frame, patch);
    const patched = this.#options.patch?.(this.data, patch, this);
    if (patched !== undefined) this.data = patched.data;
    if (patched?.reload === true) this.reloadSoon();
  }
}

function contactOf({ factsAt, trouble }: Frame, heardAt: number): Contact {
  return { heardAt, factsAt, ...(trouble !== undefined && { trouble }) };
}

function showBar(isShown: boolean): void {
  document.querySelector(".loading-bar")?.remove();
  if (!isShown) return;
  const bar = document.createElement("div");
  bar.className = "loading-bar";
  document.body.append(bar);
}
