import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { attachDovecot, prepareDovecot, type RunningDovecot, waitForLogin } from "./dovecot-server.ts";

const innerPorts = { imap: 10_993, pop3: 10_995 };

/**
 * The same Dovecot in a container, with its folder mounted at the same path. Only for a Docker engine on this machine, because mailboxes are
 * filled through that folder.
 */
export async function startDovecotContainer(hasCondStore = false): Promise<RunningDovecot> {
  const dir = await mkdtemp(path.join(tmpdir(), "mailfleet-dovecot-"));
  try {
    const { GenericContainer } = await import("testcontainers");
    const configFile = await prepareDovecot(dir, innerPorts, hasCondStore);
    const container = await new GenericContainer("dovecot/dovecot:2.3.21.1")
      .withBindMounts([{ source: dir, target: dir }])
      .withEntrypoint(["dovecot"])
      .withCommand(["-F", "-o", "listen=*", "-c", configFile])
      .withExposedPorts(innerPorts.imap, innerPorts.pop3)
      .start();
    const dovecot = await attachDovecot({
      host: container.getHost(),
      port: container.getMappedPort(innerPorts.imap),
      pop3Port: container.getMappedPort(innerPorts.pop3),
      dir,
    });
    const refusal = await waitForLogin(dovecot, () => false);
    if (refusal !== undefined) throw new Error(`dovecot in a container does not take logins: ${refusal}`);
    return {
      ...dovecot,
      async stop() {
        await container.stop();
        await rm(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw new Error(
      "No Dovecot 2.3 for the tests (2.4 reads another configuration). Set TEST_IMAP_URL and TEST_POP3_URL, or install dovecot 2.3 (Debian: apt-get install dovecot-imapd dovecot-pop3d), or start a Docker engine.",
      { cause: error },
    );
  }
}
