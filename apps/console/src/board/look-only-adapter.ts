import { FastifyAdapter } from "@bull-board/fastify";

/** What the board asks for to show queues. All else that bull-board has is not registered: it acts, searches, or shows what is in jobs. */
const shownRoutes = new Set(["/api/queues", "/api/redis/stats", "/api/queues/:queueName/:jobId"]);

export class LookOnlyAdapter extends FastifyAdapter {
  override setApiRoutes(routes: Parameters<FastifyAdapter["setApiRoutes"]>[0]): FastifyAdapter {
    return super.setApiRoutes(
      routes.filter(({ method, route }) => method === "get" && typeof route === "string" && shownRoutes.has(route)),
    );
  }
}
