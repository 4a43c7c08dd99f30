import fc from "fast-check";

/** Any number; it stands still (decision 47). */
const seedOfEveryRun = 20_261_128;

/** `PROPERTY_SEED=random` looks at other values each time, `PROPERTY_SEED=<number>` at those of a run that failed. */
function propertySeed(wanted: string | undefined): number | undefined {
  if (wanted === undefined || wanted === "") return seedOfEveryRun;
  if (wanted === "random") return undefined;
  const seed = Number(wanted);
  if (!Number.isSafeInteger(seed)) throw new Error(`PROPERTY_SEED is "${wanted}": it is an integer, or the word random.`);
  return seed;
}

const seed = propertySeed(process.env["PROPERTY_SEED"]);
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
