import type { ActionRun } from "@mailfleet/core/console";
import { html, nothing, render, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { copyButton } from "../parts/copy-button.ts";
import { say } from "./say.ts";

interface Toast {
  readonly id: string;
  words: string;
  command?: string;
  /** Absent where there is nothing to undo, or it is too late. */
  undo?: (() => void) | undefined;
  isBusy: boolean;
  isBad: boolean;
  timer?: ReturnType<typeof setTimeout> | undefined;
}

/** Longer than it takes to read and reach the button, also by keyboard. */
const shownMs = 10_000;
const toasts: Toast[] = [];

/** What somebody did and what became of it, in a corner, with its Undo. Stays while it runs, and ten seconds after. */
export function toastRun(run: ActionRun, now: number, undo: () => void): void {
  const canUndo = run.state !== "undone" && run.state !== "failed" && run.undoUntil !== undefined && run.undoUntil > now;
  const isBusy = run.state === "waiting" || run.state === "running";
  const toast = toastOf(run.id);
  const isNews = toast.words === "" || (!isBusy && toast.isBusy);
  toast.words = run.words;
  if (run.command !== "") toast.command = run.command;
  toast.undo = canUndo ? undo : undefined;
  toast.isBusy = isBusy;
  toast.isBad = run.state === "failed";
  if (isNews) say(run.words);
  clearTimeout(toast.timer);
  toast.timer = isBusy ? undefined : setTimeout(() => drop(toast), canUndo ? Math.max(shownMs, (run.undoUntil ?? 0) - now) : shownMs);
  draw();
}

/** What was refused, and why. @param command does what was refused, in a terminal */
export function toastError(words: string, todo = "", command?: string): void {
  const toast = toastOf(`error ${words}`);
  if (command !== undefined) toast.command = command;
  toast.words = todo === "" ? words : `${words} ${todo}`;
  toast.isBad = true;
  say(toast.words);
  clearTimeout(toast.timer);
  // With a command it is for pasting: it stays until it is closed.
  toast.timer = command === undefined ? setTimeout(() => drop(toast), shownMs) : undefined;
  draw();
}

function toastOf(id: string): Toast {
  const found = toasts.find((one) => one.id === id);
  if (found !== undefined) return found;
  const toast: Toast = { id, words: "", isBusy: false, isBad: false };
  toasts.push(toast);
  return toast;
}

function drop(toast: Toast): void {
  const at = toasts.indexOf(toast);
  if (at !== -1) toasts.splice(at, 1);
  clearTimeout(toast.timer);
  draw();
}

function draw(): void {
  const box = document.querySelector<HTMLElement>("#toasts");
  if (box !== null)
    render(
      repeat(toasts, ({ id }) => id, toastView),
      box,
    );
}

function toastView(toast: Toast): TemplateResult {
  const { words, command, undo, isBad } = toast;
  return html`<div
    class="toast ${isBad ? "bad" : ""}"
    @focusin=${() => clearTimeout(toast.timer)}
    @pointerenter=${() => clearTimeout(toast.timer)}
  >
    <p>${words}${isBad && command !== undefined ? html`<code class="toast-command">${command}</code>` : nothing}</p>
    ${undo === undefined ? nothing : html`<button class="button" type="button" @click=${undo}>Undo</button>`} ${copyButton(command)}
    <button class="button quiet icon-only" type="button" aria-label="Close" @click=${() => drop(toast)}>
      <svg class="icon" aria-hidden="true"><use href="#i-close"></use></svg>
    </button>
  </div>`;
}
