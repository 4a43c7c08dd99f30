const inspectCustom = Symbol.for("nodejs.util.inspect.custom");

/**
 * A credential, token or key that must never be printed (threats T01 to T05).
 * String(), JSON.stringify() and util.inspect() all give `[secret]`; only `reveal()` gives the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspectCustom](): string {
    return "[secret]";
  }
}
