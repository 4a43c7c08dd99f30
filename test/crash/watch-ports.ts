import type { EnginePorts } from "@mailfleet/engine";
import { givenRules, portRules, type Rule, type Rules } from "./effects.ts";

/** One call that is an effect. */
export interface EffectCall {
  /** Such as `handOff.commit`. */
  readonly name: string;
  readonly rule: Exclude<Rule, { readonly is: "pure" | "holder" }>;
  /** Ends what the call was made on, as a broken connection does; nothing for what goes on. */
  readonly breakOff: () => void;
}

export interface EffectWatcher {
  /** Before every call of a port, pure or not. Throws when the process is dead. */
  before(): void;
  /** Answers the call, by `run` or not. */
  call<R>(effect: EffectCall, run: () => R): R;
  callAsync<R>(effect: EffectCall, run: () => Promise<R>): Promise<R>;
}

/** The ports with every call going through the watcher, also the calls of what ports give out. */
export function watchPorts(ports: EnginePorts, watcher: EffectWatcher): EnginePorts {
  const watched: Record<string, unknown> = {};
  for (const [name, port] of Object.entries(ports)) {
    watched[name] = watch(port as object, portRules[name as keyof EnginePorts], name, watcher);
  }
  return watched as unknown as EnginePorts;
}

/** @throws Error for a method that `effects.ts` does not classify, as soon as it is looked at */
function watch(target: object, rules: Rules | undefined, name: string, watcher: EffectWatcher): object {
  const ruleOf = (method: string): Rule => {
    const rule = rules !== undefined && Object.hasOwn(rules, method) ? rules[method] : undefined;
    if (!rule) throw new Error(`${name}.${method} is not classified: say in test/crash/effects.ts whether it is an effect`);
    return rule;
  };
  if (typeof target === "function") {
    const rule = ruleOf("call");
    return (...args: unknown[]) => callOf(name, rule, target, () => (target as (...all: unknown[]) => unknown)(...args), watcher);
  }
  if (Symbol.asyncIterator in target) return watchItems(target as AsyncIterable<unknown>, ruleOf, name, watcher);
  return new Proxy(target, {
    get(_, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof property === "symbol") return value;
      if (typeof value !== "function") return isIterable(value) ? watchHeld(value, ruleOf(property), watcher) : value;
      const rule = ruleOf(property);
      return (...args: unknown[]) => callOf(`${name}.${property}`, rule, target, () => Reflect.apply(value, target, args), watcher);
    },
  });
}

function isIterable(value: unknown): value is object {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function watchHeld(value: object, rule: Rule, watcher: EffectWatcher): object {
  if (rule.gives === undefined) throw new Error("a holder gives something");
  return watch(value, givenRules[rule.gives], rule.gives, watcher);
}

function callOf(name: string, rule: Rule, target: object, run: () => unknown, watcher: EffectWatcher): unknown {
  watcher.before();
  const give = (result: unknown): unknown => {
    if (rule.gives === undefined || result === undefined) return result;
    return watch(result as object, givenRules[rule.gives], rule.gives, watcher);
  };
  const effect = { name, rule, breakOff: () => breakOff(target) };
  switch (rule.is) {
    case "pure": {
      const result = run();
      return result instanceof Promise ? result.then(give) : give(result);
    }
    case "sync-effect":
      return give(watcher.call(effect as EffectCall, run));
    case "holder":
      throw new Error(`${name} is no method`);
    case "question":
    case "effect":
      return watcher.callAsync(effect as EffectCall, async () => run()).then(give);
  }
}

/** Each item is asked for by a call of its own: what comes in pieces may end after any of them. */
function watchItems(items: AsyncIterable<unknown>, ruleOf: (method: string) => Rule, name: string, watcher: EffectWatcher): object {
  return {
    [Symbol.asyncIterator]() {
      const iterator = items[Symbol.asyncIterator]();
      return {
        next: () => callOf(`${name}.next`, ruleOf("next"), items, () => iterator.next(), watcher),
        return: () => callOf(`${name}.return`, ruleOf("return"), items, async () => iterator.return?.() ?? { done: true }, watcher),
      };
    },
  };
}

/** A session that an answer was lost on is not used again. */
function breakOff(target: object): void {
  if ("close" in target && typeof target.close === "function") void Reflect.apply(target.close, target, []);
}
