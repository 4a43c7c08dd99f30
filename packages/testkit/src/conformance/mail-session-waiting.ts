import { allUids, collect, fill, longMs, mail, never, type Against, type Vitest } from "./mail-session-bench.ts";
import type { MailWorld } from "./mail-world.ts";

/** The part of {@link describeMailSession} about IDLE. */
export function describeWaiting(against: Against, { describe, test, expect }: Vitest): void {
  describe("waiting", () => {
    /** Three kinds of change, each made while the session waits. */
    const changes: readonly (readonly [string, (world: MailWorld, uid: number) => Promise<unknown>])[] = [
      ["new mail", (world) => world.deliver("INBOX", mail("new"))],
      ["a flag", (world, uid) => world.setFlags("INBOX", uid, ["\\Flagged"])],
      ["a removal", (world, uid) => world.expunge("INBOX", [uid])],
    ];

    test.each(changes)("ends with %s, and the session can be used on", async (_name, change) => {
      await against(async (world, openSession) => {
        const [a = 0] = await fill(world, "INBOX", ["a", "b"]);
        const session = await openSession();
        await session.open("INBOX");
        const waiting = session.idle(longMs, never);
        await change(world, a);
        expect(await waiting).toBe("moved");
        const { messages } = await session.status("INBOX");
        expect(await session.listUids(1, allUids)).toHaveLength(messages);
        expect(await session.idle(1, never)).toBe("quiet");
      })();
    });

    test(
      "does not miss what moved between two waits, or between opening and waiting",
      against(async (world, openSession) => {
        const [a = 0] = await fill(world, "INBOX", ["a"]);
        const session = await openSession();
        await session.open("INBOX");
        await world.deliver("INBOX", mail("b"));
        // The server may tell it in any of these answers, and then tells it no more.
        await session.status("INBOX");
        await session.listUids(1, allUids);
        await collect(session.fetch([a]));
        expect(await session.idle(longMs, never)).toBe("moved");
        await world.expunge("INBOX", [a]);
        expect(await session.idle(longMs, never)).toBe("moved");
      }),
    );

    test(
      "is quiet when nothing moved: after its time, or when it is called off",
      against(async (world, openSession) => {
        await fill(world, "INBOX", ["a"]);
        await world.createFolder("Box");
        const session = await openSession();
        await session.open("INBOX");
        expect(await session.idle(50, never)).toBe("quiet");
        // Elsewhere is not here.
        await fill(world, "Box", ["x"]);
        expect(await session.idle(50, never)).toBe("quiet");
        const controller = new AbortController();
        const waiting = session.idle(longMs, controller.signal);
        controller.abort(new Error("called off"));
        expect(await waiting).toBe("quiet");
        expect((await session.status("INBOX")).messages).toBe(1);
      }),
    );
  });
}
