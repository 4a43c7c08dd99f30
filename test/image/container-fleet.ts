import { GenericContainer, getContainerRuntimeClient, Network, type StartedNetwork, type StartedTestContainer, Wait } from "testcontainers";
import { uniqueName } from "@mailfleet/testkit";
import { root } from "../e2e/fleet.ts";

/** As compose file and chart run it. */
class ConfinedContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.hostConfig.ReadonlyRootfs = true;
    this.withDroppedCapabilities("ALL").withSecurityOpt("no-new-privileges:true").withTmpFs({ "/tmp": "rw" });
  }
}

/** Redis, a sandbox and roles in containers of their own, on a network of their own. */
export interface ContainerFleet {
  readonly image: string;
  readonly redisUrl: string;
  /** Resolves when the image's own health check says that it is well. */
  start(role: "producer" | "worker"): Promise<StartedTestContainer>;
  /** SIGTERM, as an engine does it. @returns exit code and how long it took */
  stop(container: StartedTestContainer): Promise<{ readonly code: number; readonly ms: number }>;
  close(): Promise<void>;
}

const password = "a-password-of-the-test-alone";
/** After this an engine kills: what the compose file says. */
const graceSeconds = 20;

/** @throws Error where no engine answers: these tests are for where one does */
export async function startContainerFleet(): Promise<ContainerFleet> {
  const { container: engine } = await getContainerRuntimeClient();
  const image = process.env["TEST_IMAGE"] ?? "mailfleet-under-test";
  if (process.env["TEST_IMAGE"] === undefined)
    await GenericContainer.fromDockerfile(root).withBuildkit().build(image, { deleteOnExit: false });
  const config = uniqueName("mailfleet-config");
  /** Of the roles, and where Redis has its socket: without TLS a role speaks to no other machine. */
  const data = uniqueName("mailfleet-data");
  const started: StartedTestContainer[] = [];
  const network: StartedNetwork = await new Network().start();
  const close = async (): Promise<void> => {
    for (const one of started.toReversed()) await one.stop({ timeout: 1_000 }).catch(() => undefined);
    await network.stop();
    for (const volume of [config, data]) await engine.dockerode.getVolume(volume).remove();
  };
  const run = async (container: GenericContainer): Promise<StartedTestContainer> => {
    const one = await container.withNetwork(network).start();
    started.push(one);
    return one;
  };
  try {
    const ports = ["--token-port", "8443", "--imap-port", "1993", "--pop3-port", "1995"];
    const listen = ["--name", "sandbox", "--host", "0.0.0.0", "--insecure-listen-anywhere"];
    const world = ["--tenant", "contoso:6:300", "--no-faults"];
    const sandbox = await run(
      new ConfinedContainer(image)
        .withCommand(["sandbox", "--data-dir", "/etc/mailfleet", ...listen, ...ports, ...world])
        .withNetworkAliases("sandbox")
        .withBindMounts([
          { source: config, target: "/etc/mailfleet" },
          { source: data, target: "/data" },
        ])
        .withWaitStrategy(Wait.forLogMessage(/"ready":true/)),
    );
    // A volume takes its owner from the image that mounts it, for as long as it is empty.
    await sandbox.exec(["touch", "/data/taken"]);
    const durable = ["--appendonly", "yes", "--maxmemory-policy", "noeviction", "--requirepass", password];
    const redis = await run(
      new GenericContainer("redis:7.4-alpine")
        .withCommand(["redis-server", ...durable, "--unixsocket", "/data/redis.sock", "--unixsocketperm", "700"])
        .withUser("1000:1000")
        .withBindMounts([{ source: data, target: "/data" }])
        .withWorkingDir("/data")
        .withExposedPorts(6379),
    );
    return {
      image,
      redisUrl: `redis://:${password}@${redis.getHost()}:${redis.getMappedPort(6379)}`,
      start: (role) =>
        run(
          new ConfinedContainer(image)
            .withCommand([role, "--config", "/etc/mailfleet/mailfleet.yaml"])
            .withEnvironment({
              MAILFLEET_REDIS_URL: "unix:///data/redis.sock",
              MAILFLEET_REDIS_PASSWORD_ENV: "REDIS_PASSWORD",
              REDIS_PASSWORD: password,
            })
            .withBindMounts([
              { source: config, target: "/etc/mailfleet", mode: "ro" },
              { source: data, target: "/data" },
            ])
            .withWaitStrategy(Wait.forHealthCheck()),
        ),
      async stop(container) {
        const inner = engine.getById(container.getId());
        const startedAt = performance.now();
        await inner.stop({ t: graceSeconds });
        const { State } = await inner.inspect();
        return { code: State.ExitCode, ms: performance.now() - startedAt };
      },
      close,
    };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}
