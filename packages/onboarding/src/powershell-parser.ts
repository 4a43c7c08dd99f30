import { ScriptSyntaxError, type Token, tokenize, type TokenKind } from "./powershell-tokens.ts";

export interface CommandUse {
  readonly name: string;
  readonly parameters: readonly string[];
  /** Values without a parameter's name. */
  readonly positional: number;
  readonly line: number;
}

export interface FunctionMade {
  readonly name: string;
  readonly parameters: readonly string[];
}

export interface ParsedScript {
  /** Outside of any block. */
  readonly topStatements: number;
  readonly commands: readonly CommandUse[];
  readonly functions: readonly FunctionMade[];
  readonly strings: readonly string[];
  /** Types that are named, as casts, in `::` or as attributes. */
  readonly types: readonly string[];
  readonly variables: { readonly set: ReadonlySet<string>; readonly read: ReadonlyMap<string, number> };
  /** Parameters of the script itself. */
  readonly parameters: readonly string[];
}

const binary = new Set(
  "eq ne gt lt ge le ceq match notmatch replace contains notcontains like notlike join split f and or in notin is as".split(" "),
);
const keywords = new Set("function param if elseif else foreach while try catch finally return throw exit continue break".split(" "));

/** @throws ScriptSyntaxError for anything that we do not write */
export function parseScript(script: string): ParsedScript {
  const tokens = tokenize(script);
  let at = 0;
  const commands: CommandUse[] = [];
  const functions: FunctionMade[] = [];
  const types: string[] = [];
  const set = new Set<string>();
  const read = new Map<string, number>();
  let scriptParameters: readonly string[] = [];

  const peek = (ahead = 0): Token => tokens[at + ahead] as Token;
  const isMark = (text: string, ahead = 0): boolean => peek(ahead)?.kind === "mark" && peek(ahead).text === text;
  const isWord = (text: string): boolean => peek().kind === "word" && peek().text.toLowerCase() === text;
  const next = (): Token => tokens[at++] as Token;
  const fail = (wanted: string): never => {
    throw new ScriptSyntaxError(`${JSON.stringify(peek().text)} where ${wanted} should be`, peek().line);
  };
  const take = (kind: TokenKind, text?: string): Token =>
    peek().kind === kind && (text === undefined || peek().text.toLowerCase() === text) ? next() : fail(text ?? kind);
  const skipLines = (): void => {
    while (peek().kind === "newline" || isMark(";")) at++;
  };
  const noteRead = (name: string, line: number): void => {
    if (!read.has(name)) read.set(name, line);
  };

  skipLines();
  scriptParameters = parameterBlock();
  const topStatements = statements("end");
  const strings = tokens.filter((token) => token.kind === "string").map((token) => token.text);
  return { topStatements, commands, functions, strings, types, variables: { set, read }, parameters: scriptParameters };

  /** Up to the closing mark, which is left, or the end. */
  function statements(until: string): number {
    let count = 0;
    for (;;) {
      skipLines();
      if (until === "end" ? peek().kind === "end" : isMark(until)) return count;
      if (peek().kind === "end") fail(until);
      statement();
      count++;
      const isOver = peek().kind === "newline" || isMark(";") || peek().kind === "end" || (until !== "end" && isMark(until));
      if (!isOver) fail("the end of a statement");
    }
  }

  function block(): void {
    skipNewlines();
    take("mark", "{");
    statements("}");
    take("mark", "}");
  }

  function skipNewlines(): void {
    while (peek().kind === "newline") at++;
  }

  function statement(): void {
    const word = peek().kind === "word" ? peek().text.toLowerCase() : "";
    if (!keywords.has(word)) {
      pipeline(true);
      return;
    }
    at++;
    switch (word) {
      case "function": {
        const name = take("word").text;
        skipNewlines();
        take("mark", "{");
        skipLines();
        const parameters = parameterBlock();
        functions.push({ name, parameters });
        statements("}");
        take("mark", "}");
        return;
      }
      case "if":
        condition();
        block();
        while (isNext("elseif")) {
          condition();
          block();
        }
        if (isNext("else")) block();
        return;
      case "while":
        condition();
        block();
        return;
      case "foreach":
        take("mark", "(");
        set.add(take("variable").text);
        take("word", "in");
        pipeline(false);
        take("mark", ")");
        block();
        return;
      case "try": {
        block();
        let handlers = 0;
        for (const clause of ["catch", "finally"]) {
          if (!isNext(clause)) continue;
          handlers++;
          block();
        }
        if (handlers === 0) fail("catch or finally");
        return;
      }
      case "return":
      case "throw":
      case "exit":
        if (peek().kind !== "newline" && peek().kind !== "end" && !isMark("}")) pipeline(false);
        return;
      case "continue":
      case "break":
        return;
      default:
        fail("a statement");
    }
  }

  /** A clause may stand on the next line; what is no clause stays where it is. */
  function isNext(word: string): boolean {
    const before = at;
    skipNewlines();
    if (isWord(word)) {
      at++;
      return true;
    }
    at = before;
    return false;
  }

  function condition(): void {
    take("mark", "(");
    pipeline(false);
    take("mark", ")");
  }

  function parameterBlock(): readonly string[] {
    attributes();
    if (!isWord("param")) return [];
    at++;
    take("mark", "(");
    const names: string[] = [];
    for (;;) {
      skipLines();
      attributes();
      const { text } = take("variable");
      names.push(text);
      set.add(text);
      if (isMark("=")) {
        at++;
        operand();
      }
      skipNewlines();
      if (!isMark(",")) break;
      at++;
    }
    take("mark", ")");
    return names;
  }

  /** `[string]`, `[ValidateSet('a', 'b')]`, `[CmdletBinding(SupportsShouldProcess = $true)]`. */
  function attributes(): void {
    for (;;) {
      if (peek().kind === "type") types.push(next().text);
      else if (isMark("[") && peek(1).kind === "word" && isMark("(", 2)) {
        at += 3;
        while (!isMark(")")) {
          if (!["word", "variable", "string", "number"].includes(peek().kind) && !isMark("=") && !isMark(","))
            fail("an attribute's argument");
          at++;
        }
        at++;
        take("mark", "]");
      } else return;
      skipNewlines();
    }
  }

  function pipeline(mayAssign: boolean): void {
    element();
    if (mayAssign && isMark("=")) {
      const target = tokens[at - 1];
      const isTarget = target?.kind === "variable" || target?.text === "]";
      if (!isTarget) fail("something that can be set");
      if (target?.kind === "variable") {
        set.add(target.text);
        if (read.get(target.text) === target.line) read.delete(target.text);
      }
      at++;
      pipeline(false);
      return;
    }
    while (isMark("|")) {
      at++;
      skipNewlines();
      element();
    }
  }

  function element(): void {
    if (peek().kind === "word") command(next());
    else if (isMark("&")) {
      at++;
      operand();
      commandArguments({ text: "&", line: peek().line });
    } else expression();
  }

  function command(name: Token): void {
    commandArguments(name);
  }

  function commandArguments({ text, line }: { readonly text: string; readonly line: number }): void {
    const parameters: string[] = [];
    let positional = 0;
    for (;;) {
      if (peek().kind === "dash") {
        parameters.push(next().text);
        if (isMark(":") && !peek().isApart) {
          at++;
          operand();
        } else if (isValue() && !isSwitch(parameters.at(-1) ?? "")) operand();
      } else if (isValue()) {
        operand();
        positional++;
      } else break;
    }
    commands.push({ name: text, parameters, positional, line });
  }

  /** Those that take no value: what follows is the next argument. */
  function isSwitch(name: string): boolean {
    return ["ListAvailable", "NoWelcome", "All", "Append", "NoTypeInformation", "Raw", "Descending"].includes(name);
  }

  function isValue(): boolean {
    if (["string", "variable", "number"].includes(peek().kind)) return true;
    return ["(", "@(", "@{", "{", "$("].some((mark) => isMark(mark));
  }

  function expression(): void {
    for (;;) {
      while (isMark("!") || isMark("-") || isMark(",") || (peek().kind === "dash" && peek().text === "not")) at++;
      operand();
      const isWordOperator = peek().kind === "dash" && binary.has(peek().text.toLowerCase());
      if (!isWordOperator && !["+", "*", "/", "..", ",", "-"].some((mark) => isMark(mark))) return;
      at++;
    }
  }

  function operand(): void {
    const token = next();
    if (token.kind === "type") {
      types.push(token.text);
      if (!isMark("::")) {
        operand();
        return;
      }
    } else if (token.kind === "variable") noteRead(token.text, token.line);
    else if (token.kind === "mark" && (token.text === "@(" || token.text === "$(" || token.text === "{")) {
      statements(token.text === "{" ? "}" : ")");
      at++;
    } else if (token.kind === "mark" && token.text === "(") {
      pipeline(false);
      take("mark", ")");
    } else if (token.kind === "mark" && token.text === "@{") table();
    else if (token.kind !== "string" && token.kind !== "number") {
      at--;
      fail("a value");
    }
    postfix();
  }

  function table(): void {
    for (;;) {
      skipLines();
      if (isMark("}")) break;
      if (peek().kind !== "word" && peek().kind !== "string") fail("a key");
      at++;
      take("mark", "=");
      pipeline(false);
    }
    at++;
  }

  function postfix(): void {
    for (;;) {
      if (peek().isApart) return;
      if (isMark(".") || isMark("::")) {
        at++;
        take("word");
        if (isMark("(") && !peek().isApart) {
          at++;
          if (!isMark(")")) expression();
          take("mark", ")");
        }
      } else if (isMark("[")) {
        at++;
        expression();
        take("mark", "]");
      } else return;
    }
  }
}
