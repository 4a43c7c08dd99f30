/** How one person likes the console. Kept in a cookie, so that the first byte of a page already has the right colours. */
export interface Preferences {
  readonly theme: "system" | "light" | "dark";
  readonly density: "usual" | "dense";
  readonly zone: "local" | "utc";
  /** Single-key shortcuts (WCAG 2.1.4). */
  readonly keys: "on" | "off";
}

export const usualPreferences: Preferences = { theme: "system", density: "usual", zone: "local", keys: "on" };

const choices: { readonly [Name in keyof Preferences]: readonly Preferences[Name][] } = {
  theme: ["system", "light", "dark"],
  density: ["usual", "dense"],
  zone: ["local", "utc"],
  keys: ["on", "off"],
};

const cookieName = "mailfleet-view";

/** Reads them from a Cookie header or `document.cookie`; what is not known is as usual. */
export function readPreferences(cookies: string | undefined): Preferences {
  const value = (cookies ?? "")
    .split(";")
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${cookieName}=`))
    ?.slice(cookieName.length + 1);
  const words = new Map((value ?? "").split(".").map((pair) => pair.split("-", 2) as [string, string]));
  const choose = <Name extends keyof Preferences>(name: Name): Preferences[Name] =>
    choices[name].find((choice) => choice === words.get(name)) ?? usualPreferences[name];
  return { theme: choose("theme"), density: choose("density"), zone: choose("zone"), keys: choose("keys") };
}

/** For `document.cookie`; holds nothing secret and names nobody. */
export function preferencesCookie(preferences: Preferences): string {
  const value = Object.entries(preferences)
    .map(([name, choice]) => `${name}-${choice}`)
    .join(".");
  return `${cookieName}=${value}; Path=/; Max-Age=31536000; SameSite=Strict`;
}
