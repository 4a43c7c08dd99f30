import { noChange } from "lit-html";
import { Directive, directive, type ElementPart, type PartInfo, PartType } from "lit-html/directive.js";

class SetVariable extends Directive {
  #last: string | undefined;

  constructor(part: PartInfo) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error("setVariable belongs on an element");
  }

  render(_name: string, _value: string | number): unknown {
    return noChange;
  }

  override update(part: ElementPart, [name, value]: [string, string | number]): unknown {
    const text = String(value);
    if (text !== this.#last) (part.element as HTMLElement).style.setProperty(name, text);
    this.#last = text;
    return noChange;
  }
}

/** A custom property of an element, set through its style object: the content policy forbids style attributes (lit #4719). */
export const setVariable = directive(SetVariable);
