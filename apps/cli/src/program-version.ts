import { programVersion as versionOf } from "@mailfleet/runtime";

export function programVersion(): string {
  return versionOf(new URL("../package.json", import.meta.url));
}
