import { noChange } from "lit-html";
import { Directive, directive, type ElementPart, type PartInfo, PartType } from "lit-html/directive.js";

class Flash extends Directive {
  #last: unknown;
  #isDrawn = false;

  constructor(part: PartInfo) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error("flash belongs on an element");
  }

  render(_value: unknown): unknown {
    return noChange;
  }

  override update({ element }: ElementPart, [value]: [unknown]): unknown {
    if (this.#isDrawn && value !== this.#last) {
      element.classList.remove("changed");
      // The animation begins anew only when the element was drawn without it.
      requestAnimationFrame(() => element.classList.add("changed"));
    }
    this.#last = value;
    this.#isDrawn = true;
    return noChange;
  }
}

/** Tints an element for a moment when its value is another than before; the style sheet leaves it out with reduced motion. */
export const flash = directive(Flash);
