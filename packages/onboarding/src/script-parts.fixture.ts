/** A function of a script as it stands there; an error when there is none of the name. */
export function functionText(script: string, name: string): string {
  const begin = script.indexOf(`\nfunction ${name} {`);
  if (begin === -1) throw new RangeError(`no function ${name}`);
  return script.slice(begin + 1, script.indexOf("\n}", begin) + 2);
}
