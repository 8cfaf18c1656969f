/**
 * The health check of every container of ours, bundled beside `main.mjs`: exit code 0 when the service
 * on loopback answers `/healthz`. `node:http` alone, since this starts every few seconds.
 */
import { get } from "node:http";

const request = get({ host: "127.0.0.1", port: 9090, path: "/healthz", timeout: 2_000 }, (response) => {
  process.exit(response.statusCode === 200 ? 0 : 1);
});
request.on("timeout", () => process.exit(1));
request.on("error", () => process.exit(1));
