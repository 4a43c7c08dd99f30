import { boardPath, type QueueBoard } from "../board/queue-board.ts";
import type { ConsoleServer } from "./console-server.ts";

/** The raw queues, for operators. Only what looks: a change of the board has no route here. */
export function addBoardRoutes(server: ConsoleServer, board: QueueBoard): void {
  server.reads(boardPath, "operator", async (request, reply) => board.answer(request, reply));
  // Its page asks every few seconds by itself.
  server.reads(`${boardPath}/*`, "operator", async (request, reply) => board.answer(request, reply), { isAutomatic: true });
}
