/** Whether somebody is at work in a part of the page: then nothing in it may move. */
export class QuietHands {
  readonly #selector: string;
  readonly #onQuiet: () => void;
  #isPointed = false;

  /** @param onQuiet called when the pointer and the focus have left */
  constructor(selector: string, onQuiet: () => void) {
    this.#selector = selector;
    this.#onQuiet = onQuiet;
    document.addEventListener("pointerover", ({ target, pointerType }) => {
      // A finger has no place where it rests.
      this.#point(pointerType !== "touch" && target instanceof Element && target.closest(selector) !== null);
    });
    document.documentElement.addEventListener("pointerleave", () => this.#point(false));
    document.addEventListener("focusout", () => setTimeout(() => this.#look()));
  }

  get isBusy(): boolean {
    const focused = document.activeElement;
    return this.#isPointed || (focused !== null && focused !== document.body && focused.closest(this.#selector) !== null);
  }

  #point(isPointed: boolean): void {
    if (isPointed === this.#isPointed) return;
    this.#isPointed = isPointed;
    this.#look();
  }

  #look(): void {
    if (!this.isBusy) this.#onQuiet();
  }
}
