/**
 * A service for the test of the life cycle, run as a process of its own. Its one argument says what to
 * be: `well` or `misconfigured`.
 */
import { createServer, type ServerResponse } from "node:http";
import { ConfigError } from "../config.ts";
import { runService } from "../lifecycle.ts";

const [, , mode] = process.argv;
const ANY_PORT = 0;

await runService(
  "tester",
  async ({ logger }) => {
    if (mode === "misconfigured") throw new ConfigError("wrong configuration: LISTEN_PORT: not a number");
    const streams = new Set<ServerResponse>();
    const server = createServer((request, response) => {
      if (request.url === "/stream") {
        streams.add(response);
        response.write("data\n");
      } else if (request.url === "/slow") {
        logger.info("slow begins");
        setTimeout(() => response.end("done"), 300);
      } else if (request.url === "/broken") {
        setImmediate(() => {
          throw new Error("a surprise");
        });
      } else response.end("ok");
    });
    return {
      listeners: [{ server, port: ANY_PORT, host: "127.0.0.1" }],
      readiness: {},
      drain() {
        for (const stream of streams) stream.end("bye\n");
      },
      close: async () => logger.info("closed"),
    };
  },
  ANY_PORT,
);
