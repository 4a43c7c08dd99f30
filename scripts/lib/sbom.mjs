/**
 * What a part of the repository installs, of npm's CycloneDX document of all of it. `npm sbom --omit=dev` leaves out what the root names among
 * its tools, and with it BullMQ, ioredis and the parser, which workspaces need; `--workspace` leaves out what lies in the root's folder.
 * So: everything that is reached from the apps, along edges that are no development ones of a workspace.
 * @param full npm's document, nothing left out
 * @param manifests of all workspaces
 * @param {string[]} apps package names
 */
export function sbomOf(full, manifests, apps, name) {
  const edges = new Map(full.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const refOf = new Map(manifests.map((manifest) => [manifest.name, `${manifest.name}@${manifest.version}`]));
  const needs = new Map(manifests.map((manifest) => [refOf.get(manifest.name), neededBy(manifest)]));
  const reached = new Map();
  const open = apps.map((app) => {
    const ref = refOf.get(app);
    if (!edges.has(ref)) throw new Error(`There is no package ${app} in the bill of materials.`);
    return ref;
  });
  while (open.length > 0) {
    const ref = open.pop();
    if (reached.has(ref)) continue;
    const needed = needs.get(ref);
    const dependsOn = (edges.get(ref) ?? []).filter((one) => needed === undefined || needed.has(nameOf(one)));
    reached.set(ref, dependsOn);
    open.push(...dependsOn);
  }
  const component = { ...full.metadata.component, name };
  return {
    ...full,
    metadata: { ...full.metadata, component },
    components: full.components.filter((one) => reached.has(one["bom-ref"])).map(withFullName),
    dependencies: [
      { ref: component["bom-ref"], dependsOn: apps.map((app) => refOf.get(app)) },
      ...[...reached].map(([ref, dependsOn]) => ({ ref, dependsOn })),
    ],
  };
}

function neededBy({ dependencies = {}, optionalDependencies = {}, peerDependencies = {} }) {
  return new Set(Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }));
}

/** npm names a workspace by its folder. */
function withFullName(component) {
  const isWorkspace = component["bom-ref"].startsWith("@mailfleet/");
  return isWorkspace ? { ...component, name: nameOf(component["bom-ref"]) } : component;
}

function nameOf(ref) {
  return ref.slice(0, ref.lastIndexOf("@"));
}
