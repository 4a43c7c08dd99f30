import { limits } from "@mailfleet/core";
import type { AboutPage, ConfigItem } from "@mailfleet/core/console";
import type { Person } from "../http/sessions.ts";
import { processItem } from "./fleet-page.ts";
import type { PageSources } from "./page-sources.ts";

export async function aboutPage(sources: PageSources, _person: Person): Promise<AboutPage> {
  const [processes, redis, load] = await Promise.all([sources.processes(), sources.redis(), sources.load()]);
  return {
    processes: processes.map(processItem),
    redis,
    node: process.versions.node,
    config: configItems(sources.config),
    limits: Object.entries(limits).flatMap(([name, value]) => (typeof value === "number" ? [{ name, value }] : [])),
    load,
    marks: sources.config.downstream,
  };
}

const mostItems = 500;

/** The configuration, a line each; mailboxes are counted, and secrets read `set`. */
function configItems(config: object): readonly ConfigItem[] {
  const items: ConfigItem[] = [];
  const walk = (path: string, value: unknown): void => {
    if (items.length >= mostItems) return;
    if (isSecret(value)) items.push({ path, value: "set" });
    else if (Array.isArray(value))
      items.push({ path, value: path.endsWith(".mailboxes") ? `${value.length} mailboxes` : value.map(String).join(", ") });
    else if (typeof value === "object" && value !== null)
      for (const [name, inner] of Object.entries(value)) walk(path === "" ? name : `${path}.${name}`, inner);
    else if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") items.push({ path, value: `${value}` });
  };
  walk("", config);
  return items;
}

function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && "reveal" in value;
}
